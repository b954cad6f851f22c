/// The memory of requests over all connections: those being received, held back, and not yet answered.
///
/// At the limit nobody new is read from. Who waits gets a turn in the order of arrival (I2.8), one at a
/// time, as answers give memory back; the last one admitted may go past the limit with one request, as in
/// Kafka's `SimpleMemoryPool`. A request that has begun has its whole length reserved, so that it can always
/// be finished: two halves cannot wait for each other.
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

    /// How many wait.
    var waitingCount: Int { waiting.count - head }

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

    /// Who has waited longest, if there is room; it may have ended meanwhile. Where all that is used is held back, no
    /// answer will give memory back: then somebody has a turn all the same, with what has been received.
    mutating func nextTurn() -> ConnectionID? {
        guard hasWaiting, hasRoom || used == heldBack else { return nil }
        let connection = waiting[head]
        head += 1
        if head >= 64 && head * 2 > waiting.count || head == waiting.count {
            waiting.removeFirst(head)
            head = 0
        }
        return connection
    }
}
