import ConsumerGroups
import Foundation
import LogbookClient
import SegmentLog
import WireProtocol

/// A consumer in a process of its own, `phase4 member …`, so that it can be killed. It says line by line what it does.
///
/// It commits a partition's offset after every tenth record of it, and when it has to give the partition up.
final class Member: RebalanceListener {
    /// What it is told when it is started.
    struct Orders {
        var name: String
        var server: String
        var group: String
        var topic: String
        /// `range`, `cooperative-sticky`, or `consumer` for the protocol of KIP-848.
        var way: String
        var sessionMilliseconds: Int32

        /// As arguments of a command.
        var arguments: [String] { ["member", name, server, group, topic, way, "\(sessionMilliseconds)"] }

        init(name: String, server: String, group: String, topic: String, way: String, session: Int32) {
            (self.name, self.server, self.group) = (name, server, group)
            (self.topic, self.way, sessionMilliseconds) = (topic, way, session)
        }

        init?(_ arguments: [String]) {
            guard arguments.count == 7, arguments[0] == "member", let session = Int32(arguments[6]) else { return nil }
            self.init(
                name: arguments[1], server: arguments[2], group: arguments[3], topic: arguments[4], way: arguments[5],
                session: session)
        }
    }

    /// The value of a record that takes long to work on: until the member is told to go on.
    static let slow = "slow"

    /// A member of KIP-848 draws its own id, and assignors go by the order of the ids: with these it is that of the names.
    private static let seeds: [String: UInt64] = ["a": 3, "b": 5, "c": 4]

    private let orders: Orders
    /// By partition, the next offset to read.
    private let positions = Lock([TopicPartition: Int64]())
    private let mustQuit = Lock(false)

    init(_ orders: Orders) { self.orders = orders }

    func run() async throws {
        let (told, telling) = AsyncStream<String>.makeStream()
        try startThread { [mustQuit] in
            while let line = readLine() {
                if line == "quit" { mustQuit.withLock { $0 = true } }
                telling.yield(line)
            }
            // Whoever started it has gone.
            exit(0)
        }
        var lines = told.makeAsyncIterator()
        let consumer = try Consumer(configuration, seed: Self.seeds[orders.name] ?? 0)
        try consumer.subscribe([orders.topic], listener: self)
        while !mustQuit.withLock({ $0 }) {
            for record in try await consumer.poll(timeout: .milliseconds(100)) {
                Self.say("read \(record.topicPartition.partition) \(record.offset)")
                if record.value?.utf8 == Self.slow { _ = await lines.next() }
                positions.withLock { $0[record.topicPartition] = record.offset + 1 }
                if (record.offset + 1) % 10 == 0 { await commit([record.topicPartition], consumer) }
            }
        }
        await consumer.close(timeout: .seconds(30))
    }

    private var configuration: ConsumerConfiguration {
        var configuration = ConsumerConfiguration(bootstrapServers: orders.server)
        configuration.clientID = orders.name
        configuration.groupID = orders.group
        configuration.autoOffsetReset = .earliest
        configuration.enableAutoCommit = false
        configuration.sessionTimeoutMilliseconds = orders.sessionMilliseconds
        configuration.heartbeatIntervalMilliseconds = 100
        switch orders.way {
        case "range": configuration.partitionAssignmentStrategy = [RangeAssignor()]
        case "cooperative-sticky": configuration.partitionAssignmentStrategy = [CooperativeStickyAssignor()]
        default: configuration.groupProtocol = .consumer
        }
        return configuration
    }

    private func commit(_ partitions: [TopicPartition], _ consumer: Consumer) async {
        let places = positions.withLock { positions in positions.filter { partitions.contains($0.key) } }
        do {
            try await consumer.commit(places.mapValues { OffsetAndMetadata($0) })
        } catch {
            return Self.say("error \(error)")
        }
        for (name, offset) in places { Self.say("committed \(name.partition) \(offset)") }
    }

    // MARK: What it is told

    func partitionsAssigned(_ partitions: [TopicPartition], to consumer: Consumer) async {
        say("assigned", partitions)
    }

    func partitionsRevoked(_ partitions: [TopicPartition], from consumer: Consumer) async {
        await commit(partitions, consumer)
        forget(partitions)
        say("revoked", partitions)
    }

    func partitionsLost(_ partitions: [TopicPartition], from consumer: Consumer) async {
        forget(partitions)
        say("lost", partitions)
    }

    private func forget(_ partitions: [TopicPartition]) {
        positions.withLock { positions in for name in partitions { positions[name] = nil } }
    }

    private func say(_ what: String, _ partitions: [TopicPartition]) {
        Self.say(([what] + partitions.map { "\($0.partition)" }).joined(separator: " "))
    }

    /// One write, so that a line is there wholly or not at all when the process is killed.
    private static func say(_ line: String) { FileHandle.standardOutput.write(Data((line + "\n").utf8)) }
}
