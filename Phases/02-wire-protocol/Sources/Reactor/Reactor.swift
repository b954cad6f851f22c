#if canImport(Darwin)
    import Darwin
#else
    import Glibc
#endif
import SegmentLog

/// The limits that a reactor keeps to, by Kafka's names.
public struct ReactorLimits: Sendable {
    /// `socket.request.max.bytes`: the largest request that is read.
    public var maxRequestBytes = 100 << 20
    /// `max.connections`: further ones are closed at once.
    public var maxConnections = Int.max
    /// A connection whose unsent answers exceed this is not read from until they are sent.
    public var maxOutputBytes = 16 << 20

    /// Kafka's defaults.
    public init() {}
}

/// Drives a node with sockets: turns readiness into events, and effects into system calls.
///
/// One thread. It sleeps in the poller, and nowhere else.
public final class Reactor<Driven: Node> {
    /// Other threads reach the reactor through this.
    public let mailbox: Mailbox
    /// Where it listens; a port of 0 has become a real one.
    public let addresses: [SocketAddress]

    private var node: Driven
    private let limits: ReactorLimits
    private let log: (LogLevel, String) -> Void
    private let poller: any Poller
    /// Started with the first synchronize: a client's reactor never asks for one.
    private var disk: DiskThread?
    private let listeners: [Socket]
    private var areListenersWatched = true
    private var connections: [ConnectionID: Connection] = [:]
    /// Connections that the node asked for, and whose addresses are being resolved.
    private var opening: [ConnectionID: SocketAddress] = [:]
    /// The connection whose frames are being delivered: most effects are about it, and need no search.
    private var current: Connection?
    /// When what is being delivered happened. One look at the clock serves all frames of one receive.
    private var time = Reactor.now()
    /// Tokens below this are listeners.
    private var nextConnection: UInt64 = 1 << 16
    private let bellToken = UInt64.max
    private var receiveBuffer = ReceiveBuffer()
    private var effects = Effects()
    private var isPerforming = false
    /// Connections with something to send.
    private var dirty: [Connection] = []
    /// Connections whose unread frames are to be delivered, once the effects in hand are performed.
    private var resumed: [Connection] = []
    private var nextWake: Instant?
    private var acceptAgainAt: Instant?
    private var acceptWarnedAt: Instant?
    private var stopBy: Instant?
    private var outcome: String??

    /// Drives `node` behind the listeners. `log` takes the node's lines and the reactor's own.
    public init(
        _ node: Driven, listeners bound: Listeners, limits: ReactorLimits = ReactorLimits(),
        log: @escaping (LogLevel, String) -> Void
    ) throws(SystemError) {
        // sendfile has no MSG_NOSIGNAL: a peer that went away must be an error, not a signal.
        signal(SIGPIPE, SIG_IGN)
        self.node = node
        self.limits = limits
        self.log = log
        poller = try SystemPoller()
        mailbox = try Mailbox()
        try poller.add(mailbox.bell.descriptor, token: bellToken, .reading)
        listeners = bound.sockets
        addresses = bound.addresses
        for (index, listener) in listeners.enumerated() {
            try poller.add(listener.descriptor, token: UInt64(index), .reading)
        }
    }

