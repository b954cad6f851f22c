import SegmentLog
import Testing
import TopicsPartitions
import WireProtocol

@testable import ConsumerGroups

@Suite("At its edges, a consumer group")
struct ConsumerGroupEdgeTests {
    private static let requests: [(String, @Sendable (inout ConsumerGroupHeartbeatRequest) -> Void, Int16)] = [
        ("the member has no id", { $0.memberID = " " }, 1),
        ("the group has no id", { $0.groupID = "" }, 1),
        ("the instance id is empty: leave it out, or give one", { $0.instanceID = "" }, 1),
        ("the rack is empty: leave it out, or give one", { $0.rackID = "\t" }, 1),
        ("-3 is no member epoch", { $0.memberEpoch = -3 }, 1),
        ("only a static member leaves for a while, and this one has no instance id", { $0.memberEpoch = -2 }, 1),
        ("a member that joins says its rebalance timeout", { $0.rebalanceTimeoutMilliseconds = -1 }, 1),
        ("a member that joins says that it has no partitions", { $0.topicPartitions = nil }, 1),
        ("a member that joins says that it has no partitions", { $0.topicPartitions = [.init()] }, 1),
        ("a member that joins says what it subscribes to", { $0.subscribedTopicNames = nil }, 1),
        (
            "an id, or a regular expression, is longer than 32767 bytes",
            { $0.memberID = String(repeating: "m", count: 32_768) }, 1
        ),
        (
            "an id, or a regular expression, is longer than 32767 bytes",
            { $0.subscribedTopicRegex = String(repeating: "m", count: 32_768) }, 1
        ),
    ]

    @Test("refuses what makes no sense, and says why", arguments: 0..<requests.count)
    func invalid(index: Int) {
        let (words, change, version) = Self.requests[index]
        var world = ConsumerGroupWorld()
        var request = ConsumerGroupHeartbeatRequest.join("m1")
        change(&request)
        let answer = world.heartbeat(request, version: version)
        #expect(answer.errorCode == .invalidRequest)
        #expect(answer.errorMessage == words)
        #expect(world.log.isEmpty)
        #expect(!world.group.exists)
    }

    @Test("resolves regular expressions, and follows them when topics come and go")
    func expressions() throws {
        var world = ConsumerGroupWorld()
        let eu = try world.grow("orders-eu", to: 1)
        try world.grow("other", to: 1)
        #expect(world.heartbeat(.join("m1", nil, regex: "orders-.*")).assigned == partitions(eu, 0))
        #expect(world.group.isSubscribed(to: "orders-eu"))
        #expect(!world.group.isSubscribed(to: "other"))
        let us = try world.grow("orders-us", to: 1)
        world.topicsChanged()
        #expect(try world.written.map { try $0.kind } == [16, 3])
        #expect(world.heartbeat(.member("m1", epoch: 1)).assigned == partitions(eu, 0).union(partitions(us, 0)))
        // Names and an expression together; an empty expression ends it.
        var change = ConsumerGroupHeartbeatRequest.member("m1", epoch: 2)
        change.subscribedTopicNames = ["other", "orders-eu"]
        #expect(world.heartbeat(change).assigned?.count == 3)
        change.memberEpoch = 3
        change.subscribedTopicNames = []
        change.subscribedTopicRegex = ""
        #expect(world.heartbeat(change).assigned == [])
        #expect(world.group.expressions.isEmpty)
        #expect(world.written.contains { $0.value == nil && (try? $0.kind) == 16 })
    }

    @Test("matches a regular expression once against each name, however often topics change")
    func newTopicsOnly() throws {
        var world = ConsumerGroupWorld()
        for name in ["orders-eu", "orders-us", "other"] { try world.grow(name, to: 1) }
        _ = world.heartbeat(.join("m1", nil, regex: "orders-.*"))
        // Whatever is matched from here on is matched by something else.
        world.group.expressions["orders-.*"]?.compiled = try RegularExpression("new|other")
        try world.grow("new", to: 1)
        try world.delete("orders-us")
        world.topicsChanged()
        #expect(world.group.expressions["orders-.*"]?.topics == ["new", "orders-eu"])
        // A name that has gone is a new one when it comes again, and a new expression changes nothing for the others.
        try world.delete("other")
        world.topicsChanged()
        try world.grow("other", to: 1)
        _ = world.heartbeat(.join("m2", nil, regex: "o.*"))
        #expect(world.group.expressions["orders-.*"]?.topics == ["new", "orders-eu", "other"])
        #expect(world.group.expressions["o.*"]?.topics == ["orders-eu", "other"])
        world.topicsChanged()
        #expect(world.written.isEmpty)
    }

