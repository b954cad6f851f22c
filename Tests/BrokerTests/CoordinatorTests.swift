import Broker
import SegmentLog
import TestSupport
import Testing
import WireProtocol

@Suite("The coordinator of groups")
struct CoordinatorTests {
    private func commit(_ offset: Int64, generation: Int32 = -1) -> OffsetCommitRequest {
        var partition = OffsetCommitRequest.Partition()
        partition.committedOffset = offset
        var topic = OffsetCommitRequest.Topic()
        topic.name = "t"
        topic.partitions = [partition]
        var request = OffsetCommitRequest()
        request.groupID = "g"
        request.generationIDOrMemberEpoch = generation
        request.topics = [topic]
        return request
    }

    private func committed(_ broker: TestBroker, _ group: String = "g") throws -> (code: ErrorCode, offset: Int64?) {
        var request = OffsetFetchRequest()
        request.groupID = group
        let answer = try #require(try broker.driver.ask(request, version: 5, on: broker.connection))
        return (answer.errorCode, answer.topics.first?.partitions.first?.committedOffset)
    }

    private func start(_ disk: MemoryDisk = MemoryDisk()) throws -> TestBroker {
        let broker = try TestBroker(disk) { $0.groups.offsetsPartitionCount = 2 }
        try broker.metadata("t")
        var request = FindCoordinatorRequest()
        request.key = "g"
        _ = try broker.driver.ask(request, version: 2, on: broker.connection)
        return broker
    }

    @Test("answers a commit once it is on disk, and shows it then")
    func durable() throws {
        let broker = try start()
        try broker.driver.send(commit(7), version: 7, on: broker.connection)
        #expect(try broker.driver.answer(to: OffsetCommitRequest.self, version: 7, on: broker.connection) == nil)
        try broker.driver.synchronizeAll()
        let answer = try #require(
            try broker.driver.answer(to: OffsetCommitRequest.self, version: 7, on: broker.connection))
        #expect(answer.body.topics[0].partitions[0].errorCode == .none)
        #expect(try committed(broker) == (.none, 7))
    }

    @Test("forgets what it could not write, reads its log again, and goes on")
    func failedWrite() throws {
        let disk = MemoryDisk()
        let broker = try start(disk)
        _ = try broker.driver.ask(commit(7), version: 7, on: broker.connection)
        disk.failNext(.append, with: 28)
        let refused = try #require(try broker.driver.ask(commit(8), version: 7, on: broker.connection))
        #expect(refused.topics[0].partitions[0].errorCode == .notCoordinator)
        #expect(try committed(broker).code == .coordinatorLoadInProgress)
        // The disk gets a moment.
        try broker.driver.advance(milliseconds: 100)
        for _ in 0..<10 { try broker.driver.deliver(.woke) }
        #expect(try committed(broker) == (.none, 7))
        let taken = try #require(try broker.driver.ask(commit(9), version: 7, on: broker.connection))
        #expect(taken.topics[0].partitions[0].errorCode == .none)
        #expect(try committed(broker) == (.none, 9))
    }

    @Test("knows after a start what was committed, and refuses the commit of a member that it does not know")
    func restart() throws {
        let disk = MemoryDisk()
        var broker = try start(disk)
        _ = try broker.driver.ask(commit(7), version: 7, on: broker.connection)
        broker = try start(disk.afterPowerLoss(seed: 3))
        for _ in 0..<10 { try broker.driver.deliver(.woke) }
        #expect(try committed(broker) == (.none, 7))
        let refused = try #require(try broker.driver.ask(commit(9, generation: 4), version: 7, on: broker.connection))
        #expect(refused.topics[0].partitions[0].errorCode == .unknownMemberID)
    }

    private func deleteTopic() -> DeleteTopicsRequest {
        var request = DeleteTopicsRequest()
        request.topicNames = ["t"]
        return request
    }

    @Test("removes the offsets of a deleted topic, also those of a client that is no member")
    func deletedTopic() throws {
        let disk = MemoryDisk()
        var broker = try start(disk)
        _ = try broker.driver.ask(commit(7), version: 7, on: broker.connection)
        // A time of expiry makes a record without the topic's id.
        var old = commit(7)
        (old.groupID, old.retentionTimeMilliseconds) = ("old", 1_000_000_000)
        _ = try broker.driver.ask(old, version: 2, on: broker.connection)
        _ = try broker.driver.ask(deleteTopic(), version: 4, on: broker.connection)
        try broker.driver.synchronizeAll()
        #expect(try committed(broker) == (.none, nil))
        // What is not shown may still be in the log: a start without the topic's deletion behind it would show it.
        broker = try start(disk.afterPowerLoss(seed: 3))
        for _ in 0..<10 { try broker.driver.deliver(.woke) }
        for group in ["g", "old"] { #expect(try committed(broker, group) == (.none, nil)) }
    }

    @Test("removes the offsets of a deleted topic at the next start, where it was killed before it could")
    func deletedTopicAndCrash() throws {
        let disk = MemoryDisk()
        var broker = try start(disk)
        _ = try broker.driver.ask(commit(7), version: 7, on: broker.connection)
        try broker.driver.send(deleteTopic(), version: 4, on: broker.connection)
        broker = try TestBroker(disk.afterPowerLoss(seed: 3)) { $0.groups.offsetsPartitionCount = 2 }
        for _ in 0..<10 { try broker.driver.deliver(.woke) }
        try broker.driver.synchronizeAll()
        #expect(try committed(broker) == (.none, nil))
    }

    @Test("is woken for a group, also where something else woke the broker in between")
    func wakes() throws {
        let broker = try start()
        let other = try broker.driver.connect()
        try broker.driver.send(Requests.join("g"), version: 3, on: broker.connection)
        var fetch = Requests.fetch(from: 0, of: "t")
        (fetch.maxWaitMilliseconds, fetch.minBytes) = (100, 1)
        try broker.driver.send(fetch, version: 11, on: other)
        try broker.driver.advance(milliseconds: 100)
        #expect(try broker.driver.answer(to: FetchRequest.self, version: 11, on: other) != nil)
        let wake = try #require(broker.driver.wakeAt)
        #expect(wake <= Instant(nanoseconds: 3_000_000_000))
        for _ in 0..<5 { try broker.driver.advance(milliseconds: 1_000) }
        try broker.driver.synchronizeAll()
        let answer = try #require(
            try broker.driver.answer(to: JoinGroupRequest.self, version: 3, on: broker.connection))
        #expect(answer.body.errorCode == .none && answer.body.generationID == 1)
    }

    @Test("lets a broker stop while members wait for each other")
    func stop() throws {
        let broker = try start()
        try broker.driver.send(Requests.join("g"), version: 3, on: broker.connection)
        #expect(try broker.driver.answer(to: JoinGroupRequest.self, version: 3, on: broker.connection) == nil)
        try broker.driver.deliver(.stopping)
        try broker.driver.synchronizeAll()
        let answer = try #require(
            try broker.driver.answer(to: JoinGroupRequest.self, version: 3, on: broker.connection))
        #expect(answer.body.errorCode == .notCoordinator)
        #expect(broker.driver.stopped == .some(nil))
    }
}
