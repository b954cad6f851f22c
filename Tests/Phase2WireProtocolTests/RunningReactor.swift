import Foundation
import SegmentLog
import TestSupport
import WireProtocol

/// A node that a test writes as one closure. It stops when it is asked to.
struct ClosureNode: Node {
    var stops = true
    let react: @Sendable (Event, Instant, inout Effects) -> Void

    mutating func handle(_ event: Event, at now: Instant, _ effects: inout Effects) {
        react(event, now, &effects)
        if stops, case .stopping = event { effects.append(.stop(failure: nil)) }
    }
}

/// The real reactor on a thread of its own, at a port of its own.
final class RunningReactor: Sendable {
    let port: UInt16
    /// Where it listens, by the listeners' order.
    let addresses: [SocketAddress]
    /// The lines of the reactor and its node.
    let log = Lock<[LogLine]>([])
    private let logged = Counter()
    private let mailbox: Mailbox
    private let outcome = Lock<String??>(nil)
    private let ended = DispatchSemaphore(value: 0)

    init(
        limits: ReactorLimits = ReactorLimits(), listeners: [Listener]? = nil, stops: Bool = true,
        _ react: @escaping @Sendable (Event, Instant, inout Effects) -> Void
    ) throws {
        let local = Listener(name: "PLAINTEXT", address: SocketAddress(host: "127.0.0.1", port: 0))
        let bound = try Listeners(binding: listeners ?? [local])
        let (log, logged) = (self.log, self.logged)
        let node = ClosureNode(stops: stops, react: react)
        let reactor = try Reactor(node, listeners: bound, limits: limits) { line in
            log.withLock { $0.append(line) }
            if line.level > .debug { logged.raise() }
        }
        addresses = reactor.addresses
        port = reactor.addresses[0].port
        mailbox = reactor.mailbox
        let (outcome, ended) = (self.outcome, self.ended)
        try startThread(owning: reactor) { reactor in
            let failure: String?
            do {
                failure = try reactor.run().failure
            } catch {
                failure = "\(error)"
            }
            outcome.withLock { $0 = .some(failure) }
            ended.signal()
        }
    }

    /// The end of `run()`, if it comes within two minutes: what went wrong, or nil after a clean end.
    func waitForEnd() -> String? {
        guard ended.wait(timeout: .now() + 120) == .success else { return "run() has not ended" }
        ended.signal()
        return outcome.withLock { $0 } ?? "run() has not ended"
    }

    /// Waits for the next line that is not for debugging; returns the last one.
    func waitForLine() -> LogLine? { logged.wait() ? log.withLock { $0.last { $0.level > .debug } } : nil }

    /// Asks the node to stop, and waits for the end.
    @discardableResult
    func stop() -> String? {
        mailbox.requestStop()
        return waitForEnd()
    }
}

/// A count that another thread raises and a test waits for.
final class Counter: Sendable {
    private let raised = DispatchSemaphore(value: 0)

    func raise() { raised.signal() }
    /// Waits until it has been raised `count` more times; false after a minute without.
    func wait(for count: Int = 1) -> Bool {
        (0..<count).allSatisfy { _ in raised.wait(timeout: .now() + 60) == .success }
    }
}

/// What the reactor's suites share: a node that echoes, and files.
enum Echo {
    static func text(_ text: String) -> [UInt8] { Array(text.utf8) }
    static func framed(_ bytes: Bytes) -> Payload { Payload(parts: [.bytes(bytes)]).framed() }
    static func framed(_ text: String) -> Payload { framed(Bytes(utf8: text)) }

    /// Sends every frame back.
    @Sendable static func echo(_ event: Event, _: Instant, _ effects: inout Effects) {
        if case .received(let connection, let frame) = event { effects.append(.send(connection, framed(frame))) }
    }

    /// A real file of `count` bytes, and what is in it.
    static func file(_ count: Int, in directory: TemporaryDirectory) throws -> (any File, [UInt8]) {
        var random = SplitMix64(seed: UInt64(count))
        let contents = (0..<count).map { _ in UInt8(truncatingIfNeeded: random.next()) }
        let file = try directory.storage().open("data", creating: true)
        try file.append(Bytes(contents), at: 0)
        return (file, contents)
    }
}
