/// The connections that wait for nothing of ours, the one longest without activity first.
///
/// A list through the connections themselves: whatever happens to one of ten thousand takes the same few
/// steps, and who is due is found at the front. (Kafka has a LinkedHashMap in order of access for this.)
///
/// - I2.7: the times along the list ascend.
struct IdleOrder {
    // Not owned: the reactor's table owns the connections, and takes them out here before it lets them go.
    private unowned var first: Connection?
    private unowned var last: Connection?

    /// The connection that has been idle for the longest time.
    var oldest: Connection? { first }

    /// Something has happened on a connection: it is the youngest from `now` on.
    mutating func touch(_ connection: Connection, at now: Instant) {
        remove(connection)
        connection.idleSince = now
        connection.older = last
        if let last { last.younger = connection } else { first = connection }
        last = connection
    }

    /// A connection is not idle, or has ended.
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
