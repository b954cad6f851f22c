import Broker
import SegmentLog
import TestSupport
import Testing
import WireProtocol

@Suite("The coordinator of groups, at its edges")
struct CoordinatorEdgeTests {
    /// A broker with one partition for groups, and a topic "t".
    private func start(_ disk: MemoryDisk = MemoryDisk(), partitions: Int32 = 1) throws -> TestBroker {
        let broker = try TestBroker(disk) { configuration in
            configuration.groups.offsetsPartitionCount = partitions
            configuration.groups.offsetsSegmentBytes = 10_000
        }
        try broker.metadata("t")
        var request = FindCoordinatorRequest()
        request.key = "g"
        _ = try broker.driver.ask(request, version: 2, on: broker.connection)
        return broker
    }

    private func commit(_ offset: Int64, of group: String, metadata: String? = nil, times: Int = 1)
        -> OffsetCommitRequest
    {
        var partition = OffsetCommitRequest.Partition()
        partition.committedOffset = offset
        partition.committedMetadata = metadata
        var topic = OffsetCommitRequest.Topic()
        topic.name = "t"
        topic.partitions = Array(repeating: partition, count: times)
        var request = OffsetCommitRequest()
        request.groupID = group
        request.generationIDOrMemberEpoch = -1
        request.topics = [topic]
        return request
    }

    private func offset(of group: String, _ broker: TestBroker) throws -> Int64? {
        var request = OffsetFetchRequest()
        request.groupID = group
        let answer = try #require(try broker.driver.ask(request, version: 5, on: broker.connection))
        #expect(answer.errorCode == .none)
        return answer.topics.first?.partitions.first?.committedOffset
    }

    private func heartbeat(_ group: String, assignor: String) -> ConsumerGroupHeartbeatRequest {
        var request = ConsumerGroupHeartbeatRequest()
        request.groupID = group
        request.memberID = "m"
        request.rebalanceTimeoutMilliseconds = 60_000
        request.subscribedTopicNames = ["t"]
        request.topicPartitions = []
        request.serverAssignor = assignor
        return request
    }

