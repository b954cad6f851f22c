import Broker
import SegmentLog
import TestSupport
import Testing
import WireProtocol

@Suite("The broker on a disk that loses its power")
struct BrokerCrashTests {
    /// One producer's view: what it sent to each partition, and what was acknowledged at which offset.
    private struct History {
        var sent: [Int32: [String]] = [:]
        var acknowledged: [Int32: [(offset: Int64, value: String)]] = [:]
        /// What each request that is still unanswered carries.
        var inFlight: [Int32: (partition: Int32, values: [String])] = [:]
    }

    private static func configure(_ random: inout SplitMix64) -> Configuration {
        var configuration = Configuration()
        configuration.partitionCount = 2
        configuration.log.segmentBytes = 1024 + random.below(4096)
        configuration.log.indexIntervalBytes = random.below(600)
        return configuration
    }

    /// Produces until the power fails, at most 40 requests, with synchronizes in between at random.
    private static func run(_ driver: NodeDriver<BrokerNode>, _ random: inout SplitMix64) -> History {
        var history = History()
        do {
            let connection = try driver.connect()
            _ = try driver.ask(Requests.metadata(["t"]), version: 12, on: connection)
            for step in 0..<40 {
                let partition = Int32(random.below(2))
                let batch = Batches.make(1 + random.below(3), tag: "s\(step)", padding: random.below(250))
                let values = try Batches.values(in: batch.bytes).map(\.value)
                history.sent[partition, default: []] += values
                let request = Requests.produce(batch.bytes, to: "t", partition: partition)
                // The produce may be appended although sending it throws: it counts as in flight.
                let id = try driver.send(request, version: 9, on: connection)
                history.inFlight[id] = (partition, values)
                try collect(driver, connection, &history)
                if random.chance(50) { try driver.synchronizeOnce() }
                try collect(driver, connection, &history)
            }
        } catch {}
        return history
    }

    private static func collect(
        _ driver: NodeDriver<BrokerNode>, _ connection: ConnectionID, _ history: inout History
    ) throws {
        while let (id, body) = try driver.answer(to: ProduceRequest.self, version: 9, on: connection) {
            let answer = try #require(body.topics.first?.partitions.first)
            guard answer.errorCode == .none, let (partition, values) = history.inFlight.removeValue(forKey: id) else {
                continue
            }
            for (index, value) in values.enumerated() {
                history.acknowledged[partition, default: []].append((answer.baseOffset + Int64(index), value))
            }
        }
    }

    private static func differences(_ left: [String: [UInt8]], _ right: [String: [UInt8]]) -> [String] {
        Set(left.keys).union(right.keys).sorted().filter { left[$0] != right[$0] }
            .map { "\($0): \(left[$0]?.count ?? -1) and \(right[$0]?.count ?? -1) bytes" }
    }

    @Test("never loses an acknowledged record, over 1,000 seeds: crashes at every point, torn and lost bytes")
    func acknowledgedSurvives() throws {
        var crashes = 0, acknowledged = 0, survivedUnacknowledged = 0
        for seed in UInt64(0)..<1000 {
            var random = SplitMix64(seed: seed)
            let configuration = Self.configure(&random)
            let disk = MemoryDisk(seed: seed)
            disk.losePower(afterSteps: 10 + random.below(150))
            var history = History()
            if let node = try? BrokerNode(configuration, storage: MemoryStorage(disk), seed: seed) {
                history = Self.run(NodeDriver(node), &random)
            }
            let after = random.chance(25) ? disk.afterKill() : disk.afterPowerLoss(seed: random.next())
            crashes += 1

            let broker = try TestBroker(after, seed: seed) { $0 = configuration }
            // Recovery again gives the same files, and they are on disk.
            let recovered = after.contents()
            let again = after.afterPowerLoss(seed: seed)
            _ = try BrokerNode(configuration, storage: MemoryStorage(again), seed: seed)
            let isSame = again.contents() == recovered
            #expect(
                isSame,
                "seed \(seed): recovery again gives other files: \(Self.differences(recovered, again.contents()))")

            for partition in 0..<2 as Range<Int32> {
                let kept = try Self.readAll(broker, partition)
                let sent = history.sent[partition] ?? []
                let promised = history.acknowledged[partition] ?? []
                let isPrefix = kept == Array(sent.prefix(kept.count))
                #expect(isPrefix, "seed \(seed): what is kept is no prefix of what was sent")
                let lost = promised.filter { $0.offset >= kept.count || kept[Int($0.offset)] != $0.value }
                #expect(lost.isEmpty, "seed \(seed): acknowledged, and lost")
                acknowledged += promised.count
                survivedUnacknowledged += max(0, kept.count - promised.count)
            }
        }
        // A quiet run must not pass for a hard one.
        #expect(crashes == 1000)
        #expect(acknowledged > 10_000)
        #expect(survivedUnacknowledged > 500)
    }

    private static func readAll(_ broker: TestBroker, _ partition: Int32) throws -> [String] {
        var values: [String] = []
        while let answer = try broker.fetch(from: Int64(values.count), partition: partition, maxBytes: 8192),
            answer.errorCode == .none, values.count < answer.highWatermark
        {
            let before = values.count
            for (offset, value) in try answer.values() where offset >= values.count {
                #expect(offset == Int64(values.count))
                values.append(value)
            }
            try #require(values.count > before)
        }
        return values
    }

    @Test("gives the same answers, byte for byte, to the same events")
    func deterministic() throws {
        for seed in UInt64(0)..<20 {
            let traces = try (0..<2).map { _ in
                var random = SplitMix64(seed: seed)
                let configuration = Self.configure(&random)
                let disk = MemoryDisk(seed: seed)
                let driver = NodeDriver(try BrokerNode(configuration, storage: MemoryStorage(disk), seed: seed))
                let connection = try driver.connect()
                for name in ["x", "y", "z"] {
                    try driver.send(Requests.metadata([name]), version: 12, on: connection)
                }
                try driver.send(Requests.metadata(nil), version: 12, on: connection)
                for step in 0..<30 {
                    let batch = Batches.make(1 + random.below(3), tag: "s\(step)").bytes
                    try driver.send(Requests.produce(batch, to: "x", partition: 1), version: 9, on: connection)
                    let fetch = Requests.fetch(from: 0, of: "x", partition: 1, minBytes: 5000, maxWait: 3)
                    try driver.send(fetch, version: 11, on: connection)
                    if random.chance(50) { try driver.synchronizeOnce() }
                    try driver.advance(milliseconds: 1)
                }
                return (driver.sent[connection]?.map(\.array), disk.contents())
            }
            #expect(traces[0].0?.isEmpty == false)
            let (sameAnswers, sameFiles) = (traces[0].0 == traces[1].0, traces[0].1 == traces[1].1)
            #expect(sameAnswers && sameFiles, "seed \(seed)")
        }
    }
}
