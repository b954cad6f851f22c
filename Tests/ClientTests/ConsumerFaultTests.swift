import SegmentLog
import Testing
import WireProtocol

@testable import LogbookClient

@Suite("A consumer under faults", .timeLimit(.minutes(15)))
struct ConsumerFaultTests {
    /// Six partitions at two brokers, and everything that can go wrong at times.
    @Test("reads every record once and in order", arguments: 0..<60)
    func faults(_ seed: Int) throws {
        var random = SplitMix64(seed: UInt64(seed))
        let cluster = try SimulatedCluster {
            $0.fetchAheadBytes = 200 + random.below(4_000)
            $0.maxPartitionFetchBytes = Int32(80 + random.below(1_000))
            $0.fetchMaxBytes = Int32(80 + random.below(2_000))
        }
        cluster.brokers = [1, 2]
        cluster.hasTopicIDs = random.chance(50)
        cluster.maxFetchVersion = Int16(4 + random.below(13))
        cluster.cutsBatches = random.chance(70)
        let names = (0..<6).map { TopicPartition($0 < 3 ? "one" : "two", Int32($0 % 3)) }
        for name in names { cluster.partitions[name] = .init(leader: Int32(1 + random.below(2))) }
        var sent: [TopicPartition: [String]] = [:]
        var received: [TopicPartition: [String]] = [:]
        try cluster.machine.assign(Dictionary(uniqueKeysWithValues: names.map { ($0, .earliest) }))
        for _ in 0..<150 {
            let name = names[random.below(names.count)]
            let count = 1 + random.below(5)
            let values = (0..<count).map { "\(name) \(sent[name, default: []].count + $0)" }
            sent[name, default: []] += values
            try cluster.append(values, to: name, codec: random.chance(30) ? .gzip : .none)
            try fault(&random, cluster, names)
            for record in try cluster.read(atMost: random.below(20)).records {
                received[record.topicPartition, default: []].append(record.value?.text ?? "null")
            }
            try cluster.advance(Int64(random.below(200)))
        }
        cluster.givesHints = true
        for name in names { cluster.partitions[name]?.error = nil }
        try cluster.machine.setPaused(false, names)
        for _ in 0..<400 where received != sent {
            try cluster.advance(100)
            let (records, error) = try cluster.read()
            #expect(error == nil)
            for record in records { received[record.topicPartition, default: []].append(record.value?.text ?? "null") }
        }
        #expect(received == sent)
    }

    private func fault(_ random: inout SplitMix64, _ cluster: SimulatedCluster, _ names: [TopicPartition]) throws {
        let name = names[random.below(names.count)]
        cluster.givesHints = random.chance(50)
        switch random.below(12) {
        case 0: try cluster.disconnect()
        case 1: try cluster.disconnect(Int32(1 + random.below(2)))
        case 2, 3:
            cluster.partitions[name]?.leader = Int32(1 + random.below(2))
            cluster.partitions[name]?.epoch += 1
        case 4: cluster.partitions[name]?.error = ErrorCode(rawValue: [3, 6, 56, 75, -1][random.below(5)])
        case 5: for name in names { cluster.partitions[name]?.error = nil }
        case 6: try cluster.machine.setPaused(true, [name])
        case 7: try cluster.machine.setPaused(false, names)
        default: break
        }
    }

    @Test("survives any answer", arguments: 0..<300)
    func mutations(_ seed: Int) throws {
        var random = SplitMix64(seed: UInt64(seed))
        let cluster = try SimulatedCluster { $0.checksCRCs = seed % 3 > 0 }
        let names = (0..<3).map { TopicPartition("t", Int32($0)) }
        for name in names {
            for index in 0..<5 {
                try cluster.append(["\(index)", "more"], to: name, codec: index == 3 ? .gzip : .none)
            }
        }
        try cluster.machine.assign(Dictionary(uniqueKeysWithValues: names.map { ($0, .earliest) }))
        let answers = Answers()
        _ = cluster.ask(1, .offsets([:]), times: [names[0]: 5, names[1]: -1], what: "q", finish: answers.take(1))
        cluster.mutate = { api, bytes in
            // A leader epoch that is too great is believed for good (KIP-320), and so is what a broker
            // speaks, for as long as the connection lasts: half of the runs spare them.
            if seed % 2 == 0, api == .metadata || api == .apiVersions { return }
            guard random.chance(60), !bytes.isEmpty else { return }
            for _ in 0...random.below(4) {
                bytes[random.below(bytes.count)] = random.chance(50) ? 0xFF : UInt8(truncatingIfNeeded: random.next())
            }
            if random.chance(20) { bytes.removeLast(random.below(bytes.count)) }
        }
        for _ in 0..<30 {
            try cluster.advance(200)
            let (records, _) = try cluster.read()
            for record in records { #expect(record.offset >= 0) }
        }
        // Once the answers are sound again, so is what is read.
        cluster.mutate = nil
        for _ in 0..<20 { try cluster.advance(1_000) }
        for name in names { try cluster.machine.seek(name, to: .earliest) }
        var values = 0
        for _ in 0..<20 {
            try cluster.advance(1_000)
            values += try cluster.read().records.count
        }
        if seed % 2 == 0 { #expect(values == 30) }
    }
}
