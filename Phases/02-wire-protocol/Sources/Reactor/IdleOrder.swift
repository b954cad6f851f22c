/// The connections in the order of their last activity, the one longest without any first.
///
/// A list through the connections themselves: whatever happens to one of ten thousand takes the same few
/// steps, and who is due is found at the front. (Kafka has a LinkedHashMap in order of access for this.)
/// Activity soon after the last one is passed over, so that a busy connection is not moved with each request:
/// a limit is kept to within a 64th of it, and nobody is due too early.
///
/// - I2.7: the times along the list ascend.
struct IdleOrder {
    // Not owned: the reactor's table owns the connections, and takes them out here before it lets them go.
    private unowned var first: Connection?
    private unowned var last: Connection?
    /// After this long without activity a connection is due; nil: never.
    private let limitMilliseconds: Int64?
    /// Activity counts only this long after the last one.
    private let stepMilliseconds: Int64

    /// The order for `connections.max.idle.ms`; nil where nobody is ever due.
    init(limitMilliseconds: Int64?) {
        self.limitMilliseconds = limitMilliseconds
        stepMilliseconds = limitMilliseconds.map { $0 / 64 } ?? Int64.max
    }

    /// The connection that has been idle for the longest time.
    var oldest: Connection? { first }

    /// When that one is due; nil: never.
    var deadline: Instant? {
        guard let limitMilliseconds, let since = first?.idleSince else { return nil }
        return since.advanced(byMilliseconds: limitMilliseconds).advanced(byMilliseconds: stepMilliseconds)
    }

    /// Something has happened on a connection: it is the youngest from `now` on.
    mutating func touch(_ connection: Connection, at now: Instant) {
        if let since = connection.idleSince {
            guard now > since.advanced(byMilliseconds: stepMilliseconds) else { return }
            remove(connection)
        }
        connection.idleSince = now
        connection.older = last
        if let last { last.younger = connection } else { first = connection }
        last = connection
    }

    /// A connection has ended.
    mutating func remove(_ connection: Connection) {
        guard connection.idleSince != nil else { return }
        connection.idleSince = nil
        let (older, younger) = (connection.older, connection.younger)
        if let older { older.younger = younger } else { first = younger }
        if let younger { younger.older = older } else { last = older }
        connection.older = nil
        connection.younger = nil
    }
}
