import Broker
import SegmentLog
import Testing
import WireProtocol

@testable import LogbookClient

/// Consumers' machines before a real broker's node: what both sides make of the protocol is what is tested.
@Suite("Consumers in a group of a simulated broker", .timeLimit(.minutes(10)))
struct GroupWorldTests {
    enum Way: CaseIterable { case range, cooperativeSticky, server }

    /// A topic of five partitions, what was written to it, and what was read by whom.
    private final class Shared {
        let world: ClientWorld<ConsumerMachine>
        let way: Way
        var random: SplitMix64
        var written: [TopicPartition: [String]] = [:]
        var read: [TopicPartition: [String]] = [:]
        let names = (0..<5).map { TopicPartition("t", $0) }

        init(_ way: Way, _ seed: Int) throws {
            self.way = way
            random = SplitMix64(seed: UInt64(seed))
            var configuration = Configuration()
            for (name, value) in [
                ("num.partitions", "5"), ("offsets.topic.num.partitions", "2"),
                ("group.initial.rebalance.delay.ms", "0"), ("group.consumer.heartbeat.interval.ms", "500"),
                ("group.consumer.session.timeout.ms", "6000"),
            ] {
                try configuration.set(name, to: value)
            }
            // Records of long ago are to stay.
            configuration.topicDefaults.retentionMilliseconds = nil
            let broker = try BrokerNode(configuration, storage: MemoryStorage(), seed: 1)
            world = ClientWorld(try Self.member(way, seed: 0), broker, seed: UInt64(seed))
            try world.createTopic("t")
            try subscribe(0)
        }

        private static func member(_ way: Way, seed: UInt64) throws -> ConsumerMachine {
            var configuration = ConsumerConfiguration(bootstrapServers: "broker:9092")
            configuration.groupID = "g"
            configuration.autoOffsetReset = .earliest
            configuration.heartbeatIntervalMilliseconds = 500
            configuration.sessionTimeoutMilliseconds = 6_000
            configuration.autoCommitIntervalMilliseconds = 1_000
            switch way {
            case .range: configuration.partitionAssignmentStrategy = [RangeAssignor()]
            case .cooperativeSticky: configuration.partitionAssignmentStrategy = [CooperativeStickyAssignor()]
            case .server: configuration.groupProtocol = .consumer
            }
            return try ConsumerMachine(configuration, seed: seed)
        }

        func add() throws { try subscribe(world.add(try Self.member(way, seed: UInt64(world.clients.count)))) }

        private func subscribe(_ number: Int) throws {
            try world.withClient(number) { machine, _ in try machine.subscribe(["t"], listener: nil) }
        }

        func append() throws {
            let name = names[random.below(names.count)]
            let value = "\(written[name]?.count ?? 0)"
            written[name, default: []].append(value)
            try world.append(value, to: name.topic, partition: name.partition)
        }

        /// Lets time go on, and has everybody read what is there.
        func turn(milliseconds: Int64) throws {
            _ = try world.run(milliseconds: milliseconds)
            for number in world.clients.indices where !world.ended.contains(number) && !world.clients[number].isClosed {
                for record in try world.withClient(number, { machine, _ in try machine.readAll() }) {
                    read[record.topicPartition, default: []].append(record.value?.text ?? "")
                }
            }
        }

        /// Who owns what, of those that have not ended.
        var owned: [String] {
            world.clients.indices.filter { !world.ended.contains($0) }
                .flatMap { world.clients[$0].partitions.map(\.name.description) }.sorted()
        }
    }

    @Test("hand on what they have read, and no record is read twice or by nobody", arguments: Way.allCases, 0..<8)
    func handover(_ way: Way, _ seed: Int) throws {
        let group = try Shared(way, seed)
        var stopped = 0
        for round in 1...300 {
            if round % 50 == 0 { try group.add() }
            if round % 70 == 69 {
                try group.world.stopClient(stopped)
                stopped += 1
            }
            try group.append()
            try group.turn(milliseconds: Int64(group.random.below(400)))
        }
        for _ in 0..<100 where group.read != group.written { try group.turn(milliseconds: 200) }
        for name in group.names { #expect(group.read[name] == group.written[name], "\(name)") }
        #expect(group.owned == group.names.map(\.description))
        #expect(group.world.ended == Set(0..<stopped))
    }

    @Test("take over from who is gone, and leave no record out", arguments: Way.allCases, 0..<8)
    func crashes(_ way: Way, _ seed: Int) throws {
        let group = try Shared(way, seed)
        group.world.faults = .init(cut: group.random.below(3), refuse: group.random.below(20), delay: 20)
        var crashed = 0
        for round in 1...300 {
            if round % 50 == 0 { try group.add() }
            if round % 70 == 69 {
                try group.world.crash(crashed)
                crashed += 1
            }
            try group.append()
            try group.turn(milliseconds: Int64(group.random.below(400)))
        }
        group.world.faults = .init()
        func isAllRead() -> Bool {
            group.names.allSatisfy { Set(group.read[$0] ?? []) == Set(group.written[$0] ?? []) }
        }
        for _ in 0..<200 where !isAllRead() || group.owned != group.names.map(\.description) {
            try group.turn(milliseconds: 200)
        }
        #expect(isAllRead())
        #expect(group.owned == group.names.map(\.description))
        // Whoever takes over begins where the last commit was, or later: what was read again is a few seconds' worth.
        for name in group.names {
            let order = (group.read[name] ?? []).compactMap { Int($0) }
            let first = order.enumerated().filter { place, value in !order[..<place].contains(value) }.map(\.element)
            #expect(first == first.sorted(), "\(name)")
        }
    }
}

extension ConsumerMachine {
    /// Reads all that is there, as a poll does, where there is no listener.
    fileprivate mutating func readAll() throws -> [ConsumerRecord] {
        let proof = try beginReading()
        defer { endReading(proof) }
        var records: [ConsumerRecord] = []
        var hasRoom = false
        var isFinished = true
        while true {
            switch take(isFinished: isFinished, hasProcessed: records.isEmpty, hasRoom: &hasRoom) {
            case .records(var taken, _):
                while let record = try taken.next() { records.append(record) }
                progress.position.store(taken.position, ordering: .releasing)
                isFinished = true
            case .failed(let error): throw error
            case .rebalance, .goOn, .nothingYet, .ended: return records
            }
        }
    }
}
