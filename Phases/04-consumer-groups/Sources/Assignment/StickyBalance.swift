/// Divides partitions as evenly as subscriptions allow, and moves as few as it can for that: the core that the
/// sticky assignors and `uniform` share (ADR-0404).
///
/// Everybody keeps what it has, who has least gets what nobody has, and then the fullest member gives to the least
/// loaded one that it can reach: directly, or along a chain in which each member passes on another partition. Where
/// no chain leads from a member to one with at least two partitions less, no other assignment is more even
/// ("Semi-Matchings for Bipartite Graphs and Load Balancing", Harvey et al., 2006). Topics with the same subscribers
/// are of one kind: a search then costs members and kinds, not partitions.
struct StickyBalance {
    /// By partition, who has it.
    private(set) var owners: [Int?]
    /// By partition, who had it. A partition elsewhere, or that nobody had, is a guest where it is.
    private let homes: [Int?]
    /// By kind, the members that may have its partitions.
    private let subscribers: [[Int]]
    /// By member, the kinds that it may have, ascending.
    private let kinds: [[Int]]
    /// By member and index in `kinds`, the partitions that it has: those at home first, then the guests.
    private var held: [[[Int]]]
    /// By member, how many partitions it has.
    private var loads: [Int]
    /// By partition, its kind.
    private let kindOf: [Int]

    /// An even assignment in which as many partitions as possible are where `homes` says.
    ///
    /// A home must be a subscriber of the partition's topic.
    init(_ table: PartitionTable<some Hashable>, homes: [Int?]) {
        var kindOf: [Int] = []
        var subscribers: [[Int]] = []
        var known: [[Int]: Int] = [:]
        for topic in table.topics.indices {
            let kind = known[table.subscribers[topic]] ?? subscribers.count
            if kind == subscribers.count {
                known[table.subscribers[topic]] = kind
                subscribers.append(table.subscribers[topic])
            }
            kindOf += repeatElement(kind, count: table.first[topic + 1] - table.first[topic])
        }
        var kinds = [[Int]](repeating: [], count: table.memberCount)
        for (kind, members) in subscribers.enumerated() {
            for member in members { kinds[member].append(kind) }
        }
        self.kindOf = kindOf
        self.subscribers = subscribers
        self.kinds = kinds
        self.homes = homes
        owners = Array(repeating: nil, count: homes.count)
        held = kinds.map { Array(repeating: [], count: $0.count) }
        loads = Array(repeating: 0, count: table.memberCount)

        for (partition, home) in homes.enumerated() {
            if let home { put(partition, to: home) }
        }
        placeTheRest()
        level()
        sendHome()
    }

    /// Gives what nobody had to whoever has least, beginning with what the fewest may have.
    private mutating func placeTheRest() {
        let rest = homes.indices.filter { homes[$0] == nil }.sorted {
            (subscribers[kindOf[$0]].count, $0) < (subscribers[kindOf[$1]].count, $1)
        }
        for partition in rest {
            let least = subscribers[kindOf[partition]].min { loads[$0] < loads[$1] }
            if let least { put(partition, to: least) }
        }
    }

    /// Shifts partitions from the fullest member to the least loaded one that it reaches, until all are level.
    ///
    /// Ends, because the sum of the squares of the loads falls with each shift. Members that a full one reaches
    /// without finding a place are level for good: nothing leads out of them, and nobody is left that is fuller.
    private mutating func level() {
        var unlevel = Array(loads.indices)
        while let source = unlevel.max(by: { (loads[$0], $1) < (loads[$1], $0) }) {
            let least = unlevel.reduce(Int.max) { min($0, loads[$1]) }
            let search = search(from: source, guestsOnly: false) { loads[$0] == least }
            let target = search.reached.min { loads[$0] < loads[$1] } ?? source
            if loads[target] <= loads[source] - 2 {
                shift(along: search, to: target)
            } else {
                let level = Set(search.reached)
                unlevel.removeAll { level.contains($0) }
            }
        }
    }

