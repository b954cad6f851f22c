import Broker
import SegmentLog
import TestSupport
import Testing
import WireProtocol

@Suite("Produce and fetch")
struct ProduceFetchTests {
    @Test("a produced batch comes back with its offsets", arguments: Int16(3)...11)
    func roundTrip(version: Int16) throws {
        let broker = try TestBroker()
        try broker.metadata("t")
        for expected in [0, 3] as [Int64] {
            let answer = try #require(try broker.produce(Batches.make(3, tag: "x").bytes, version: version))
            #expect(answer.errorCode == .none)
            #expect(answer.baseOffset == expected)
        }
        let fetched = try #require(try broker.fetch(from: 1))
        #expect(fetched.highWatermark == 6)
        #expect(try fetched.values().map(\.offset) == [0, 1, 2, 3, 4, 5])
        #expect(try fetched.values()[4].value == "x-1")
    }

    @Test("fetch answers by name or by topic id, in every version", arguments: ApiKey.fetch.versions)
    func fetchVersions(version: Int16) throws {
        let broker = try TestBroker()
        let topic = try #require(try broker.metadata("t"))
        _ = try broker.produce(Batches.make(2).bytes)
        var request = Requests.fetch(from: 0, of: version < 13 ? "t" : "")
        request.topics[0].topicID = topic.topicID
        let response = try #require(try broker.driver.ask(request, version: version, on: broker.connection))
        #expect(try response.topics[0].partitions[0].values().count == 2)
        request.topics[0].topicID = Uuid(high: 1, low: 1)
        request.topics[0].name = "unknown"
        let unknown = try #require(try broker.driver.ask(request, version: version, on: broker.connection))
        #expect(
            unknown.topics[0].partitions[0].errorCode == (version < 13 ? .unknownTopicOrPartition : .unknownTopicID))
    }

    @Test("nothing is acknowledged or seen before it is on disk")
    func durability() throws {
        let broker = try TestBroker()
        try broker.metadata("t")
        try broker.driver.send(Requests.produce(Batches.make(2).bytes, to: "t"), version: 9, on: broker.connection)
        #expect(broker.driver.sent[broker.connection]?.isEmpty != false)
        let other = try broker.driver.connect()
        try broker.driver.send(Requests.fetch(from: 0, of: "t"), version: 11, on: other)
        let early = try broker.driver.answer(to: FetchRequest.self, version: 11, on: other)?.body.topics[0].partitions[
            0]
        #expect(early?.highWatermark == 0)
        #expect(try early?.values().isEmpty == true)

        try broker.driver.synchronizeAll()
        let answer = try broker.driver.answer(to: ProduceRequest.self, version: 9, on: broker.connection)
        #expect(answer?.body.topics[0].partitions[0].baseOffset == 0)
        #expect(try broker.fetch(from: 0)?.highWatermark == 2)
    }

    @Test("one synchronize serves every produce that came while the last one ran")
    func groupCommit() throws {
        let broker = try TestBroker()
        try broker.metadata("t")
        for _ in 0..<10 {
            try broker.driver.send(Requests.produce(Batches.make(1).bytes, to: "t"), version: 9, on: broker.connection)
        }
        // The first began at once; the other nine wait together.
        #expect(broker.driver.synchronizes.count == 1)
        try broker.driver.synchronizeOnce()
        #expect(broker.driver.sent[broker.connection]?.count == 1)
        #expect(broker.driver.synchronizes.count == 1)
        try broker.driver.synchronizeOnce()
        #expect(broker.driver.sent[broker.connection]?.count == 10)
        #expect(broker.driver.synchronizes.isEmpty)
    }

    @Test(
        "with flush.messages=N at most N-1 acknowledged records are not on disk", arguments: [1, 2, 5, 1000] as [Int64])
    func flushMessages(limit: Int64) throws {
        let broker = try TestBroker { $0.flushMessages = limit }
        try broker.metadata("t")
        for _ in 0..<20 {
            try broker.driver.send(Requests.produce(Batches.make(1).bytes, to: "t"), version: 9, on: broker.connection)
        }
        let acknowledged = Int64(broker.driver.sent[broker.connection]?.count ?? 0)
        #expect(acknowledged == min(20, limit - 1))
        #expect(broker.driver.synchronizes.isEmpty == (limit > 20))
        try broker.driver.synchronizeAll()
        #expect(broker.driver.sent[broker.connection]?.count == 20)
    }

    @Test("a produce to several partitions is answered once all are on disk, each with its own result")
    func partialErrors() throws {
        let broker = try TestBroker { $0.partitionCount = 3 }
        try broker.metadata("t")
        var request = Requests.produce(Batches.make(1).bytes, to: "t")
        for (index, records) in [(1, Batches.make(2).bytes), (7, Batches.make(1).bytes), (2, [0, 1, 2])]
            as [(Int32, Bytes)]
        {
            var partition = ProduceRequest.Partition()
            partition.index = index
            partition.records = .bytes(records)
            request.topics[0].partitions.append(partition)
        }
        let answer = try #require(try broker.driver.ask(request, version: 9, on: broker.connection))
        #expect(answer.topics[0].partitions.map(\.index) == [0, 1, 7, 2])
        #expect(
            answer.topics[0].partitions.map(\.errorCode) == [.none, .none, .unknownTopicOrPartition, .corruptMessage])
    }

    @Test("acks=0 gets no answer, and its connection ends on an error")
    func acksZero() throws {
        let broker = try TestBroker()
        try broker.metadata("t")
        #expect(try broker.produce(Batches.make(1).bytes, acks: 0) == nil)
        #expect(try broker.fetch(from: 0)?.highWatermark == 1)
        #expect(try broker.produce([1, 2, 3], acks: 0) == nil)
        #expect(broker.driver.closed == [broker.connection])
    }

    private static func spoiled(_ change: (inout RecordBatchHeader) -> Void) -> Bytes {
        let batch = Batches.make(2)
        var header = batch.header
        change(&header)
        return header.sealing(batch.bytes.dropFirst(RecordBatchHeader.byteCount)).bytes
    }

    @Test("a batch that breaks a rule gets Kafka's error, and leaves the log as it was")
    func refusedBatches() throws {
        let broker = try TestBroker { $0.maxMessageBytes = 2000 }
        try broker.metadata("t")
        let good = Batches.make(2).bytes
        var flipped = good.array
        flipped[70] ^= 1
        let cases: [(Bytes?, ErrorCode)] = [
            (nil, .invalidRecord), ([], .invalidRecord), (good.slice(0..<40), .corruptMessage),
            (good.slice(0..<(good.count - 1)), .corruptMessage), (Bytes(flipped), .corruptMessage),
            (Bytes(good.array + good.array), .invalidRecord),
            (Batches.make(1, padding: 3000).bytes, .messageTooLarge),
            (Self.spoiled { $0.magic = 1 }, .invalidRecord),
            (Self.spoiled { $0.baseOffset = Offset(5) }, .invalidRecord),
            (Self.spoiled { $0.recordCount = 3 }, .invalidRecord),
            (
                Self.spoiled {
                    $0.recordCount = 3; $0.lastOffsetDelta = 2
                }, .invalidRecord
            ),
            (Self.spoiled { $0.recordCount = 0 }, .invalidRecord),
            (Self.spoiled { $0.recordCount = -1 }, .invalidRecord),
            (
                Self.spoiled {
                    $0.recordCount = .min; $0.lastOffsetDelta = .max
                }, .invalidRecord
            ),
            (Self.spoiled { $0.attributes = BatchAttributes(rawValue: 0b10_0000) }, .invalidRecord),
            (Self.spoiled { $0.attributes = BatchAttributes(rawValue: 0b1000) }, .invalidTimestamp),
            (Self.spoiled { $0.attributes = BatchAttributes(rawValue: 7) }, .unsupportedCompressionType),
            (
                Self.spoiled {
                    $0.producerID = 4; $0.baseSequence = -1
                }, .invalidRecord
            ),
        ]
        for (index, (batch, code)) in cases.enumerated() {
            let request = Requests.produce(batch, to: "t")
            let answer = try broker.driver.ask(request, version: 9, on: broker.connection)?.topics[0].partitions[0]
            #expect(answer?.errorCode == code, "case \(index)")
            #expect(answer?.baseOffset == -1, "case \(index)")
        }
        #expect(try broker.fetch(from: 0)?.highWatermark == 0)
        #expect(try broker.produce(good)?.baseOffset == 0)
    }

    @Test("compressed batches are stored as they are, and zstd needs Produce 7")
    func compressed() throws {
        let broker = try TestBroker()
        try broker.metadata("t")
        for codec in BatchAttributes.Codec.allCases {
            var builder = RecordBatchBuilder(baseTimestamp: 5)
            for _ in 0..<50 { builder.append(key: nil, value: Bytes(utf8: "again and again")) }
            let batch = try builder.finish(codec: codec)
            let base = try #require(try broker.produce(batch.bytes)).baseOffset
            let stored = try #require(try broker.fetch(from: base)?.records)
            guard case .bytes(let bytes) = stored else { return #expect(Bool(false), "no bytes") }
            #expect(bytes.slice(16..<batch.bytes.count) == batch.bytes.dropFirst(16))
            let old = try broker.produce(batch.bytes, version: 6)
            #expect(old?.errorCode == (codec == .zstd ? .unsupportedCompressionType : ErrorCode.none))
        }
    }

    @Test("a delete horizon that a producer has set is stored as it came, as Kafka does")
    func deleteHorizon() throws {
        let broker = try TestBroker()
        try broker.metadata("t")
        let batch = Self.spoiled { $0.attributes = BatchAttributes(rawValue: 0b100_0000) }
        #expect(try broker.produce(batch)?.errorCode == ErrorCode.none)
        guard case .bytes(let bytes)? = try broker.fetch(from: 0)?.records else {
            return #expect(Bool(false), "no bytes")
        }
        #expect(bytes.slice(16..<batch.count) == batch.dropFirst(16))
    }

    @Test("junk that calls itself compressed is refused", arguments: 1...4 as ClosedRange<Int16>)
    func compressedJunk(codec: Int16) throws {
        let broker = try TestBroker()
        try broker.metadata("t")
        let junk = Self.spoiled { $0.attributes = BatchAttributes(rawValue: codec) }
        #expect(try broker.produce(junk)?.errorCode == .invalidRecord)
        let many = Self.spoiled {
            $0.attributes = BatchAttributes(rawValue: codec)
            $0.recordCount = .max
            $0.lastOffsetDelta = .max - 1
        }
        #expect(try broker.produce(many)?.errorCode == .invalidRecord)
        #expect(try broker.fetch(from: 0)?.highWatermark == 0)
    }

    @Test("a partition that is named twice is answered once by fetch, and with an error by ListOffsets")
    func duplicates() throws {
        let broker = try TestBroker()
        try broker.metadata("t")
        _ = try broker.produce(Batches.make(1).bytes)
        var fetch = Requests.fetch(from: 0, of: "t")
        fetch.topics[0].partitions.append(fetch.topics[0].partitions[0])
        let fetched = try broker.driver.ask(fetch, version: 11, on: broker.connection)
        #expect(fetched?.topics[0].partitions.count == 1)
        var topic = ListOffsetsRequest.Topic()
        topic.name = "t"
        topic.partitions = [ListOffsetsRequest.Partition(), ListOffsetsRequest.Partition()]
        var offsets = ListOffsetsRequest()
        offsets.topics = [topic]
        let listed = try broker.driver.ask(offsets, version: 7, on: broker.connection)
        #expect(listed?.topics[0].partitions.map(\.errorCode) == [ErrorCode.none, .invalidRequest])
    }

    @Test("damage that appears under a running broker is an error, never a gap")
    func damageWhileRunning() throws {
        let disk = MemoryDisk()
        let broker = try TestBroker(disk) { $0.log.segmentBytes = 1024 }
        try broker.metadata("t")
        for _ in 0..<20 { _ = try broker.produce(Batches.make(1, padding: 100).bytes) }
        let file = try MemoryStorage(disk).directory("t-0").open("00000000000000000000.log", creating: false)
        let size = Batches.make(1, padding: 100).bytes.count
        // The magic byte of the third batch in a sealed segment.
        try file.rewrite([9], at: Int64(2 * size + 16))
        #expect(try broker.fetch(from: 1, maxBytes: 1)?.values().map(\.offset) == [1])
        #expect(try broker.fetch(from: 2)?.errorCode == .storageError)
        #expect(broker.driver.logLines.contains { $0.description.contains("damaged") })
        let inLaterSegment = try broker.fetch(from: 19)
        #expect(inLaterSegment?.errorCode == ErrorCode.none)
    }

    @Test("after a failed synchronize and a restart, what survived is written to the disk again")
    func failedSynchronizeThenRestart() throws {
        let disk = MemoryDisk()
        let broker = try TestBroker(disk)
        try broker.metadata("t")
        _ = try broker.produce(Batches.make(1, tag: "first").bytes)
        disk.failNext(.synchronize, with: 5)
        _ = try broker.produce(Batches.make(1, tag: "unlucky").bytes)
        #expect(broker.driver.stopped != nil)
        // The kernel still has the bytes, and takes them for written. Who starts now sees them.
        let restarted = disk.afterKill()
        let second = try TestBroker(restarted)
        #expect(try second.produce(Batches.make(1, tag: "acknowledged").bytes)?.baseOffset == 2)
        let third = try TestBroker(restarted.afterPowerLoss(seed: 8))
        let values = try third.fetch(from: 0)?.values().map(\.value)
        #expect(values == ["first-0", "unlucky-0", "acknowledged-0"])
    }

    @Test("versions 0 to 2 of produce are offered, and refused with an error that names the reason")
    func oldProduce() throws {
        let broker = try TestBroker()
        try broker.metadata("t")
        for version in 0...2 as ClosedRange<Int16> {
            #expect(
                try broker.produce(Batches.make(1).bytes, version: version)?.errorCode == .unsupportedForMessageFormat)
        }
        #expect(try broker.produce(Batches.make(1).bytes, acks: 2)?.errorCode == .invalidRequiredAcks)
    }

    @Test("limits hold over all partitions, but the first batch always comes whole")
    func fetchLimits() throws {
        let broker = try TestBroker { $0.partitionCount = 3 }
        try broker.metadata("t")
        let batch = Batches.make(1, padding: 1000).bytes
        for partition in 0..<3 as Range<Int32> { _ = try broker.produce(batch, partition: partition) }
        var request = Requests.fetch(from: 0, of: "t", maxBytes: 10)
        for index in 1...2 as ClosedRange<Int32> {
            var partition = FetchRequest.Partition()
            partition.index = index
            partition.maxBytes = 1 << 20
            request.topics[0].partitions.append(partition)
        }
        request.topics[0].partitions[0].maxBytes = 1 << 20
        // The request is always the same, and yet everybody has a turn.
        var counts: [[Int]] = [[], []]
        for (round, bytes) in [10, batch.count * 2].enumerated() {
            request.maxBytes = Int32(bytes)
            var turns = [0, 0, 0]
            for _ in 0..<60 {
                let answer = try #require(try broker.driver.ask(request, version: 11, on: broker.connection))
                let found = try answer.topics[0].partitions.map { try $0.values().count }
                #expect(answer.topics[0].partitions.map(\.index) == [0, 1, 2])
                #expect(found.reduce(0, +) == round + 1)
                for (partition, count) in found.enumerated() { turns[partition] += count }
            }
            counts[round] = turns
        }
        #expect(counts[0].allSatisfy { $0 >= 10 } && counts[1].allSatisfy { $0 >= 25 }, "\(counts)")
    }

    @Test("a fetch outside the log says so; leader epochs are compared")
    func fetchErrors() throws {
        let broker = try TestBroker()
        try broker.metadata("t")
        _ = try broker.produce(Batches.make(2).bytes)
        for offset in [-1, 3, .max, .min] as [Int64] {
            #expect(try broker.fetch(from: offset)?.errorCode == .offsetOutOfRange)
        }
        #expect(try broker.fetch(from: 2)?.errorCode == ErrorCode.none)
        #expect(try broker.fetch(from: 0, partition: 1)?.errorCode == .unknownTopicOrPartition)
        #expect(try broker.fetch(from: 0, partition: -1)?.errorCode == .unknownTopicOrPartition)
        var request = Requests.fetch(from: 0, of: "t")
        request.topics[0].partitions[0].currentLeaderEpoch = 1
        let answer = try broker.driver.ask(request, version: 11, on: broker.connection)
        #expect(answer?.topics[0].partitions[0].errorCode == .unknownLeaderEpoch)
        request.sessionID = 5
        request.sessionEpoch = 1
        #expect(
            try broker.driver.ask(request, version: 11, on: broker.connection)?.errorCode == .fetchSessionIDNotFound)
    }

    @Test("a disk that is full refuses the batch, and takes it once there is room")
    func diskFull() throws {
        let disk = MemoryDisk(seed: 3)
        let broker = try TestBroker(disk)
        try broker.metadata("t")
        disk.failNext(.append, with: 28)
        #expect(try broker.produce(Batches.make(1).bytes)?.errorCode == .storageError)
        #expect(broker.driver.logLines.contains { $0.description.contains("No space left") })
        #expect(try broker.produce(Batches.make(1).bytes)?.baseOffset == 0)
    }

    @Test("a synchronize that fails while a segment is sealed stops the broker as well")
    func failedSeal() throws {
        let disk = MemoryDisk()
        let broker = try TestBroker(disk) { $0.log.segmentBytes = 1024 }
        try broker.metadata("t")
        _ = try broker.produce(Batches.make(1).bytes)
        for _ in 0..<20 where broker.driver.stopped == nil {
            let before = disk.contents().count
            // Only a roll synchronizes here: the driver performs none.
            disk.failNext(.synchronize, with: 5)
            let request = Requests.produce(Batches.make(1, padding: 200).bytes, to: "t")
            try broker.driver.send(request, version: 9, on: broker.connection)
            #expect(disk.contents().count == before)
        }
        #expect(broker.driver.stopped.flatMap { $0 }?.contains("synchronize") == true)
        try broker.driver.synchronizeAll()
        #expect(try broker.driver.answer(to: ProduceRequest.self, version: 9, on: broker.connection) == nil)
    }

    @Test("a failed synchronize stops the broker, and acknowledges nothing")
    func failedSynchronize() throws {
        let disk = MemoryDisk()
        let broker = try TestBroker(disk)
        try broker.metadata("t")
        #expect(try broker.produce(Batches.make(1).bytes)?.baseOffset == 0)
        disk.failNext(.synchronize, with: 5)
        #expect(try broker.produce(Batches.make(1).bytes) == nil)
        #expect(broker.driver.stopped.flatMap { $0 }?.contains("synchronize") == true)
        #expect(try broker.produce(Batches.make(1).bytes) == nil)
    }
}
