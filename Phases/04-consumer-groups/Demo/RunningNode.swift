import ConsumerGroups
import SegmentLog
import WireProtocol

/// A node that serves on a thread of its own, and one client's connection to it.
final class RunningNode {
    let address: SocketAddress
    let connection: BlockingConnection
    /// Whether it is worth hearing what it logs.
    private let isHeard = Lock(true)

    /// Starts a node with what is on `disk`.
    init(on disk: MemoryDisk, seed: UInt64) throws {
        let listeners = try Listeners(bindingTo: [SocketAddress(host: "127.0.0.1", port: 0)])
        let address = listeners.addresses[0]
        try startThread { [isHeard] in
            do {
                // The node and its reactor live on this thread, and nowhere else.
                let node = try GroupsNode(at: address, on: disk, Self.settings, seed: seed)
                _ = try Reactor(node, listeners: listeners) { line in
                    if line.level > .info, isHeard.withLock({ $0 }) { print("the node says: \(line)") }
                }.run()
            } catch {
                print("the node failed: \(error)")
            }
        }
        self.address = address
        connection = try BlockingConnection(to: address)
    }

    /// A demonstration does not wait as long as Kafka does.
    static var settings: GroupSettings {
        var settings = GroupSettings()
        settings.minSessionTimeoutMilliseconds = 1_000
        settings.initialRebalanceDelayMilliseconds = 0
        settings.consumerSessionTimeoutMilliseconds = 4_000
        settings.consumerHeartbeatIntervalMilliseconds = 100
        settings.offsetsPartitionCount = 8
        return settings
    }

    /// Forgets the node, whose power is about to fail: it says so when it comes to write.
    func abandon() { isHeard.withLock { $0 = false } }

    /// Sends a request in its newest version, and waits for the answer.
    func ask<Asked: Request>(_ request: Asked) throws -> Asked.Response {
        try connection.ask(request)
    }

    /// Creates a topic.
    func create(_ name: String, partitions: Int32) throws {
        var topic = CreateTopicsRequest.Topic()
        (topic.name, topic.partitionCount, topic.replicationFactor) = (name, partitions, 1)
        var request = CreateTopicsRequest()
        request.topics = [topic]
        let code = try ask(request).topics.first?.errorCode
        guard code == ErrorCode.none else { throw DemoFailure("\(name) was not created: \(code.debugDescription)") }
    }

    /// The offsets that a group has committed of a topic: partition by partition.
    func committed(_ group: String, _ topic: String) throws -> [(partition: Int32, offset: Int64)] {
        var asked = OffsetFetchRequest.Group()
        asked.groupID = group
        var request = OffsetFetchRequest()
        request.groups = [asked]
        let topics = try ask(request).groups.first?.topics ?? []
        let partitions = topics.first { $0.name == topic }?.partitions ?? []
        return partitions.map { ($0.index, $0.committedOffset) }.sorted { $0.0 < $1.0 }
    }

    /// The records of a partition, as a consumer is sent them.
    func batches(_ topic: String, _ partition: Int32) throws -> [RecordBatch] {
        var found: [RecordBatch] = []
        var next: Int64 = 0
        while true {
            var asked = FetchRequest.Partition()
            (asked.index, asked.fetchOffset, asked.maxBytes) = (partition, next, 1 << 20)
            var wanted = FetchRequest.Topic()
            (wanted.name, wanted.partitions) = (topic, [asked])
            var request = FetchRequest()
            (request.maxWaitMilliseconds, request.minBytes, request.topics) = (0, 0, [wanted])
            // Version 12 names topics; later ones know them by their ids.
            let answer = try connection.ask(request, version: 12)?.topics.first?.partitions.first
            guard let answer, answer.errorCode == .none, case .bytes(var rest)? = answer.records, rest.count > 0 else {
                return found
            }
            while rest.count > 0 {
                let batch = try RecordBatch(checking: rest)
                found.append(batch)
                next = batch.header.nextOffset.value
                rest = rest.dropFirst(batch.bytes.count)
            }
        }
    }
}

extension BlockingConnection {
    /// Sends a request in its newest version, and waits for the answer.
    func ask<Asked: Request>(_ request: Asked, as client: String = "demo") throws -> Asked.Response {
        let version = Asked.apiKey.versions.upperBound
        guard let answer = try ask(request, version: version, clientID: client) else { throw DemoFailure("no answer") }
        return answer
    }
}

struct DemoFailure: Error, CustomStringConvertible {
    var description: String
    init(_ description: String) { self.description = description }
}
