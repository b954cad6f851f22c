import SegmentLog
import Testing
import TopicsPartitions
import WireProtocol

@testable import ConsumerGroups

@Suite("A static member of a consumer group")
struct ConsumerGroupStaticTests {
    private func world() throws -> (ConsumerGroupWorld, Uuid) {
        var world = ConsumerGroupWorld()
        let t = try world.grow("t", to: 2)
        _ = world.heartbeat(.join("m1", instance: "i"))
        return (world, t)
    }

    @Test("comes back under a new id to what it had, and nothing else moves")
    func returns() throws {
        var (world, t) = try world()
        _ = world.heartbeat(.join("m2"))
        let kept = try #require(world.heartbeat(.member("m1", epoch: 1, instance: "i")).assigned)
        let left = world.heartbeat(.member("m1", epoch: -2, instance: "i"))
        #expect(left.errorCode == .none)
        #expect(left.memberEpoch == -2)
        // What it was to give up is free at once.
        let free = partitions(t, 0, 1).subtracting(kept)
        #expect(world.heartbeat(.member("m2", epoch: 2)).assigned == free)

        let back = world.heartbeat(.join("m3", instance: "i"))
        #expect(back.memberEpoch == 2)
        #expect(back.assigned == kept)
        #expect(world.group.members.keys.sorted() == ["m2", "m3"])
        #expect(world.group.epoch == 2)
        #expect(world.group.state == .stable)
        #expect(world.heartbeat(.member("m1", epoch: 2, instance: "i")).errorCode == .fencedInstanceID)
        #expect(world.heartbeat(.member("m1", epoch: -1, instance: "i")).errorCode == .fencedInstanceID)
        #expect(world.heartbeat(.member("m1", epoch: 2)).errorCode == .unknownMemberID)
    }

    @Test("keeps its instance id from others until it leaves or is silent for too long")
    func unreleased() throws {
        var (world, t) = try world()
        #expect(world.heartbeat(.join("m2", instance: "i")).errorCode == .unreleasedInstanceID)
        #expect(world.group.members.keys.sorted() == ["m1"])
        world.pass(milliseconds: 45_000)
        #expect(world.heartbeat(.join("m2", instance: "i")).assigned == partitions(t, 0, 1))
    }

    @Test("may join again under its own id, where the answer was lost")
    func joinsTwice() throws {
        var (world, t) = try world()
        #expect(world.heartbeat(.join("m1", instance: "i")).assigned == partitions(t, 0, 1))
        _ = world.heartbeat(.member("m1", epoch: -2, instance: "i"))
        let back = world.heartbeat(.join("m1", instance: "i"))
        #expect(back.memberEpoch == 1)
        #expect(back.assigned == partitions(t, 0, 1))
    }

    @Test("that has left for a while is gone when its session ends, and cannot go on before")
    func releasedExpires() throws {
        var (world, _) = try world()
        _ = world.heartbeat(.member("m1", epoch: -2, instance: "i"))
        #expect(world.heartbeat(.member("m1", epoch: 1, instance: "i")).errorCode == .fencedMemberEpoch)
        world.pass(milliseconds: 45_000)
        #expect(world.group.state == .empty)
        #expect(world.group.instances.isEmpty)
    }

    @Test("leaves for good with -1, and is unknown then")
    func leaves() throws {
        var (world, _) = try world()
        #expect(world.heartbeat(.member("m1", epoch: -1, instance: "i")).errorCode == .none)
        #expect(world.heartbeat(.member("m1", epoch: 1, instance: "i")).errorCode == .unknownMemberID)
        #expect(world.heartbeat(.member("m1", epoch: -2, instance: "i")).errorCode == .unknownMemberID)
    }

    @Test("that comes back under another member's id takes that member's place, too")
    func takesOver() throws {
        var (world, t) = try world()
        _ = world.heartbeat(.join("m2"))
        _ = world.heartbeat(.member("m1", epoch: -2, instance: "i"))
        _ = world.heartbeat(.join("m2", instance: "i"))
        #expect(world.group.members.keys.sorted() == ["m2"])
        #expect(world.heartbeat(.join("m2", instance: "i")).assigned == partitions(t, 0, 1))
        #expect(world.group.state == .stable)
        #expect(try DurableGroup(world.replayed(world.log)) == DurableGroup(world.group))
    }
}
