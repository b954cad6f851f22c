#if canImport(Darwin)
    import Darwin
#else
    import Glibc
#endif
import CSystem
import SegmentLog

/// Drives a node with sockets: turns readiness into events, and effects into system calls.
///
/// One thread. It sleeps in the poller, and nowhere else.
///
/// A struct with one owner, who gives it up to `run()`: Swift then knows without looking that nobody else
/// touches its state. In a class it has to look at run time, once for each use of what mutating functions change.
public struct Reactor<Driven: Node>: ~Copyable {
    /// Other threads reach the reactor through this.
    public let mailbox: Mailbox
    /// Where it listens; a port of 0 has become a real one.
    public let addresses: [SocketAddress]

    let limits: ReactorLimits
    private let writeLog: (LogLine) -> Void
    private var logLimiter = LogLimiter()
    let poller: SystemPoller
    /// Started with the first synchronize: a client's reactor never asks for one.
    private var disk: DiskThread?
    let listeners: Listeners
    private static var bellToken: UInt64 { UInt64.max }
    private var effects = Effects()
    private var isPerforming = false
    private var nextWake: Instant?
    private var stopBy: Instant?
    /// When the heap's free pages are to be given back. Large requests leave gaps, and an allocator that
    /// has once seen large blocks come and go keeps them all.
    private var giveBackAt = Reactor.now()
    /// When the node is to be told the time of day again.
    private var tellTimeAt = Instant(nanoseconds: .min)
    private static var giveBackMilliseconds: Int64 { 30_000 }
    var outcome: String??

    // Accepting
    var areListenersWatched = true
    /// When to try again after descriptors were short.
    var acceptAgainAt: Instant?
    var nextConnection: UInt64 = 1 << 16
    var connectionsByHost: [String: Int] = [:]

    // Connections
    /// The one whose frames are being delivered: most effects are about it, and need no search.
    var current: Connection?
    /// When what is being delivered happened. One look at the clock serves all frames of one receive.
    var time = Reactor.now()
    /// Those that the node asked for, and whose addresses are being resolved.
    var opening: [ConnectionID: SocketAddress] = [:]
    var connections = ConnectionTable()
    var idle: IdleOrder
    var memory: RequestMemory
    var receiveBuffer = ReceiveBuffer()
    /// Connections with something to send.
    var dirty: [Connection] = []
    /// Connections with frames to deliver that need no further receive.
    var runnable: [Connection] = []
    /// The last property: where a property lies behind one of unknown size is looked up with each use.
    private var node: Driven

    /// Drives `node` behind the listeners. `log` takes the node's lines and the reactor's own.
    public init(
        _ node: Driven, listeners: Listeners, limits: ReactorLimits = ReactorLimits(),
        log: @escaping (LogLine) -> Void
    ) throws(SystemError) {
        // sendfile has no MSG_NOSIGNAL: a peer that went away must be an error, not a signal.
        signal(SIGPIPE, SIG_IGN)
        let poller = try SystemPoller()
        let mailbox = try Mailbox()
        try poller.add(mailbox.bell.descriptor, token: Self.bellToken, .reading)
        for (index, listener) in listeners.sockets.enumerated() {
            try poller.add(listener.socket.descriptor, token: UInt64(index), .reading)
        }
        self.init(node, listeners, limits, log, poller, mailbox)
    }

    private init(
        _ node: Driven, _ listeners: Listeners, _ limits: ReactorLimits, _ log: @escaping (LogLine) -> Void,
        _ poller: SystemPoller, _ mailbox: Mailbox
    ) {
        self.node = node
        self.listeners = listeners
        addresses = listeners.addresses
        self.limits = limits
        memory = RequestMemory(limit: limits.maxQueuedRequestBytes)
        idle = IdleOrder(limitMilliseconds: limits.maxIdleMilliseconds)
        writeLog = log
        self.poller = poller
        self.mailbox = mailbox
    }

