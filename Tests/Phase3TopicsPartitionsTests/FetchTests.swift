import SegmentLog
import TestSupport
import Testing
import WireProtocol

@testable import TopicsPartitions

@Suite("A fetch from many partitions")
struct FetchTests {
    private static let batch = Batches.make(1, padding: 1000)
    private static let size = Int32(batch.bytes.count)

    /// As many partitions, each with three batches of one record.
    private func world(_ partitions: Int32 = 3, maxFetchBytes: Int = 1 << 20) throws -> (PartitionWorld, ConnectionID) {
        let world = try PartitionWorld(partitions: partitions, maxFetchBytes: maxFetchBytes)
        for partition in 0..<partitions {
            for _ in 0..<3 { try world.write(Self.batch, to: partition) }
        }
        return (world, try world.connect())
    }

    @Test("answers in the request's order, each from its offset")
    func order() throws {
        let (world, client) = try world()
        for _ in 0..<10 {
            let found = try world.fetch(.of([(2, 1), (0, 3), (1, 0)]), on: client)
            #expect(found == ["2: [1, 2]", "0: nothing", "1: [0, 1, 2]"])
        }
    }

    @Test("says of each partition what is wrong with it, and reads the others")
    func errors() throws {
        let (world, client) = try world()
        let found = try world.fetch(.of([(0, 4), (1, 2), (7, 0), (-1, 0), (2, -1)]), on: client)
        #expect(
            found == [
                "0: OFFSET_OUT_OF_RANGE", "1: [2]", "7: UNKNOWN_TOPIC_OR_PARTITION", "-1: UNKNOWN_TOPIC_OR_PARTITION",
                "2: OFFSET_OUT_OF_RANGE",
            ])
    }

    @Test("brings nothing that is not on disk, and calls an offset there no error")
    func notYetVisible() throws {
        let (world, client) = try world(1)
        for _ in 0..<2 { try world.send(Self.batch) }
        for offset: Int64 in [3, 4, 5] {
            let found = try world.fetch(.of([(Int32(0), offset)]), on: client)
            #expect(found == ["0: nothing"], "from \(offset), where consumers see up to 3 and the log ends at 5")
        }
        let visible = try world.fetch(.of([(0, 2)]), on: client)
        #expect(visible == ["0: [2]"], "3 and 4 are not on disk")
        #expect(try world.fetch(.of([(0, 6)]), on: client) == ["0: OFFSET_OUT_OF_RANGE"])
        try world.driver.synchronizeAll()
        #expect(try world.fetch(.of([(0, 2)]), on: client) == ["0: [2, 3, 4]"])
    }

    @Test(
        "brings as many bytes as the request's limit over all partitions, and the broker's", arguments: [true, false])
    func limits(isTheBrokers: Bool) throws {
        let limit = Self.size * 4
        let (world, client) = try world(maxFetchBytes: isTheBrokers ? Int(limit) : 1 << 20)
        for _ in 0..<10 {
            let request = FetchRequest.of(
                [(0, 0), (1, 0), (2, 0)], partitionMaxBytes: Self.size * 2, maxBytes: isTheBrokers ? .max : limit)
            let found = try #require(try world.fetch(request, on: client))
            #expect(found.sorted() == found, "in the request's order")
            let whole = found.count { $0.hasSuffix("[0, 1]") }
            let empty = found.count { $0.hasSuffix("nothing") }
            #expect(whole == 2 && empty == 1, "two partitions with two batches fill \(limit) bytes: \(found)")
        }
    }

    @Test("brings one batch where every limit is smaller than it, and only one (KIP-74)")
    func oneBatch() throws {
        let (world, client) = try world()
        for limit in [0, 1, Self.size - 1, .min] {
            for request in [
                FetchRequest.of([(0, 3), (1, 1), (2, 1)], maxBytes: limit),
                .of([(0, 3), (1, 1), (2, 1)], partitionMaxBytes: limit),
            ] {
                let found = try #require(try world.fetch(request, on: client))
                #expect(
                    found == ["0: nothing", "1: [1]", "2: nothing"] || found == ["0: nothing", "1: nothing", "2: [1]"],
                    "with \(limit) bytes, and nothing in partition 0")
            }
        }
    }

    @Test("that is always the same, and finds more than it may bring, brings everybody's turn")
    func fairness() throws {
        let (world, client) = try world(4)
        var turns = [0, 0, 0, 0]
        for _ in 0..<100 {
            let request = FetchRequest.of([(0, 0), (1, 0), (2, 0), (3, 0)], maxBytes: 1)
            let found = try #require(try world.fetch(request, on: client))
            for (partition, answer) in found.enumerated() where !answer.hasSuffix("nothing") { turns[partition] += 1 }
        }
        #expect(turns.allSatisfy { $0 >= 10 } && turns.reduce(0, +) == 100, "of 100 answers: \(turns)")
    }

    @Test("answers a partition that is named twice once")
    func twice() throws {
        let (world, client) = try world(2)
        #expect(try world.fetch(.of([(0, 0), (1, 2), (0, 1)]), on: client) == ["0: [0, 1, 2]", "1: [2]"])
    }
}
