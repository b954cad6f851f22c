import SegmentLog
import Testing
import WireProtocol

@testable import LogbookClient

private let t0 = TopicPartition("t", 0)
private let t1 = TopicPartition("t", 1)

/// Every answer is the test's: KIP-848 gives the member nothing to decide.
@Suite("A consumer in a group of KIP-848", .timeLimit(.minutes(5)))
struct ServerGroupTests {
    private func world(_ change: @escaping (inout ConsumerConfiguration) -> Void = { _ in }) -> GroupWorld {
        GroupWorld(partitions: 2) { configuration, _ in
            configuration.groupProtocol = .consumer
            configuration.groupRemoteAssignor = "uniform"
            change(&configuration)
        }
    }

    private func answer(
        _ epoch: Int32, _ partitions: [Int32]? = nil, error: ErrorCode = .none
    ) -> ConsumerGroupHeartbeatResponse {
        var response = ConsumerGroupHeartbeatResponse()
        response.errorCode = error
        response.memberEpoch = epoch
        response.heartbeatIntervalMilliseconds = 1_000
        if let partitions {
            var topic = ConsumerGroupHeartbeatResponse.TopicPartitions()
            topic.topicID = SimulatedCluster.topicID("t")
            topic.partitions = partitions
            response.assignment = ConsumerGroupHeartbeatResponse.Assignment()
            response.assignment?.topicPartitions = partitions.isEmpty ? [] : [topic]
        }
        return response
    }

    private func heartbeats(_ world: GroupWorld) throws -> [ConsumerGroupHeartbeatRequest] {
        try world.coordinator.asked(ConsumerGroupHeartbeatRequest.self)
    }

    /// What the member has, as it has said last.
    private func lastOwned(_ world: GroupWorld) throws -> [[Int32]]? {
        try heartbeats(world).last { $0.topicPartitions != nil }?.topicPartitions?.map(\.partitions)
    }

    @Test("comes to its target: gives up first, and says what it has only after that")
    func reconciliation() throws {
        let world = world()
        let listener = RecordingListener()
        try world.append("a", to: t0)
        try world.append("b", to: t1)
        world.coordinator.script[.consumerGroupHeartbeat] = [answer(1, [0, 1]), answer(1)]
        let member = try world.add(listener: listener)
        for _ in 0..<5 { try world.turn() }
        #expect(world.assignments == [["t-0", "t-1"]])
        world.coordinator.script[.consumerGroupHeartbeat] = [answer(2, [1])]
        // The application does not read: nothing is given up, and nothing is said of it.
        for _ in 0..<15 { try world.turn(readers: []) }
        #expect(listener.log == ["assigned t-0 t-1"])
        #expect(world.assignments == [["t-0", "t-1"]])
        #expect(try heartbeats(world).dropFirst(2).allSatisfy { $0.topicPartitions == nil })
        for _ in 0..<5 { try world.turn() }
        #expect(listener.log == ["assigned t-0 t-1", "revoked t-0", "assigned"])
        #expect(world.assignments == [["t-1"]])
        let sent = try heartbeats(world)
        #expect(sent[0].memberEpoch == 0 && sent[0].subscribedTopicNames == ["t"])
        #expect(sent[0].serverAssignor == "uniform")
        #expect(sent[0].topicPartitions == [] && sent[0].rebalanceTimeoutMilliseconds == 300_000)
        #expect(sent[1].memberEpoch == 1 && sent[1].subscribedTopicNames == nil)
        #expect(sent[1].topicPartitions?.map(\.partitions) == [[0, 1]])
        #expect(sent.last { $0.topicPartitions != nil }?.topicPartitions?.map(\.partitions) == [[1]])
        #expect(Set(sent.map(\.memberID)).count == 1 && sent[0].memberID.utf8.count == 22)
        #expect(member.machine.group?.epoch == 2)
    }

