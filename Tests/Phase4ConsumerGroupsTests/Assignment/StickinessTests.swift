import SegmentLog
import Testing
import WireProtocol

@testable import ConsumerGroups

@Suite("Over 10,000 changes of a group")
struct StickinessTests {
    @Test("with equal subscriptions, uniform is balanced to within one and moves exactly the least", .timeLimit(.minutes(5)))
    func equalUniform() throws { try measureEqual("uniform", seed: 4, uniform) }

    @Test("with equal subscriptions, sticky is balanced to within one and moves exactly the least", .timeLimit(.minutes(5)))
    func equalSticky() throws { try measureEqual("sticky", seed: 5, sticky) }

    @Test("with unequal subscriptions, the balance is the best that there is, and moves are few", .timeLimit(.minutes(5)))
    func unequal() throws {
        var group = ChangingGroup(seed: 6, isEqual: false)
        var (moves, least, worst, exceeding, spread) = (0, 0, 0, 0, 0)
        for change in 0..<10_000 {
            group.change()
            let bound = group.leastCost()
            let measured = try group.take(uniform(group))
            #expect(measured.squares == bound.squares, "change \(change) leaves the group unlevel")
            #expect(measured.moves >= bound.moves, "change \(change): the bound is none")
            moves += measured.moves
            least += bound.moves
            worst = max(worst, measured.moves - bound.moves)
            if measured.moves > bound.moves { exceeding += 1 }
            spread = max(spread, measured.spread)
        }
        print(
            "stickiness, unequal subscriptions, uniform: 10000 changes, best balance in each (largest spread \(spread)),"
                + " \(moves) partitions moved, least possible \(least), ratio \(ratio(moves, least)),"
                + " \(exceeding) changes above the least, by \(worst) at most")
        #expect(moves * 100 <= least * 101)
    }

    private func measureEqual(
        _ name: String, seed: UInt64, _ assign: (ChangingGroup) -> [Int: Set<ChangingGroup.Place>]
    ) throws {
        var group = ChangingGroup(seed: seed, isEqual: true)
        var (moves, least) = (0, 0)
        for change in 0..<10_000 {
            group.change()
            let bound = group.leastMovesOfEqual()
            if change < 500 { #expect(group.leastCost().moves == bound, "the two bounds differ") }
            let measured = try group.take(assign(group))
            #expect(measured.spread <= 1, "change \(change) leaves the group unbalanced")
            #expect(measured.moves == bound, "change \(change) moves too many")
            moves += measured.moves
            least += bound
        }
        print(
            "stickiness, equal subscriptions, \(name): 10000 changes, balanced to within one in each,"
                + " \(moves) partitions moved, least possible \(least), ratio \(ratio(moves, least))")
    }

    private func ratio(_ moves: Int, _ least: Int) -> String {
        let thousandths = (moves * 1_000 + least / 2) / max(least, 1)
        return "\(thousandths / 1_000)." + String(String(1_000 + thousandths % 1_000).dropFirst())
    }
}

private func uniform(_ group: ChangingGroup) -> [Int: Set<ChangingGroup.Place>] {
    let members = group.members.sorted { memberID($0.key) < memberID($1.key) }.map { id, member in
        TargetAssignmentInput.Member(
            memberID: memberID(id), subscribed: member.topics.sorted().map { Uuid(high: 0, low: UInt64($0)) },
            target: Dictionary(grouping: member.owned) { Uuid(high: 0, low: UInt64($0.topic)) }
                .mapValues { $0.map(\.partition).sorted() })
    }
    let counts = group.partitionCounts.map { (Uuid(high: 0, low: UInt64($0.key)), $0.value) }
    let input = TargetAssignmentInput(members: members, partitionCounts: Dictionary(uniqueKeysWithValues: counts))
    let target = UniformAssignor().assign(input)
    return places(target) { assigned in
        assigned.flatMap { topic, partitions in
            partitions.map { ChangingGroup.Place(topic: Int(topic.low), partition: $0) }
        }
    }
}

/// Through user data, as members tell it to their leader.
private func sticky(_ group: ChangingGroup) -> [Int: Set<ChangingGroup.Place>] {
    let members = group.members.sorted { memberID($0.key) < memberID($1.key) }.map { id, member in
        var subscription = ConsumerProtocolSubscription()
        subscription.topics = member.topics.map { "t\($0)" }
        let owned = Dictionary(grouping: member.owned, by: \.topic).sorted { $0.key < $1.key }.map { topic, places in
            topicPartitions("t\(topic)", places.map(\.partition).sorted())
        }
        subscription.userData = StickyAssignor().userData(owned: owned, generation: owned.isEmpty ? -1 : 1)
        return GroupSubscriber(memberID: memberID(id), subscription: subscription)
    }
    let counts = Dictionary(uniqueKeysWithValues: group.partitionCounts.map { ("t\($0.key)", $0.value) })
    return places(StickyAssignor().assign(members, partitionCounts: counts)) { assigned in
        assigned.flatMap { entry in
            entry.partitions.map { ChangingGroup.Place(topic: Int(entry.topic.dropFirst()) ?? -1, partition: $0) }
        }
    }
}

private func memberID(_ id: Int) -> String { "m\(1_000_000 + id)" }

private func places<Assigned>(
    _ assignment: [String: Assigned], _ transform: (Assigned) -> [ChangingGroup.Place]
) -> [Int: Set<ChangingGroup.Place>] {
    var result: [Int: Set<ChangingGroup.Place>] = [:]
    for (member, assigned) in assignment { result[(Int(member.dropFirst()) ?? 0) - 1_000_000] = Set(transform(assigned)) }
    return result
}

func topicPartitions(_ topic: String, _ partitions: [Int32]) -> ConsumerProtocolTopicPartitions {
    var entry = ConsumerProtocolTopicPartitions()
    entry.topic = topic
    entry.partitions = partitions
    return entry
}
