/// The memory of requests over all connections: those being received, held back, and not yet answered.
///
/// At the limit nobody new is read from. Who waits gets a turn in the order of arrival (I2.8), one at a
/// time, as answers give memory back; the last one admitted may go past the limit with one request, as in
/// Kafka's `SimpleMemoryPool`. A request that has begun has its whole length reserved, so that it can always
/// be finished: two halves cannot wait for each other. And where all memory is held back by those who wait, the
/// first of them whose bytes they are has a turn: it needs no more than it has.
struct RequestMemory {
    /// `queued.max.request.bytes`.
    let limit: Int
    private(set) var used = 0
    /// The part of it that has been received, and waits for its turn.
    private var heldBack = 0
    private var waiting: [ConnectionID] = []
    private var head = 0

    init(limit: Int) { self.limit = limit }

    /// Whether one more request may be received.
    var hasRoom: Bool { used < limit }
    /// Whether somebody waits for room: who comes later may not overtake.
    var hasWaiting: Bool { head < waiting.count }

    /// Who waits, in the order of arrival.
    var waiters: ArraySlice<ConnectionID> { waiting[head...] }
    /// Whether all that is used has been received and waits: then no answer will give memory back.
    var isAllHeldBack: Bool { hasWaiting && used == heldBack }

    /// Brings a connection's share up to date.
    mutating func account(_ connection: Connection) {
        let bytes = connection.requestBytes
        used += bytes - connection.accountedBytes
        connection.accountedBytes = bytes
        let unread = connection.unread.count
        heldBack += unread - connection.accountedUnreadBytes
        connection.accountedUnreadBytes = unread
    }

    /// A connection has ended: its share is free.
    mutating func release(_ connection: Connection) {
        used -= connection.accountedBytes
        connection.accountedBytes = 0
        heldBack -= connection.accountedUnreadBytes
        connection.accountedUnreadBytes = 0
    }

    /// A connection waits for its turn.
    mutating func enqueue(_ connection: ConnectionID) { waiting.append(connection) }

    /// A connection waits no longer.
    mutating func leave(_ connection: ConnectionID) {
        if let place = waiters.firstIndex(of: connection) { waiting.remove(at: place) }
    }

    /// Who has waited longest, if there is room; it may have ended meanwhile.
    mutating func nextTurn() -> ConnectionID? {
        guard hasRoom, hasWaiting else { return nil }
        let connection = waiting[head]
        head += 1
        if head >= 64 && head * 2 > waiting.count || head == waiting.count {
            waiting.removeFirst(head)
            head = 0
        }
        return connection
    }
}
