import SegmentLog

/// A broker's logic: told events, it returns effects. It never reads a clock, draws a random
/// number, waits, or touches a socket.
///
/// The reactor drives a node in production; a test drives the same node with events of its own
/// choosing. The same events in the same order give the same effects, byte for byte (ADR-0004).
public protocol Node {
    /// Takes in what happened at `now`, and appends to `effects` what is to be done.
    mutating func handle(_ event: Event, at now: Instant, _ effects: inout Effects)
}

/// What a node can be told.
public enum Event: Sendable {
    /// It is this many milliseconds since 1970. Said at the start, and then at most once a second, before
    /// anything else that happens.
    case clock(Int64)
    /// A client has connected, from `peer`, to the listener of this name.
    case connected(ConnectionID, peer: String, listener: String)
    /// A connection that the node asked for stands.
    case opened(ConnectionID)
    /// A connection that the node asked for could not be made. There is no `disconnected` for it.
    case failedToOpen(ConnectionID, SystemError)
    /// A frame has arrived, without its length.
    case received(ConnectionID, Bytes)
    /// The client sends nothing more on a connection, and may still read: what waits for its sake is to
    /// be answered. May be said more than once, and before the last frames.
    case endOfInput(ConnectionID)
    /// A connection has ended, whoever ended it. Nothing more comes from it.
    case disconnected(ConnectionID)
    /// Everything appended to a ticket's files before the ticket was handed in is durable.
    case synchronized(SynchronizeTicket)
    /// The disk failed. What was to be synchronized may be lost; nobody may try again.
    case failedToSynchronize(SynchronizeTicket, StorageError)
    /// The time that the node asked to be woken at has come, or another thread has something for it.
    case woke
    /// The operator wants the node to stop: it answers what is in flight, and then asks to stop.
    case stopping
}

/// What a node can ask for.
public enum Effect: Sendable {
    /// Connect to an address; the number is one of `ConnectionID.outgoing`, not used before.
    case open(ConnectionID, SocketAddress)
    /// The answer to a connection's oldest request that has none yet, as a frame; nil where it gets none.
    /// With it the request's memory is given back.
    case send(ConnectionID, Payload?)
    /// End a connection once everything sent on it has gone out.
    case close(ConnectionID)
    /// Deliver no more frames of a connection, and read nothing more from it.
    case pause(ConnectionID)
    /// Deliver frames again.
    case resume(ConnectionID)
    /// Synchronize files, in this order, and report the ticket.
    case synchronize(SynchronizeTicket, [any File])
    /// Say `woke` at this time; of several times, at the earliest.
    case wake(at: Instant)
    /// Write a line to the operator's log.
    case log(LogLine)
    /// Stop the process: nil for a clean end, or what went wrong.
    case stop(failure: String?)
}

/// One connection for as long as it lasts. Numbers are never used again.
public struct ConnectionID: Hashable, Comparable, Sendable {
    /// The number, ascending in the order of acceptance.
    public var value: UInt64

    /// The connection of this number.
    public init(_ value: UInt64) { self.value = value }

    /// The connection that a node opens as its `count`-th, from 1. No accepted one has such a number.
    public static func outgoing(_ count: UInt64) -> ConnectionID { ConnectionID(1 << 63 | count) }

    /// Whether the node opened it.
    var isOutgoing: Bool { value >> 63 == 1 }

    /// The order of acceptance.
    public static func < (left: ConnectionID, right: ConnectionID) -> Bool { left.value < right.value }
}

/// One request to synchronize.
public struct SynchronizeTicket: Hashable, Sendable {
    /// The number, ascending.
    public var value: UInt64

    /// The ticket of this number.
    public init(_ value: UInt64) { self.value = value }
}

/// A point in time, in nanoseconds of a clock that only goes forward and begins anywhere.
public struct Instant: Hashable, Comparable, Sendable {
    /// Nanoseconds since the clock's beginning.
    public var nanoseconds: Int64

    /// The point this many nanoseconds after the clock's beginning.
    public init(nanoseconds: Int64) { self.nanoseconds = nanoseconds }

    /// Earlier is less.
    public static func < (left: Instant, right: Instant) -> Bool { left.nanoseconds < right.nanoseconds }

    /// The point `milliseconds` later; stops at the end of the clock's range.
    public func advanced(byMilliseconds milliseconds: Int64) -> Instant {
        advanced(by: milliseconds, unitNanoseconds: 1_000_000)
    }

    /// The point `microseconds` later; stops at the end of the clock's range.
    public func advanced(byMicroseconds microseconds: Int64) -> Instant {
        advanced(by: microseconds, unitNanoseconds: 1_000)
    }

    private func advanced(by count: Int64, unitNanoseconds: Int64) -> Instant {
        let (span, tooLong) = count.multipliedReportingOverflow(by: unitNanoseconds)
        let (sum, tooLate) = nanoseconds.addingReportingOverflow(span)
        return Instant(nanoseconds: tooLong || tooLate ? Int64.max : sum)
    }
}

/// The effects of one event, in order.
public struct Effects: Sendable {
    /// What is to be done.
    public private(set) var all: [Effect] = []

    /// No effects.
    public init() {}

    /// Adds an effect.
    public mutating func append(_ effect: consuming Effect) { all.append(effect) }

    /// Adds a line for the operator's log; see `LogLine`.
    public mutating func log(_ level: LogLevel, _ event: String, _ fields: KeyValuePairs<String, String> = [:]) {
        append(.log(LogLine(level, event, fields)))
    }

    /// Forgets all effects, which have been performed.
    public mutating func removeAll() { all.removeAll(keepingCapacity: true) }
}
