import SegmentLog
import TestSupport
import Testing
import WireProtocol

@testable import TopicsPartitions

@Suite("A partition's high watermark")
struct HighWatermarkTests {
    /// An empty partition of its own, in whose log these append as a produce does.
    private final class World {
        let partition: Partition
        let log: Log
        private(set) var ends: [LogPosition] = []
        private let topics: Topics

        init() throws {
            topics = try PartitionWorld().driver.node.partitions.topics
            partition = try #require(topics["t"]?.partition(0))
            log = try partition.log()
        }

        /// Appends batches of as many records, for the produces 0, 1, ….
        func append(_ counts: [Int]) throws {
            for count in counts {
                let batch = Batches.make(count)
                let end = try log.append(batch, leaderEpoch: LeaderEpoch(0)).end
                let produce = ProduceID(value: UInt64(ends.count))
                partition.appended(.init(end: end, byteCount: batch.bytes.count, produce: produce))
                ends.append(end)
            }
        }

        /// Moves the high watermark; returns the produces that this acknowledges.
        func advance(_ flushMessages: Int64 = 1) -> [UInt64] {
            partition.advanceHighWatermark(flushMessages: flushMessages).produces.map(\.value)
        }

        /// Where everything is, in offsets.
        var shown: String {
            let (durable, seen) = (partition.durableEnd.offset, partition.highWatermark.offset)
            return "log end \(log.end.offset), on disk up to \(durable), seen up to \(seen)"
        }
    }

    @Test("stands where the disk does, with flush.messages=1")
    func everyRecord() throws {
        let world = try World()
        try world.append([2, 3, 1])
        #expect(world.advance() == [])
        #expect(world.shown == "log end 6, on disk up to 0, seen up to 0")
        world.partition.becameDurable(upTo: world.ends[1])
        #expect(world.advance() == [0, 1])
        #expect(world.shown == "log end 6, on disk up to 5, seen up to 5")
        world.partition.becameDurable(upTo: world.ends[2])
        #expect(world.advance() == [2], "each produce is acknowledged once")
        #expect(world.advance() == [])
    }

    @Test("moves by whole batches, and leaves at most flush.messages - 1 records that are seen and not on disk")
    func someRecords() throws {
        let cases: [(flushMessages: Int64, seen: Int64)] = [
            (1, 0), (2, 0), (3, 2), (4, 2), (5, 2), (6, 5), (7, 6), (1000, 6), (.max, 6),
        ]
        for (flushMessages, seen) in cases {
            let world = try World()
            try world.append([2, 3, 1])
            _ = world.advance(flushMessages)
            let expected = "log end 6, on disk up to 0, seen up to \(seen)"
            #expect(world.shown == expected, "batches of 2, 3 and 1 records, flush.messages=\(flushMessages)")
            world.partition.becameDurable(upTo: world.ends[0])
            _ = world.advance(.max)
            #expect(world.partition.highWatermark.offset.value == 6, "2 + Int64.max - 1 is no offset, and no limit")
        }
    }

    @Test("tells the bytes that can be seen now and could not before")
    func bytes() throws {
        let world = try World()
        try world.append([2, 3])
        let sizes = [2, 3].map { Batches.make($0).bytes.count }
        #expect(world.partition.advanceHighWatermark(flushMessages: 3).byteCount == sizes[0])
        #expect(world.partition.advanceHighWatermark(flushMessages: 3).byteCount == 0, "these could be seen already")
        world.partition.becameDurable(upTo: world.ends[1])
        #expect(world.partition.advanceHighWatermark(flushMessages: 3).byteCount == sizes[1])
    }

    @Test("never goes back, also when an older synchronize is told of late")
    func lateSynchronize() throws {
        let world = try World()
        try world.append([1, 1, 1])
        world.partition.becameDurable(upTo: world.ends[2])
        _ = world.advance()
        world.partition.becameDurable(upTo: world.ends[0])
        #expect(world.shown == "log end 3, on disk up to 3, seen up to 3")
        #expect(!world.partition.needsSynchronize(flushMessages: 1), "all is on disk")
    }

    @Test("asks for a synchronize from flush.messages records on")
    func synchronizes() throws {
        let world = try World()
        #expect(!world.partition.needsSynchronize(flushMessages: 1), "there is nothing to write")
        try world.append([2, 3])
        for flushMessages in [1, 4, 5, 6, .max] as [Int64] {
            #expect(
                world.partition.needsSynchronize(flushMessages: flushMessages) == (flushMessages <= 5),
                "5 records are not on disk, flush.messages=\(flushMessages)")
        }
        world.partition.becameDurable(upTo: world.ends[0])
        #expect(!world.partition.needsSynchronize(flushMessages: 4), "3 records are not on disk")
        #expect(world.partition.needsSynchronize(flushMessages: 3))
    }

    @Test("as clients see it: a produce is acknowledged with its synchronize, many by one", arguments: [1, 2, 5, 99])
    func acknowledgements(flushMessages: Int64) throws {
        let world = try PartitionWorld { $0.flushMessages = flushMessages }
        for _ in 0..<10 { try world.send() }
        let early = world.acknowledged()
        #expect(early == min(10, Int(flushMessages) - 1), "nothing is on disk, flush.messages=\(flushMessages)")
        try world.driver.synchronizeAll()
        #expect(early + world.acknowledged() == 10)
    }
}
