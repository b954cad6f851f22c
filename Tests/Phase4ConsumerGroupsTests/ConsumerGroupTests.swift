import SegmentLog
import Testing
import TopicsPartitions
import WireProtocol

@testable import ConsumerGroups

@Suite("A consumer group")
struct ConsumerGroupTests {
    private func kinds(_ records: [GroupRecord]) throws -> [Int16] {
        try records.map { try $0.value == nil ? -$0.kind : $0.kind }
    }

    @Test("gives its first member everything, and writes what Kafka writes, in Kafka's order")
    func firstMember() throws {
        var world = ConsumerGroupWorld()
        let t = try world.grow("t", to: 2)
        let answer = world.heartbeat(.join("m1"))
        #expect(answer.errorCode == .none)
        #expect(answer.memberID == "m1")
        #expect(answer.memberEpoch == 1)
        #expect(answer.heartbeatIntervalMilliseconds == 5_000)
        #expect(answer.assigned == partitions(t, 0, 1))
        #expect(try kinds(world.written) == [5, 3, 7, 6, 8])
        #expect(world.deadline == Instant(nanoseconds: 45_000_000_000))
        #expect(world.group.state == .stable)
    }

    @Test("gives a member of version 0 an id, and none to one of version 1")
    func memberIDs() throws {
        var world = ConsumerGroupWorld()
        try world.grow("t", to: 1)
        let id = try #require(world.heartbeat(.join(""), version: 0).memberID)
        #expect(Uuid(id) != nil)
        #expect(world.group.members.keys.sorted() == [id])
        #expect(world.heartbeat(.join(""), version: 1).errorCode == .invalidRequest)
    }

    @Test("takes a partition away from one member before it gives it to another")
    func revocation() throws {
        var world = ConsumerGroupWorld()
        let t = try world.grow("t", to: 2)
        _ = world.heartbeat(.join("m1"))
        let second = world.heartbeat(.join("m2"))
        #expect(second.memberEpoch == 2)
        #expect(second.assigned == [])
        #expect(world.group.state == .reconciling)

        let told = world.heartbeat(.member("m1", epoch: 1))
        #expect(told.memberEpoch == 1)
        let kept = try #require(told.assigned)
        #expect(kept.count == 1)
        // It still has both, or does not say: nothing moves.
        #expect(world.heartbeat(.member("m1", epoch: 1)).assigned == nil)
        #expect(world.heartbeat(.member("m1", epoch: 1, owning: partitions(t, 0, 1))).memberEpoch == 1)
        #expect(world.heartbeat(.member("m2", epoch: 2)).assigned == nil)

        let done = world.heartbeat(.member("m1", epoch: 1, owning: kept))
        #expect(done.memberEpoch == 2)
        #expect(done.assigned == nil)
        #expect(world.heartbeat(.member("m2", epoch: 2)).assigned == partitions(t, 0, 1).subtracting(kept))
        #expect(world.group.state == .stable)
    }

    @Test("writes nothing for a heartbeat that changes nothing, and says nothing of the assignment")
    func quiet() throws {
        var world = ConsumerGroupWorld()
        let t = try world.grow("t", to: 2)
        _ = world.heartbeat(.join("m1"))
        let answer = world.heartbeat(.member("m1", epoch: 1))
        #expect(answer.errorCode == .none)
        #expect(answer.assignment == nil)
        #expect(world.written.isEmpty)
        // A member that tells all of itself is told all again.
        var full = ConsumerGroupHeartbeatRequest.join("m1")
        full.memberEpoch = 1
        full.topicPartitions =
            ConsumerGroupHeartbeatRequest.member("", epoch: 1, owning: partitions(t, 0)).topicPartitions
        #expect(world.heartbeat(full).assigned == partitions(t, 0, 1))
        // And one that waits for another's partitions costs no record, either.
        _ = world.heartbeat(.join("m2"))
        _ = world.heartbeat(.member("m2", epoch: 2))
        #expect(world.written.isEmpty)
    }