    @Test(
        "does with an error what Kafka's consumer does",
        arguments: [
            (14, 1, false), (15, 2, false), (16, 2, false), (25, 1, true), (110, 1, true),
            (30, 1, nil), (35, 1, nil), (42, 1, nil), (81, 1, nil), (82, 1, nil), (111, 1, nil), (112, 1, nil),
            (128, 1, nil),
        ] as [(Int16, Int, Bool?)])
    func errors(_ code: Int16, _ finds: Int, _ joinsAnew: Bool?) throws {
        let world = world()
        let listener = RecordingListener()
        world.coordinator.script[.consumerGroupHeartbeat] = [
            answer(1, [0]), answer(1), answer(0, error: ErrorCode(rawValue: code)), answer(2, [0]), answer(2),
        ]
        let member = try world.add(listener: listener)
        var error: ClientError?
        for _ in 0..<30 where error == nil {
            try member.driver.advance(milliseconds: 100)
            try world.settle()
            error = try member.read().error
            try world.settle()
        }
        #expect(try world.coordinator.asked(FindCoordinatorRequest.self).count == finds)
        guard let joinsAnew else {
            guard case .broker(ErrorCode(rawValue: code), _)? = error else {
                Issue.record("\(String(describing: error))")
                return
            }
            #expect(listener.log == ["assigned t-0", "lost t-0"])
            return
        }
        #expect(error == nil)
        #expect(listener.log == (joinsAnew ? ["assigned t-0", "lost t-0", "assigned t-0"] : ["assigned t-0"]))
        #expect(try heartbeats(world).filter { $0.memberEpoch == 0 }.count == (joinsAnew ? 2 : 1))
        // Whatever the coordinator has missed is said again.
        #expect(try heartbeats(world).filter { $0.subscribedTopicNames != nil }.count == 2)
    }

    @Test("commits as a member, and says goodbye after that", arguments: [nil, "one"] as [String?])
    func farewell(_ instance: String?) throws {
        let world = world { $0.groupInstanceID = instance }
        try world.append("a", to: t0)
        world.coordinator.script[.consumerGroupHeartbeat] = [answer(3, [0])]
        try world.add()
        for _ in 0..<5 { try world.turn() }
        try world.stop(0)
        try world.settle()
        let commit = try #require(try world.coordinator.asked(OffsetCommitRequest.self).last)
        #expect(commit.generationIDOrMemberEpoch == 3 && commit.memberID.utf8.count == 22)
        let last = world.coordinator.seen.suffix(2).map(\.api)
        #expect(last == [.offsetCommit, .consumerGroupHeartbeat])
        #expect(try heartbeats(world).last?.memberEpoch == (instance == nil ? -1 : -2))
        #expect(world.members[0].driver.stopped != nil)
    }

    @Test("says what it has once it has given up, also where all was said before that")
    func repeated() throws {
        let world = world()
        world.coordinator.script[.consumerGroupHeartbeat] = [answer(1, [0, 1]), answer(1)]
        try world.add()
        for _ in 0..<5 { try world.turn() }
        // It is to give up one partition, but the application does not read; meanwhile an answer is lost.
        world.coordinator.script[.consumerGroupHeartbeat] = [answer(2, [1]), answer(0, error: ErrorCode(rawValue: 14))]
        for _ in 0..<35 { try world.turn(readers: []) }
        #expect(try lastOwned(world) == [[0, 1]])
        for _ in 0..<15 { try world.turn() }
        #expect(world.assignments == [["t-1"]])
        #expect(try lastOwned(world) == [[1]])
    }

    @Test("keeps the names of its topics while the metadata says nothing of them")
    func unknownName() throws {
        let world = world { $0.metadataMaxAgeMilliseconds = 500 }
        let listener = RecordingListener()
        world.coordinator.script[.consumerGroupHeartbeat] = [answer(1, [0, 1]), answer(1)]
        let member = try world.add(listener: listener)
        for _ in 0..<5 { try world.turn() }
        member.topicErrors["t"] = .leaderNotAvailable
        for _ in 0..<10 { try world.turn() }
        // All is said again, and with it that the member has what it has: the coordinator would give it to others.
        world.coordinator.script[.consumerGroupHeartbeat] = [answer(0, error: ErrorCode(rawValue: 14)), answer(2, [1])]
        for _ in 0..<25 { try world.turn() }
        #expect(try heartbeats(world).allSatisfy { $0.memberEpoch == 0 || $0.topicPartitions != [] })
        #expect(listener.log == ["assigned t-0 t-1", "revoked t-0", "assigned"])
        #expect(world.assignments == [["t-1"]])
    }

    @Test("says so when its topics change, and keeps what it has meanwhile")
    func subscription() throws {
        let world = world()
        world.coordinator.script[.consumerGroupHeartbeat] = [answer(1, [0]), answer(1), answer(2, [0])]
        let member = try world.add()
        for _ in 0..<5 { try world.turn() }
        try member.machine.subscribe(["t", "u"], listener: nil)
        for _ in 0..<2 { try world.turn() }
        #expect(try heartbeats(world).last?.subscribedTopicNames == ["t", "u"])
        #expect(world.assignments == [["t-0"]])
    }
}
