import Foundation
import SegmentLog
import TestSupport
import Testing
import WireProtocol

@Suite("The limits of the reactor")
struct ReactorLimitsTests {
    /// A node that keeps the requests it gets, and answers the oldest when a client asks with "answer".
    private final class Keeper: Sendable {
        private let kept = Lock<[(ConnectionID, Bytes)]>([])
        let received = Counter()
        let ended = Counter()

        /// The first bytes of what was received, in order.
        let seen = Lock<[UInt8]>([])

        @Sendable func react(_ event: Event, _: Instant, _ effects: inout Effects) {
            switch event {
            case .received(let connection, let frame) where frame.utf8 == "answer":
                let oldest = kept.withLock { $0.isEmpty ? nil : $0.removeFirst() }
                if let (client, frame) = oldest { effects.append(.send(client, Echo.framed(frame))) }
                effects.append(.send(connection, Echo.framed("done")))
            case .received(let connection, let frame):
                kept.withLock { $0.append((connection, frame)) }
                seen.withLock { $0.append(frame[0]) }
                received.raise()
            case .disconnected: ended.raise()
            default: break
            }
        }
    }

    private static func body(_ first: UInt8, _ count: Int) -> [UInt8] {
        [first] + [UInt8](repeating: 0, count: count - 1)
    }

    // MARK: queued.max.request.bytes

    @Test(
        "at queued.max.request.bytes nobody is read from, and who waits has its turn in order", .timeLimit(.minutes(15))
    )
    func queuedBytes() throws {
        var limits = ReactorLimits()
        limits.maxQueuedRequestBytes = 1000
        let keeper = Keeper()
        let reactor = try RunningReactor(limits: limits, keeper.react)
        defer { reactor.stop() }
        let operatorClient = try LoopbackClient(port: reactor.port)
        #expect(try operatorClient.ask(Echo.text("answer")) == Echo.text("done"))
        let first = try LoopbackClient(port: reactor.port)
        try first.sendFrames(Self.body(1, 600), Self.body(2, 300), [3])
        #expect(keeper.received.wait(for: 3))
        // The last one that is admitted may go past the limit.
        let second = try LoopbackClient(port: reactor.port)
        try second.sendFrames(Self.body(4, 900))
        #expect(keeper.received.wait())
        // 1801 bytes are in flight. These wait, each in its place.
        let waiting = try (5..<9).map { number in
            let client = try LoopbackClient(port: reactor.port)
            try client.sendFrames(Self.body(UInt8(number), 500))
            #expect(reactor.waitForLine()?.event == "requests_held_back")
            return client
        }
        #expect(keeper.seen.withLock { $0 } == [1, 2, 3, 4])
        // Even the one who could free memory waits: only an answer, or the end of a connection, does so.
        first.resetAtEnd()
        _ = consume first
        #expect(keeper.ended.wait())
        // 900 bytes are left, so one more is admitted: the one who has waited longest.
        #expect(keeper.received.wait())
        #expect(keeper.seen.withLock { $0 } == [1, 2, 3, 4, 5])
        second.resetAtEnd()
        _ = consume second
        #expect(keeper.ended.wait())
        #expect(keeper.received.wait())
        #expect(keeper.seen.withLock { $0 } == [1, 2, 3, 4, 5, 6])
        withExtendedLifetime(waiting) {}
    }

