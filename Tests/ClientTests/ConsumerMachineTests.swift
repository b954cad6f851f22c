import SegmentLog
import Testing
import WireProtocol

@testable import LogbookClient

private let t0 = TopicPartition("t", 0)
private let t1 = TopicPartition("t", 1)

@Suite("A consumer's machine", .timeLimit(.minutes(15)))
struct ConsumerMachineTests {
    @Test(
        "reads a partition from where it is told",
        arguments: [
            (StartPosition.earliest, ["a", "b", "c", "d"]), (.offset(1), ["b", "c", "d"]),
            (.timestamp(2_000), ["c", "d"]), (.latest, []), (.timestamp(9_000), []),
        ])
    func starts(_ start: StartPosition, _ expected: [String]) throws {
        let cluster = try SimulatedCluster()
        try cluster.append(["a", "b"], to: t0, timestamp: 1_000)
        try cluster.append(["c", "d"], to: t0, timestamp: 2_000)
        try cluster.machine.assign([t0: start])
        try cluster.settle()
        #expect(try cluster.readValues() == expected)
        try cluster.append(["e"], to: t0)
        try cluster.settle()
        #expect(try cluster.readValues() == ["e"])
    }

    @Test("names topics by their ids where it knows them, and by name where it does not", arguments: [true, false])
    func topicIDs(_ hasTopicIDs: Bool) throws {
        let cluster = try SimulatedCluster()
        cluster.hasTopicIDs = hasTopicIDs
        try cluster.append(["a"], to: t0)
        try cluster.machine.assign([t0: .earliest])
        try cluster.settle()
        #expect(try cluster.readValues() == ["a"])
        #expect(cluster.fetches.allSatisfy { $0.version == (hasTopicIDs ? 16 : 12) })
        #expect(cluster.fetches.allSatisfy { $0.request.sessionEpoch == -1 && $0.request.sessionID == 0 })
        #expect(cluster.fetches.first?.request.topics.first?.partitions.first?.currentLeaderEpoch == 5)
    }

    @Test("passes over control batches and over offsets that compaction has emptied")
    func gaps() throws {
        let cluster = try SimulatedCluster()
        try cluster.append(["a"], to: t0)
        var builder = RecordBatchBuilder(baseTimestamp: 0)
        builder.append(key: nil, value: Bytes(utf8: "marker"))
        let control = builder.finish()
        var bytes = control.bytes.array
        bytes[22] |= 0b10_0000
        cluster.append(try Self.sealed(bytes), to: t0)
        var late = RecordBatchBuilder(baseTimestamp: 0)
        late.append(key: nil, value: Bytes(utf8: "z"))
        cluster.append(late.finish(), to: t0, at: 10)
        // The last record of the next batch was removed: only its last offset tells of it.
        var cut = RecordBatchBuilder(baseTimestamp: 0)
        cut.append(key: nil, value: Bytes(utf8: "y"))
        bytes = cut.finish().bytes.array
        bytes[26] = 4
        cluster.append(try Self.sealed(bytes), to: t0)
        try cluster.machine.assign([t0: .earliest])
        try cluster.settle()
        let records = try cluster.read().records
        #expect(records.map(\.offset) == [0, 10, 11])
        #expect(cluster.machine.position(of: 0) == 16)
        // Nothing is between them: the next fetch asks for what is behind.
        try cluster.settle()
        #expect(cluster.fetches.last?.request.topics.first?.partitions.first?.fetchOffset == 16)
    }

    /// The batch of these bytes with a checksum that fits them.
    private static func sealed(_ bytes: [UInt8]) throws -> RecordBatch {
        var bytes = bytes
        let checksum = CRC32C.checksum(Bytes(bytes).dropFirst(RecordBatchHeader.checksumStart))
        for index in 0..<4 { bytes[17 + index] = UInt8(truncatingIfNeeded: checksum >> (24 - 8 * UInt32(index))) }
        return try RecordBatch(checking: Bytes(bytes))
    }

    @Test("goes where auto.offset.reset says from an offset that does not exist")
    func outOfRange() throws {
        for (reset, expected) in [(ConsumerConfiguration.OffsetReset.earliest, ["c"]), (.latest, []), (.none, [])] {
            let cluster = try SimulatedCluster { $0.autoOffsetReset = reset }
            for value in ["a", "b", "c"] { try cluster.append([value], to: t0) }
            cluster.partitions[t0]?.batches.removeFirst(2)
            cluster.partitions[t0]?.startOffset = 2
            try cluster.machine.assign([t0: .offset(1)])
            try cluster.settle()
            let (records, error) = try cluster.read()
            #expect(records.map { $0.value?.text ?? "" } == expected)
            let wanted = ClientError.broker(.offsetOutOfRange, what: "t-0 at offset 1")
            #expect(error == (reset == .none ? wanted : nil))
            if reset == .none {
                // It comes again until somebody says where to go on.
                try cluster.advance(200)
                #expect(try cluster.read().error == wanted)
                try cluster.machine.seek(t0, to: .earliest)
                try cluster.advance(200)
                #expect(try cluster.readValues() == ["c"])
            }
        }
    }

