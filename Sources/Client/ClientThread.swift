import SegmentLog
import WireProtocol

/// What a producer or a consumer does, as a machine: no clock, no threads, no sockets.
///
/// Tasks of the user change it under a lock, and then announce that there is work; all that follows
/// happens in `handle`, on the client's own thread.
protocol ClientMachine: Sendable {
    /// Takes in an event; `woke` also comes whenever work was announced.
    mutating func handle(_ event: Event, at now: Instant, _ effects: inout Effects)
    /// Takes what is to be called now that something has happened: tasks that waited go on. Called
    /// without the lock.
    mutating func takeResumptions() -> [@Sendable () -> Void]
}

/// Runs a machine on a thread of its own, with a reactor that has no listeners.
final class ClientThread<Machine: ClientMachine>: Sendable {
    private let machine: Lock<Machine>
    private let mailbox: Mailbox

    /// Starts the thread; it ends when the machine asks to stop.
    init(_ machine: sending Machine) throws(ClientError) {
        let shared = Lock(machine)
        self.machine = shared
        do {
            let reactor = try Reactor(SharedMachine(shared: shared), listeners: Listeners()) { _ in }
            mailbox = reactor.mailbox
            try startThread(owning: reactor) { reactor in
                // A poller that fails leaves nothing to wait with: the machine is told to end.
                if (try? reactor.run()) == nil { shared.end() }
            }
        } catch {
            throw .refused("the client cannot start: \(error)")
        }
    }

    /// Changes the machine. What follows from it happens only after `announceWork`.
    func withMachine<Result, Failure: Error>(
        _ body: (inout Machine) throws(Failure) -> sending Result
    ) throws(Failure) -> sending Result {
        try machine.withLock { machine throws(Failure) in try body(&machine) }
    }

    /// The clock of the events.
    static func now() -> Instant { Reactor<SharedMachine<Machine>>.now() }

    /// Has the machine's thread look at what was changed.
    func announceWork() { mailbox.announceWork() }

    /// Has the machine end: it is told `stopping`.
    func stop() { mailbox.requestStop() }
}

extension Lock where Value: ClientMachine {
    /// Tells the machine an event, and lets those go on who waited for what it brought about.
    fileprivate func tell(_ event: Event, at now: Instant, _ effects: inout Effects) {
        let resumptions = withLock { machine in
            machine.handle(event, at: now, &effects)
            return machine.takeResumptions()
        }
        for resume in resumptions { resume() }
    }

    fileprivate func end() {
        var effects = Effects()
        tell(.stopping, at: Instant(nanoseconds: 0), &effects)
    }
}

/// The machine as the reactor drives it.
private struct SharedMachine<Machine: ClientMachine>: Node {
    let shared: Lock<Machine>

    mutating func handle(_ event: Event, at now: Instant, _ effects: inout Effects) {
        shared.tell(event, at: now, &effects)
    }
}
