import SegmentLog
import Testing
import TopicsPartitions
import WireProtocol

@testable import ConsumerGroups

/// The offsets of groups without a log: what is written waits in a list until the test says that it is durable.
private struct World {
    var offsets = GroupOffsets()
    var image = MetadataImage()
    /// The records that are not durable, in order.
    var undurable: [GroupRecord] = []
    /// The log.
    private(set) var log: [GroupRecord] = []

    init(_ topics: [(name: String, partitions: Int32)] = [("a", 3), ("b", 2)]) throws {
        for (index, topic) in topics.enumerated() {
            try add(topic.name, id: UInt64(index + 1), partitions: topic.partitions)
        }
    }

    mutating func add(_ topic: String, id: UInt64, partitions: Int32 = 1) throws {
        let id = Uuid(high: 0, low: id)
        try image.apply(.topic(TopicRecord(name: topic, topicID: id)))
        for index in 0..<partitions {
            try image.apply(.partition(PartitionRecord(index: index, topicID: id, replicas: [1])))
        }
    }

    /// Commits; returns the error of each partition.
    mutating func commit(
        _ group: String, _ offsets: [(Int32, Int64)], of topic: String = "a", metadata: String? = nil,
        retention: Int64 = -1, at time: Int64 = 1_000
    ) -> [ErrorCode] {
        var request = OffsetCommitRequest.of(group, offsets.map { ($0.0, $0.1) }, topic: topic, metadata: metadata)
        request.retentionTimeMilliseconds = retention
        let (response, records) = self.offsets.commit(request, at: time, in: image, metadataMaxBytes: 4)
        undurable += records
        return response.topics.flatMap(\.partitions).map(\.errorCode)
    }

    /// Makes the first so many records durable, or all.
    mutating func becomeDurable(_ count: Int? = nil) throws {
        for record in undurable.prefix(count ?? undurable.count) {
            #expect(try offsets.replay(record))
            log.append(record)
        }
        undurable.removeFirst(count ?? undurable.count)
    }

    /// Commits, and has it made durable.
    mutating func store(
        _ group: String, _ offsets: [(Int32, Int64)], of topic: String = "a", retention: Int64 = -1,
        at time: Int64 = 1_000
    ) throws {
        #expect(commit(group, offsets, of: topic, retention: retention, at: time).allSatisfy { $0 == .none })
        try becomeDurable()
    }

    func fetch(_ group: String, _ topics: [(String, [Int32])]? = nil, requiresStable: Bool = false) -> [String] {
        offsets.fetch(.of(group, topics), requiresStable: requiresStable, in: image).shown
    }
}

/// What records remove, in order: "g/a-0".
private func removed(_ records: [GroupRecord]) throws -> [String] {
    try records.map { record in
        #expect(record.value == nil)
        let key = try OffsetCommitKey(decoding: record.key)
        return "\(key.group)/\(key.topic)-\(key.partition)"
    }
}

