import Foundation
import LogbookClient
import SegmentLog
import WireProtocol

/// A member is killed, in three kinds of groups.
extension Phase4Demo {
    /// How many records of each partition are written before a member is killed, and while the group gets over it.
    /// Members commit after every tenth.
    private static let before = 14, meanwhile = 3

    static func killWhereAllStop(_ node: RunningNode, _ producer: Producer) async throws {
        heading("2. range: three processes share orders, and one of them is killed. Everybody stops, and begins again")
        let members = Members(group: "range", topic: "orders", way: "range", at: node.address)
        for (name, expected) in [
            ("a", ["a": [0, 1, 2, 3, 4, 5]]), ("b", ["a": [0, 1, 2], "b": [3, 4, 5]]),
            ("c", ["a": [0, 1], "b": [2, 3], "c": [4, 5]]),
        ] as [(String, [String: [Int32]])] {
            try members.start(name, session: name == "c" ? 3_000 : 30_000)
            try await members.listen { members.owned == expected }
            print("   \(name) joins: \(try GroupLog.describe(try GroupLog.newestGeneration(of: "range", at: node)))")
        }
        try await readAndKill(members, "orders", pausing: "b", producer)
        try await members.listen { members.told["a"]?.last == "revoked 0 1" }
        let count = members.count("a")
        print(
            "   its session ends: a has revoked 0 1, and waits for b, which is paused. \(meanwhile * 6) records are written"
        )
        try await write(meanwhile, to: "orders", producer)
        print("   b goes on")
        members.resume("b")
        try await members.listen { members.told["a"]?.last == "assigned 0 1 2" }
        print("   before the next generation a has read \(members.count("a") - count) of them")
        try await members.listen { members.owned == ["a": [0, 1, 2], "b": [3, 4, 5]] }
        print("   \(try GroupLog.describe(try GroupLog.newestGeneration(of: "range", at: node)))")
        try await finish(members, total: (before + meanwhile) * 6)
    }

    static func killWhereOthersGoOn(_ node: RunningNode, _ producer: Producer) async throws {
        heading("3. cooperative-sticky: the same, with clicks. The others go on")
        let members = Members(group: "cooperative", topic: "clicks", way: "cooperative-sticky", at: node.address)
        for (name, expected) in [
            ("a", ["a": [0, 1, 2, 3, 4, 5]]), ("b", ["a": [0, 1, 2], "b": [3, 4, 5]]),
            ("c", ["a": [0, 1], "b": [3, 4], "c": [2, 5]]),
        ] as [(String, [String: [Int32]])] {
            try members.start(name, session: name == "c" ? 3_000 : 30_000)
            try await members.listen { members.owned == expected }
            print("   \(name) joins: \(members.text)")
        }
        try await readAndKill(members, "clicks", pausing: "b", producer)
        let generation = try GroupLog.newestGeneration(of: "cooperative", at: node).generation
        try await awaitState("PreparingRebalance", of: "cooperative", node)
        let count = members.count("a")
        print(
            "   its session ends: the group waits for b, which is paused. \(meanwhile * 6) records are written"
        )
        try await write(meanwhile, to: "clicks", producer)
        try await members.listen { members.count("a") == count + 2 * meanwhile }
        try await awaitState("PreparingRebalance", of: "cooperative", node)
        print("   while the group waits a reads \(members.count("a") - count) of them: all that came to 0 and 1")
        print("   b goes on")
        members.resume("b")
        try await members.listen { members.owned == ["a": [0, 1, 2], "b": [3, 4, 5]] }
        let steps = try GroupLog.newestGeneration(of: "cooperative", at: node).generation - generation
        print("   \(steps) generation later: \(members.text)")
        print("   of partitions they have been told since the kill: \(members.toldText)")
        try await finish(members, total: (before + meanwhile) * 6)
    }