    @Test("takes at once what a member unsubscribes from, also while it still has to give up something else")
    func unsubscription() throws {
        var world = ConsumerGroupWorld()
        let ids = try ["a", "b", "c"].map { try world.grow($0, to: 1) }
        let (a, b, c) = (partitions(ids[0], 0), partitions(ids[1], 0), partitions(ids[2], 0))
        #expect(world.heartbeat(.join("m1", ["a", "b", "c"])).assigned == a.union(b).union(c))
        var change = ConsumerGroupHeartbeatRequest.member("m1", epoch: 1, owning: a.union(b).union(c))
        change.subscribedTopicNames = ["b", "c"]
        #expect(world.heartbeat(change).assigned == b.union(c))
        // It still has all of them.
        change.subscribedTopicNames = ["c"]
        let answer = world.heartbeat(change)
        #expect(answer.assigned == c && answer.memberEpoch == 1)
        let assignment = try #require(world.group.members["m1"]?.assignment)
        #expect(Set(assignment.pendingRevocation.keys) == a.union(b) && assignment.state == .unrevokedPartitions)
        #expect(Set(world.group.owners.keys) == a.union(b).union(c))
        // It is to give up both before it goes on.
        #expect(world.heartbeat(.member("m1", epoch: 1, owning: b.union(c))).memberEpoch == 1)
        let last = world.heartbeat(.member("m1", epoch: 1, owning: c))
        #expect(last.memberEpoch == 3 && Set(world.group.owners.keys) == c)
    }

    @Test("fences a member whose state a newer broker wrote, unless it has nothing")
    func unknownState() throws {
        var world = ConsumerGroupWorld()
        let t = try world.grow("t", to: 1)
        _ = world.heartbeat(.join("m1"))
        var value = try #require(world.group.members["m1"]?.assignment.value)
        value.state = 99
        world.log.append(
            try GroupRecord(ConsumerGroupCurrentMemberAssignmentKey(groupID: "g", memberID: "m1"), value))
        try world.restart()
        for owned in [nil, partitions(t, 0)] {
            #expect(world.heartbeat(.member("m1", epoch: 1, owning: owned)).errorCode == .fencedMemberEpoch)
            #expect(world.written.isEmpty)
        }
        #expect(world.heartbeat(.member("m1", epoch: 1, owning: [])).errorCode == .none)
        #expect(world.group.state == .stable)
        try world.restart()
        #expect(world.heartbeat(.member("m1", epoch: 1)).errorCode == .none)
    }

    @Test("reads no member whose regular expression could not be a key")
    func longExpression() throws {
        var group = ConsumerGroup(id: "g", settings: GroupSettings())
        for (count, isRead) in [(32_767, true), (32_768, false)] {
            var value = ConsumerGroupMemberMetadataValue()
            value.subscribedTopicRegex = "x"
            var bytes = try value.encoded().array
            let place = try #require(bytes.lastIndex(of: 0x78))
            let text = [UInt8](repeating: 0x78, count: count)
            // A compact length, one more than it is, in three groups of seven bits.
            let length = count + 1
            let varint = [UInt8(length & 0x7F | 0x80), UInt8(length >> 7 & 0x7F | 0x80), UInt8(length >> 14)]
            bytes.replaceSubrange(place - 1...place, with: varint + text)
            let key = ConsumerGroupMemberMetadataKey(groupID: "g", memberID: "m\(count)")
            let record = GroupRecord(key: try key.encoded(), value: Bytes(bytes))
            if isRead {
                try group.replay(record)
            } else {
                #expect(throws: CodingError.invalidLength(at: 0, count)) { try group.replay(record) }
            }
        }
        #expect(group.members.keys.sorted() == ["m32767"])
    }