@Suite("The committed offsets of groups")
struct GroupOffsetsTests {
    @Test("are shown once they are durable, and in the order of the log")
    func visibility() throws {
        var world = try World()
        #expect(world.commit("g", [(0, 5), (1, 6)]) == [.none, .none])
        #expect(world.commit("g", [(0, 7)]) == [.none])
        let asked: [(String, [Int32])] = [("a", [0, 1])]
        #expect(world.fetch("g", asked) == ["a-0=-1", "a-1=-1"])
        #expect(world.fetch("g", asked, requiresStable: true) == ["a-0=7", "a-1=6"])
        try world.becomeDurable(1)
        #expect(world.fetch("g", asked) == ["a-0=5", "a-1=-1"])
        try world.becomeDurable(1)
        #expect(world.fetch("g", asked) == ["a-0=5", "a-1=6"])
        #expect(world.fetch("g", asked, requiresStable: true) == ["a-0=7", "a-1=6"])
        try world.becomeDurable(1)
        #expect(world.fetch("g", asked) == ["a-0=7", "a-1=6"])

        var loaded = GroupOffsets()
        for record in world.log { #expect(try loaded.replay(record)) }
        #expect(loaded.fetch(.of("g"), requiresStable: false, in: world.image).shown == ["a-0=7", "a-1=6"])
    }

    @Test("come with their metadata and leader epoch; nothing is -1, an empty text and no error")
    func fields() throws {
        var world = try World()
        var request = OffsetCommitRequest.of("g", [(0, 5)], topic: "a", metadata: "note")
        request.topics[0].partitions[0].committedLeaderEpoch = 9
        world.undurable = world.offsets.commit(request, at: 1, in: world.image, metadataMaxBytes: 4).records
        try world.becomeDurable()
        let answer = world.offsets.fetch(
            .of("g", [("a", [0, 2]), ("x", [0])]), requiresStable: false, in: world.image)
        let partitions = answer.topics.flatMap(\.partitions)
        #expect(partitions.map(\.committedOffset) == [5, -1, -1])
        #expect(partitions.map(\.committedLeaderEpoch) == [9, -1, -1])
        #expect(partitions.map(\.metadata) == ["note", "", ""])
        #expect(partitions.allSatisfy { $0.errorCode == .none } && answer.errorCode == .none)
    }

    @Test("of all topics come in order, however they were committed")
    func allTopics() throws {
        var world = try World()
        try world.store("g", [(1, 4), (0, 3)], of: "b")
        try world.store("g", [(2, 2)], of: "a")
        #expect(world.commit("g", [(0, 9)], of: "a") == [.none])
        #expect(world.fetch("g") == ["a-2=2", "b-0=3", "b-1=4"])
        #expect(world.fetch("g", requiresStable: true) == ["a-0=9", "a-2=2", "b-0=3", "b-1=4"])
        #expect(world.fetch("other") == [])
        #expect(world.fetch("g", []) == [])
    }

    @Test("are refused one by one: unknown topics and partitions, and metadata that is too long")
    func refusals() throws {
        var world = try World()
        #expect(
            world.commit("g", [(-1, 1), (0, 1), (3, 1), (.max, 1)]) == [
                .unknownTopicOrPartition, .none, .unknownTopicOrPartition, .unknownTopicOrPartition,
            ])
        #expect(world.commit("g", [(0, 1)], of: "x") == [.unknownTopicOrPartition])
        #expect(world.commit("g", [(1, 1)], metadata: "12345") == [.offsetMetadataTooLarge])
        #expect(world.commit("g", [(1, 1)], metadata: "ää€€") == [.none], "four characters of ten bytes")
        #expect(world.commit(String(repeating: "g", count: 40_000), [(1, 1)]) == [.unknownServerError])
        try world.becomeDurable()
        #expect(world.fetch("g") == ["a-0=1", "a-1=1"])
        #expect(world.offsets.groups == ["g"])
    }

    @Test("are not shown for a later topic of the same name")
    func recreatedTopic() throws {
        var world = try World([("a", 1)])
        try world.store("g", [(0, 5)])
        try world.image.apply(.removeTopic(RemoveTopicRecord(topicID: Uuid(high: 0, low: 1))))
        #expect(world.fetch("g") == ["a-0=5"])
        try world.add("a", id: 2)
        #expect(world.fetch("g") == [])
        #expect(world.fetch("g", [("a", [0])]) == ["a-0=-1"])
        try world.store("g", [(0, 6)])
        #expect(world.fetch("g") == ["a-0=6"])
        #expect(world.offsets.deleteAll(ofTopics: ["a": Uuid(high: 0, low: 1)]).isEmpty, "these are the new topic's")
    }

    @Test("of an older broker, without the topic's id, belong to the topic of the name")
    func withoutID() throws {
        var world = try World([("a", 1)])
        world.offsets.replay(OffsetCommitKey(group: "g", topic: "a", partition: 0), OffsetCommitValue())
        #expect(world.fetch("g") == ["a-0=0"])
        #expect(try removed(world.offsets.deleteAll(ofTopics: ["a": Uuid(high: 0, low: 7)])) == ["g/a-0"])
    }

