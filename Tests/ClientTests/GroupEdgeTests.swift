import SegmentLog
import Testing
import WireProtocol

@testable import LogbookClient

private let t0 = TopicPartition("t", 0)

@Suite("A consumer and its coordinator, where it matters", .timeLimit(.minutes(5)))
struct GroupEdgeTests {
    @Test(
        "looks for another coordinator where the broker that it knows is no longer there",
        arguments: [ConsumerConfiguration.GroupProtocol.classic, .consumer])
    func coordinatorIsGone(_ way: ConsumerConfiguration.GroupProtocol) throws {
        let world = GroupWorld(partitions: 1) { configuration, _ in
            configuration.groupProtocol = way
            configuration.enableAutoCommit = false
            configuration.metadataMaxAgeMilliseconds = 500
        }
        var joined = ConsumerGroupHeartbeatResponse()
        joined.memberEpoch = 1
        joined.heartbeatIntervalMilliseconds = 3_000
        world.coordinator.script[.consumerGroupHeartbeat] = [joined]
        world.coordinator.node = 2
        let member = try world.add()
        member.brokers = [1, 2]
        for _ in 0..<5 { try world.turn() }
        // It goes while nothing is on its way to it: no connection fails with a request.
        member.brokers = [1]
        world.coordinator.node = 1
        for _ in 0..<50 { try world.turn() }
        let api: ApiKey = way == .classic ? .heartbeat : .consumerGroupHeartbeat
        #expect(world.coordinator.seen.last { $0.api == api }?.broker == 1)
        #expect(member.machine.group?.epoch == 1)
    }

    @Test("is a member until all its commits are stored, and leaves after that")
    func commitsBeforeFarewell() throws {
        let world = GroupWorld(partitions: 2) { configuration, _ in configuration.enableAutoCommit = false }
        for _ in 0..<2 { try world.add() }
        for _ in 0..<60 { try world.turn() }
        #expect(world.assignments == [["t-0"], ["t-1"]])
        let answers = Answers()
        for offset in 1...3 {
            let offsets = [t0: OffsetAndMetadata(Int64(offset))]
            let question = Question.Kind.commit(offsets, isRetried: false)
            #expect(world.members[0].ask(UInt64(offset), question, what: "q", finish: answers.take(offset)))
        }
        world.members[0].machine.leaveGroup()
        for _ in 0..<60 { try world.turn(readers: [1]) }
        for id in 1...3 { #expect(throws: Never.self) { try answers.all[id]?.get() } }
        #expect(world.coordinator.committed == [t0: 3])
        #expect(world.assignments == [[], ["t-0", "t-1"]])
    }

    @Test("tells whoever commits or asks for offsets that it may not use the group, after one question")
    func unauthorized() throws {
        let cluster = try SimulatedCluster { $0.groupID = "g" }
        let coordinator = FakeCoordinator()
        cluster.coordinator = coordinator
        cluster.partitions[t0] = .init()
        var refusal = FindCoordinatorResponse()
        refusal.coordinators = [FindCoordinatorResponse.Coordinator()]
        refusal.coordinators[0].errorCode = .groupAuthorizationFailed
        coordinator.script[.findCoordinator] = Array(repeating: refusal, count: 50)
        try cluster.machine.assign([t0: .offset(0)])
        let answers = Answers()
        let offsets = [t0: OffsetAndMetadata(1)]
        #expect(cluster.ask(1, .commit(offsets, isRetried: true), what: "q", finish: answers.take(1)))
        #expect(cluster.ask(2, .committed([t0]), what: "q", finish: answers.take(2)))
        for _ in 0..<5 { try cluster.advance(100) }
        for id in 1...2 {
            guard case .failure(.broker(.groupAuthorizationFailed, _))? = answers.all[id] else {
                Issue.record("\(String(describing: answers.all[id]))")
                continue
            }
        }
        #expect(try coordinator.asked(FindCoordinatorRequest.self).count == 1)
        // Once it may, it can.
        coordinator.script = [:]
        #expect(cluster.ask(3, .commit(offsets, isRetried: true), what: "q", finish: answers.take(3)))
        for _ in 0..<5 { try cluster.advance(100) }
        #expect(throws: Never.self) { try answers.all[3]?.get() }
        #expect(coordinator.committed == [t0: 1])
    }

    @Test("stores what was read of partitions that it is told to read no more")
    func assignedAnew() throws {
        let t1 = TopicPartition("t", 1)
        let cluster = try SimulatedCluster { $0.groupID = "g" }
        let coordinator = FakeCoordinator()
        cluster.coordinator = coordinator
        for name in [t0, t1] { try cluster.append(["a", "b"], to: name) }
        try cluster.machine.assign([t0: .earliest])
        var values: [String] = []
        for _ in 0..<5 where values.isEmpty {
            try cluster.advance(100)
            values = try cluster.readValues()
        }
        #expect(values == ["a", "b"])
        try cluster.machine.assign([t1: .earliest])
        for _ in 0..<5 { try cluster.advance(100) }
        #expect(coordinator.committed == [t0: 2])
    }

    @Test("does not hold up a rebalance for offsets of a topic that is no longer there")
    func deletedTopic() throws {
        let world = GroupWorld(partitions: 1) { configuration, _ in configuration.defaultApiTimeoutMilliseconds = 60_000
        }
        try world.add()
        for _ in 0..<5 { try world.turn() }
        var wrong = OffsetCommitResponse()
        var topic = OffsetCommitResponse.Topic()
        topic.name = "t"
        topic.partitions = [PartitionError()]
        topic.partitions[0].errorCode = .unknownTopicOrPartition
        wrong.topics = [topic]
        world.coordinator.script[.offsetCommit] = Array(repeating: wrong, count: 500)
        try world.add()
        for _ in 0..<60 { try world.turn() }
        #expect(world.assignments.flatMap { $0 } == ["t-0"])
        #expect(world.members.allSatisfy { $0.machine.group?.epoch == 2 })
    }
}
