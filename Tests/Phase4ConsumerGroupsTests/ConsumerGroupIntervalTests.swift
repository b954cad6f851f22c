import SegmentLog
import Testing
import WireProtocol

@testable import ConsumerGroups

@Suite("A consumer group with an interval between its targets")
struct ConsumerGroupIntervalTests {
    private func world() throws -> (ConsumerGroupWorld, Uuid) {
        var settings = GroupSettings()
        settings.consumerAssignmentIntervalMilliseconds = 1_000
        var world = ConsumerGroupWorld(settings: settings)
        let topic = try world.grow("t", to: 4)
        return (world, topic)
    }

    @Test("makes the first at once, and one for all that join before the next")
    func joins() throws {
        var (world, t) = try world()
        #expect(world.heartbeat(.join("m1")).assigned == partitions(t, 0, 1, 2, 3))
        for id in ["m2", "m3", "m4"] {
            let answer = world.heartbeat(.join(id))
            #expect(answer.memberEpoch == 1)
            #expect(answer.assigned == [])
        }
        #expect(world.group.state == .assigning)
        #expect(world.group.epoch == 4)
        world.pass(milliseconds: 999)
        #expect(world.heartbeat(.member("m2", epoch: 1)).memberEpoch == 1)
        world.pass(milliseconds: 1)
        #expect(world.heartbeat(.member("m2", epoch: 1)).memberEpoch == 4)
        #expect(world.group.assignmentEpoch == 4)
        #expect(world.group.targets.values.map { $0[t]?.count } == [1, 1, 1, 1])
    }

    @Test("leaves nobody with a topic that it has given up, however soon that is")
    func subscriptions() throws {
        var (world, t) = try world()
        let u = try world.grow("u", to: 1)
        _ = world.heartbeat(.join("m1"))
        _ = world.heartbeat(.join("m2", ["t", "u"]))
        var changed = ConsumerGroupHeartbeatRequest.member("m1", epoch: 1, owning: partitions(t, 0, 1, 2, 3))
        changed.subscribedTopicNames = ["u"]
        #expect(world.heartbeat(changed).assigned == [])
        #expect(world.group.assignmentEpoch == world.group.epoch)
        #expect(world.group.targets["m2"]?[t] == [0, 1, 2, 3])
        #expect(world.group.targets["m1"] == [u: [0]])
    }
}