    static func killWhereTheBrokerAssigns(_ node: RunningNode, _ producer: Producer) async throws {
        heading("4. group.protocol=consumer: the same, with views. The broker assigns, and waits for nobody")
        let members = Members(group: "consumer", topic: "views", way: "consumer", at: node.address)
        try members.start("a", session: 30_000)
        try await members.listen { members.owned == ["a": [0, 1, 2, 3, 4, 5]] }
        try members.start("b", session: 30_000)
        try await members.listen { members.owned == ["a": [0, 1, 2], "b": [3, 4, 5]] }
        try show(members, node)
        _ = try await producer.send(ProducerRecord(topic: "views", partition: 0, value: Member.slow)).acknowledged()
        try await members.listen { members.count("a") == 1 }
        print("   a has a record of 0 that takes long to work on; c joins")
        try members.start("c", session: 30_000)
        try await members.listen { members.owned == ["a": [0, 1, 2], "b": [3, 4], "c": [5]] }
        try show(members, node)
        print("   a is done with its record")
        members.tell("a", "go on")
        try await members.listen { members.owned == ["a": [0, 1], "b": [3, 4], "c": [2, 5]] }
        try await readAndKill(members, "views", pausing: nil, producer)
        try await write(meanwhile, to: "views", producer)
        try await members.listen { members.owned == ["a": [0, 1, 2], "b": [3, 4, 5]] }
        print("   its session ends")
        try show(members, node)
        print("   of partitions they have been told since the kill: \(members.toldText)")
        try await finish(members, total: (before + meanwhile) * 6 + 1)
    }

    // MARK: What they have in common

    /// Lets the members read, and kills c when it has committed ten records of each of its partitions, and read more.
    private static func readAndKill(
        _ members: Members, _ topic: String, pausing paused: String?, _ producer: Producer
    ) async throws {
        try await write(before, to: topic, producer)
        let theirs = members.owned["c"] ?? []
        let total = before * 6 + (topic == "views" ? 1 : 0)
        try await members.listen {
            members.differentCount == total && theirs.allSatisfy { members.committed[$0] == 10 }
        }
        print("   \(total) records are written, and read")
        members.forgetWhatTheyWereTold()
        if let paused { members.pause(paused) }
        try await members.kill("c")
        print("   c is killed: of each of \(list(theirs)) it had committed 10, and read \(before)")
    }

    /// Waits until everything has been read, and ends the group.
    private static func finish(_ members: Members, total: Int) async throws {
        try await members.listen { members.differentCount == total }
        let repeated = members.repeated
        let places = Dictionary(grouping: repeated, by: \.partition).sorted { $0.key < $1.key }
        let twice = places.map { partition, places in
            let offsets = places.map(\.offset).sorted()
            return "\(partition): \(offsets.map { "\($0)" }.joined(separator: " "))"
        }
        print(
            "   \(total) records were written, and all are read; \(repeated.count) of them twice: \(twice.joined(separator: ", "))"
        )
        for name in members.owned.keys.sorted() { try await members.kill(name) }
    }

    /// The epochs of a group of KIP-848, what its members have, and what they are to have.
    private static func show(_ members: Members, _ node: RunningNode) throws {
        var request = ConsumerGroupDescribeRequest()
        request.groupIDs = ["consumer"]
        guard let group = try node.ask(request).groups.first else { throw DemoFailure("there is no group") }
        print("   group epoch \(group.groupEpoch)")
        for member in group.members.sorted(by: { $0.clientID < $1.clientID }) {
            let target = member.targetAssignment.topicPartitions.flatMap(\.partitions).sorted()
            let owned = members.owned[member.clientID] ?? []
            let rest = owned == target ? "" : ", is to have \(list(target))"
            print("   \(member.clientID)  epoch \(member.memberEpoch), has \(list(owned))\(rest)")
        }
    }

    /// Asks until the group is in this state.
    private static func awaitState(_ state: String, of group: String, _ node: RunningNode) async throws {
        var request = DescribeGroupsRequest()
        request.groups = [group]
        while try node.ask(request).groups.first?.groupState != state { try await Task.sleep(for: .milliseconds(10)) }
    }
}
