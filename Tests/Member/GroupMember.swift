import Foundation
import LogbookClient
import SegmentLog
import Synchronization

/// `group-member --bootstrap ADDRESS --group GROUP --topic TOPIC --kind KIND --log FILE`: a member of a group that logs
/// all that happens to it, until SIGTERM. `Tests/Interop/churn.py` starts it, and kills it.
///
/// KIND is cooperative, eager or consumer. A record's value is to be its offset.
@main
struct GroupMember {
    private static let isStopping = Atomic<Bool>(false)

    static func main() async {
        signal(SIGTERM) { _ in GroupMember.isStopping.store(true, ordering: .releasing) }
        do {
            let flags = try Flags(CommandLine.arguments.dropFirst())
            let log = try MemberLog(path: flags["--log"])
            let consumer = try Consumer(flags.configuration())
            let member = Member(log: log)
            try consumer.subscribe([flags["--topic"]], listener: member)
            log.started()
            await member.read(consumer) { isStopping.load(ordering: .acquiring) }
            await consumer.close(timeout: .seconds(20))
            log.stopped()
        } catch {
            FileHandle.standardError.write(Data("group-member: \(error)\n".utf8))
            exit(1)
        }
    }
}

/// What was asked for; every flag has a value.
struct Flags {
    private var values: [String: String] = [:]

    init(_ arguments: ArraySlice<String>) throws {
        var rest = arguments
        while let name = rest.popFirst() {
            guard let value = rest.popFirst() else { throw Failure("\(name) needs a value") }
            values[name] = value
        }
    }

    subscript(name: String) -> String {
        get throws {
            guard let value = values[name] else { throw Failure("\(name) is missing") }
            return value
        }
    }

    func configuration() throws -> ConsumerConfiguration {
        var configuration = ConsumerConfiguration(bootstrapServers: try self["--bootstrap"])
        configuration.groupID = try self["--group"]
        configuration.autoOffsetReset = .earliest
        configuration.enableAutoCommit = false
        if let session = values["--session-ms"].flatMap(Int32.init) {
            configuration.sessionTimeoutMilliseconds = session
        }
        if let heartbeat = values["--heartbeat-ms"].flatMap(Int32.init) {
            configuration.heartbeatIntervalMilliseconds = heartbeat
        }
        switch try self["--kind"] {
        case "cooperative": configuration.partitionAssignmentStrategy = [CooperativeStickyAssignor()]
        case "eager": configuration.partitionAssignmentStrategy = [RangeAssignor()]
        case "consumer": configuration.groupProtocol = .consumer
        case let kind: throw Failure("--kind takes cooperative, eager or consumer, not \(kind)")
        }
        return configuration
    }
}
