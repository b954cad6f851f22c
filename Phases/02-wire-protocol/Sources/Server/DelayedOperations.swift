import SegmentLog

/// Operations that wait for something to happen to one of several keys, or for a deadline.
///
/// Kafka calls this a purgatory. A fetch that found too little waits here for its partitions; an
/// append to one of them, or the fetch's `max_wait_ms`, takes it out again. Nothing is polled.
///
/// - I2.3: an operation leaves exactly once: completed, expired or cancelled.
public struct DelayedOperations<Key: Hashable & Sendable, Operation: Sendable>: Sendable {
    /// A waiting operation's number, ascending in the order of arrival.
    public typealias ID = UInt64

    private struct Waiting {
        var operation: Operation
        var keys: [Key]
        var deadline: Instant
    }

    /// The operations of one key in order of arrival. Those that have left are taken out together,
    /// so that a thousand fetches on one partition do not each walk the whole list.
    private struct Watchers {
        var ids: [ID] = []
        var gone = 0
    }

    private var waiting: [ID: Waiting] = [:]
    private var nextID: ID = 0
    private var watchers: [Key: Watchers] = [:]
    /// By deadline, and by arrival where these are equal; some may have left already.
    private var deadlines: [(at: Instant, id: ID)] = []

    /// Nothing waits.
    public init() {}

    /// How many operations wait.
    public var count: Int { waiting.count }

    /// The operation with this number, for as long as it waits.
    public subscript(id: ID) -> Operation? {
        get { waiting[id]?.operation }
        set { if let newValue { waiting[id]?.operation = newValue } }
    }

    /// Adds an operation that waits for any of `keys` until `deadline`.
    public mutating func add(_ operation: Operation, watching keys: [Key], until deadline: Instant) -> ID {
        let id = nextID
        nextID += 1
        waiting[id] = Waiting(operation: operation, keys: keys, deadline: deadline)
        for key in keys { watchers[key, default: Watchers()].ids.append(id) }
        // Deadlines mostly come in order, so the place is almost always the end.
        var place = deadlines.count
        while place > 0 && deadlines[place - 1].at > deadline { place -= 1 }
        deadlines.insert((deadline, id), at: place)
        return id
    }

    /// The operations that wait for `key`, in order of arrival; some may have left already.
    public func watching(_ key: Key) -> [ID] { watchers[key]?.ids ?? [] }

    /// Takes an operation out, whether it is complete or no longer wanted.
    public mutating func remove(_ id: ID) -> Operation? {
        guard let removed = waiting.removeValue(forKey: id) else { return nil }
        for key in removed.keys {
            guard var list = watchers.removeValue(forKey: key) else { continue }
            list.gone += 1
            if list.ids.count <= 32 || list.gone * 2 > list.ids.count {
                list.ids.removeAll { waiting[$0] == nil }
                list.gone = 0
            }
            if !list.ids.isEmpty { watchers[key] = list }
        }
        if deadlines.count > 2 * waiting.count + 16 { deadlines.removeAll { waiting[$0.id] == nil } }
        return removed.operation
    }

    /// The earliest deadline of an operation that still waits.
    public mutating func nextDeadline() -> Instant? {
        if let live = deadlines.firstIndex(where: { waiting[$0.id] != nil }) {
            deadlines.removeFirst(live)
        } else {
            deadlines.removeAll()
        }
        return deadlines.first?.at
    }

    /// Takes out an operation whose deadline is not after `now`; nil when there is none left.
    public mutating func removeExpired(at now: Instant) -> Operation? {
        guard let deadline = nextDeadline(), deadline <= now else { return nil }
        return remove(deadlines.removeFirst().id)
    }

    /// Takes out everything, in order of arrival.
    public mutating func removeAll() -> [Operation] {
        let ids = waiting.keys.sorted()
        return ids.compactMap { remove($0) }
    }
}
