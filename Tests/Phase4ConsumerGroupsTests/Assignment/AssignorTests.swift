import SegmentLog
import Testing
import WireProtocol

@testable import ConsumerGroups

@Suite("The assignors of a group's leader")
struct AssignorTests {
    @Test("range cuts each topic by itself, and topics of one size alike")
    func range() {
        let members = ["a", "b", "c"].map { member($0, ["t", "u", "v"]) }
        let assignment = assign(RangeAssignor(), members, ["t": 7, "u": 7, "v": 2])
        #expect(assignment["a"] == ["t0", "t1", "t2", "u0", "u1", "u2", "v0"])
        #expect(assignment["b"] == ["t3", "t4", "u3", "u4", "v1"])
        #expect(assignment["c"] == ["t5", "t6", "u5", "u6"])
    }

    @Test("range leaves a topic to those who want it, and topics that are not there to nobody")
    func rangeUnequal() {
        let members = [member("a", ["t", "gone"]), member("b", ["t", "u", "t"]), member("c", [])]
        let assignment = assign(RangeAssignor(), members, ["t": 3, "u": 2, "empty": 0, "unwanted": 4])
        #expect(assignment == ["a": ["t0", "t1"], "b": ["t2", "u0", "u1"], "c": []])
    }

    @Test(
        "static members come first, by instance id, so a new member id moves nothing",
        arguments: [
            RangeAssignor() as any ConsumerPartitionAssignor, RoundRobinAssignor(),
        ])
    func staticMembers(assignor: any ConsumerPartitionAssignor) {
        let before = [member("a", ["t"], "2"), member("b", ["t"]), member("c", ["t"], "1")]
        let after = [member("b", ["t"]), member("c", ["t"], "1"), member("d", ["t"], "2")]
        let first = assign(assignor, before, ["t": 5])
        let second = assign(assignor, after, ["t": 5])
        #expect(first["c"]?.first == "t0")
        #expect(first["a"]?.count == 2)
        #expect(first["b"]?.count == 1)
        #expect(second == ["b": first["b"], "c": first["c"], "d": first["a"]])
    }

    @Test("roundrobin deals partitions out in turn, and passes over who does not want a topic")
    func roundRobin() {
        let equal = assign(RoundRobinAssignor(), ["a", "b"].map { member($0, ["t", "u"]) }, ["t": 3, "u": 3])
        #expect(equal == ["a": ["t0", "t2", "u1"], "b": ["t1", "u0", "u2"]])
        let members = [member("a", ["t"]), member("b", ["t", "u"]), member("c", ["t", "u", "v"])]
        let unequal = assign(RoundRobinAssignor(), members, ["t": 1, "u": 2, "v": 3])
        #expect(unequal == ["a": ["t0"], "b": ["u0"], "c": ["u1", "v0", "v1", "v2"]])
    }

    @Test("sticky balances Kafka's examples, and keeps what members had")
    func sticky() {
        let topics = ["t", "u", "v", "w"]
        let counts = Dictionary(uniqueKeysWithValues: topics.map { ($0, Int32(2)) })
        let fresh = assign(StickyAssignor(), ["a", "b", "c"].map { member($0, topics) }, counts)
        #expect(fresh == ["a": ["t0", "u1", "w0"], "b": ["t1", "v0", "w1"], "c": ["u0", "v1"]])
        let rest = ["a", "c"].map { member($0, topics, had: fresh[$0, default: []], since: 1) }
        let later = assign(StickyAssignor(), rest, counts)
        for id in ["a", "c"] {
            #expect(Set(later[id, default: []]).isSuperset(of: fresh[id, default: []]))
            #expect(later[id]?.count == 4)
        }
        let unequal = [member("a", ["t"]), member("b", ["t", "u"]), member("c", ["t", "u", "v"])]
        let even = assign(StickyAssignor(), unequal, ["t": 1, "u": 2, "v": 3])
        #expect(even == ["a": ["t0"], "b": ["u0", "u1"], "c": ["v0", "v1", "v2"]])
    }