    @Test("returns nothing that was fetched or asked for before a seek")
    func seek() throws {
        let cluster = try SimulatedCluster()
        for value in ["a", "b", "c", "d"] { try cluster.append([value], to: t0) }
        try cluster.machine.assign([t0: .offset(2)])
        try cluster.settle()
        #expect(try cluster.readValues(atMost: 1) == ["c"])
        #expect(cluster.machine.position(of: 0) == 3)
        try cluster.machine.seek(t0, to: .offset(0))
        #expect(cluster.machine.position(of: 0) == 0)
        #expect(try cluster.readValues() == [])
        try cluster.advance(500)
        #expect(try cluster.readValues() == ["a", "b", "c", "d"])
        #expect(throws: ClientError.self) { try cluster.machine.seek(t1, to: .earliest) }
        #expect(throws: ClientError.self) { try cluster.machine.seek(t0, to: .offset(-1)) }
    }

    @Test("keeps what a paused partition has, and fetches nothing more of it")
    func pause() throws {
        let cluster = try SimulatedCluster()
        for name in [t0, t1] { try cluster.append(["\(name) 1"], to: name) }
        try cluster.machine.assign([t0: .earliest, t1: .earliest])
        try cluster.settle()
        try cluster.machine.setPaused(true, [t0])
        #expect(try cluster.readValues() == ["t-1 1"])
        for name in [t0, t1] { try cluster.append(["\(name) 2"], to: name) }
        try cluster.advance(1_000)
        #expect(try cluster.readValues().last == "t-1 2")
        #expect(cluster.fetches.last?.request.topics.first?.partitions.map(\.index) == [1])
        try cluster.machine.setPaused(false, [t0])
        try cluster.advance(1_000)
        #expect(try cluster.readValues() == ["t-0 1", "t-0 2"])
    }

    @Test("fetches ahead up to its bound, and goes on when there is room")
    func fetchAhead() throws {
        let cluster = try SimulatedCluster {
            $0.fetchAheadBytes = 5_000
            $0.maxPartitionFetchBytes = 1_000
        }
        let value = String(repeating: "x", count: 900)
        for _ in 0..<20 { try cluster.append([value], to: t0) }
        try cluster.machine.assign([t0: .earliest])
        try cluster.settle()
        #expect(cluster.machine.buffered.count == 6)
        let before = cluster.fetches.count
        try cluster.advance(10_000)
        #expect(cluster.fetches.count == before)
        #expect(try cluster.readValues(atMost: 3).count == 3)
        try cluster.settle()
        #expect(cluster.fetches.count > before)
        var count = 3
        while case let more = try cluster.readValues().count, more > 0 {
            count += more
            try cluster.settle()
        }
        #expect(count == 20)
    }

    @Test("has one fetch in flight for each broker, and puts partitions that had records at the end")
    func rotation() throws {
        let cluster = try SimulatedCluster { $0.fetchMaxBytes = 100 }
        cluster.brokers = [1, 2]
        let names = (0..<4).map { TopicPartition("t", $0) }
        for name in names {
            cluster.partitions[name] = .init(leader: name.partition < 3 ? 1 : 2)
            for index in 0..<3 { try cluster.append(["\(name) \(index)"], to: name) }
        }
        try cluster.machine.assign(Dictionary(uniqueKeysWithValues: names.map { ($0, .offset(0)) }))
        try cluster.settle()
        let orders = cluster.fetches.filter { $0.broker == 1 }.prefix(3).map {
            $0.request.topics.flatMap { $0.partitions.map(\.index) }
        }
        // Each answer has one batch of the first partition only.
        #expect(orders.map(\.first) == [0, 1, 2])
        #expect(Set(cluster.machine.fetches.map(\.broker)) == [1, 2] && cluster.machine.fetches.count == 2)
        #expect(try cluster.readValues().count == 12)
    }

