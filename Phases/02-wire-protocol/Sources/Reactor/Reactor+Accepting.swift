#if canImport(Darwin)
    import Darwin
#else
    import Glibc
#endif
import SegmentLog

/// New connections, and the limits on them.
extension Reactor {
    mutating func accept(from listener: (socket: Socket, listener: Int)) {
        // A bound, so that a flood of connections leaves the others their turn.
        for _ in 0..<64 {
            guard areListenersWatched else { return }
            do {
                guard let socket = try listener.socket.accept() else { return }
                try admit(socket, to: listeners.all[listener.listener].name)
                holdBackAtLimits(lastDescriptor: socket.descriptor)
            } catch {
                // No descriptors left: the backlog keeps the clients until some are free.
                log(.warn, "accept_failed", ["error": "\(error)", "retry_ms": "\(Self.retryMilliseconds)"])
                retryLater()
                return
            }
        }
    }

    private static var retryMilliseconds: Int64 { 100 }

    private mutating func admit(_ socket: Socket, to listener: String) throws(SystemError) {
        let peer = socket.peerAddress
        let host = peer?.host ?? ""
        guard connectionsByHost[host, default: 0] < limits.maxConnectionsPerHost else {
            log(
                .warn, "connection_refused",
                [
                    "peer": peer?.description ?? "unknown",
                    "reason": "max.connections.per.ip (\(limits.maxConnectionsPerHost)) is reached",
                ])
            return
        }
        let id = ConnectionID(nextConnection)
        nextConnection += 1
        let connection = Connection(id: id, socket: socket, peer: peer, maxFrameBytes: limits.maxRequestBytes)
        try poller.add(connection.descriptor, token: connection.token, .reading)
        connections.insert(connection)
        connectionsByHost[host, default: 0] += 1
        idle.touch(connection, at: Self.now())
        log(
            .debug, "connected",
            ["connection": "\(id.value)", "peer": connection.peerName, "listener": listener])
        deliver(.connected(id, peer: connection.peerName, listener: listener))
    }

    /// A connection has ended: its host may have another, and so may everybody.
    mutating func leave(_ connection: Connection) {
        guard !connection.id.isOutgoing else { return }
        let host = connection.peer?.host ?? ""
        let count = connectionsByHost[host, default: 1] - 1
        connectionsByHost[host] = count > 0 ? count : nil
        if acceptAgainAt == nil { watchListeners() }
    }

    /// At a limit nobody is accepted: who comes waits in the backlog, as with Kafka.
    private mutating func holdBackAtLimits(lastDescriptor: Int32) {
        if connections.count >= limits.maxConnections {
            log(.warn, "connections_held_back", ["reason": "max.connections (\(limits.maxConnections)) is reached"])
            unwatchListeners()
        } else if lastDescriptor >= limits.maxDescriptors - 1 {
            // The system hands out the lowest free number: all below are in use.
            log(
                .warn, "connections_held_back",
                ["reason": "\(limits.maxDescriptors) descriptors are in use, and the rest is left for files"])
            retryLater()
        }
    }

    private mutating func retryLater() {
        unwatchListeners()
        acceptAgainAt = Self.now().advanced(byMilliseconds: Self.retryMilliseconds)
    }

    private mutating func unwatchListeners() {
        guard areListenersWatched else { return }
        areListenersWatched = false
        for listener in listeners.sockets { poller.remove(listener.socket.descriptor, .reading) }
    }

    mutating func closeListeners() {
        unwatchListeners()
        acceptAgainAt = nil
        for listener in listeners.sockets { listener.socket.stopListening() }
    }

    mutating func watchListeners() {
        guard !areListenersWatched, !isStopping, outcome == nil, connections.count < limits.maxConnections else {
            return
        }
        guard hasDescriptors else { return retryLater() }
        areListenersWatched = true
        for (index, listener) in listeners.sockets.enumerated() {
            do {
                try poller.add(listener.socket.descriptor, token: UInt64(index), .reading)
            } catch {
                outcome = .some("\(error)")
            }
        }
    }

    /// Whether the lowest free descriptor is one for connections.
    private var hasDescriptors: Bool {
        guard limits.maxDescriptors < Int32.max else { return true }
        let lowest = fcntl(mailbox.bell.descriptor, F_DUPFD_CLOEXEC, 0)
        guard lowest >= 0 else { return false }
        close(lowest)
        return lowest < limits.maxDescriptors
    }
}