    /// The monotonic clock.
    public static func now() -> Instant {
        var time = timespec()
        unsafe clock_gettime(CLOCK_MONOTONIC, &time)
        return Instant(nanoseconds: Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec))
    }

    /// Serves until the node stops. Returns what went wrong, or nil after a clean end; the node is
    /// handed back, so that its owner can close what it holds.
    public func run() throws(SystemError) -> (failure: String?, node: Driven) {
        var ready: [Readiness] = []
        while outcome == nil {
            try poller.wait(milliseconds: timeout(), into: &ready)
            for readiness in ready {
                serve(readiness)
                // At once, so that what was answered no longer holds the receive buffer.
                flushDirty()
            }
            runTimers()
            flushDirty()
        }
        finishSending()
        return (outcome ?? nil, node)
    }

    // MARK: Events

    private func deliver(_ event: Event) {
        node.handle(event, at: time, &effects)
        // Performing an effect may end a connection, which is an event again: its effects come
        // behind those in hand.
        guard !isPerforming else { return }
        isPerforming = true
        var next = 0
        while next < effects.all.count {
            perform(effects.all[next])
            next += 1
        }
        effects.removeAll()
        isPerforming = false
    }

    private func serve(_ readiness: Readiness) {
        time = Self.now()
        if readiness.token == bellToken {
            for message in mailbox.take() { take(message) }
        } else if readiness.token < UInt64(listeners.count) {
            accept(from: listeners[Int(readiness.token)])
        } else if let connection = connections[ConnectionID(readiness.token)] {
            if connection.connectingTo != nil { return finishOpening(connection) }
            if readiness.isWritable { markDirty(connection) }
            if readiness.isReadable {
                read(from: connection)
            } else if readiness.isHungUp {
                end(connection)
            }
        }
    }

    private func take(_ message: Mailbox.Message) {
        switch message {
        case .synchronized(let ticket): deliver(.synchronized(ticket))
        case .failedToSynchronize(let ticket, let error): deliver(.failedToSynchronize(ticket, error))
        case .connecting(let id, let result): takeConnecting(id, result)
        case .work: deliver(.woke)
        case .stop:
            guard stopBy == nil else { return }
            stopBy = Self.now().advanced(byMilliseconds: 10_000)
            closeListeners()
            deliver(.stopping)
        }
    }

    private func runTimers() {
        let now = Self.now()
        time = now
        if let wake = nextWake, wake <= now {
            nextWake = nil
            deliver(.woke)
        }
        if let again = acceptAgainAt, again <= now, stopBy == nil {
            acceptAgainAt = nil
            watchListeners()
        }
        if let stopBy, stopBy <= now, outcome == nil {
            outcome = .some("requests were still in flight 10 seconds after the signal to stop")
        }
    }

    private func timeout() -> Int32 {
        guard let next = [nextWake, acceptAgainAt, stopBy].compactMap({ $0 }).min() else { return -1 }
        let (nanoseconds, isLongAgo) = next.nanoseconds.subtractingReportingOverflow(Self.now().nanoseconds)
        guard !isLongAgo, nanoseconds > 0 else { return 0 }
        // Rounded up, so that the reactor does not spin through the last millisecond.
        return Int32(clamping: nanoseconds / 1_000_000 + 1)
    }

    // MARK: Accepting

    private func accept(from listener: Socket) {
        // A bound, so that a flood of connections leaves the others their turn.
        for _ in 0..<64 {
            do {
                guard let socket = try listener.accept() else { return }
                try admit(socket)
            } catch {
                // No descriptors left: the backlog keeps the clients until some are free.
                warnOfAccept("\(error); trying again every 100 ms")
                unwatchListeners()
                acceptAgainAt = Self.now().advanced(byMilliseconds: 100)
                return
            }
        }
    }

    /// One line in ten seconds: the cause lasts, and the lines would fill the log.
    private func warnOfAccept(_ line: String) {
        let now = Self.now()
        guard acceptWarnedAt.map({ $0.advanced(byMilliseconds: 10_000) <= now }) ?? true else { return }
        acceptWarnedAt = now
        log(.warn, line)
    }

    private func admit(_ socket: Socket) throws(SystemError) {
        let peer = socket.peerAddress?.description ?? "unknown"
        guard connections.count < limits.maxConnections else {
            warnOfAccept("closed a connection from \(peer): max.connections (\(limits.maxConnections)) is reached")
            return
        }
        let id = ConnectionID(nextConnection)
        nextConnection += 1
        let connection = Connection(id: id, socket: socket, maxFrameBytes: limits.maxRequestBytes)
        try poller.add(socket.descriptor, token: id.value, .reading)
        connections[id] = connection
        deliver(.connected(id, peer: peer))
    }

    private func unwatchListeners() {
        guard areListenersWatched else { return }
        areListenersWatched = false
        for listener in listeners { poller.remove(listener.descriptor, .reading) }
    }

    private func closeListeners() {
        unwatchListeners()
        for listener in listeners { listener.stopListening() }
    }

    private func watchListeners() {
        guard !areListenersWatched else { return }
        areListenersWatched = true
        for (index, listener) in listeners.enumerated() {
            do {
                try poller.add(listener.descriptor, token: UInt64(index), .reading)
            } catch {
                outcome = .some("\(error)")
            }
        }
    }

    // MARK: Opening

    /// Begins to connect. Resolving a name may take long, so that happens on a thread of its own.
    private func open(_ id: ConnectionID, _ address: SocketAddress) {
        opening[id] = address
        do {
            try startThread { [mailbox] in
                do throws(SystemError) {
                    mailbox.post(.connecting(id, .success(try Socket.connecting(to: address))))
                } catch {
                    mailbox.post(.connecting(id, .failure(error)))
                }
            }
        } catch {
            mailbox.post(.connecting(id, .failure(error)))
        }
    }

    private func takeConnecting(_ id: ConnectionID, _ result: Result<Socket, SystemError>) {
        // The node may have closed it in the meantime.
        guard let address = opening.removeValue(forKey: id) else { return }
        do {
            let connection = Connection(id: id, socket: try result.get(), maxFrameBytes: limits.maxRequestBytes)
            connection.connectingTo = address
            connection.interest = .writing
            try poller.add(connection.socket.descriptor, token: id.value, .writing)
            connections[id] = connection
        } catch {
            deliver(.failedToOpen(id, error))
        }
    }

    /// The socket can be written to: it is connected, or will never be.
    private func finishOpening(_ connection: Connection) {
        guard let address = connection.connectingTo else { return }
        let error = connection.socket.connectionError
        connection.connectingTo = nil
        guard error == 0 else {
            connections[connection.id] = nil
            connection.hasEnded = true
            poller.remove(connection.socket.descriptor, connection.interest)
            return deliver(.failedToOpen(connection.id, SystemError("connect to \(address)", error)))
        }
        updateInterest(of: connection)
        deliver(.opened(connection.id))
    }

    // MARK: Reading

    private func read(from connection: Connection) {
        guard connection.wantsToRead(maxOutputBytes: limits.maxOutputBytes) else { return }
        do {
            let (isOpen, frame) = try connection.receive(&receiveBuffer)
            if let frame { deliver(.received(connection.id, frame)) }
            deliverFrames(of: connection)
            if !isOpen { end(connection) }
        } catch {
            end(connection)
        }
    }

    /// Delivers what was received until it is used up, or the node pauses the connection.
    private func deliverFrames(of connection: Connection) {
        // The input is held here, so that the receive buffer knows when it is free again.
        var input = connection.unread
        connection.unread = Bytes()
        current = connection
        defer { current = nil }
        do {
            while input.count > 0, !connection.hasEnded {
                guard connection.wantsToRead(maxOutputBytes: limits.maxOutputBytes) else {
                    // A copy: a slice would keep the whole receive buffer for as long as the pause lasts.
                    connection.unread = Bytes(input.array)
                    break
                }
                guard let frame = try connection.assembler.next(&input) else { break }
                deliver(.received(connection.id, frame))
            }
            updateInterest(of: connection)
        } catch {
            log(.warn, "closed a connection from \(connection.socket.peerAddress?.description ?? "unknown"): \(error)")
            end(connection)
        }
    }

    // MARK: Effects

    private func connection(_ id: ConnectionID) -> Connection? {
        if let current, current.id == id { return current.hasEnded ? nil : current }
        return connections[id]
    }

    private func perform(_ effect: Effect) {
        switch effect {
        case .open(let id, let address): open(id, address)
        case .send(let id, let payload):
            guard let connection = connection(id) else { return }
            connection.output.append(payload)
            markDirty(connection)
        case .close(let id):
            opening[id] = nil
            guard let connection = connections[id] else { return }
            connection.isClosing = true
            markDirty(connection)
        case .pause(let id):
            guard let connection = connections[id] else { return }
            connection.isPaused = true
            updateInterest(of: connection)
        case .resume(let id):
            guard let connection = connections[id] else { return }
            connection.isPaused = false
            resumed.append(connection)
        case .synchronize(let ticket, let files): synchronize(ticket, files)
        case .wake(let instant): nextWake = min(nextWake ?? instant, instant)
        case .log(let level, let line): log(level, line)
        case .stop(let failure): outcome = .some(failure)
        }
    }

    private func synchronize(_ ticket: SynchronizeTicket, _ files: [any File]) {
        do {
            let thread = try disk ?? DiskThread.start(reportingTo: mailbox)
            thread.synchronize(ticket, files)
            disk = thread
        } catch {
            outcome = .some("\(error)")
        }
    }

    // MARK: Sending

    private func markDirty(_ connection: Connection) {
        guard !connection.isDirty else { return }
        connection.isDirty = true
        dirty.append(connection)
    }

    private func flushDirty() {
        while !dirty.isEmpty || !resumed.isEmpty {
            let flushing = dirty
            dirty = []
            for connection in flushing {
                connection.isDirty = false
                flush(connection)
            }
            let delivering = resumed
            resumed = []
            for connection in delivering where !connection.hasEnded { deliverFrames(of: connection) }
        }
    }

    private func flush(_ connection: Connection) {
        guard !connection.hasEnded, connection.connectingTo == nil || connection.isClosing else { return }
        switch connection.output.send(to: connection.socket.descriptor, budget: 4 << 20) {
        case .done:
            if connection.isClosing { return end(connection) }
        case .more: break
        case .disconnected: return end(connection)
        case .unreadable(let path):
            log(.error, "\(path) cannot be read: the disk failed")
            return end(connection)
        case .cutShort(let path):
            // The frame cannot be completed, so neither can the connection be used.
            log(.error, "\(path) has become shorter while it was being sent")
            return end(connection)
        }
        updateInterest(of: connection)
        // What was held back because too much was waiting to be sent has its turn again.
        if connection.unread.count > 0, connection.wantsToRead(maxOutputBytes: limits.maxOutputBytes) {
            resumed.append(connection)
        }
    }

    private func updateInterest(of connection: Connection) {
        // What is to be sent is sent before the next wait: only then is it known what to wait for.
        guard !connection.hasEnded, !connection.isDirty else { return }
        var interest: Interest = []
        if connection.wantsToRead(maxOutputBytes: limits.maxOutputBytes) { interest.insert(.reading) }
        if !connection.output.isEmpty { interest.insert(.writing) }
        guard interest != connection.interest else { return }
        do {
            try poller.change(
                connection.socket.descriptor, token: connection.id.value, from: connection.interest, to: interest)
            connection.interest = interest
        } catch {
            end(connection)
        }
    }

    private func end(_ connection: Connection) {
        guard connections.removeValue(forKey: connection.id) != nil else { return }
        connection.hasEnded = true
        poller.remove(connection.socket.descriptor, connection.interest)
        deliver(.disconnected(connection.id))
    }

    /// Sends what is left before the process ends, for five seconds at most.
    private func finishSending() {
        let deadline = Self.now().advanced(byMilliseconds: 5_000)
        closeListeners()
        poller.remove(mailbox.bell.descriptor, .reading)
        for id in connections.keys.sorted() {
            // Nothing is read any more: what arrives must not wake the loop below.
            connections[id]?.isClosing = true
            if let connection = connections[id] { flush(connection) }
        }
        var ready: [Readiness] = []
        while !connections.isEmpty, Self.now() < deadline {
            guard (try? poller.wait(milliseconds: 100, into: &ready)) != nil else { return }
            for readiness in ready {
                guard let connection = connections[ConnectionID(readiness.token)] else { continue }
                if readiness.isHungUp { end(connection) } else { flush(connection) }
            }
        }
    }
}
