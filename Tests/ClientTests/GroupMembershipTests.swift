import SegmentLog
import Testing
import WireProtocol

@testable import LogbookClient

private let t0 = TopicPartition("t", 0)
private let t1 = TopicPartition("t", 1)

@Suite("A consumer in a classic group", .timeLimit(.minutes(5)))
struct GroupMembershipTests {
    @Test("joins with the id that it was given, begins at the committed offsets, and commits what it has read")
    func oneMember() throws {
        let world = GroupWorld(partitions: 2)
        for value in ["a", "b", "c"] { try world.append(value, to: t0) }
        try world.append("d", to: t1)
        world.coordinator.committed[t0] = 1
        let member = try world.add()
        try world.settle()
        // Nothing is joined before the application reads.
        #expect(world.coordinator.seen.isEmpty)
        var values: [String] = []
        for _ in 0..<10 { values += try world.turn()[0].map { $0.value?.text ?? "" } }
        #expect(values.sorted() == ["b", "c", "d"])
        let joins = try world.coordinator.asked(JoinGroupRequest.self)
        #expect(joins.map(\.memberID) == ["", "member-1"])
        #expect(joins.last?.protocols.map(\.name) == ["range", "cooperative-sticky"])
        #expect(world.coordinator.committed == [t0: 1])
        for _ in 0..<50 { try world.turn() }
        #expect(world.coordinator.committed == [t0: 3, t1: 1])
        #expect(member.machine.group?.epoch == 1)
    }

    @Test("shares with others: eagerly everything is given up, and comes again")
    func eager() throws {
        let world = GroupWorld(partitions: 4)
        let listener = RecordingListener()
        try world.add(listener: listener)
        for _ in 0..<5 { try world.turn() }
        #expect(listener.log == ["assigned t-0 t-1 t-2 t-3"])
        try world.add()
        for _ in 0..<80 { try world.turn() }
        #expect(world.assignments == [["t-0", "t-1"], ["t-2", "t-3"]])
        #expect(listener.log == ["assigned t-0 t-1 t-2 t-3", "revoked t-0 t-1 t-2 t-3", "assigned t-0 t-1"])
    }

    @Test("shares with others: cooperatively what stays is read on, without a gap")
    func cooperative() throws {
        let world = GroupWorld(partitions: 4) { configuration, _ in
            configuration.partitionAssignmentStrategy = [CooperativeStickyAssignor()]
        }
        let listener = RecordingListener()
        let first = try world.add(listener: listener)
        for _ in 0..<5 { try world.turn() }
        try world.add()
        var isMissing: [Int] = []
        for round in 0..<80 {
            for name in world.partitions { try world.append("\(round)", to: name) }
            let read = try world.turn().flatMap { $0 }
            // The first member reads what it keeps in every single turn.
            for name in [t0, t1] where !read.contains(where: { $0.topicPartition == name }) { isMissing.append(round) }
        }
        #expect(isMissing.isEmpty)
        #expect(world.assignments == [["t-0", "t-1"], ["t-2", "t-3"]])
        #expect(listener.log.first == "assigned t-0 t-1 t-2 t-3")
        #expect(listener.log.contains("revoked t-2 t-3") && !listener.log.contains { $0.hasPrefix("lost") })
        #expect(first.machine.group?.owned == [t0, t1])
    }