    @Test("says which batch is corrupt, after the records before it")
    func corrupt() throws {
        let cluster = try SimulatedCluster()
        for value in ["a", "b", "c"] { try cluster.append([value], to: t0) }
        var bytes = cluster.partitions[t0]?.batches[1].array ?? []
        bytes[bytes.count - 2] ^= 1
        cluster.partitions[t0]?.batches[1] = Bytes(bytes)
        try cluster.machine.assign([t0: .earliest])
        try cluster.settle()
        for expected in [["a"], []] {
            let (records, error) = try cluster.read()
            #expect(records.map { $0.value?.text ?? "" } == expected)
            guard case .unreadable(let what)? = error else {
                Issue.record("\(String(describing: error))")
                return
            }
            #expect(what.hasPrefix("t-0 at offset 1: the batch's CRC-32C is"))
            try cluster.advance(1_000)
        }
        try cluster.machine.seek(t0, to: .offset(2))
        try cluster.advance(1_000)
        #expect(try cluster.readValues() == ["c"])
    }

    @Test("takes a corrupt batch as it is where check.crcs is false")
    func unchecked() throws {
        let cluster = try SimulatedCluster { $0.checksCRCs = false }
        try cluster.append(["abc"], to: t0)
        var bytes = cluster.partitions[t0]?.batches[0].array ?? []
        bytes[bytes.count - 2] ^= 1
        cluster.partitions[t0]?.batches[0] = Bytes(bytes)
        try cluster.machine.assign([t0: .earliest])
        try cluster.settle()
        #expect(try cluster.readValues() == ["abb"])
    }

    @Test(
        "throws an error that no retry mends, and waits out the others",
        arguments: [29, 2, 43, 6, 3, 5, 56, 75, 100, -1] as [Int16])
    func errors(_ code: Int16) throws {
        let cluster = try SimulatedCluster()
        try cluster.append(["a"], to: t0)
        cluster.partitions[t0]?.error = ErrorCode(rawValue: code)
        try cluster.machine.assign([t0: .offset(0)])
        try cluster.settle()
        let fatal = [29, 2, 43].contains(code)
        let error = ClientError.broker(ErrorCode(rawValue: code), what: "t-0 at offset 0")
        #expect(try cluster.read().error == (fatal ? error : nil))
        // It waits before it asks again.
        let before = cluster.fetches.count
        try cluster.advance(50)
        #expect(cluster.fetches.count == before)
        cluster.partitions[t0]?.error = nil
        try cluster.advance(100)
        #expect(try cluster.readValues() == ["a"])
    }

    @Test("tells of a topic that it may not use, and reads it when it may")
    func unauthorizedTopic() throws {
        for start in [StartPosition.earliest, .offset(0)] {
            let cluster = try SimulatedCluster()
            try cluster.append(["a"], to: t0)
            cluster.topicErrors["t"] = .topicAuthorizationFailed
            try cluster.machine.assign([t0: start])
            try cluster.settle()
            #expect(try cluster.read().error == .broker(.topicAuthorizationFailed, what: "t-0"))
            cluster.topicErrors = [:]
            for _ in 0..<10 { try cluster.advance(100) }
            var values = try cluster.readValues()
            for _ in 0..<10 where values.isEmpty {
                try cluster.advance(100)
                values = try cluster.readValues()
            }
            #expect(values == ["a"])
        }
    }

    @Test("goes to a new leader: at once where the old one names it, else after asking", arguments: [true, false])
    func newLeader(_ givesHints: Bool) throws {
        let cluster = try SimulatedCluster()
        cluster.brokers = [1, 2]
        cluster.givesHints = givesHints
        try cluster.append(["a"], to: t0)
        try cluster.machine.assign([t0: .earliest])
        try cluster.settle()
        #expect(try cluster.readValues() == ["a"])
        cluster.partitions[t0]?.leader = 2
        cluster.partitions[t0]?.epoch = 6
        try cluster.append(["b"], to: t0)
        try cluster.settle()
        #expect(try cluster.readValues() == (givesHints ? ["b"] : []))
        try cluster.advance(100)
        #expect(try cluster.readValues() == (givesHints ? [] : ["b"]))
        #expect(cluster.fetches.last?.broker == 2)
    }

    @Test("takes no record twice where the old leader's answer comes after the new one's")
    func lateAnswer() throws {
        let cluster = try SimulatedCluster()
        cluster.brokers = [1, 2]
        try cluster.append(["a"], to: t0)
        cluster.partitions[t1] = .init(leader: 2)
        try cluster.machine.assign([t0: .earliest, t1: .earliest])
        try cluster.settle()
        #expect(try cluster.readValues() == ["a"])
        cluster.stalled = [1]
        try cluster.append(["b"], to: t0)
        try cluster.settle()
        // The other partition's error has the metadata asked for, which tells where this one is led.
        cluster.partitions[t0]?.leader = 2
        cluster.partitions[t1]?.error = ErrorCode(rawValue: 6)
        try cluster.settle()
        cluster.partitions[t1]?.error = nil
        try cluster.advance(100)
        // The fetch that was sent meanwhile for the other partition alone comes to its end.
        try cluster.advance(500)
        #expect(cluster.fetches.last?.broker == 2)
        #expect(cluster.machine.fetches.contains { $0.broker == 1 })
        #expect(try cluster.readValues() == ["b"])
        try cluster.release()
        #expect(try cluster.readValues() == [])
    }

