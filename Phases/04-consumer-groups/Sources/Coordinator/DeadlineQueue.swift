import SegmentLog
import WireProtocol

/// When each of many things is to be told the time, the earliest first.
///
/// A heartbeat moves its member's deadline, and with it nothing here: a group that is told the time too early asks
/// again. So a queue of a thousand groups is touched about once per group and session, not once per heartbeat.
///
/// It is a binary heap. An entry whose key has been given an earlier time since is passed over when it comes up.
public struct DeadlineQueue<Key: Hashable & Sendable>: Sendable {
    private struct Entry {
        var at: Instant
        /// Orders entries of the same time by their arrival.
        var arrival: UInt64
        var key: Key

        func isBefore(_ other: Entry) -> Bool { (at, arrival) < (other.at, other.arrival) }
    }

    private var heap: [Entry] = []
    private var current: [Key: Instant] = [:]
    private var arrivals: UInt64 = 0

    /// Nothing is to be told the time.
    public init() {}

    /// How many keys wait.
    public var count: Int { current.count }

    /// The earliest time.
    public var next: Instant? { heap.first?.at }

    /// Asks that `key` be told the time at `deadline`. Where it has asked for an earlier one, that stays.
    public mutating func add(_ key: Key, at deadline: Instant) {
        if let known = current[key], known <= deadline { return }
        current[key] = deadline
        heap.append(Entry(at: deadline, arrival: arrivals, key: key))
        arrivals += 1
        var place = heap.count - 1
        while place > 0, heap[place].isBefore(heap[(place - 1) / 2]) {
            heap.swapAt(place, (place - 1) / 2)
            place = (place - 1) / 2
        }
    }

    /// Takes out a key whose time has come; nil when there is none left.
    public mutating func removeExpired(at now: Instant) -> Key? {
        while let first = heap.first, first.at <= now {
            removeFirst()
            if current[first.key] == first.at {
                current[first.key] = nil
                return first.key
            }
        }
        return nil
    }

    private mutating func removeFirst() {
        heap.swapAt(0, heap.count - 1)
        heap.removeLast()
        var place = 0
        while true {
            var least = place
            for child in [2 * place + 1, 2 * place + 2] where child < heap.count && heap[child].isBefore(heap[least]) {
                least = child
            }
            if least == place { return }
            heap.swapAt(place, least)
            place = least
        }
    }
}