    @Test("are deleted by request, unless a member reads the topic")
    func deletes() throws {
        var world = try World()
        try world.store("g", [(0, 1), (1, 2)], of: "a")
        try world.store("g", [(0, 3)], of: "b")
        var request = OffsetDeleteRequest()
        request.groupID = "g"
        request.topics = ([("b", [0, 1]), ("a", [1, 9]), ("x", [0])] as [(String, [Int32])]).map { name, partitions in
            var topic = OffsetDeleteRequest.Topic()
            topic.name = name
            topic.partitions = partitions.map { number in
                var partition = OffsetDeleteRequest.Partition()
                partition.index = number
                return partition
            }
            return topic
        }
        let (response, records) = world.offsets.delete(request, in: world.image) { $0 == "a" }
        #expect(
            response.topics.map { $0.partitions.map(\.errorCode) } == [
                [.none, .none], [.groupSubscribedToTopic, .unknownTopicOrPartition], [.unknownTopicOrPartition],
            ])
        #expect(response.errorCode == .none)
        #expect(try removed(records) == ["g/b-0"], "there is nothing to remove at b-1")
        #expect(world.fetch("g") == ["a-0=1", "a-1=2", "b-0=3"], "the removal is not durable yet")
        world.undurable = records
        try world.becomeDurable()
        #expect(world.fetch("g") == ["a-0=1", "a-1=2"])
    }

    @Test("of a deleted group go with those whose commit is on its way")
    func deleteGroup() throws {
        var world = try World()
        try world.store("g", [(1, 1)], of: "b")
        try world.store("other", [(0, 8)])
        _ = world.commit("g", [(2, 2)], of: "a")
        world.undurable += world.offsets.deleteAll(of: "g")
        #expect(try removed(Array(world.undurable.dropFirst())) == ["g/a-2", "g/b-1"])
        #expect(!world.offsets.hasOffsets(of: "g"))
        #expect(world.offsets.deleteAll(of: "g").isEmpty, "once is enough")
        #expect(world.offsets.groups == ["g", "other"])
        try world.becomeDurable(1)
        #expect(world.fetch("g") == ["a-2=2", "b-1=1"])
        try world.becomeDurable()
        #expect(world.fetch("g") == [])
        #expect(world.offsets.groups == ["other"])
    }

    @Test("whose removal is on its way are gone for a fetch that must be stable, and what is written behind it stays")
    func removalOnItsWay() throws {
        var world = try World()
        try world.store("g", [(0, 5)])
        world.undurable += world.offsets.deleteAll(of: "g")
        let asked: [(String, [Int32])] = [("a", [0, 1])]
        #expect(world.fetch("g", asked, requiresStable: true) == ["a-0=-1", "a-1=-1"])
        #expect(world.fetch("g", asked) == ["a-0=5", "a-1=-1"])
        #expect(world.commit("g", [(1, 6)]) == [.none])
        // Now nothing of the group is durable, and one offset is on its way.
        try world.becomeDurable(1)
        #expect(world.fetch("g", asked, requiresStable: true) == ["a-0=-1", "a-1=6"])
        #expect(world.offsets.hasOffsets(of: "g"))
        try world.becomeDurable()
        #expect(world.fetch("g", asked) == ["a-0=-1", "a-1=6"])
    }

    @Test("of deleted topics go in all groups")
    func deleteTopics() throws {
        var world = try World()
        try world.store("g2", [(1, 1), (0, 2)], of: "a")
        try world.store("g1", [(1, 1)], of: "b")
        try world.store("g1", [(0, 3)], of: "a")
        let topics = ["a": Uuid(high: 0, low: 1), "c": Uuid(high: 0, low: 9)]
        #expect(try removed(world.offsets.deleteAll(ofTopics: topics)) == ["g1/a-0", "g2/a-0", "g2/a-1"])
        #expect(world.offsets.hasOffsets(of: "g1"))
        #expect(!world.offsets.hasOffsets(of: "g2"))
    }

    @Test("leave records of other kinds to others, and refuse what they cannot read")
    func otherRecords() throws {
        var offsets = GroupOffsets()
        #expect(try !offsets.replay(GroupRecord(key: Bytes([0, 2, 0, 1, 0x67]), value: nil)))
        #expect(throws: CodingError.self) { try offsets.replay(GroupRecord(key: Bytes([0]), value: nil)) }
        #expect(throws: CodingError.self) { try offsets.replay(GroupRecord(key: Bytes([0, 1, 0, 9]), value: nil)) }
        offsets.replay(OffsetCommitKey(group: "g", topic: "a", partition: 0), nil)
        #expect(offsets.groups.isEmpty, "a tombstone of nothing leaves nothing")
    }
}

@Suite("Offsets that nobody uses")
struct OffsetExpiryTests {
    /// Offsets that were committed at these times, one partition each.
    private func world(_ times: [Int64], retention: Int64 = -1) throws -> World {
        var world = try World([("a", 9), ("b", 9)])
        for (number, time) in times.enumerated() {
            try world.store("g", [(Int32(number), 1)], retention: retention, at: time)
        }
        return world
    }

    @Test("expire after the retention since their commit, but not those of subscribed topics")
    func sinceCommit() throws {
        var world = try world([100, 101])
        try world.store("g", [(0, 1)], of: "b", at: 0)
        let expiry = OffsetExpiry.sinceCommit(subscribedTopics: ["b"])
        #expect(world.offsets.expire("g", expiry, at: 1_099, retention: 1_000).isEmpty)
        #expect(try removed(world.offsets.expire("g", expiry, at: 1_100, retention: 1_000)) == ["g/a-0"])
        #expect(try removed(world.offsets.expire("g", expiry, at: 1_101, retention: 1_000)) == ["g/a-1"])
        #expect(world.offsets.hasOffsets(of: "g"), "b is read")
        let none = OffsetExpiry.sinceCommit(subscribedTopics: [])
        #expect(try removed(world.offsets.expire("g", none, at: 1_101, retention: 1_000)) == ["g/b-0"])
        #expect(!world.offsets.hasOffsets(of: "g"))
    }