    @Test("answers questions about offsets, once they can be answered")
    func questions() throws {
        let cluster = try SimulatedCluster()
        try cluster.append(["a", "b"], to: t0, timestamp: 1_000)
        try cluster.append(["c"], to: t1, timestamp: 2_000)
        let answers = Answers()
        #expect(cluster.ask(1, .offsets([:]), times: [t0: 1_500, t1: 1_500], what: "q", finish: answers.take(1)))
        #expect(cluster.ask(2, .offsets([:]), times: [t0: -1, t1: -2], what: "q", finish: answers.take(2)))
        #expect(cluster.ask(3, .partitionCount(topic: "t"), what: "q", finish: answers.take(3)))
        #expect(cluster.ask(4, .partitionCount(topic: "none"), what: "q", finish: answers.take(4)))
        #expect(cluster.ask(5, .offsets([:]), what: "q", finish: answers.take(5)))
        try cluster.settle()
        #expect(answers.offsets(1) == [t1: 0])
        #expect(answers.offsets(2) == [t0: 2, t1: 0])
        #expect(answers.offsets(5) == [:])
        guard case .success(.partitionCount(2))? = answers.all[3] else {
            Issue.record("\(String(describing: answers.all[3]))")
            return
        }
        #expect(answers.all[4] == nil)
        for _ in 0..<61 { try cluster.advance(1_000) }
        guard case .failure(.broker(.unknownTopicOrPartition, what: "none"))? = answers.all[4] else {
            Issue.record("\(String(describing: answers.all[4]))")
            return
        }
        #expect(cluster.machine.questions.isEmpty && cluster.machine.lookups.isEmpty)
    }

    @Test("lets go of everybody who waits when it is closed")
    func closing() throws {
        let cluster = try SimulatedCluster()
        try cluster.append([], to: t0)
        try cluster.machine.assign([t0: .latest])
        let answers = Answers()
        #expect(cluster.ask(1, .partitionCount(topic: "none"), what: "q", finish: answers.take(1)))
        #expect(cluster.wait(2, timeoutMilliseconds: nil) { answers.wake() })
        try cluster.settle()
        #expect(answers.wakes == 0)
        try cluster.driver.deliver(.stopping)
        #expect(answers.wakes == 1)
        guard case .failure(.closed)? = answers.all[1] else {
            Issue.record("the question was not answered")
            return
        }
        #expect(cluster.driver.stopped == .some(.some(nil)) || cluster.driver.stopped != nil)
        #expect(!cluster.ask(3, .partitionCount(topic: "t"), what: "q") { _ in })
        #expect(throws: ClientError.closed) { try cluster.machine.beginReading() }
    }

    @Test("lets a reader go after its time, and takes back a wait that was cancelled")
    func waits() throws {
        let cluster = try SimulatedCluster()
        try cluster.append(["a"], to: t0)
        try cluster.machine.assign([t0: .latest])
        let answers = Answers()
        #expect(cluster.wait(1, timeoutMilliseconds: 300) { answers.wake() })
        try cluster.settle()
        try cluster.advance(299)
        #expect(answers.wakes == 0)
        try cluster.advance(1)
        #expect(answers.wakes == 1)
        var resume = cluster.machine.cancelWait(1)
        #expect(resume == nil)
        #expect(cluster.wait(2, timeoutMilliseconds: nil) { answers.wake() })
        resume = cluster.machine.cancelWait(2)
        #expect(resume != nil)
        try cluster.append(["b"], to: t0)
        try cluster.settle()
        #expect(answers.wakes == 1)
        #expect(!cluster.wait(3, timeoutMilliseconds: nil) {})
    }
}

/// What questions were answered with.
final class Answers: @unchecked Sendable {
    // Sendable: the simulated cluster has one thread.
    var all: [Int: Result<Question.Reply, ClientError>] = [:]
    var wakes = 0

    func take(_ number: Int) -> @Sendable (Result<Question.Reply, ClientError>) -> Void { { self.all[number] = $0 } }
    @Sendable func wake() { wakes += 1 }
    func offsets(_ number: Int) -> [TopicPartition: Int64]? {
        guard case .success(.offsets(let found))? = all[number] else { return nil }
        return found.mapValues(\.offset)
    }
}