    @Test("takes the epoch before where an answer was lost, and no other")
    func epochs() throws {
        var world = ConsumerGroupWorld()
        let t = try world.grow("t", to: 2)
        _ = world.heartbeat(.join("m1"))
        try world.grow("t", to: 3)
        world.topicsChanged()
        #expect(world.heartbeat(.member("m1", epoch: 1)).memberEpoch == 2)

        #expect(world.heartbeat(.member("m1", epoch: 1, owning: partitions(t, 0, 1))).memberEpoch == 2)
        #expect(world.heartbeat(.member("m1", epoch: 1, owning: partitions(t, 0, 9))).errorCode == .fencedMemberEpoch)
        #expect(world.heartbeat(.member("m1", epoch: 1)).errorCode == .fencedMemberEpoch)
        #expect(world.heartbeat(.member("m1", epoch: 3)).errorCode == .fencedMemberEpoch)
        #expect(world.heartbeat(.member("m2", epoch: 2)).errorCode == .unknownMemberID)
        // It joins again under its id, and has what it had.
        let again = world.heartbeat(.join("m1"))
        #expect(again.memberEpoch == 2)
        #expect(again.assigned == partitions(t, 0, 1, 2))
    }

    @Test("lets members go, and gives what they had to others")
    func leaving() throws {
        var world = ConsumerGroupWorld()
        let t = try world.grow("t", to: 2)
        _ = world.heartbeat(.join("m1"))
        _ = world.heartbeat(.join("m2"))
        let answer = world.heartbeat(.member("m1", epoch: -1))
        #expect(answer.errorCode == .none)
        #expect(answer.memberEpoch == -1)
        #expect(answer.memberID == "m1")
        #expect(try kinds(world.written) == [-8, -7, -5, 3])
        #expect(world.group.state == .assigning)
        #expect(world.heartbeat(.member("m2", epoch: 2)).assigned == partitions(t, 0, 1))
        #expect(world.heartbeat(.member("m1", epoch: -1)).errorCode == .unknownMemberID)
        _ = world.heartbeat(.member("m2", epoch: -1))
        #expect(world.group.state == .empty)
        #expect(world.group.owners.isEmpty)
        #expect(world.group.metadataHash == 0)
    }

    @Test("is not there before the first member joins")
    func absent() {
        var world = ConsumerGroupWorld()
        #expect(world.group.state == .dead)
        #expect(world.heartbeat(.member("m1", epoch: 4)).errorCode == .groupIDNotFound)
        #expect(world.heartbeat(.member("m1", epoch: -1)).errorCode == .groupIDNotFound)
        #expect(!world.group.exists)
        #expect(world.log.isEmpty)
    }

    @Test("removes a member whose session has ended")
    func session() throws {
        var world = ConsumerGroupWorld()
        let t = try world.grow("t", to: 2)
        _ = world.heartbeat(.join("m1"))
        world.pass(milliseconds: 30_000)
        #expect(world.deadline == Instant(nanoseconds: 45_000_000_000))
        _ = world.heartbeat(.join("m2"))
        world.pass(milliseconds: 14_999)
        #expect(world.group.members.count == 2)
        world.pass(milliseconds: 1)
        #expect(world.group.members.keys.sorted() == ["m2"])
        #expect(world.deadline == Instant(nanoseconds: 75_000_000_000))
        #expect(world.heartbeat(.member("m2", epoch: 2)).assigned == partitions(t, 0, 1))
    }

    @Test("removes a member that keeps what it was to give up, though it is not silent")
    func rebalanceTimeout() throws {
        var world = ConsumerGroupWorld()
        let t = try world.grow("t", to: 2)
        var slow = ConsumerGroupHeartbeatRequest.join("m1")
        slow.rebalanceTimeoutMilliseconds = 10_000
        _ = world.heartbeat(slow)
        _ = world.heartbeat(.join("m2"))
        _ = world.heartbeat(.member("m1", epoch: 1))
        for _ in 0..<9 {
            world.pass(milliseconds: 1_000)
            #expect(world.heartbeat(.member("m1", epoch: 1, owning: partitions(t, 0, 1))).errorCode == .none)
        }
        world.pass(milliseconds: 1_000)
        #expect(world.group.members.keys.sorted() == ["m2"])
        #expect(world.heartbeat(.member("m2", epoch: 2)).assigned == partitions(t, 0, 1))
    }

