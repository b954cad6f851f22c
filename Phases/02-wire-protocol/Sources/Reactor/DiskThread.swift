#if canImport(Darwin)
    import Darwin
#else
    import Glibc
#endif
import SegmentLog

/// The thread that waits for the disk, so that the reactor does not. It does one ticket after
/// another, and posts each result to the reactor's mailbox.
final class DiskThread: Sendable {
    private struct Job: Sendable {
        var ticket: SynchronizeTicket
        var files: [any File]
    }

    private let jobs = Lock<[Job]>([])
    private let bell: Wakeup
    private let mailbox: Mailbox

    /// Starts the thread. It lives as long as the process.
    static func start(reportingTo mailbox: Mailbox) throws(SystemError) -> DiskThread {
        let disk = DiskThread(bell: try Wakeup(blocking: true), mailbox: mailbox)
        try startThread { disk.run() }
        return disk
    }

    private init(bell: Wakeup, mailbox: Mailbox) {
        self.bell = bell
        self.mailbox = mailbox
    }

    /// Hands in a ticket. Its result comes as a message.
    func synchronize(_ ticket: SynchronizeTicket, _ files: [any File]) {
        jobs.withLock { $0.append(Job(ticket: ticket, files: files)) }
        bell.ring()
    }

    private func run() -> Never {
        while true {
            bell.wait()
            let taken = jobs.withLock { jobs in
                defer { jobs = [] }
                return jobs
            }
            for job in taken { mailbox.post(perform(job)) }
        }
    }

    private func perform(_ job: Job) -> Mailbox.Message {
        do {
            for file in job.files { try file.synchronize() }
            return .synchronized(job.ticket)
        } catch {
            return .failedToSynchronize(job.ticket, error)
        }
    }
}

/// What other threads tell the reactor.
public final class Mailbox: Sendable {
    enum Message: Sendable {
        case synchronized(SynchronizeTicket)
        case failedToSynchronize(SynchronizeTicket, StorageError)
        case connecting(ConnectionID, Result<Socket, SystemError>)
        case work
        case stop
    }

    let bell: Wakeup
    private let messages = Lock<[Message]>([])

    init() throws(SystemError) { bell = try Wakeup(blocking: false) }

    func post(_ message: Message) {
        // Who has been rung for takes all that is there.
        if messages.withLock({
            $0.append(message); return $0.count == 1
        }) {
            bell.ring()
        }
    }

    func take() -> [Message] {
        bell.silence()
        return messages.withLock { messages in
            defer { messages = [] }
            return messages
        }
    }

    /// Wakes the node, which has something to do; once for all that is announced before it has woken.
    /// From any thread.
    public func announceWork() {
        let isFirst = messages.withLock { messages in
            let isAnnounced = messages.contains { if case .work = $0 { true } else { false } }
            if !isAnnounced { messages.append(.work) }
            return messages.count == 1 && !isAnnounced
        }
        if isFirst { bell.ring() }
    }

    /// Asks the node to stop. From any thread.
    public func requestStop() { post(.stop) }
}

/// Runs `body` on a new thread, with a value that the thread owns from then on.
package func startThread<Value: ~Copyable>(
    owning value: consuming sending Value, _ body: @escaping @Sendable (consuming Value) -> Void
) throws(SystemError) {
    let box = Box(value)
    try startThread {
        if let value = box.take() { body(value) }
    }
}

private final class Box<Value: ~Copyable>: @unchecked Sendable {
    // Sendable without a lock: whoever fills it gives the value up, and only the thread takes it out.
    private var value: Value?

    init(_ value: consuming sending Value) { self.value = consume value }
    func take() -> Value? { value.take() }
}

/// Runs `body` on a new thread.
package func startThread(_ body: @escaping @Sendable () -> Void) throws(SystemError) {
    final class Box {
        let body: @Sendable () -> Void; init(_ body: @escaping @Sendable () -> Void) { self.body = body }
    }
    let box = unsafe Unmanaged.passRetained(Box(body))
    #if canImport(Darwin)
        var thread: pthread_t?
        let result = unsafe pthread_create(
            &thread, nil,
            { argument in
                unsafe Unmanaged<Box>.fromOpaque(argument).takeRetainedValue().body()
                return nil
            }, box.toOpaque())
    #else
        var thread = pthread_t()
        let result = unsafe pthread_create(
            &thread, nil,
            { argument in
                // SAFETY: the argument is the box retained above, taken exactly once.
                if let argument = unsafe argument {
                    unsafe Unmanaged<Box>.fromOpaque(argument).takeRetainedValue().body()
                }
                return nil
            }, box.toOpaque())
    #endif
    guard result == 0 else {
        unsafe box.release()
        throw SystemError("start a thread", result)
    }
    // Nobody joins it: without this its stack would stay when it has ended.
    #if canImport(Darwin)
        if let thread = unsafe thread { unsafe pthread_detach(thread) }
    #else
        pthread_detach(thread)
    #endif
}