    @Test("of an empty group expire all together, after the retention since it lost its last member")
    func sinceEmpty() throws {
        var world = try world([0, 4_999])
        #expect(world.offsets.expire("g", .since(5_000), at: 5_999, retention: 1_000).isEmpty)
        #expect(
            try removed(world.offsets.expire("g", .since(5_000), at: 6_000, retention: 1_000)) == ["g/a-0", "g/a-1"])
    }

    @Test("stay while it is not known what members read")
    func never() throws {
        var world = try world([0], retention: 1)
        #expect(world.offsets.expire("g", .never, at: .max, retention: 0).isEmpty)
    }

    @Test("expire at their own time where the client gave one, and not before, whatever is set")
    func ownTime() throws {
        var world = try world([100], retention: 500)
        #expect(world.offsets.expire("g", .since(0), at: 599, retention: 1).isEmpty)
        #expect(try removed(world.offsets.expire("g", .since(.max), at: 600, retention: .max)) == ["g/a-0"])
        var forever = try self.world([100], retention: .max)
        #expect(forever.offsets.expire("g", .since(0), at: .max - 1, retention: 1).isEmpty)
    }

    @Test("are judged by the last commit, also where that is not durable")
    func onItsWay() throws {
        var world = try world([0])
        _ = world.commit("g", [(0, 2)], at: 1_000)
        let expiry = OffsetExpiry.sinceCommit(subscribedTopics: [])
        #expect(world.offsets.expire("g", expiry, at: 1_500, retention: 1_000).isEmpty)
    }

    @Test("times at the ends of 64 bits do not trap")
    func extremes() throws {
        for time in [Int64.min, -1, 0, .max] {
            for start in [Int64.min, -1, 0, .max] {
                var world = try world([start])
                _ = world.offsets.expire("g", .since(start), at: time, retention: .max)
                _ = world.offsets.expire("g", .sinceCommit(subscribedTopics: []), at: time, retention: 0)
            }
        }
        var world = try world([])
        #expect(world.commit("g", [(0, 1)], retention: .max, at: .max) == [.none])
        #expect(world.commit("g", [(0, 1)], retention: .min, at: .min) == [.none])
    }
}

@Suite("An OffsetFetch of any version")
struct OffsetFetchShapeTests {
    @Test("asks for one group up to version 7, and for several from 8 on", arguments: 1...9 as ClosedRange<Int16>)
    func shapes(version: Int16) throws {
        var request = OffsetFetchRequest()
        if version < 8 {
            request.groupID = "g"
            request.topics = OffsetFetchRequest.Group.of("g", [("a", [0])]).topics
        } else {
            request.groups = [.of("g", [("a", [0])]), .of("h")]
        }
        let decoded = try roundTrip(request, version: version)
        let asked = decoded.groups(version: version)
        #expect(asked.map(\.groupID) == (version < 8 ? ["g"] : ["g", "h"]))
        let answers = asked.map { GroupOffsets().fetch($0, requiresStable: false, in: MetadataImage()) }
        let response = try roundTrip(OffsetFetchResponse(answers, version: version), version: version)
        let topics = version < 8 ? response.topics : response.groups[0].topics
        #expect(topics.map(\.name) == ["a"] && topics[0].partitions.map(\.committedOffset) == [-1])
        #expect(version < 8 || response.groups.map(\.groupID) == ["g", "h"])
    }

    @Test(
        "says why a group is refused, in the place that the version has for it", arguments: 1...9 as ClosedRange<Int16>)
    func refusals(version: Int16) throws {
        let asked = OffsetFetchRequest.Group.of("g", [("a", [0, 1])])
        let refused = OffsetFetchResponse.Group(refusing: asked, .staleMemberEpoch, version: version)
        let response = try roundTrip(OffsetFetchResponse([refused], version: version), version: version)
        let partitions = response.topics.flatMap(\.partitions).map(\.errorCode)
        switch version {
        case 1: #expect(partitions == [.staleMemberEpoch, .staleMemberEpoch])
        case 2...7: #expect(response.errorCode == .staleMemberEpoch && partitions.isEmpty)
        default: #expect(response.groups.map(\.errorCode) == [.staleMemberEpoch] && response.groups[0].topics.isEmpty)
        }
    }

    private func roundTrip<Body: Message>(_ body: Body, version: Int16) throws -> Body {
        try Body(decoding: try body.encoded(version: version).bytes(), version: version)
    }
}