    @Test("answers give memory back, also those that are no answers", .timeLimit(.minutes(15)))
    func memoryComesBack() throws {
        var limits = ReactorLimits()
        limits.maxQueuedRequestBytes = 1000
        limits.maxRequestBytes = 1000
        let reactor = try RunningReactor(limits: limits) { event, _, effects in
            guard case .received(let connection, let frame) = event else { return }
            effects.append(.send(connection, frame[0] == 0 ? nil : Echo.framed(frame)))
        }
        defer { reactor.stop() }
        let clients = try (0..<10).map { _ in try LoopbackClient(port: reactor.port) }
        for round in 0..<50 {
            for client in clients { try client.sendFrames(Self.body(0, 900), Self.body(UInt8(round + 1), 1000)) }
            for client in clients { #expect(try client.receiveFrame().first == UInt8(round + 1)) }
        }
        #expect(reactor.log.withLock { $0 }.allSatisfy { $0.event != "requests_held_back" || $0.level == .warn })
    }

    @Test("memory that is all held back by turns that have ended lets somebody in", .timeLimit(.minutes(15)))
    func turnsThatEnd() throws {
        var limits = ReactorLimits()
        limits.maxQueuedRequestBytes = 1000
        limits.maxRequestBytes = 1000
        let reactor = try RunningReactor(limits: limits) { event, _, effects in
            guard case .received(let connection, let frame) = event else { return }
            // Longer than a turn: the frame behind it, which was received with it, is held back.
            Thread.sleep(forTimeInterval: 0.002)
            effects.append(.send(connection, frame[0] == 0 ? nil : Echo.framed(frame)))
        }
        defer { reactor.stop() }
        let clients = try (0..<4).map { _ in try LoopbackClient(port: reactor.port) }
        for round in 0..<5 {
            for client in clients { try client.sendFrames(Self.body(0, 900), Self.body(UInt8(round + 1), 1000)) }
            for client in clients { #expect(try client.receiveFrame().first == UInt8(round + 1)) }
        }
    }

    @Test("a request that has begun can be finished, however little memory is left", .timeLimit(.minutes(15)))
    func begunRequests() throws {
        var limits = ReactorLimits()
        limits.maxQueuedRequestBytes = 1000
        limits.maxRequestBytes = 1000
        let keeper = Keeper()
        let reactor = try RunningReactor(limits: limits, keeper.react)
        defer { reactor.stop() }
        let frames = (1...3).map { LoopbackClient.frame(Self.body(UInt8($0), 900)) }
        let clients = try (0..<3).map { _ in try LoopbackClient(port: reactor.port) }
        // Two have their length reserved, the second one past the limit; the third has to wait.
        for (client, frame) in zip(clients, frames).prefix(2) {
            try client.send(Array(frame.prefix(500)))
            // A connection of its own shows that the bytes before it were read.
            let marker = try LoopbackClient(port: reactor.port)
            marker.endOutput()
            #expect(try marker.isClosed())
        }
        try clients[2].send(frames[2])
        #expect(reactor.waitForLine()?.event == "requests_held_back")
        for (client, frame) in zip(clients, frames).prefix(2).reversed() {
            try client.send(Array(frame.dropFirst(500)))
        }
        #expect(keeper.received.wait(for: 2))
        #expect(keeper.seen.withLock { $0 } == [2, 1])
        clients[0].disconnect()
        clients[1].disconnect()
        withExtendedLifetime(clients) {}
    }

    // MARK: connections.max.idle.ms

    @Test("closes a connection that is idle, and not one that waits for an answer", .timeLimit(.minutes(15)))
    func idle() throws {
        var limits = ReactorLimits()
        limits.maxIdleMilliseconds = 100
        let keeper = Keeper()
        let reactor = try RunningReactor(limits: limits, keeper.react)
        defer { reactor.stop() }
        let busy = try LoopbackClient(port: reactor.port)
        try busy.sendFrames([1])
        #expect(keeper.received.wait())
        for _ in 0..<3 {
            let silent = try LoopbackClient(port: reactor.port)
            #expect(try silent.isClosed())
            let halfway = try LoopbackClient(port: reactor.port)
            try halfway.send([0, 0, 0, 9, 1])
            #expect(try halfway.isClosed())
        }
        #expect(try LoopbackClient(port: reactor.port).ask(Echo.text("answer")) == Echo.text("done"))
        #expect(try busy.receiveFrame() == [1])
        // Now nothing is in flight any more.
        #expect(try busy.isClosed())
    }

    @Test("takes a byte now and then for idleness", .timeLimit(.minutes(15)))
    func trickle() throws {
        var limits = ReactorLimits()
        limits.maxIdleMilliseconds = 100
        let reactor = try RunningReactor(limits: limits, Echo.echo)
        defer { reactor.stop() }
        let other = try LoopbackClient(port: reactor.port)
        let slow = try LoopbackClient(port: reactor.port)
        try slow.send(LayoutEncoder.bigEndian(Int32(60_000)))
        var sent = 0
        let failure = #expect(throws: LoopbackClient.Failure.self) {
            while sent < 59_999 {
                try slow.send([0])
                sent += 1
                #expect(try other.ask([1]) == [1])
            }
        }
        #expect(failure?.isEnd == true && sent > 10)
        // The other one was never silent for so long.
        #expect(try other.ask([2]) == [2])
    }

    // MARK: Connections

    @Test("accepts no more than max.connections, until one ends", .timeLimit(.minutes(15)))
    func maxConnections() throws {
        var limits = ReactorLimits()
        limits.maxConnections = 2
        let events = Lock<[String]>([])
        let reactor = try RunningReactor(limits: limits) { event, now, effects in
            Echo.echo(event, now, &effects)
            if case .connected = event { events.withLock { $0.append("connected") } }
            if case .disconnected = event { events.withLock { $0.append("disconnected") } }
        }
        defer { reactor.stop() }
        let first = try LoopbackClient(port: reactor.port)
        let second = try LoopbackClient(port: reactor.port)
        #expect(reactor.waitForLine()?["reason"] == "max.connections (2) is reached")
        let third = try LoopbackClient(port: reactor.port)
        try third.sendFrames([3])
        #expect(try first.ask([1]) == [1])
        #expect(try second.ask([2]) == [2])
        first.disconnect()
        #expect(try third.receiveFrame() == [3])
        #expect(events.withLock { $0 } == ["connected", "connected", "disconnected", "connected"])
    }

    @Test("closes what comes beyond max.connections.per.ip, until there is room again", .timeLimit(.minutes(15)))
    func maxConnectionsPerHost() throws {
        var limits = ReactorLimits()
        limits.maxConnectionsPerHost = 2
        let ended = Counter()
        let reactor = try RunningReactor(limits: limits) { event, now, effects in
            Echo.echo(event, now, &effects)
            if case .disconnected = event { ended.raise() }
        }
        defer { reactor.stop() }
        let first = try LoopbackClient(port: reactor.port)
        let second = try LoopbackClient(port: reactor.port)
        #expect(try first.ask([1]) == [1])
        #expect(try second.ask([2]) == [2])
        let surplus = try LoopbackClient(port: reactor.port)
        #expect(try surplus.isClosed())
        #expect(try second.ask([3]) == [3])
        first.disconnect()
        #expect(ended.wait())
        #expect(try LoopbackClient(port: reactor.port).ask([4]) == [4])
        #expect(reactor.waitForLine()?["reason"] == "max.connections.per.ip (2) is reached")
    }

    @Test(
        "listens in both families where no host is given, and says which listener a client came in by",
        .timeLimit(.minutes(15)))
    func listeners() throws {
        let all = [
            Listener(name: "PLAINTEXT", address: SocketAddress(host: "", port: 0)),
            Listener(name: "INTERNAL", address: SocketAddress(host: "127.0.0.1", port: 0)),
        ]
        let names = Lock<[ConnectionID: String]>([:])
        let reactor = try RunningReactor(listeners: all) { event, _, effects in
            switch event {
            case .connected(let connection, let peer, let listener):
                names.withLock { $0[connection] = "\(listener) \(peer.hasPrefix("[") ? "IPv6" : "IPv4")" }
            case .received(let connection, _):
                effects.append(.send(connection, Echo.framed(names.withLock { $0[connection] } ?? "unknown")))
            default: break
            }
        }
        defer { reactor.stop() }
        #expect(reactor.addresses.allSatisfy { $0.port > 0 } && Set(reactor.addresses.map(\.port)).count == 2)
        let expected = [
            ("127.0.0.1", 0, "PLAINTEXT IPv4"), ("::1", 0, "PLAINTEXT IPv6"), ("127.0.0.1", 1, "INTERNAL IPv4"),
        ]
        for (host, listener, name) in expected {
            let client = try BlockingConnection(
                to: SocketAddress(host: host, port: reactor.addresses[listener].port))
            try client.send(Bytes(LoopbackClient.frame([1])))
            #expect(try client.receiveFrame()?.utf8 == name)
        }
    }

    // MARK: The end of the input

    @Test("answers a client that sends nothing more, and then ends the connection", .timeLimit(.minutes(15)))
    func halfClosed() throws {
        // A node that answers only when it hears that nothing more comes.
        let kept = Lock<[(ConnectionID, Bytes)]>([])
        let reactor = try RunningReactor { event, _, effects in
            switch event {
            case .received(let connection, let frame): kept.withLock { $0.append((connection, frame)) }
            case .endOfInput:
                for (connection, frame) in kept.withLock({ kept in
                    defer { kept = [] }; return kept
                }) {
                    effects.append(.send(connection, Echo.framed(frame)))
                }
            default: break
            }
        }
        defer { reactor.stop() }
        let client = try LoopbackClient(port: reactor.port)
        try client.sendFrames([1], [2], [3])
        client.endOutput()
        for number in 1...3 { #expect(try client.receiveFrame() == [UInt8(number)]) }
        #expect(try client.isClosed())
    }

    @Test(
        "answers all of a pipeline whose client sends nothing more, although it pauses on the way",
        .timeLimit(.minutes(15)))
    func halfClosedPipeline() throws {
        let pipeline = Lock(RequestPipeline(maxInFlight: 4))
        let waiting = Lock<[(RequestID, Bytes)]>([])
        let reactor = try RunningReactor { event, _, effects in
            pipeline.withLock { pipeline in
                switch event {
                case .connected(let connection, _, _): pipeline.connect(connection)
                case .disconnected(let connection): pipeline.disconnect(connection)
                case .received(let connection, let frame):
                    waiting.withLock { $0.append((pipeline.begin(on: connection, &effects), frame)) }
                case .endOfInput:
                    for (request, frame) in waiting.withLock({ all in
                        defer { all = [] }; return all
                    }) {
                        pipeline.finish(request, with: Echo.framed(frame), &effects)
                    }
                default: break
                }
            }
        }
        defer { reactor.stop() }
        let client = try LoopbackClient(port: reactor.port)
        let bodies = (0..<100).map { [UInt8($0)] }
        try client.send(bodies.flatMap(LoopbackClient.frame))
        client.endOutput()
        for body in bodies { #expect(try client.receiveFrame() == body) }
        #expect(try client.isClosed())
    }

    @Test("notices that the client of a paused connection has reset it", .timeLimit(.minutes(15)))
    func pausedClientLeaves() throws {
        let (paused, gone) = (Counter(), Counter())
        let reactor = try RunningReactor { event, _, effects in
            switch event {
            case .received(let connection, _):
                effects.append(.pause(connection))
                paused.raise()
            case .disconnected: gone.raise()
            default: break
            }
        }
        defer { reactor.stop() }
        let client = try LoopbackClient(port: reactor.port)
        try client.sendFrames([1], [2], [3])
        #expect(paused.wait())
        client.resetAtEnd()
        _ = consume client
        #expect(gone.wait())
    }

    @Test("gives a node that does not stop its time, and no more", .timeLimit(.minutes(15)))
    func stopDeadline() throws {
        var limits = ReactorLimits()
        limits.stopMilliseconds = 50
        let reactor = try RunningReactor(limits: limits, stops: false, Echo.echo)
        #expect(reactor.stop() == "requests were still in flight 50 ms after the signal to stop")
    }
}
