/// The open connections: by their numbers, which the node knows, and by the tokens that the poller reports.
struct ConnectionTable {
    private var byID: [ConnectionID: Connection] = [:]
    /// Each at the place of its descriptor: the system hands out the lowest free number, so that there are few
    /// gaps, and nothing is hashed or searched for.
    private var byDescriptor: [Connection?] = []

    var count: Int { byID.count }
    var isEmpty: Bool { byID.isEmpty }
    /// The numbers of all, ascending.
    var ids: [ConnectionID] { byID.keys.sorted() }

    /// The connection of this number; nil where it has ended.
    subscript(id: ConnectionID) -> Connection? { byID[id] }

    /// The connection of this token; nil where it has ended, even if another one has its descriptor meanwhile.
    subscript(token token: UInt64) -> Connection? {
        let place = Int(token >> 32) - 1
        guard byDescriptor.indices.contains(place), let connection = byDescriptor[place], connection.token == token
        else { return nil }
        return connection
    }

    mutating func insert(_ connection: Connection) {
        byID[connection.id] = connection
        let place = Int(connection.descriptor)
        while byDescriptor.count <= place { byDescriptor.append(nil) }
        byDescriptor[place] = connection
    }

    /// Returns whether it was there.
    mutating func remove(_ connection: Connection) -> Bool {
        guard byID.removeValue(forKey: connection.id) != nil else { return false }
        byDescriptor[Int(connection.descriptor)] = nil
        return true
    }
}

extension Connection {
    /// What the poller reports it by: one more than its descriptor, and half of its number, because descriptors are
    /// used again. Smaller tokens are listeners.
    var token: UInt64 { UInt64(descriptor + 1) << 32 | id.value & 0xffff_ffff }
}