    @Test("takes an empty regular expression for none, as librdkafka means it")
    func emptyExpression() throws {
        var world = ConsumerGroupWorld()
        let t = try world.grow("t", to: 1)
        #expect(world.heartbeat(.join("m1", ["t"], regex: "")).assigned == partitions(t, 0))
        #expect(world.group.expressions.isEmpty)
    }

    @Test("refuses a regular expression that is none, and says where; nothing has changed then")
    func invalidExpression() throws {
        var world = ConsumerGroupWorld()
        let answer = world.heartbeat(.join("m1", nil, regex: "a(b"))
        #expect(answer.errorCode == .invalidRegularExpression)
        #expect(
            answer.errorMessage == "the regular expression a(b is none: at character 2, this group has no end")
        #expect(!world.group.exists && world.log.isEmpty)
    }

    @Test("lets a member commit with its epoch, and with an older one what it has had since then (KIP-1251)")
    func commits() throws {
        var world = ConsumerGroupWorld()
        let t = try world.grow("t", to: 1)
        func code(_ id: String, _ epoch: Int32, _ partition: Int32 = 0, version: Int16 = 9) -> ErrorCode {
            world.group.checkCommit(
                memberID: id, memberEpoch: epoch, version: version, topicID: t, partition: partition)
        }
        #expect(code("", -1) == .none)
        _ = world.heartbeat(.join("m1"))
        try world.grow("t", to: 2)
        world.topicsChanged()
        _ = world.heartbeat(.member("m1", epoch: 1))
        #expect(code("m1", 2) == .none)
        #expect(code("m1", 1) == .none)
        #expect(code("m1", 0) == .staleMemberEpoch)
        #expect(code("m1", 1, 1) == .staleMemberEpoch)
        #expect(code("m1", 3) == .staleMemberEpoch)
        #expect(code("m1", 2, version: 8) == .unsupportedVersion)
        #expect(code("m2", 2) == .unknownMemberID)
        #expect(code("", -1) == .unknownMemberID)
        #expect(world.group.checkFetch(memberID: nil, memberEpoch: -1) == .none)
        #expect(world.group.checkFetch(memberID: "m1", memberEpoch: 2) == .none)
        #expect(world.group.checkFetch(memberID: "m1", memberEpoch: 1) == .staleMemberEpoch)
        #expect(world.group.checkFetch(memberID: "m2", memberEpoch: 2) == .unknownMemberID)
    }

    @Test("gives every member a new session when it is loaded, and time for what it has to give up")
    func loading() throws {
        var world = ConsumerGroupWorld()
        try world.grow("t", to: 2)
        var slow = ConsumerGroupHeartbeatRequest.join("m1")
        slow.rebalanceTimeoutMilliseconds = 10_000
        _ = world.heartbeat(slow)
        _ = world.heartbeat(.join("m2"))
        _ = world.heartbeat(.member("m1", epoch: 1))
        world.now = world.now.advanced(byMilliseconds: 100_000)
        try world.restart()
        #expect(world.written.isEmpty)
        #expect(world.deadline == Instant(nanoseconds: 110_000_000_000))
        world.expire()
        #expect(world.group.members.count == 2)
        world.pass(milliseconds: 10_000)
        #expect(world.group.members.keys.sorted() == ["m2"])
        world.pass(milliseconds: 35_000)
        #expect(world.group.state == .empty)
    }

    @Test("leaves nothing in its log when it is deleted")
    func deletion() throws {
        var world = ConsumerGroupWorld()
        try world.grow("t", to: 1)
        _ = world.heartbeat(.join("m1", nil, regex: "t"))
        _ = world.heartbeat(.member("m1", epoch: -1))
        var actions = GroupActions()
        world.group.delete(&actions)
        #expect(!world.group.exists)
        #expect(world.group.state == .dead)
        world.log += actions.records
        var last: [[UInt8]: Bool] = [:]
        for record in world.log { last[record.key.array] = record.value != nil }
        #expect(last.values.allSatisfy { !$0 })
    }

    @Test("is described with names instead of ids, and without topics that are gone")
    func description() throws {
        var world = ConsumerGroupWorld()
        let t = try world.grow("t", to: 2)
        _ = world.heartbeat(.join("m2", ["t", "u"]))
        _ = world.heartbeat(.join("m1", instance: "i"))
        let group = world.group.described(world.topics)
        #expect(group.groupState == "Reconciling")
        #expect([group.groupEpoch, group.assignmentEpoch] == [2, 2])
        #expect(group.assignorName == "uniform")
        #expect(group.members.map(\.memberID) == ["m1", "m2"])
        #expect(group.members[0].instanceID == "i")
        #expect(group.members[0].clientHost == "/h")
        #expect(group.members[1].subscribedTopicNames == ["t", "u"])
        #expect(group.members[1].memberType == 1)
        let assignment = try #require(group.members[1].assignment.topicPartitions.first)
        #expect(assignment.topicName == "t" && assignment.topicID == t && assignment.partitions == [0, 1])
        #expect(group.members[1].targetAssignment.topicPartitions.first?.partitions.count == 1)
        try world.delete("t")
        #expect(world.group.described(world.topics).members[1].assignment.topicPartitions.isEmpty)
        #expect(world.group.listed.groupType == "consumer")
        #expect(world.group.listed.protocolType == "consumer")
    }

    @Test("writes a member's assignment with Kafka's bytes, and reads one without epochs")
    func bytes() throws {
        var assignment = MemberAssignment()
        (assignment.epoch, assignment.previousEpoch, assignment.state) = (5, 4, .unrevokedPartitions)
        let (a, b) = (Uuid(high: 2, low: 2), Uuid(high: 3, low: 3))
        assignment.assigned = [.init(topicID: a, partition: 8): 5, .init(topicID: a, partition: 7): 3]
        assignment.pendingRevocation = [.init(topicID: b, partition: 1): 4]
        let id: (UInt8) -> [UInt8] = { [0, 0, 0, 0, 0, 0, 0, $0, 0, 0, 0, 0, 0, 0, 0, $0] }
        let before: [UInt8] = [0, 0, 0, 0, 0, 5, 0, 0, 0, 4, 1, 2] + id(2) + [3, 0, 0, 0, 7, 0, 0, 0, 8]
        let tag: [UInt8] = [1, 0, 9, 3, 0, 0, 0, 3, 0, 0, 0, 5]
        let pending: [UInt8] = [2] + id(3) + [2, 0, 0, 0, 1]
        let record = try GroupRecord(
            ConsumerGroupCurrentMemberAssignmentKey(groupID: "g", memberID: "m"), assignment.value)
        #expect(record.key.array == [0, 8, 0, 1, 103, 0, 1, 109])
        #expect(record.value?.array == before + tag + pending + [1, 0, 5, 2, 0, 0, 0, 4, 0])
        #expect(try ConsumerGroup.groupID(of: record) == "g")
        let old = try ConsumerGroupCurrentMemberAssignmentValue(decoding: Bytes(before + [0] + pending + [0, 0]))
        #expect(Set(MemberAssignment(old).assigned.values) == [5])
    }

    @Test("reads no record that is cut short, and passes over kinds that it has no use for")
    func damage() throws {
        var world = ConsumerGroupWorld()
        try world.grow("t", to: 2)
        _ = world.heartbeat(.join("m1", nil, regex: "t"))
        for record in world.log {
            var group = ConsumerGroup(id: "g", settings: GroupSettings())
            let value = try #require(record.value)
            for count in 0..<value.count {
                #expect(throws: CodingError.self) {
                    try group.replay(GroupRecord(key: record.key, value: value.slice(0..<count)))
                }
            }
        }
        var group = ConsumerGroup(id: "g", settings: GroupSettings())
        try group.replay(GroupRecord(key: Bytes([0, 4, 0, 1, 103]), value: Bytes([9])))
        #expect(!group.exists)
    }
}
