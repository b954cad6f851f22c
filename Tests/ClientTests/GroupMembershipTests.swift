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
    func handover(_ isCooperative: Bool, _ seed: UInt64) throws {
        var random = SplitMix64(seed: seed)
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
                try world.members[leftCount].driver.deliver(.stopping)
                try world.settle()
                world.crash(leftCount)
                leftCount += 1
            }
            try turn()
        }
        for _ in 0..<100 { try world.turn(200).forEach { for record in $0 {
            read[record.topicPartition, default: []].append(record.value?.text ?? "")
        } } }
        for name in world.partitions { #expect(read[name] == world.logs[name], "\(name)") }
        let owners = world.members.indices.filter { !world.crashed.contains($0) }.map { world.assignments[$0] }
        #expect(owners.flatMap { $0 }.sorted() == world.partitions.map(\.description))
    }
}
