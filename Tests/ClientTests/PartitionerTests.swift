import Broker
import SegmentLog
import Testing
import WireProtocol

@testable import LogbookClient

@Suite("The partitioner")
struct PartitionerTests {
    /// Kafka's own test values (UtilsTest.testMurmur2).
    @Test(
        "hashes keys as Kafka does",
        arguments: [
            ("21", -973_932_308), ("foobar", -790_332_482), ("a-little-bit-long-string", -985_981_536),
            ("a-little-bit-longer-string", -1_486_304_829),
            ("lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8", -58_897_971), ("abc", 479_470_107),
        ] as [(String, Int32)])
    func murmur(_ text: String, _ hash: Int32) {
        #expect(Int32(bitPattern: murmur2(Bytes(utf8: text))) == hash)
    }

    @Test("gives a key the partition of its hash without the sign, as Kafka's toPositive does")
    func keys() {
        let partitioner = Partitioner(.murmur2Random, batchBytes: 100, seed: 1)
        #expect(
            partitioner.partition(ofKey: Bytes(utf8: "21"), count: 1_000) == Int32((-973_932_308 & 0x7FFF_FFFF) % 1_000)
        )
        #expect(partitioner.partition(ofKey: Bytes(utf8: "abc"), count: 1_000) == 107)
        #expect(partitioner.partition(ofKey: nil, count: 1_000) == nil)
        for kind in [ProducerConfiguration.Partitioner.sticky, .roundRobin] {
            let other = Partitioner(kind, batchBytes: 100, seed: 1)
            #expect(other.partition(ofKey: Bytes(utf8: "abc"), count: 1_000) == nil)
        }
    }

    @Test("moves on once batch.size bytes are there and the batch is full, or twice as many in any case")
    func movesOn() {
        var partitioner = Partitioner(.murmur2Random, batchBytes: 100, seed: 7)
        let candidates = [Partitioner.Candidate(partition: 3, waiting: 0)]
        #expect(partitioner.current("t") == nil)
        #expect(partitioner.draw("t", from: candidates) == 3)
        partitioner.produced(99, to: "t", isBatchFull: true)
        #expect(partitioner.current("t") == 3)
        #expect(!partitioner.isSatisfied("t"))
        partitioner.produced(1, to: "t", isBatchFull: false)
        #expect(partitioner.current("t") == 3)
        #expect(partitioner.isSatisfied("t"))
        partitioner.produced(99, to: "t", isBatchFull: false)
        #expect(partitioner.current("t") == 3)
        partitioner.produced(1, to: "t", isBatchFull: false)
        #expect(partitioner.current("t") == nil)
        // Another topic is another matter.
        _ = partitioner.draw("u", from: candidates)
        partitioner.produced(100, to: "t", isBatchFull: true)
        #expect(partitioner.current("u") == 3)
        partitioner.produced(100, to: "u", isBatchFull: true)
        #expect(partitioner.current("u") == nil)
    }

    /// The example in Kafka's BuiltInPartitioner: with 0, 3 and 1 batches waiting the chances are 4, 1 and 3 in 8.
    @Test("draws a partition by how few batches wait there")
    func draws() {
        var partitioner = Partitioner(.murmur2Random, batchBytes: 100, seed: 7)
        func counts(_ waiting: [Int]) -> [Int] {
            let candidates = waiting.enumerated().map { Partitioner.Candidate(partition: Int32($0), waiting: $1) }
            var counts = waiting.map { _ in 0 }
            for _ in 0..<8_000 { counts[Int(partitioner.draw("t", from: candidates))] += 1 }
            return counts
        }
        for (drawn, expected) in zip(counts([0, 3, 1]), [4_000, 1_000, 3_000]) { #expect(abs(drawn - expected) < 150) }
        for drawn in counts([5, 5, 5, 5]) { #expect(abs(drawn - 2_000) < 150) }
    }

    @Test("is the same for the same seed, and another for another")
    func determinism() {
        func run(_ seed: UInt64) -> [Int32] {
            var partitioner = Partitioner(.murmur2Random, batchBytes: 100, seed: seed)
            let candidates = (0..<10).map { Partitioner.Candidate(partition: $0, waiting: 0) }
            return (0..<50).map { _ in partitioner.draw("t", from: candidates) }
        }
        #expect(run(1) == run(1))
        #expect(run(1) != run(2))
    }
}

/// What a producer does with its partitioner, beside a real broker's node.
@Suite("A producer's records without a partition")
struct PartitioningTests {
    private func world(
        partitions: Int, batchBytes: Int = 1_000, linger: Int64 = 5, _ kind: ProducerConfiguration.Partitioner
    ) throws -> ClientWorld<ProducerMachine> {
        var configuration = ProducerConfiguration(bootstrapServers: [SocketAddress(host: "b", port: 9092)])
        configuration.batchBytes = batchBytes
        configuration.lingerMilliseconds = linger
        configuration.partitioner = kind
        let world = ClientWorld(
            ProducerMachine(configuration, seed: 3), try makeBroker(partitions: partitions), seed: 3)
        // The first attempt only asks for the topic.
        _ = try world.withClient { try $0.append(self.record(nil), timestamp: 0, ticket: nil, at: $1) }
        _ = try world.run(milliseconds: 100)
        return world
    }

    private func record(_ key: String?, size: Int = 60) -> ProducerRecord {
        ProducerRecord(topic: "t", key: key.map(Bytes.init(utf8:)), value: Bytes([UInt8](repeating: 1, count: size)))
    }

    /// Hands a record in; its partition.
    private func send(_ record: ProducerRecord, _ world: ClientWorld<ProducerMachine>) throws -> Int32 {
        let appended = try world.withClient { try $0.append(record, timestamp: 0, ticket: nil, at: $1) }
        guard case .taken(let delivery, _) = appended else { throw ClientError.refused("there is no place") }
        return delivery.batch.partition.partition
    }

    @Test("fill whole batches, and spread over all partitions evenly", arguments: [0, 5, 1_000] as [Int64])
    func sticky(linger: Int64) throws {
        let world = try world(partitions: 8, linger: linger, .murmur2Random)
        var runs: [(partition: Int32, count: Int)] = []
        var counts = [Int](repeating: 0, count: 8)
        for _ in 0..<40_000 {
            let partition = try send(record(nil), world)
            counts[Int(partition)] += 1
            if runs.last?.partition == partition {
                runs[runs.count - 1].count += 1
            } else {
                runs.append((partition, 1))
            }
            _ = try world.run(milliseconds: 1)
        }
        for count in counts { #expect(abs(count - 5_000) < 1_000, "\(counts)") }
        // A record takes 68 bytes, and 129 with a batch's header: none leaves a partition before batch.size.
        #expect(runs.dropLast().allSatisfy { $0.count >= 8 })
    }

    @Test("move on after batch.size bytes, also where each of them went alone")
    func slowRecords() throws {
        let world = try world(partitions: 8, linger: 0, .murmur2Random)
        var runs: [Int] = []
        var last: Int32 = -1
        for _ in 0..<400 {
            let partition = try send(record(nil), world)
            // Drawn again, the same partition goes on; so only whole runs can be seen.
            if partition == last { runs[runs.count - 1] += 1 } else { runs.append(1) }
            last = partition
            _ = try world.run(milliseconds: 50)
        }
        // A batch of one such record has 129 bytes, and 8 of them are 1,032.
        #expect(runs.count > 20)
        #expect(runs.dropLast().allSatisfy { $0 % 8 == 0 }, "\(runs)")
        #expect(runs.contains(8))
    }

    @Test("go less where batches wait: a broker that does not answer is not sent to for ever")
    func adaptive() throws {
        let world = try world(partitions: 2, linger: 0, .sticky)
        // Partition 0 has many batches waiting, as behind a slow broker; partition 1 has none.
        world.faults.delay = 100_000
        for _ in 0..<400 {
            var slow = record(nil)
            slow.partition = 0
            _ = try send(slow, world)
        }
        var counts = [0, 0]
        for _ in 0..<300 { counts[Int(try send(record("a key is ignored"), world))] += 1 }
        #expect(counts[1] > counts[0] * 2, "\(counts)")
    }

    @Test("with a key stay with their partition, whatever the others do")
    func keyed() throws {
        let world = try world(partitions: 7, .murmur2Random)
        for number in 0..<500 {
            let key = "key \(number % 50)"
            #expect(try send(record(key), world) == Int32((murmur2(Bytes(utf8: key)) & 0x7FFF_FFFF) % 7))
            _ = try send(record(nil), world)
        }
    }

    @Test("take turns where they are told to, with and without a key")
    func roundRobin() throws {
        let world = try world(partitions: 3, .roundRobin)
        let partitions = try (0..<9).map { try send(record($0 % 2 == 0 ? nil : "key"), world) }
        #expect(partitions == [0, 1, 2, 0, 1, 2, 0, 1, 2])
    }

    @Test("leave those alone that name one")
    func explicit() throws {
        for kind in ProducerConfiguration.Partitioner.allCases {
            let world = try world(partitions: 3, kind)
            for partition in [2, 0, 1, 1] as [Int32] {
                var named = record("key")
                named.partition = partition
                #expect(try send(named, world) == partition)
            }
        }
    }
}
