import Foundation
import SegmentLog
import WireProtocol

/// A node that a test writes as one closure. It stops when it is asked to.
public struct ClosureNode: Node {
    let react: @Sendable (Event, Instant, inout Effects) -> Void

    /// Has the closure react.
    public mutating func handle(_ event: Event, at now: Instant, _ effects: inout Effects) {
        react(event, now, &effects)
        if case .stopping = event { effects.append(.stop(failure: nil)) }
    }
}

/// The real reactor on a thread of its own, at a port of its own.
public final class RunningReactor: Sendable {
    /// Where it listens.
    public let port: UInt16
    /// The lines of the reactor and its node.
    package let log = Lock<[String]>([])
    private let mailbox: Mailbox
    private let outcome = Lock<String??>(nil)
    private let ended = DispatchSemaphore(value: 0)

    /// Starts a node that `react` is the whole of.
    public init(
        limits: ReactorLimits = ReactorLimits(), _ react: @escaping @Sendable (Event, Instant, inout Effects) -> Void
    ) throws {
        let listeners = try Listeners(bindingTo: [SocketAddress(host: "127.0.0.1", port: 0)])
        let log = self.log
        let reactor = try Reactor(ClosureNode(react: react), listeners: listeners, limits: limits) { level, line in
            log.withLock { $0.append("\(level): \(line)") }
        }
        port = reactor.addresses[0].port
        mailbox = reactor.mailbox
        let (outcome, ended) = (self.outcome, self.ended)
        // The thread is the only one to use the reactor from here on.
        nonisolated(unsafe) let handedOver = reactor
        try startThread {
            let failure: String?
            do {
                failure = try handedOver.run().failure
            } catch {
                failure = "\(error)"
            }
            outcome.withLock { $0 = .some(failure) }
            ended.signal()
        }
    }

    /// The end of `run()`, if it comes within 20 seconds: what went wrong, or nil after a clean end.
    public func waitForEnd() -> String? {
        guard ended.wait(timeout: .now() + 20) == .success else { return "run() has not ended" }
        ended.signal()
        return outcome.withLock { $0 } ?? "run() has not ended"
    }

    /// Asks the node to stop, and waits for the end.
    @discardableResult
    public func stop() -> String? {
        mailbox.requestStop()
        return waitForEnd()
    }
}

/// A count that another thread raises and a test waits for.
public final class Counter: Sendable {
    private let raised = DispatchSemaphore(value: 0)

    /// A count of zero.
    public init() {}

    /// Adds one.
    public func raise() { raised.signal() }
    /// Waits until it has been raised `count` more times; false after ten seconds without.
    public func wait(for count: Int = 1) -> Bool {
        (0..<count).allSatisfy { _ in raised.wait(timeout: .now() + 10) == .success }
    }
}