    /// The monotonic clock.
    public static func now() -> Instant {
        var time = timespec()
        unsafe clock_gettime(CLOCK_MONOTONIC, &time)
        return Instant(nanoseconds: Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec))
    }

    /// The time of day, in milliseconds since 1970.
    private static func timeOfDay() -> Int64 {
        var time = timespec()
        unsafe clock_gettime(CLOCK_REALTIME, &time)
        return Int64(time.tv_sec) * 1_000 + Int64(time.tv_nsec) / 1_000_000
    }

    private mutating func tellTime() {
        time = Self.now()
        guard tellTimeAt <= time else { return }
        tellTimeAt = time.advanced(byMilliseconds: 1_000)
        deliver(.clock(Self.timeOfDay()))
    }

    /// Serves until the node stops. Returns what went wrong, or nil after a clean end; the node is
    /// handed back, so that its owner can close what it holds.
    public consuming func run() throws(SystemError) -> (failure: String?, node: Driven) {
        var ready: [Readiness] = []
        while outcome == nil {
            try poller.wait(milliseconds: timeout(), into: &ready)
            tellTime()
            for readiness in ready {
                serve(readiness)
                // At once, so that what was answered no longer holds the receive buffer.
                flushDirty()
            }
            runTimers()
            settle()
        }
        finishSending()
        return (outcome ?? nil, node)
    }

    /// Whether the operator has asked for the end: nothing more is read.
    var isStopping: Bool { stopBy != nil }

    /// A line for the operator, unless there were too many like it.
    mutating func log(_ level: LogLevel, _ event: String, _ fields: KeyValuePairs<String, String> = [:]) {
        log(LogLine(level, event, fields))
    }

    private mutating func log(_ line: LogLine) {
        if let line = logLimiter.admit(line, at: Self.now()) { writeLog(line) }
    }

    // MARK: Events

    mutating func deliver(_ event: Event) {
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

    private mutating func serve(_ readiness: Readiness) {
        time = Self.now()
        if readiness.token == Self.bellToken {
            for message in mailbox.take() { take(message) }
        } else if readiness.token < UInt64(listeners.sockets.count) {
            accept(from: listeners.sockets[Int(readiness.token)])
        } else if let connection = connections[token: readiness.token] {
            if connection.connectingTo != nil { return finishOpening(connection) }
            if readiness.isWritable { markDirty(connection) }
            if readiness.isReadable {
                read(from: connection)
            } else if readiness.isHungUp {
                end(connection)
            } else if readiness.hasEndedInput {
                announceEnd(of: connection)
            }
        }
    }

    private mutating func take(_ message: Mailbox.Message) {
        switch message {
        case .synchronized(let ticket): deliver(.synchronized(ticket))
        case .failedToSynchronize(let ticket, let error): deliver(.failedToSynchronize(ticket, error))
        case .connecting(let id, let result): takeConnecting(id, result)
        case .work: deliver(.woke)
        case .stop:
            guard stopBy == nil else { return }
            log(.info, "stopping", ["connections": "\(connections.count)"])
            stopBy = Self.now().advanced(byMilliseconds: limits.stopMilliseconds)
            closeListeners()
            for id in connections.ids {
                if let connection = connections[id] { updateInterest(of: connection) }
            }
            deliver(.stopping)
        }
    }

    private mutating func runTimers() {
        let now = Self.now()
        time = now
        if let wake = nextWake, wake <= now {
            nextWake = nil
            deliver(.woke)
        }
        if giveBackAt <= now {
            giveBackAt = now.advanced(byMilliseconds: Self.giveBackMilliseconds)
            csystem_give_back_memory()
        }
        if let again = acceptAgainAt, again <= now {
            acceptAgainAt = nil
            watchListeners()
        }
        while let due = idle.deadline, due < now, let oldest = idle.oldest {
            // Who waits for us is not idle.
            guard oldest.mayBeIdle else {
                idle.touch(oldest, at: now)
                continue
            }
            log(.debug, "connection_idle", ["connection": "\(oldest.id.value)", "peer": oldest.peerName])
            end(oldest)
        }
        if let stopBy, stopBy <= now, outcome == nil {
            outcome = .some("requests were still in flight \(limits.stopMilliseconds) ms after the signal to stop")
        }
    }

    private func timeout() -> Int32 {
        // Others may be ready as well: look, and come back to those who have another turn.
        guard runnable.isEmpty else { return 0 }
        guard let next = earliest(earliest(nextWake, acceptAgainAt), earliest(stopBy, idle.deadline)) else { return -1 }
        let (nanoseconds, isLongAgo) = next.nanoseconds.subtractingReportingOverflow(Self.now().nanoseconds)
        guard !isLongAgo, nanoseconds > 0 else { return 0 }
        // Rounded up, so that the reactor does not spin through the last millisecond.
        return Int32(clamping: nanoseconds / 1_000_000 + 1)
    }

    private func earliest(_ first: Instant?, _ second: Instant?) -> Instant? {
        guard let first, let second else { return first ?? second }
        return min(first, second)
    }

    // MARK: Effects

    private func connection(_ id: ConnectionID) -> Connection? {
        if let current, current.id == id { return current.hasEnded ? nil : current }
        return connections[id]
    }

    private mutating func perform(_ effect: Effect) {
        switch effect {
        case .open(let id, let address): open(id, address)
        case .send(let id, let payload):
            guard let connection = connection(id) else { return }
            connection.answered()
            changed(connection, isActive: true)
            if let payload { connection.append(payload) }
            markDirty(connection)
        case .close(let id):
            opening[id] = nil
            guard let connection = connections[id] else { return }
            connection.isClosing = true
            changed(connection, isActive: true)
            markDirty(connection)
        case .pause(let id):
            guard let connection = connections[id] else { return }
            connection.isPaused = true
            updateInterest(of: connection)
        case .resume(let id):
            guard let connection = connections[id] else { return }
            connection.isPaused = false
            schedule(connection)
            updateInterest(of: connection)
        case .synchronize(let ticket, let files): synchronize(ticket, files)
        case .wake(let instant): nextWake = earliest(nextWake, instant)
        case .log(let line): log(line)
        case .stop(let failure): outcome = .some(failure)
        }
    }

    private mutating func synchronize(_ ticket: SynchronizeTicket, _ files: [any File]) {
        do {
            let thread = try disk ?? DiskThread.start(reportingTo: mailbox)
            thread.synchronize(ticket, files)
            disk = thread
        } catch {
            outcome = .some("\(error)")
        }
    }

    /// Does what the events in hand have left to do: sends, and delivers what was held back, one turn each.
    private mutating func settle() {
        flushDirty()
        runTurns()
        flushDirty()
        while !isStopping, let id = memory.nextTurn() ?? turnWithoutRoom() {
            if let connection = connections[id] { takeTurn(connection) }
            flushDirty()
        }
    }

    /// Where all memory is held back: who has waited longest of those who hold some.
    private mutating func turnWithoutRoom() -> ConnectionID? {
        guard memory.isAllHeldBack else { return nil }
        let id = memory.waiters.first { connections[$0].map { $0.unread.count > 0 } ?? false }
        if let id { memory.leave(id) }
        return id
    }

    // MARK: The end of a connection, and of everything

    mutating func end(_ connection: Connection) {
        guard connections.remove(connection) else { return }
        connection.hasEnded = true
        poller.remove(connection.descriptor, connection.interest)
        idle.remove(connection)
        memory.release(connection)
        leave(connection)
        log(.debug, "disconnected", ["connection": "\(connection.id.value)", "peer": connection.peerName])
        deliver(.disconnected(connection.id))
    }

    /// Sends what is left before the process ends, for five seconds at most.
    private mutating func finishSending() {
        let deadline = Self.now().advanced(byMilliseconds: 5_000)
        closeListeners()
        poller.remove(mailbox.bell.descriptor, .reading)
        for id in connections.ids {
            // Nothing is read any more: what arrives must not wake the loop below.
            connections[id]?.isClosing = true
            connections[id]?.isClientFinished = true
            if let connection = connections[id] { flush(connection) }
        }
        var ready: [Readiness] = []
        while !connections.isEmpty, Self.now() < deadline {
            guard (try? poller.wait(milliseconds: 100, into: &ready)) != nil else { return }
            for readiness in ready {
                guard let connection = connections[token: readiness.token] else { continue }
                if readiness.isHungUp { end(connection) } else { flush(connection) }
            }
        }
    }
}