    @Test("hands on what it has read, and no record is read twice or by nobody", arguments: [true, false], 0..<8)
    func handover(_ isCooperative: Bool, _ seed: Int) throws {
        var random = SplitMix64(seed: UInt64(seed))
        let world = GroupWorld(partitions: 5) { configuration, _ in
            configuration.partitionAssignmentStrategy =
                isCooperative ? [CooperativeStickyAssignor()] : [RangeAssignor()]
        }
        var read: [TopicPartition: [String]] = [:]
        func turn() throws {
            let name = world.partitions[random.below(5)]
            try world.append("\(world.logs[name]?.count ?? 0)", to: name)
            for record in try world.turn(Int64(random.below(400))).flatMap({ $0 }) {
                read[record.topicPartition, default: []].append(record.value?.text ?? "")
            }
        }
        var leftCount = 0
        for round in 0..<300 {
            if round % 50 == 0 { try world.add() }
            if round % 70 == 69 {
                // An orderly end: what was read is committed, and the group is told.
                try world.stop(leftCount)
                leftCount += 1
            }
            try turn()
        }
        for _ in 0..<100 {
            for record in try world.turn(200).flatMap({ $0 }) {
                read[record.topicPartition, default: []].append(record.value?.text ?? "")
            }
        }
        for name in world.partitions { #expect(read[name] == world.logs[name], "\(name)") }
        #expect(world.assignments.flatMap { $0 }.sorted() == world.partitions.map(\.description))
        for number in world.ended { #expect(world.members[number].driver.stopped != nil) }
    }

    // MARK: Errors

    /// What a member does about an error, as its next request shows.
    enum Reaction: Equatable { case asksAgain, joinsAnew, joinsWithItsID, findsCoordinator, tellsReader }

    @Test(
        "does with an error of JoinGroup what Kafka's consumer does",
        arguments: [
            (14, .asksAgain), (15, .findsCoordinator), (16, .findsCoordinator), (25, .joinsAnew), (27, .asksAgain),
            (22, .joinsWithItsID), (23, .tellsReader), (24, .tellsReader), (26, .tellsReader), (30, .tellsReader),
            (35, .tellsReader), (81, .tellsReader), (82, .tellsReader), (-1, .tellsReader),
        ] as [(Int16, Reaction)])
    func joinErrors(_ code: Int16, _ reaction: Reaction) throws {
        let world = GroupWorld(partitions: 1)
        var wrong = JoinGroupResponse()
        wrong.errorCode = ErrorCode(rawValue: code)
        var asked = JoinGroupResponse()
        (asked.errorCode, asked.memberID) = (.memberIDRequired, "member-9")
        world.coordinator.script[.joinGroup] = [asked, wrong]
        let member = try world.add()
        try check(reaction, code, world, member)
    }

    @Test(
        "does with an error of SyncGroup what Kafka's consumer does",
        arguments: [
            (14, .asksAgain), (15, .findsCoordinator), (16, .findsCoordinator), (25, .joinsAnew), (27, .joinsWithItsID),
            (22, .joinsWithItsID), (23, .tellsReader), (30, .tellsReader), (82, .tellsReader), (-1, .tellsReader),
        ] as [(Int16, Reaction)])
    func syncErrors(_ code: Int16, _ reaction: Reaction) throws {
        let world = GroupWorld(partitions: 1)
        var wrong = SyncGroupResponse()
        wrong.errorCode = ErrorCode(rawValue: code)
        world.coordinator.script[.syncGroup] = [wrong]
        let member = try world.add()
        try check(reaction, code, world, member)
    }

    @Test(
        "does with an error of Heartbeat what Kafka's consumer does",
        arguments: [
            (14, .asksAgain), (15, .findsCoordinator), (16, .findsCoordinator), (25, .joinsAnew), (22, .joinsWithItsID),
            (27, .joinsWithItsID), (30, .tellsReader), (82, .tellsReader), (-1, .tellsReader),
        ] as [(Int16, Reaction)])
    func heartbeatErrors(_ code: Int16, _ reaction: Reaction) throws {
        let world = GroupWorld(partitions: 1)
        let listener = RecordingListener()
        let member = try world.add(listener: listener)
        for _ in 0..<5 { try world.turn() }
        let joined = try world.coordinator.asked(JoinGroupRequest.self).count
        var wrong = HeartbeatResponse()
        wrong.errorCode = ErrorCode(rawValue: code)
        world.coordinator.script[.heartbeat] = [wrong]
        try check(reaction, code, world, member, joinedBefore: joined)
        // Whoever was thrown out has lost its partitions; whoever rejoins gives them up in good order.
        let goes = listener.steps.dropFirst().first?.kind
        switch reaction {
        case .joinsAnew, .tellsReader: #expect(goes == .lost)
        case .joinsWithItsID: #expect(goes == (code == 27 ? .revoked : .lost))
        case .asksAgain, .findsCoordinator: #expect(goes == nil)
        }
    }

    private func check(
        _ reaction: Reaction, _ code: Int16, _ world: GroupWorld, _ member: SimulatedCluster, joinedBefore: Int = 0
    ) throws {
        var error: ClientError?
        for _ in 0..<50 where error == nil {
            try member.driver.advance(milliseconds: 100)
            try world.settle()
            error = try member.read().error
            try world.settle()
        }
        let joins = try world.coordinator.asked(JoinGroupRequest.self).dropFirst(joinedBefore)
        let finds = try world.coordinator.asked(FindCoordinatorRequest.self)
        switch reaction {
        case .tellsReader:
            guard case .broker(ErrorCode(rawValue: code), _)? = error else {
                Issue.record("\(String(describing: error))")
                return
            }
        case .findsCoordinator: #expect(finds.count == 2)
        case .joinsAnew:
            #expect(joins.contains { $0.memberID.isEmpty } && joins.last?.memberID == world.coordinator.memberIDs.first)
        case .joinsWithItsID, .asksAgain:
            #expect(joins.dropFirst(joinedBefore == 0 ? 1 : 0).allSatisfy { !$0.memberID.isEmpty })
        }
        #expect(finds.count == (reaction == .findsCoordinator ? 2 : 1))
        if reaction != .tellsReader {
            #expect(error == nil)
            #expect(world.assignments == [["t-0"]])
        }
    }

    @Test(
        "tells of a commit that was not made, and makes one that can be made later",
        arguments: [
            (0, true), (14, true), (3, true), (15, true), (16, true), (7, true),
            (12, false), (22, false), (25, false), (27, false), (28, false), (29, false), (30, false), (82, false),
        ] as [(Int16, Bool)])
    func commitErrors(_ code: Int16, _ isMade: Bool) throws {
        let world = GroupWorld(partitions: 1) { configuration, _ in configuration.enableAutoCommit = false }
        let member = try world.add()
        for _ in 0..<5 { try world.turn() }
        var wrong = OffsetCommitResponse()
        var topic = OffsetCommitResponse.Topic()
        topic.name = "t"
        topic.partitions = [PartitionError()]
        topic.partitions[0].errorCode = ErrorCode(rawValue: code)
        wrong.topics = [topic]
        if code != 0 { world.coordinator.script[.offsetCommit] = [wrong] }
        let answers = Answers()
        let offsets = [t0: OffsetAndMetadata(7, metadata: "seven")]
        #expect(member.ask(1, .commit(offsets, isRetried: true), what: "q", finish: answers.take(1)))
        for _ in 0..<20 { try world.turn() }
        switch answers.all[1] {
        case .success(.done)?: #expect(isMade && world.coordinator.committed == [t0: 7])
        case .failure(.broker(let found, _))?: #expect(!isMade && found.rawValue == code)
        default: Issue.record("\(String(describing: answers.all[1]))")
        }
        // A commit that is not retried is one try.
        #expect(member.ask(2, .commit(offsets, isRetried: false), what: "q", finish: answers.take(2)))
        if code != 0 { world.coordinator.script[.offsetCommit] = [wrong] }
        for _ in 0..<20 { try world.turn() }
        if case .success? = answers.all[2] { #expect(code == 0) } else { #expect(code != 0) }
    }

    // MARK: Time

    @Test("leaves when the application stops reading, and joins again when it reads")
    func silence() throws {
        let world = GroupWorld(partitions: 1) { configuration, _ in configuration.maxPollIntervalMilliseconds = 2_000 }
        let listener = RecordingListener()
        let member = try world.add(listener: listener)
        for _ in 0..<30 { try world.turn() }
        #expect(try world.coordinator.asked(LeaveGroupRequest.self).isEmpty)
        for _ in 0..<30 { try world.turn(readers: []) }
        #expect(
            try world.coordinator.asked(LeaveGroupRequest.self).map { $0.members.map(\.memberID) } == [["member-1"]])
        #expect(member.machine.partitions.isEmpty)
        for _ in 0..<10 { try world.turn() }
        #expect(listener.log == ["assigned t-0", "lost t-0", "assigned t-0"])
    }

    @Test("sends heartbeats while the application works, and looks for a coordinator that is silent")
    func heartbeats() throws {
        let world = GroupWorld(partitions: 1)
        try world.add()
        for _ in 0..<5 { try world.turn() }
        for _ in 0..<100 { try world.turn(readers: []) }
        let count = try world.coordinator.asked(HeartbeatRequest.self).count
        #expect(count == 3)
        world.coordinator.silent = [.heartbeat]
        for _ in 0..<500 { try world.turn() }
        #expect(try world.coordinator.asked(FindCoordinatorRequest.self).count > 1)
    }

    @Test("goes after its coordinator when that moves, and keeps what it has")
    func move() throws {
        let world = GroupWorld(partitions: 1)
        let listener = RecordingListener()
        let member = try world.add(listener: listener)
        member.brokers = [1, 2]
        for _ in 0..<5 { try world.turn() }
        try world.append("a", to: t0)
        world.coordinator.node = 2
        for _ in 0..<100 { try world.turn() }
        #expect(world.coordinator.committed == [t0: 1])
        #expect(world.coordinator.seen.last { $0.api == .heartbeat }?.broker == 2)
        #expect(listener.log == ["assigned t-0"])
    }

    @Test("is a static member that does not say goodbye, and is not told to when it comes back")
    func staticMember() throws {
        let world = GroupWorld(partitions: 1) { configuration, _ in configuration.groupInstanceID = "one" }
        try world.add()
        for _ in 0..<5 { try world.turn() }
        try world.append("a", to: t0)
        for _ in 0..<3 { try world.turn() }
        try world.stop(0)
        try world.settle()
        #expect(world.members[0].driver.stopped != nil)
        #expect(try world.coordinator.asked(LeaveGroupRequest.self).isEmpty)
        #expect(world.coordinator.committed == [t0: 1])
        try world.add()
        for _ in 0..<5 { try world.turn() }
        #expect(world.assignments[1] == ["t-0"])
    }

    @Test("waits for an offset that is not stable yet, and resets where there is none", arguments: [true, false])
    func unstable(_ resets: Bool) throws {
        let world = GroupWorld(partitions: 1) { configuration, _ in
            configuration.autoOffsetReset = resets ? .earliest : .none
        }
        try world.append("a", to: t0)
        var wrong = OffsetFetchResponse()
        var group = OffsetFetchResponse.Group()
        var topic = OffsetFetchResponse.Topic()
        topic.name = "t"
        topic.partitions = [OffsetFetchResponse.Partition()]
        topic.partitions[0].errorCode = .unstableOffsetCommit
        group.topics = [topic]
        wrong.groups = [group]
        var loading = OffsetFetchResponse()
        loading.groups = [OffsetFetchResponse.Group()]
        loading.groups[0].errorCode = .coordinatorLoadInProgress
        world.coordinator.script[.offsetFetch] = [wrong, loading]
        let member = try world.add()
        var values: [String] = []
        var error: ClientError?
        for _ in 0..<20 where error == nil {
            try member.driver.advance(milliseconds: 100)
            try world.settle()
            let read = try member.read()
            values += read.records.map { $0.value?.text ?? "" }
            error = read.error
            try world.settle()
        }
        #expect(values == (resets ? ["a"] : []))
        #expect(error == (resets ? nil : .refused("t-0 has no committed offset, and auto.offset.reset is none")))
    }

    @Test("has the leader assign anew when a topic grows")
    func growth() throws {
        let world = GroupWorld(partitions: 1) { configuration, _ in configuration.metadataMaxAgeMilliseconds = 1_000 }
        let member = try world.add()
        for _ in 0..<5 { try world.turn() }
        #expect(world.assignments == [["t-0"]])
        member.partitions[t1] = .init()
        for _ in 0..<20 { try world.turn() }
        #expect(world.assignments == [["t-0", "t-1"]])
    }
}
