import SegmentLog

/// Keeps the answers of each connection in the order of its requests.
///
/// A client may have several requests in flight on one connection, and expects their answers in
/// order. The node may finish them in any order: a fetch that waits is overtaken by a produce. The
/// pipeline holds the overtaking answers back.
///
/// - I2.1: answers leave in the order in which their requests began.
/// - I2.2: a connection has at most `maxInFlight` requests in the node, and at most `maxHeldBytes` and one
///   answer of finished answers.
public struct RequestPipeline: Sendable {
    /// How many requests of one connection may be in the node; beyond it the connection is paused.
    public let maxInFlight: Int

    /// How much memory a connection's held back answers may take; beyond it the connection is paused.
    public let maxHeldBytes: Int

    private enum Slot { case waiting, finished(Payload?) }

    private struct Lane {
        var first: UInt64 = 0
        var slots: [Slot] = []
        /// The memory of the answers among them.
        var heldBytes = 0
        var isPaused = false
    }

    private var lanes: [ConnectionID: Lane] = [:]

    /// A pipeline without connections.
    public init(maxInFlight: Int, maxHeldBytes: Int = 1 << 20) {
        self.maxInFlight = max(1, maxInFlight)
        self.maxHeldBytes = maxHeldBytes
    }

    /// A connection begins.
    public mutating func connect(_ connection: ConnectionID) { lanes[connection] = Lane() }

    /// A connection has ended: answers for it are dropped from now on.
    public mutating func disconnect(_ connection: ConnectionID) { lanes[connection] = nil }

    /// Whether the connection is known and has not ended.
    public func isConnected(_ connection: ConnectionID) -> Bool { lanes[connection] != nil }

    /// Whether a connection is paused while finished answers are held back: whoever waits in front of them
    /// holds up all that follows.
    public func isHeldUp(_ connection: ConnectionID) -> Bool {
        guard let lane = lanes[connection] else { return false }
        return lane.isPaused && lane.heldBytes > 0
    }

    /// How many connections there are.
    public var connectionCount: Int { lanes.count }

    /// How many requests have begun and not been answered, over all connections.
    public var inFlight: Int { lanes.values.reduce(0) { $0 + $1.slots.count } }

    /// A request begins: it gets its place in the order.
    public mutating func begin(on connection: ConnectionID, _ effects: inout Effects) -> RequestID {
        guard var lane = lanes.removeValue(forKey: connection) else {
            return RequestID(connection: connection, sequence: 0)
        }
        let id = RequestID(connection: connection, sequence: lane.first + UInt64(lane.slots.count))
        lane.slots.append(.waiting)
        if !lane.isPaused && lane.slots.count >= maxInFlight {
            lane.isPaused = true
            effects.append(.pause(connection))
        }
        lanes[connection] = lane
        return id
    }

    /// A request is finished; nil where it gets no answer. Sends every answer whose turn has come.
    public mutating func finish(_ request: RequestID, with payload: Payload?, _ effects: inout Effects) {
        // Taken out and put back, so that the lane's array is changed in place.
        guard var lane = lanes.removeValue(forKey: request.connection) else { return }
        defer { lanes[request.connection] = lane }
        guard request.sequence >= lane.first, request.sequence - lane.first < UInt64(lane.slots.count),
            case .waiting = lane.slots[Int(request.sequence - lane.first)]
        else { return }
        lane.slots[Int(request.sequence - lane.first)] = .finished(payload)
        lane.heldBytes += payload?.memoryBytes ?? 0
        var ready = 0
        while ready < lane.slots.count, case .finished(let payload) = lane.slots[ready] {
            effects.append(.send(request.connection, payload))
            lane.heldBytes -= payload?.memoryBytes ?? 0
            ready += 1
        }
        lane.slots.removeFirst(ready)
        lane.first += UInt64(ready)
        if lane.isPaused && lane.slots.count <= maxInFlight / 2 && lane.heldBytes <= maxHeldBytes / 2 {
            lane.isPaused = false
            effects.append(.resume(request.connection))
        } else if !lane.isPaused && lane.heldBytes > maxHeldBytes {
            lane.isPaused = true
            effects.append(.pause(request.connection))
        }
    }
}

/// One request: a connection, and the request's place in its order.
public struct RequestID: Hashable, Sendable {
    /// The connection.
    public var connection: ConnectionID
    /// How many requests began on it before this one.
    public var sequence: UInt64
}