    /// Takes back moves that the balance does not need: a partition goes home if its home can send guests on, to
    /// where the partition is or to a member that has one partition less than that one.
    private mutating func sendHome() {
        var isChanged = true
        while isChanged {
            isChanged = false
            for (partition, home) in homes.enumerated() {
                guard let home, let owner = owners[partition], owner != home else { continue }
                func isPlace(_ member: Int) -> Bool { member == owner || loads[member] == loads[owner] - 1 }
                let search = search(from: home, guestsOnly: true, until: isPlace)
                guard let place = search.reached.last, isPlace(place) else { continue }
                shift(along: search, to: place)
                move(partition, to: home)
                isChanged = true
            }
        }
    }
}

extension StickyBalance {
    /// What can be reached from a member by passing partitions on.
    private struct Search {
        /// The members reached, the one it began with first, nearer ones before farther ones.
        var reached: [Int]
        /// By member, who passes a partition to it, and of which of that one's kinds; nil where it begins.
        var steps: [(from: Int, slot: Int)?]
    }

    /// Goes breadth first from `source`, along partitions that a member has (only guests, if so asked), to everybody
    /// who may have these; ends with the first member that is sought.
    private func search(from source: Int, guestsOnly: Bool, until isSought: (Int) -> Bool) -> Search {
        var search = Search(reached: [source], steps: Array(repeating: nil, count: loads.count))
        if isSought(source) { return search }
        var isSeen = [Bool](repeating: false, count: loads.count)
        var isKindSeen = [Bool](repeating: false, count: subscribers.count)
        isSeen[source] = true
        var next = 0
        while next < search.reached.count {
            let member = search.reached[next]
            next += 1
            for (slot, kind) in kinds[member].enumerated() where !isKindSeen[kind] {
                guard let last = held[member][slot].last, !guestsOnly || homes[last] != member else { continue }
                isKindSeen[kind] = true
                for other in subscribers[kind] where !isSeen[other] {
                    isSeen[other] = true
                    search.steps[other] = (member, slot)
                    search.reached.append(other)
                    if isSought(other) { return search }
                }
            }
        }
        return search
    }

    /// Lets each member on the way to `target` pass a partition on.
    private mutating func shift(along search: Search, to target: Int) {
        var target = target
        while let (source, slot) = search.steps[target] {
            if let partition = choice(of: held[source][slot], from: source, to: target) { move(partition, to: target) }
            target = source
        }
    }

    /// Which of `partitions` is to go: a guest that comes home by it, else a guest, else one that leaves home.
    private func choice(of partitions: [Int], from source: Int, to target: Int) -> Int? {
        let guests = partitions.reversed().prefix { homes[$0] != source }
        return guests.first { homes[$0] == target } ?? partitions.last
    }

    private mutating func move(_ partition: Int, to target: Int) {
        if let owner = owners[partition], let slot = slot(of: partition, in: owner) {
            // Almost always the last: guests leave first, and what is at home leaves from behind.
            if let index = held[owner][slot].lastIndex(of: partition) { held[owner][slot].remove(at: index) }
            loads[owner] -= 1
        }
        put(partition, to: target)
    }

    private mutating func put(_ partition: Int, to member: Int) {
        guard let slot = slot(of: partition, in: member) else { preconditionFailure("a partition for no subscriber") }
        if homes[partition] == member && owners[partition] != nil {
            held[member][slot].insert(partition, at: 0)
        } else {
            held[member][slot].append(partition)
        }
        owners[partition] = member
        loads[member] += 1
    }

    /// Where the kind of `partition` is in the kinds of `member`.
    private func slot(of partition: Int, in member: Int) -> Int? {
        var range = kinds[member].startIndex..<kinds[member].endIndex
        while !range.isEmpty {
            let middle = (range.lowerBound + range.upperBound) / 2
            if kinds[member][middle] == kindOf[partition] { return middle }
            range = kinds[member][middle] < kindOf[partition] ? middle + 1..<range.upperBound : range.lowerBound..<middle
        }
        return nil
    }
}
