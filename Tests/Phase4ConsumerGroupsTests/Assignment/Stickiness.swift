import SegmentLog
import Testing
import WireProtocol

@testable import ConsumerGroups

/// A group whose members, topics and subscriptions change by a seed, and what is checked after each change.
struct ChangingGroup {
    /// Members by id: what each wants, and what it has.
    var members: [Int: (topics: [Int], owned: Set<Place>)] = [:]
    /// Partitions by topic.
    var partitionCounts: [Int: Int32] = [:]
    /// Whether all members want all topics.
    let isEqual: Bool
    var generator: SplitMix64
    private var nextMember = 0
    private var nextTopic = 0

    /// A partition.
    struct Place: Hashable {
        var topic: Int
        var partition: Int32
    }

    init(seed: UInt64, isEqual: Bool) {
        generator = SplitMix64(seed: seed)
        self.isEqual = isEqual
        for _ in 0..<3 { addTopic() }
        for _ in 0..<4 { join() }
    }

    mutating func change() {
        switch generator.below(12) {
        case 0...3 where members.count < 9: join()
        case 4...6 where members.count > 1: leave()
        case 7 where members.count > 3: for _ in 0..<3 { leave() }
        case 8 where partitionCounts.count < 7: addTopic()
        case 9 where partitionCounts.count > 1:
            let topic = pick(partitionCounts.keys)
            partitionCounts[topic] = nil
        case 10:
            let topic = pick(partitionCounts.keys)
            partitionCounts[topic, default: 0] += 1 + Int32(generator.below(3))
        default:
            let member = pick(members.keys)
            let topics = wanted()
            members[member]?.topics = topics
        }
        if isEqual {
            let topics = partitionCounts.keys.sorted()
            for member in members.keys { members[member]?.topics = topics }
        }
    }

    private mutating func pick(_ keys: some Sequence<Int>) -> Int {
        let keys = keys.sorted()
        return keys[generator.below(keys.count)]
    }

    private mutating func join() {
        let topics = wanted()
        members[nextMember] = (topics, [])
        nextMember += 1
    }

    private mutating func leave() {
        let member = pick(members.keys)
        members[member] = nil
    }

    private mutating func addTopic() {
        partitionCounts[nextTopic] = 1 + Int32(generator.below(9))
        nextTopic += 1
    }

    private mutating func wanted() -> [Int] {
        let topics = partitionCounts.keys.sorted()
        if isEqual { return topics }
        let some = topics.filter { _ in generator.chance(50) }
        return some.isEmpty ? [pick(topics)] : some
    }

    /// Takes an assignment over, after checking that each partition that somebody wants has one owner, who wants it.
    /// Returns how even it is and how many partitions left a member that could have kept them.
    mutating func take(_ assignment: [Int: Set<Place>]) throws -> Measured {
        var owners: [Place: Int] = [:]
        for (member, places) in assignment {
            for place in places {
                #expect(owners.updateValue(member, forKey: place) == nil, "two owners of \(place)")
                let topics = try #require(members[member]).topics
                #expect(topics.contains(place.topic), "\(member) does not want \(place)")
                #expect(place.partition < partitionCounts[place.topic, default: 0], "\(place) is not there")
            }
        }
        let wanted = Set(members.values.flatMap(\.topics))
        let count = wanted.reduce(0) { $0 + Int(partitionCounts[$1, default: 0]) }
        #expect(owners.count == count, "partitions are left over")

        var measured = Measured()
        for (id, member) in members {
            let has = assignment[id, default: []]
            measured.moves += keepable(member).subtracting(has).count
            measured.squares += has.count * has.count
            measured.loads.append(has.count)
        }
        for id in members.keys { members[id]?.owned = assignment[id, default: []] }
        return measured
    }

    /// What a member has and may go on having.
    func keepable(_ member: (topics: [Int], owned: Set<Place>)) -> Set<Place> {
        member.owned.filter {
            member.topics.contains($0.topic) && $0.partition < partitionCounts[$0.topic, default: 0]
        }
    }

    struct Measured {
        var moves = 0
        var squares = 0
        var loads: [Int] = []
        /// How many more partitions the fullest member has than the least loaded.
        var spread: Int { (loads.max() ?? 0) - (loads.min() ?? 0) }
    }
}

extension ChangingGroup {
    /// The least possible number of moves when all want all topics: who has more than its share gives the rest away,
    /// and as many shares are one larger as the division leaves over.
    func leastMovesOfEqual() -> Int {
        let total = partitionCounts.values.reduce(0) { $0 + Int($1) }
        let (share, extra) = total.quotientAndRemainder(dividingBy: members.count)
        let excess = members.values.map { keepable($0).count - share }.filter { $0 > 0 }
        return excess.reduce(0, +) - min(extra, excess.count)
    }

    /// The least possible sum of the squares of the loads, and the least number of moves with which it is reached: a flow
    /// of least cost from partitions to members, whose n-th place costs 2n - 1, and a move a little.
    func leastCost() -> (squares: Int, moves: Int) {
        let ids = members.keys.sorted()
        let wanted = ids.map { members[$0, default: ([], [])].topics }
        let places = partitionCounts.keys.sorted().filter { topic in wanted.contains { $0.contains(topic) } }
            .flatMap { topic in (0..<partitionCounts[topic, default: 0]).map { Place(topic: topic, partition: $0) } }
        let kept = ids.map { keepable(members[$0, default: ([], [])]) }
        let square = 1_000  // more than all partitions can move
        // What a place at each member costs, and where each partition is so far.
        let isKept = places.map { place in kept.contains { $0.contains(place) } }
        let cost = places.indices.map { place in
            ids.indices.map { member -> Int? in
                guard wanted[member].contains(places[place].topic) else { return nil }
                return isKept[place] && !kept[member].contains(places[place]) ? 1 : 0
            }
        }
        var owner = [Int?](repeating: nil, count: places.count)
        var loads = [Int](repeating: 0, count: ids.count)
        for start in places.indices {
            // The cheapest way (Bellman and Ford) from the new partition to a member that keeps one more at the end.
            var distance = cost[start].map { $0 ?? Int.max / 2 }
            var before = [Int?](repeating: nil, count: ids.count)
            var isChanged = true
            while isChanged {
                isChanged = false
                for place in places.indices {
                    guard let from = owner[place], distance[from] < Int.max / 2 else { continue }
                    for to in ids.indices {
                        guard let there = cost[place][to], let here = cost[place][from] else { continue }
                        if distance[from] + there - here < distance[to] {
                            (distance[to], before[to], isChanged) = (distance[from] + there - here, place, true)
                        }
                    }
                }
            }
            var end = ids.indices.min {
                distance[$0] + square * (2 * loads[$0] + 1) < distance[$1] + square * (2 * loads[$1] + 1)
            }
            if let end { loads[end] += 1 }
            while let to = end {
                guard let place = before[to] else {
                    owner[start] = to
                    break
                }
                end = owner[place]
                owner[place] = to
            }
        }
        let moves = places.indices.reduce(0) { sum, place in sum + (owner[place].flatMap { cost[place][$0] } ?? 0) }
        return (loads.reduce(0) { $0 + $1 * $1 }, moves)
    }
}