    private func groups(_ broker: TestBroker) throws -> [String] {
        try #require(try broker.driver.ask(ListGroupsRequest(), version: 4, on: broker.connection)).groups.map(
            \.groupID)
    }

    @Test("refuses a commit that no batch can hold, and nobody else notices")
    func tooLarge() throws {
        let broker = try start()
        _ = try broker.driver.ask(commit(7, of: "g"), version: 7, on: broker.connection)
        let other = try broker.driver.connect()
        try broker.driver.send(Requests.join("waits"), version: 3, on: other)
        let large = commit(8, of: "g", metadata: String(repeating: "x", count: 4_000), times: 3)
        let refused = try #require(try broker.driver.ask(large, version: 7, on: broker.connection))
        #expect(refused.topics[0].partitions.map(\.errorCode) == Array(repeating: .unknownServerError, count: 3))
        #expect(try offset(of: "g", broker) == 7)
        #expect(try broker.driver.answer(to: JoinGroupRequest.self, version: 3, on: other) == nil)
    }

    @Test("takes in no more of a group than a record can hold")
    func largeGroup() throws {
        let broker = try start()
        var large = Requests.join("g")
        large.protocols[0].metadata = Bytes([UInt8](repeating: 0, count: 5_000))
        let refused = try #require(try broker.driver.ask(large, version: 3, on: broker.connection))
        #expect(refused.errorCode == .groupMaxSizeReached)
        try broker.driver.send(Requests.join("g"), version: 3, on: broker.connection)
        for _ in 0..<4 { try broker.driver.advance(milliseconds: 1_000) }
        try broker.driver.synchronizeAll()
        let joined = try #require(
            try broker.driver.answer(to: JoinGroupRequest.self, version: 3, on: broker.connection))
        #expect(joined.body.errorCode == .none)
        var sync = SyncGroupRequest()
        (sync.groupID, sync.generationID, sync.memberID) = ("g", 1, joined.body.memberID)
        var assigned = SyncGroupRequest.Assignment()
        assigned.memberID = joined.body.memberID
        assigned.assignment = Bytes([UInt8](repeating: 0, count: 3_000))
        sync.assignments = [assigned]
        let tooLarge = try #require(try broker.driver.ask(sync, version: 3, on: broker.connection))
        #expect(tooLarge.errorCode == .unknownServerError)
        sync.assignments[0].assignment = Bytes([1, 2, 3])
        let taken = try #require(try broker.driver.ask(sync, version: 3, on: broker.connection))
        #expect(taken.errorCode == .none && taken.assignment == Bytes([1, 2, 3]))
    }

    @Test("leaves an expression with the topics that it had, where a record cannot hold those that have come")
    func manyTopics() throws {
        let broker = try start()
        var request = heartbeat("g", assignor: "uniform")
        (request.subscribedTopicNames, request.subscribedTopicRegex) = (nil, "t.*")
        _ = try broker.driver.ask(request, version: 1, on: broker.connection)
        let names = (0..<40).map { "t\($0)" + String(repeating: "x", count: 200) }
        _ = try broker.driver.ask(Requests.metadata(names), version: 12, on: broker.connection)
        try broker.driver.synchronizeAll()
        var describe = ConsumerGroupDescribeRequest()
        describe.groupIDs = ["g"]
        let described = try #require(try broker.driver.ask(describe, version: 0, on: broker.connection))
        #expect(described.groups[0].errorCode == .none)
        #expect(described.groups[0].members.count == 1)
        #expect(try offset(of: "g", broker) == nil, "the coordinator has to serve")
    }

    @Test("takes two ids for two, whose characters look alike and whose bytes differ")
    func bytes() throws {
        let broker = try start()
        let ids = ["caf\u{E9}", "cafe\u{301}"]
        #expect(ids[0] == ids[1], "Swift's strings are equal")
        for (number, id) in ids.enumerated() {
            _ = try broker.driver.ask(commit(Int64(number), of: id), version: 7, on: broker.connection)
        }
        for (number, id) in ids.enumerated() { #expect(try offset(of: id, broker) == Int64(number)) }
        #expect(try groups(broker).map { Array($0.utf8).count } == [6, 5])
        // Each is told the time, too: the second one's first rebalance ends.
        for id in ids { try broker.driver.send(Requests.join(id), version: 3, on: try broker.driver.connect()) }
        let last = try broker.driver.connect()
        try broker.driver.send(Requests.join(ids[1]), version: 3, on: last)
        for _ in 0..<20 { try broker.driver.advance(milliseconds: 1_000) }
        try broker.driver.synchronizeAll()
        #expect(try broker.driver.answer(to: JoinGroupRequest.self, version: 3, on: last) != nil)
    }

    @Test("keeps an empty classic group, and its offsets, where the heartbeat that would replace it is refused")
    func refusedHeartbeat() throws {
        let broker = try start()
        _ = try broker.driver.ask(commit(7, of: "g"), version: 7, on: broker.connection)
        let refused = try #require(
            try broker.driver.ask(heartbeat("g", assignor: "none such"), version: 0, on: broker.connection))
        #expect(refused.errorCode == .unsupportedAssignor)
        #expect(try groups(broker) == ["g"])
        let accepted = try #require(
            try broker.driver.ask(heartbeat("g", assignor: "uniform"), version: 0, on: broker.connection))
        #expect(accepted.errorCode == .none)
        #expect(try groups(broker) == ["g"])
        #expect(try offset(of: "g", broker) == 7)
    }

    @Test("keeps a group of KIP-848 without members where the JoinGroup that would replace it is refused")
    func refusedJoin() throws {
        let broker = try start()
        _ = try broker.driver.ask(heartbeat("g", assignor: "uniform"), version: 0, on: broker.connection)
        var leave = heartbeat("g", assignor: "uniform")
        leave.memberEpoch = -1
        _ = try broker.driver.ask(leave, version: 0, on: broker.connection)
        var short = Requests.join("g")
        short.sessionTimeoutMilliseconds = 1
        let refused = try #require(try broker.driver.ask(short, version: 3, on: broker.connection))
        #expect(refused.errorCode == .invalidSessionTimeout)
        let listed = try #require(try broker.driver.ask(ListGroupsRequest(), version: 5, on: broker.connection))
        #expect(listed.groups.map(\.groupType) == ["consumer"])
        try broker.driver.send(Requests.join("g"), version: 3, on: broker.connection)
        let other = try broker.driver.connect()
        let replaced = try #require(try broker.driver.ask(ListGroupsRequest(), version: 5, on: other))
        #expect(replaced.groups.map(\.groupType) == ["classic"])
    }

    @Test("deletes a group whose tombstones no batch can hold, and says so when they are on disk")
    func manyOffsets() throws {
        let disk = MemoryDisk()
        let broker = try start(disk)
        var grow = CreatePartitionsRequest()
        var topic = CreatePartitionsRequest.Topic()
        (topic.name, topic.count) = ("t", 200)
        grow.topics = [topic]
        _ = try broker.driver.ask(grow, version: 2, on: broker.connection)
        for part in 0..<4 {
            var request = commit(1, of: "g", times: 50)
            for place in 0..<50 { request.topics[0].partitions[place].index = Int32(50 * part + place) }
            let answer = try #require(try broker.driver.ask(request, version: 7, on: broker.connection))
            #expect(answer.topics[0].partitions.allSatisfy { $0.errorCode == .none })
        }
        var delete = DeleteGroupsRequest()
        delete.groupNames = ["g"]
        try broker.driver.send(delete, version: 2, on: broker.connection)
        #expect(try broker.driver.answer(to: DeleteGroupsRequest.self, version: 2, on: broker.connection) == nil)
        try broker.driver.synchronizeAll()
        let answer = try #require(
            try broker.driver.answer(to: DeleteGroupsRequest.self, version: 2, on: broker.connection))
        #expect(answer.body.results.map(\.errorCode) == [.none])
        let again = try start(disk.afterPowerLoss(seed: 3))
        for _ in 0..<10 { try again.driver.deliver(.woke) }
        #expect(try offset(of: "g", again) == nil)
    }

    @Test("answers for a group once, however often a request names it")
    func repeated() throws {
        let broker = try start()
        _ = try broker.driver.ask(commit(7, of: "g"), version: 7, on: broker.connection)
        var asked = OffsetFetchRequest.Group()
        asked.groupID = "g"
        asked.topics = nil
        var fetch = OffsetFetchRequest()
        fetch.groups = [asked, asked]
        let offsets = try #require(try broker.driver.ask(fetch, version: 8, on: broker.connection))
        #expect(offsets.groups.map(\.errorCode) == [.none, .invalidRequest])
        #expect(offsets.groups.map(\.topics.count) == [1, 0])
        var places = OffsetFetchRequest.Topic()
        (places.name, places.partitionIndexes) = ("t", [0, 0])
        fetch.groups[0].topics = [places]
        fetch.groups.removeLast()
        let twice = try #require(try broker.driver.ask(fetch, version: 8, on: broker.connection))
        #expect(twice.groups[0].topics[0].partitions.map(\.committedOffset) == [7, -1])
        #expect(twice.groups[0].topics[0].partitions.map(\.errorCode) == [.none, .invalidRequest])
        var describe = DescribeGroupsRequest()
        describe.groups = ["g", "g"]
        let described = try #require(try broker.driver.ask(describe, version: 5, on: broker.connection))
        #expect(described.groups.map(\.errorCode) == [.none, .invalidRequest])
    }

    @Test("passes over a record whose key is not what it reads as, and reads the others")
    func strangeKey() throws {
        let disk = MemoryDisk()
        var broker = try start(disk)
        _ = try broker.driver.ask(commit(7, of: "g"), version: 7, on: broker.connection)
        // A consumer's member, kind 5: a group and a member, of bytes that are no UTF-8.
        var key: [UInt8] = [0, 5, 0, 3, 0xff, 0xff, 0xff, 0, 1, 0x61]
        var builder = RecordBatchBuilder(baseTimestamp: 0)
        builder.append(key: Bytes(key), value: Bytes([0, 0, 0, 0, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0, 0, 0]))
        key = [0, 2, 0, 2, 0xc3, 0x28]
        builder.append(key: Bytes(key), value: nil)
        let produced = Requests.produce(builder.finish().bytes, to: "__consumer_offsets")
        _ = try broker.driver.ask(produced, version: 9, on: broker.connection)
        broker = try start(disk.afterPowerLoss(seed: 3))
        for _ in 0..<10 { try broker.driver.deliver(.woke) }
        #expect(try offset(of: "g", broker) == 7)
        #expect(try groups(broker) == ["g"])
    }
}