    @Test("forgets the time for revocation once a member has given up")
    func rebalanceInTime() throws {
        var world = ConsumerGroupWorld()
        try world.grow("t", to: 2)
        var slow = ConsumerGroupHeartbeatRequest.join("m1")
        slow.rebalanceTimeoutMilliseconds = 10_000
        _ = world.heartbeat(slow)
        _ = world.heartbeat(.join("m2"))
        let kept = try #require(world.heartbeat(.member("m1", epoch: 1)).assigned)
        _ = world.heartbeat(.member("m1", epoch: 1, owning: kept))
        world.pass(milliseconds: 10_000)
        #expect(world.group.members.count == 2)
    }

    @Test("refuses a member more than it may have")
    func maxSize() throws {
        var settings = GroupSettings()
        settings.consumerMaxSize = 1
        var world = ConsumerGroupWorld(settings: settings)
        _ = world.heartbeat(.join("m1"))
        #expect(world.heartbeat(.join("m2")).errorCode == .groupMaxSizeReached)
        #expect(world.heartbeat(.join(""), version: 0).errorCode == .groupMaxSizeReached)
        #expect(world.heartbeat(.join("m1")).errorCode == .none)
    }

    @Test("does what most of its members ask for, and what the settings say where they are even")
    func assignors() throws {
        var world = ConsumerGroupWorld()
        func join(_ id: String, _ assignor: String?) -> ConsumerGroupHeartbeatRequest {
            var request = ConsumerGroupHeartbeatRequest.join(id)
            request.serverAssignor = assignor
            return request
        }
        _ = world.heartbeat(join("m1", nil))
        #expect(world.group.assignorName == "uniform")
        _ = world.heartbeat(join("m2", "range"))
        #expect(world.group.assignorName == "range")
        _ = world.heartbeat(join("m3", "uniform"))
        #expect(world.group.assignorName == "uniform")
        _ = world.heartbeat(join("m4", "range"))
        #expect(world.group.assignorName == "range")
        #expect(world.heartbeat(join("m5", "sticky")).errorCode == .unsupportedAssignor)
    }

    @Test("follows its topics: those that come, grow, go, and come again under their name")
    func topics() throws {
        var world = ConsumerGroupWorld()
        #expect(world.heartbeat(.join("m1")).assigned == [])
        let t = try world.grow("t", to: 1)
        world.topicsChanged()
        #expect(try kinds(world.written) == [3])
        #expect(world.heartbeat(.member("m1", epoch: 1)).assigned == partitions(t, 0))
        try world.grow("t", to: 2)
        world.topicsChanged()
        #expect(world.heartbeat(.member("m1", epoch: 2)).assigned == partitions(t, 0, 1))
        try world.grow("other", to: 3)
        world.topicsChanged()
        #expect(world.written.isEmpty)
        try world.delete("t")
        let new = try world.grow("t", to: 1)
        world.topicsChanged()
        #expect(world.heartbeat(.member("m1", epoch: 3)).assigned == [])
        let answer = world.heartbeat(.member("m1", epoch: 3, owning: []))
        #expect(answer.memberEpoch == 4)
        #expect(answer.assigned == partitions(new, 0))
    }

    @Test("starts a new target where a member asks for other topics, and takes empty subscriptions")
    func subscriptions() throws {
        var world = ConsumerGroupWorld()
        let t = try world.grow("t", to: 1)
        let u = try world.grow("u", to: 1)
        _ = world.heartbeat(.join("m1"))
        #expect(world.group.subscribedTopics == ["t"])
        var change = ConsumerGroupHeartbeatRequest.member("m1", epoch: 1)
        change.subscribedTopicNames = ["u", "t", "u"]
        #expect(world.heartbeat(change).assigned == partitions(t, 0).union(partitions(u, 0)))
        change.memberEpoch = 2
        change.subscribedTopicNames = ["t", "u"]
        _ = world.heartbeat(change)
        #expect(world.written.isEmpty)
        change.subscribedTopicNames = []
        #expect(world.heartbeat(change).assigned == [])
        #expect(world.group.subscribedTopics.isEmpty)
        #expect(world.heartbeat(.join("m2", [])).errorCode == .none)
    }
}