    @Test("of two that say they had a partition, the one of the newer generation keeps it; of the same, nobody")
    func doubleClaims() {
        let newer = [
            member("a", ["t"], had: ["t0", "t1"], since: 4), member("b", ["t"], had: ["t1", "t2"], since: 5),
        ]
        #expect(assign(StickyAssignor(), newer, ["t": 4]) == ["a": ["t0", "t3"], "b": ["t1", "t2"]])
        let claims = { (generations: [Int32]) in
            let table = PartitionTable(generations.map { _ in member("", ["t"]) }, ["t": 1])
            var claims = ClaimedPartitions(table)
            for (member, since) in generations.enumerated() {
                claims.claim("t", 0, by: member, since: since, in: table)
            }
            return claims.homes[0]
        }
        #expect(claims([4, 5]) == 1)
        #expect(claims([5, 4]) == 0)
        #expect(claims([4, 4]) == nil)
        #expect(claims([4, 4, 4]) == nil)
        #expect(claims([4, 4, 5]) == 2)
        #expect(claims([5, 4, 4]) == 0)
        #expect(claims([.min]) == nil)
    }

    @Test("what members say of partitions that are not there, or of topics that they do not want, counts for nothing")
    func strayClaims() {
        let stray = member(
            "a", ["t"], had: ["t-1", "t2", "t\(Int32.max)", "t\(Int32.min)", "u0", "gone0", "t1", "t1"], since: 1)
        let assignment = assign(StickyAssignor(), [stray, member("b", ["t", "u"])], ["t": 2, "u": 1])
        #expect(assignment == ["a": ["t1"], "b": ["t0", "u0"]] || assignment == ["a": ["t0", "t1"], "b": ["u0"]])
    }

    @Test(
        "groups of nobody, and of members that want nothing, get nothing",
        arguments: [
            RangeAssignor() as any ConsumerPartitionAssignor, RoundRobinAssignor(), StickyAssignor(),
            CooperativeStickyAssignor(),
        ])
    func nothing(assignor: any ConsumerPartitionAssignor) {
        #expect(assign(assignor, [], ["t": 2]).isEmpty)
        #expect(assign(assignor, [member("a", [])], ["t": 2]) == ["a": []])
        #expect(assign(assignor, [member("a", ["t"])], ["t": -1]) == ["a": []])
    }
}

@Suite("Cooperative assignment")
struct CooperativeAssignmentTests {
    @Test("gives a partition away only once the member that has it has given it up")
    func twoRounds() {
        let all = ["t0", "t1", "t2", "t3"]
        let first = assign(CooperativeStickyAssignor(), [owner("a", all), owner("b", [])], ["t": 4])
        #expect(first == ["a": ["t0", "t1"], "b": []])
        let second = assign(
            CooperativeStickyAssignor(), [owner("a", first["a", default: []]), owner("b", [])], ["t": 4])
        #expect(second == ["a": ["t0", "t1"], "b": ["t2", "t3"]])
    }

    @Test("of a partition that two own, the one of the newer generation keeps it, and the other loses it")
    func newestOwns() {
        let members = [owner("a", ["t0", "t1"], since: 3), owner("b", ["t1"], since: 4)]
        #expect(assign(CooperativeStickyAssignor(), members, ["t": 2]) == ["a": ["t0"], "b": ["t1"]])
    }

    @Test("takes a partition that two own since the same generation from both")
    func bothLose() {
        let members = [owner("a", ["t0", "t1"]), owner("b", ["t1", "t2"])]
        #expect(assign(CooperativeStickyAssignor(), members, ["t": 3]) == ["a": ["t0"], "b": ["t2"]])
    }

    @Test("waits for a member that owns what it does not want any more")
    func unwanted() {
        var leaving = owner("a", ["t0", "u0"])
        leaving.subscription.topics = ["u"]
        #expect(
            assign(CooperativeStickyAssignor(), [leaving, owner("b", [])], ["t": 1, "u": 1]) == ["a": ["u0"], "b": []])
    }

    @Test("knows the generation from user data where the subscription is too old to say it")
    func generations() {
        for data in [
            CooperativeStickyAssignor().userData(owned: [], generation: 9),
            StickyAssignor().userData(owned: [], generation: 9),
        ] {
            var older = owner("a", ["t0"], since: -1)
            older.subscription.userData = data
            let members = [older, owner("b", ["t0"], since: 8), owner("c", ["t0"], since: -1)]
            #expect(assign(CooperativeStickyAssignor(), members, ["t": 1]) == ["a": ["t0"], "b": [], "c": []])
        }
    }

    @Test("over 2,000 changes never gives a partition to one while another has it, and comes to rest in two rounds")
    func changes() throws {
        var generator = SplitMix64(seed: 8)
        var owned: [String: [String]] = ["m000": [], "m001": []]
        for change in 0..<2_000 {
            let ids = owned.keys.sorted()
            if ids.count > 1 && generator.chance(45) { owned[ids[generator.below(ids.count)]] = nil }
            if owned.count < 9 && generator.chance(60) {
                owned["m\(100 + change % 900)"] = owned["m\(100 + change % 900)"] ?? []
            }
            var rounds = 0
            while true {
                let members = owned.keys.sorted().map { owner($0, owned[$0, default: []]) }
                let next = assign(CooperativeStickyAssignor(), members, ["t": 23])
                for (id, partitions) in next {
                    for (other, has) in owned where other != id {
                        #expect(Set(partitions).isDisjoint(with: has), "\(id) gets what \(other) has")
                    }
                }
                // Who lost something joins once more; where nobody did, the group is at rest.
                let isLost = owned.contains { id, has in !Set(has).isSubset(of: next[id, default: []]) }
                owned = next
                rounds += 1
                if !isLost { break }
                try #require(rounds <= 2, "change \(change) does not come to rest")
            }
            #expect(Set(owned.values.joined()).count == 23)
            let loads = owned.values.map(\.count)
            #expect((loads.max() ?? 0) - (loads.min() ?? 0) <= 1)
        }
    }
}

