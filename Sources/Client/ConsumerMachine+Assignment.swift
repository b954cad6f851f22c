import SegmentLog
import WireProtocol

/// What is read, and from where.
extension ConsumerMachine {
    // MARK: Assignment

    /// Reads these partitions, and no others, from now on.
    mutating func assign(_ starts: [TopicPartition: StartPosition]) throws(ClientError) {
        if isSubscribed {
            throw .refused("a consumer that is subscribed to topics is assigned partitions by its group")
        }
        for (name, start) in starts { try check(start, name) }
        // No rebalance follows that would do it.
        if group != nil, configuration.enableAutoCommit { committedOffsets.commitAutomatically(positions) }
        remove(partitions.map(\.name))
        for name in starts.keys.sorted() { if let start = starts[name] { add(name, at: start.next) } }
    }

    /// Reads a partition too.
    mutating func add(_ name: TopicPartition, at next: AssignedPartition.Next, isHeld: Bool = false) {
        guard indices[name] == nil else { return }
        indices[name] = partitions.count
        var partition = AssignedPartition(name: name, next: .halted, generation: 0, turn: number())
        partition.isHeld = isHeld
        partitions.append(partition)
        follow(name.topic)
        begin(partitions.count - 1, at: next)
    }

    /// Reads these partitions no more; the others go on as if nothing had been.
    mutating func remove(_ names: [TopicPartition]) {
        let going = Set(names)
        let kept = partitions.indices.filter { !going.contains(partitions[$0].name) }
        var places: [Int: Int] = [:]
        for (place, index) in kept.enumerated() { places[index] = place }
        for partition in partitions.indices where places[partition] == nil {
            // Nothing that was asked for it counts any more, wherever its index leads to.
            begin(partition, at: .halted)
        }
        partitions = kept.map { partitions[$0] }
        indices = Dictionary(partitions.enumerated().map { ($1.name, $0) }) { first, _ in first }
        for index in buffered.indices { buffered[index].index = places[buffered[index].index] ?? 0 }
        if let old = taken?.index { taken?.index = places[old] ?? 0 }
        for fetch in fetches.indices {
            fetches[fetch].asked = fetches[fetch].asked.compactMapValues { $0.moved(to: places[$0.index]) }
        }
        for lookup in lookups.indices {
            guard case .position(let index, let generation) = lookups[lookup].owner else { continue }
            lookups[lookup].owner = .position(places[index] ?? 0, generation)
        }
        committedOffsets.move(places)
        interrupt()
    }

    /// Goes on with `start`; what was fetched of the partition is dropped.
    mutating func seek(_ name: TopicPartition, to start: StartPosition) throws(ClientError) {
        try check(start, name)
        begin(try index(of: name), at: start.next)
    }

    mutating func setPaused(_ isPaused: Bool, _ names: [TopicPartition]) throws(ClientError) {
        for name in names { _ = try index(of: name) }
        for name in names { partitions[try index(of: name)].isPaused = isPaused }
        interrupt()
    }

    private func check(_ start: StartPosition, _ name: TopicPartition) throws(ClientError) {
        try start.check(name)
        if start == .committed, group == nil { throw .refused("without group.id there are no committed offsets") }
    }

    func index(of name: TopicPartition) throws(ClientError) -> Int {
        guard let index = indices[name] else { throw .refused("\(name) is not assigned to this consumer") }
        return index
    }

    /// Whether what was asked or fetched with this generation still counts.
    func isCurrent(_ index: Int, _ generation: UInt64) -> Bool {
        index < partitions.count && partitions[index].generation == generation
    }

    /// The offset of the next record that a reader will get; nil while it is not known.
    func position(of index: Int) -> Int64? {
        if taken?.index == index { return progress.position.load(ordering: .acquiring) }
        if let first = buffered.first(where: { $0.index == index }) { return first.from }
        if case .offset(let offset) = partitions[index].next { return offset }
        return nil
    }

    /// Begins again: nothing that was asked or fetched before counts any more.
    mutating func begin(_ index: Int, at next: AssignedPartition.Next, notBefore retryAt: Instant? = nil) {
        let old = partitions[index].generation
        partitions[index].generation = number()
        partitions[index].retryAt = retryAt
        partitions[index].bufferedBytes = 0
        buffered.removeAll { $0.index == index }
        lookups.removeAll { $0.owner == .position(index, old) }
        if taken?.index == index { taken = nil }
        setNext(index, next)
        interrupt()
    }

    /// What comes behind that which was fetched.
    mutating func setNext(_ index: Int, _ next: AssignedPartition.Next) {
        partitions[index].next = next
        if case .lookUp(let timestamp) = next {
            let owner = Lookup.Owner.position(index, partitions[index].generation)
            let (name, retryAt) = (partitions[index].name, partitions[index].retryAt)
            lookups.append(Lookup(owner: owner, partition: name, timestamp: timestamp, retryAt: retryAt))
        }
    }

    /// Has the reader throw an error once it has come to it. The partition rests until then, and for
    /// `retry.backoff.ms` at least.
    mutating func fail(
        _ index: Int, _ error: ClientError, resuming next: AssignedPartition.Next, at now: Instant
    ) {
        buffered.append(Buffered(index: index, content: .failure(error, resuming: next)))
        partitions[index].next = .halted
        partitions[index].retryAt = retryTime(after: now)
    }

    func interrupt() { progress.interruptions.add(1, ordering: .acquiringAndReleasing) }
}

extension TopicPartition: Comparable {
    /// By topic, then by partition.
    public static func < (left: TopicPartition, right: TopicPartition) -> Bool {
        (left.topic, left.partition) < (right.topic, right.partition)
    }
}

extension StartPosition {
    fileprivate var next: AssignedPartition.Next {
        switch self {
        case .earliest: .lookUp(timestamp: ListOffsetsRequest.earliest)
        case .latest: .lookUp(timestamp: ListOffsetsRequest.latest)
        case .offset(let offset): .offset(offset)
        case .timestamp(let timestamp): .lookUp(timestamp: timestamp)
        case .committed: .committed
        }
    }

    fileprivate func check(_ name: TopicPartition) throws(ClientError) {
        switch self {
        case .offset(let value) where value < 0: throw .refused("\(name) has no offset \(value)")
        case .timestamp(let value) where value < 0: throw .refused("\(name) has no records of the time \(value)")
        default: break
        }
        guard name.partition >= 0 else { throw .refused("\(name) cannot be: partitions count from 0") }
    }
}
