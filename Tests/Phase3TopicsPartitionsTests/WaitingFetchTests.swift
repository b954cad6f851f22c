import SegmentLog
import TestSupport
import Testing
import WireProtocol

@testable import TopicsPartitions

@Suite("A fetch that finds too little")
struct WaitingFetchTests {
    private static let batch = Batches.make(1)
    private static let size = Int32(batch.bytes.count)

    /// Two partitions, and a consumer that waits for both at their ends.
    private func waiting(
        minBytes: Int32 = 1, maxWait: Int32 = 500, written: Int = 0
    ) throws -> (PartitionWorld, consumer: ConnectionID) {
        let world = try PartitionWorld(partitions: 2)
        for _ in 0..<written { try world.write(Self.batch) }
        let consumer = try world.connect()
        let request = FetchRequest.of([(0, 0), (1, 0)], minBytes: minBytes, maxWait: maxWait)
        #expect(try world.fetch(request, on: consumer) == nil, "it waits")
        return (world, consumer)
    }

    @Test("is answered by the append that it waits for, once that is on disk", arguments: [0, 1] as [Int32])
    func woken(partition: Int32) throws {
        let (world, consumer) = try waiting()
        try world.send(Self.batch, to: partition)
        #expect(try world.answer(on: consumer) == nil, "the record is not on disk, and may be lost")
        try world.driver.synchronizeAll()
        let expected = partition == 0 ? ["0: [0]", "1: nothing"] : ["0: nothing", "1: [0]"]
        let found = try world.answer(on: consumer)
        #expect(found == expected, "it is answered when the record is on disk")
    }

    @Test("waits for what is missing, over all its partitions and many appends")
    func missing() throws {
        let (world, consumer) = try waiting(minBytes: Self.size * 4, written: 1)
        for partition in [0, 1] as [Int32] {
            try world.write(Self.batch, to: partition)
            #expect(try world.answer(on: consumer) == nil, "\(partition + 2) of 4 batches are there")
        }
        try world.write(Self.batch, to: 1)
        let found = try world.answer(on: consumer)
        #expect(found == ["0: [0, 1]", "1: [0, 1]"], "4 of 4 batches are there")
    }

    @Test("is answered with what there is when its time is over, not before, and once")
    func expires() throws {
        let (world, consumer) = try waiting(minBytes: 10_000, written: 1)
        try world.driver.advance(milliseconds: 499)
        #expect(try world.answer(on: consumer) == nil)
        try world.driver.advance(milliseconds: 1)
        let found = try world.answer(on: consumer)
        #expect(found == ["0: [0]", "1: nothing"], "500 ms are over")
        for _ in 0..<200 { try world.write(Self.batch) }
        try world.driver.advance(milliseconds: 10_000)
        #expect(try world.answer(on: consumer) == nil, "it was answered already")
    }

    @Test("has its own time, whoever else waits")
    func ownTimes() throws {
        let (world, first) = try waiting(maxWait: 500)
        let second = try world.connect()
        #expect(try world.fetch(.of([(0, 0)], minBytes: 1, maxWait: 200), on: second) == nil)
        let third = try world.connect()
        #expect(try world.fetch(.of([(0, 0)], minBytes: 1, maxWait: 900), on: third) == nil)
        for (milliseconds, connection) in [(200, second), (300, first), (400, third)] as [(Int64, ConnectionID)] {
            try world.driver.advance(milliseconds: milliseconds)
            let found = try world.answer(on: connection)
            #expect(found?.first == "0: nothing", "the time of each ends by itself: the node asks to be woken for it")
        }
    }

    @Test(
        "does not wait where it wants no bytes, may not wait, names nothing, or has an error to tell",
        arguments: [
            FetchRequest.of([(0, 0)], minBytes: 0, maxWait: 500), .of([(0, 0)], minBytes: 1, maxWait: 0),
            .of([(0, 0)], minBytes: -1, maxWait: -1), .of([], minBytes: 1, maxWait: 500),
            .of([(0, 9), (1, 0)], minBytes: 1, maxWait: 500), .of([(0, 0), (7, 0)], minBytes: 1, maxWait: 500),
        ])
    func doesNotWait(request: FetchRequest) throws {
        let world = try PartitionWorld(partitions: 2)
        let consumer = try world.connect()
        #expect(try world.fetch(request, on: consumer) != nil)
    }

    @Test("does not wait for more than an answer can have")
    func largerThanTheLimit() throws {
        let world = try PartitionWorld(maxFetchBytes: Int(Self.size) * 2)
        for _ in 0..<2 { try world.write(Self.batch) }
        let consumer = try world.connect()
        let request = FetchRequest.of([(0, 0)], maxBytes: .max, minBytes: 1_000_000, maxWait: 500)
        let found = try world.fetch(request, on: consumer)
        #expect(found == ["0: [0, 1]"], "the broker's limit is two batches, whatever min.bytes asks")
    }

    @Test("does not wait at the end of a sealed segment: there is more behind it")
    func sealedSegment() throws {
        let world = try PartitionWorld { $0.log.segmentBytes = 1024 }
        for _ in 0..<20 { try world.write(Batches.make(1, padding: 300)) }
        let consumer = try world.connect()
        #expect(try world.fetch(.of([(0, 0)], minBytes: 100_000, maxWait: 500), on: consumer) == ["0: [0, 1]"])
    }

    @Test("is answered when its client sends nothing more, and forgotten when that is gone; others go on waiting")
    func ends() throws {
        let (world, first) = try waiting()
        let second = try world.connect()
        let third = try world.connect()
        for consumer in [second, third] {
            #expect(try world.fetch(.of([(0, 0)], minBytes: 1, maxWait: 500), on: consumer) == nil)
        }
        try world.driver.deliver(.endOfInput(second))
        #expect(try world.answer(on: second) == ["0: nothing"])
        try world.driver.deliver(.disconnected(third))
        #expect(try world.answer(on: first) == nil)
        try world.write(Self.batch)
        #expect(try world.answer(on: first) == ["0: [0]", "1: nothing"])
        #expect(try world.answer(on: second) == nil && world.answer(on: third) == nil)
    }
}