@Suite("The assignors of the broker")
struct ServerAssignorTests {
    @Test("range cuts topics as a group's leader does, whatever members have")
    func range() {
        let topics = [Uuid(high: 0, low: 1), Uuid(high: 0, low: 2)]
        let members = [
            TargetAssignmentInput.Member(memberID: "a", subscribed: topics, target: [topics[0]: [4]]),
            TargetAssignmentInput.Member(memberID: "b", instanceID: "1", subscribed: topics),
            TargetAssignmentInput.Member(memberID: "c", subscribed: [topics[1]]),
        ]
        let input = TargetAssignmentInput(members: members, partitionCounts: [topics[0]: 5, topics[1]: 3])
        let target = ServerRangeAssignor().assign(input)
        #expect(target["b"] == [topics[0]: [0, 1, 2], topics[1]: [0]])
        #expect(target["a"] == [topics[0]: [3, 4], topics[1]: [1]])
        #expect(target["c"] == [topics[1]: [2]])
    }

    @Test("uniform answers for every member, also those that want nothing or what is not there")
    func everyMember() {
        let topic = Uuid(high: 0, low: 1)
        let members = [
            TargetAssignmentInput.Member(memberID: "a", subscribed: [Uuid(high: 9, low: 9)]),
            TargetAssignmentInput.Member(memberID: "b", subscribed: [topic], target: [topic: [1, 7, -3]]),
            TargetAssignmentInput.Member(memberID: "c", subscribed: [topic], target: [Uuid(high: 9, low: 9): [0]]),
        ]
        let target = UniformAssignor().assign(TargetAssignmentInput(members: members, partitionCounts: [topic: 2]))
        #expect(target == ["a": [:], "b": [topic: [1]], "c": [topic: [0]]])
    }
}

private func member(
    _ id: String, _ topics: [String], _ instance: String? = nil, had: [String] = [], since generation: Int32 = -1
) -> GroupSubscriber {
    var subscription = ConsumerProtocolSubscription()
    subscription.topics = topics
    subscription.userData = StickyAssignor().userData(owned: entries(had), generation: generation)
    return GroupSubscriber(memberID: id, instanceID: instance, subscription: subscription)
}

private func owner(_ id: String, _ owned: [String], since generation: Int32 = 1) -> GroupSubscriber {
    var subscription = ConsumerProtocolSubscription()
    subscription.topics = ["t"]
    subscription.ownedPartitions = entries(owned)
    subscription.generationID = generation
    return GroupSubscriber(memberID: id, subscription: subscription)
}

/// Entries of partitions that are written as a letter or a word, and a number: `t0`, `gone7`, `t-1`.
private func entries(_ partitions: [String]) -> [ConsumerProtocolTopicPartitions] {
    partitions.map { text in
        let topic = text.prefix { $0.isLetter }
        return topicPartitions(String(topic), [Int32(text.dropFirst(topic.count)) ?? 0])
    }
}

private func assign(
    _ assignor: any ConsumerPartitionAssignor, _ members: [GroupSubscriber], _ counts: [String: Int32]
) -> [String: [String]] {
    assignor.assign(members, partitionCounts: counts).mapValues { assigned in
        assigned.flatMap { entry in entry.partitions.map { "\(entry.topic)\($0)" } }
    }
}
