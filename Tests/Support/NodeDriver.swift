import SegmentLog
import WireProtocol

/// Drives a node in a test: the events are the test's, the effects are kept, and time stands still
/// until the test moves it.
///
/// A synchronize is performed when the test says so: what happens in between, a crash included, is
/// the test's to choose.
public final class NodeDriver<Driven: Node> {
    /// The node as it is now.
    public private(set) var node: Driven
    /// The time that events carry.
    public var now = Instant(nanoseconds: 0)
    /// The frames sent on each connection, in order, with their lengths taken off.
    public private(set) var sent: [ConnectionID: [Bytes]] = [:]
    /// Connections that the node has asked for.
    public private(set) var opening: [(connection: ConnectionID, address: SocketAddress)] = []
    /// Connections that the node has closed.
    public private(set) var closed: Set<ConnectionID> = []
    /// Connections that the node wants no more frames of.
    public private(set) var paused: Set<ConnectionID> = []
    /// Synchronizes that the node has asked for, and that the test has not performed yet.
    public private(set) var synchronizes: [(ticket: SynchronizeTicket, files: [any File])] = []
    /// When the node wants to be woken.
    public private(set) var wakeAt: Instant?
    /// What the node has logged.
    public private(set) var logLines: [LogLine] = []
    /// Nil while the node runs; then nil for a clean end, or what went wrong.
    public private(set) var stopped: String??
    private var nextConnection: UInt64 = 0
    private var nextCorrelation: Int32 = 0

    /// Drives `node` from now on.
    public init(_ node: Driven) { self.node = node }

    /// Hands the node an event, and performs what can be performed at once.
    public func deliver(_ event: Event) throws(StorageError) {
        var effects = Effects()
        node.handle(event, at: now, &effects)
        for effect in effects.all {
            switch effect {
            case .open(let connection, let address): opening.append((connection, address))
            case .send(_, nil): break
            case .send(let connection, let payload?):
                sent[connection, default: []].append(try payload.bytes().dropFirst(4))
            case .close(let connection): closed.insert(connection)
            case .pause(let connection): paused.insert(connection)
            case .resume(let connection): paused.remove(connection)
            case .synchronize(let ticket, let files): synchronizes.append((ticket, files))
            case .wake(let instant): wakeAt = min(wakeAt ?? instant, instant)
            case .log(let line): logLines.append(line)
            case .stop(let failure): stopped = .some(failure)
            }
        }
    }

    /// A new connection, to the listener of this name.
    public func connect(to listener: String = "PLAINTEXT") throws(StorageError) -> ConnectionID {
        nextConnection += 1
        let connection = ConnectionID(nextConnection)
        try deliver(.connected(connection, peer: "test:\(nextConnection)", listener: listener))
        return connection
    }

    /// Performs the oldest synchronize that waits; false if none does.
    @discardableResult
    public func synchronizeOnce() throws(StorageError) -> Bool {
        guard !synchronizes.isEmpty else { return false }
        let (ticket, files) = synchronizes.removeFirst()
        do {
            for file in files { try file.synchronize() }
        } catch {
            if error.cause == .crashed { throw error }
            try deliver(.failedToSynchronize(ticket, error))
            return true
        }
        try deliver(.synchronized(ticket))
        return true
    }

    /// Performs every synchronize, and those that they bring about.
    public func synchronizeAll() throws(StorageError) {
        var rounds = 0
        while try synchronizeOnce() {
            rounds += 1
            precondition(rounds < 100_000, "NodeDriver: the node asks for synchronizes without end")
        }
    }

    /// Moves time on, and wakes the node if it asked for that.
    public func advance(milliseconds: Int64) throws(StorageError) {
        now = now.advanced(byMilliseconds: milliseconds)
        while let wake = wakeAt, wake <= now {
            wakeAt = nil
            try deliver(.woke)
        }
    }

    /// Sends a request; returns its correlation id.
    @discardableResult
    public func send<Asked: Request>(
        _ request: Asked, version: Int16, on connection: ConnectionID
    ) throws -> Int32 {
        nextCorrelation += 1
        let frame = try request.frame(version: version, correlationID: nextCorrelation, clientID: "test")
        try deliver(.received(connection, try frame.bytes().dropFirst(4)))
        return nextCorrelation
    }

    /// Takes the next answer on a connection, which must be one to `Asked`.
    public func answer<Asked: Request>(
        to _: Asked.Type, version: Int16, on connection: ConnectionID
    ) throws -> (correlationID: Int32, body: Asked.Response)? {
        guard var frames = sent[connection], !frames.isEmpty else { return nil }
        let frame = frames.removeFirst()
        sent[connection] = frames
        return try Asked.Response.decodeResponse(frame, version: version)
    }

    /// Takes all frames that were sent on a connection.
    public func takeSent(on connection: ConnectionID) -> [Bytes] { sent.removeValue(forKey: connection) ?? [] }

    /// Sends a request, performs every synchronize, and returns the answer.
    public func ask<Asked: Request>(
        _ request: Asked, version: Int16, on connection: ConnectionID
    ) throws -> Asked.Response? {
        try send(request, version: version, on: connection)
        try synchronizeAll()
        return try answer(to: Asked.self, version: version, on: connection)?.body
    }
}
