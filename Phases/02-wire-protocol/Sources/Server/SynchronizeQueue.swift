import SegmentLog

/// Collects what must become durable, so that one synchronize serves all that came in meanwhile.
///
/// While a synchronize runs, more appends arrive; they wait together for the next one. The batch
/// grows with the load by itself: nobody waits for a timer (ADR-0206).
///
/// - I2.4: at most one synchronize runs at a time.
/// - I2.5: a place is reported as durable only by a synchronize that was handed in after it was appended.
public struct SynchronizeQueue<Key: Hashable & Sendable>: Sendable {
    /// A log's file, and the place up to which a synchronize makes it durable.
    public struct Entry: Sendable {
        /// Which log.
        public var key: Key
        /// The file to synchronize.
        public var file: any File
        /// The log's end when the file was handed in.
        public var end: LogPosition
    }

    private var waiting: [Entry] = []
    private var places: [Key: Int] = [:]
    private var running: [Entry] = []
    private var ticket: SynchronizeTicket?
    private var nextTicket: UInt64 = 0

    /// Nothing waits.
    public init() {}

    /// Whether a synchronize is running.
    public var isRunning: Bool { ticket != nil }
    /// Whether there is nothing to wait for.
    public var isIdle: Bool { ticket == nil && waiting.isEmpty }

    /// Asks that the log `key` become durable up to `end`, which lies in `file`.
    public mutating func add(_ key: Key, file: any File, end: LogPosition) {
        let entry = Entry(key: key, file: file, end: end)
        if let place = places[key] {
            waiting[place] = entry
        } else {
            places[key] = waiting.count
            waiting.append(entry)
        }
    }

    /// Hands in what waits, unless a synchronize is running.
    public mutating func start(_ effects: inout Effects) {
        guard ticket == nil, !waiting.isEmpty else { return }
        let next = SynchronizeTicket(nextTicket)
        nextTicket += 1
        ticket = next
        swap(&running, &waiting)
        places.removeAll(keepingCapacity: true)
        effects.append(.synchronize(next, running.map(\.file)))
    }

    /// The synchronize of `ticket` is done: what it made durable, in the order of `add`.
    public mutating func finish(_ ticket: SynchronizeTicket) -> [Entry] {
        guard ticket == self.ticket else { return [] }
        self.ticket = nil
        defer { running.removeAll(keepingCapacity: true) }
        return running
    }
}
