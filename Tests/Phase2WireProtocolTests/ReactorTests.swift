import SegmentLog
import TestSupport
import Testing
import WireProtocol

@Suite("The reactor")
struct ReactorTests {
    // MARK: Frames

    @Test("answers pipelined frames in order", .timeLimit(.minutes(15)))
    func pipelined() throws {
        let reactor = try RunningReactor(Echo.echo)
        defer { reactor.stop() }
        let client = try LoopbackClient(port: reactor.port)
        let bodies = (0..<300).map { Echo.text("frame \($0)" + String(repeating: ".", count: $0 * 7 % 900)) } + [[]]
        try client.send(bodies.flatMap(LoopbackClient.frame))
        for body in bodies { #expect(try client.receiveFrame() == body) }
    }

    @Test("keeps connections apart, and puts frames together that arrive in pieces", .timeLimit(.minutes(15)))
    func pieces() throws {
        let reactor = try RunningReactor(Echo.echo)
        defer { reactor.stop() }
        let clients = try (0..<5).map { _ in try LoopbackClient(port: reactor.port) }
        let frames = (0..<5).map { LoopbackClient.frame(Echo.text("client \($0)")) }
        for place in 0..<frames[0].count {
            for (client, frame) in zip(clients, frames) { try client.send([frame[place]]) }
        }
        for (number, client) in clients.enumerated() {
            #expect(try client.receiveFrame() == Echo.text("client \(number)"))
        }
    }

    @Test("takes frames of any size up to the limit", .timeLimit(.minutes(15)), arguments: [20_000, 300_000, 5 << 20])
    func largeFrame(count: Int) throws {
        var limits = ReactorLimits()
        limits.maxRequestBytes = count
        let reactor = try RunningReactor(limits: limits, Echo.echo)
        defer { reactor.stop() }
        let client = try LoopbackClient(port: reactor.port)
        let body = (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 31 >> 3) }
        try startThread { try? client.sendFrames(body, [1, 2, 3]) }
        #expect(try client.receiveFrame() == body)
        #expect(try client.receiveFrame() == [1, 2, 3])
    }

    @Test(
        "ends only the connection that claims a frame over the limit", .timeLimit(.minutes(15)),
        arguments: [-1, 101] as [Int32])
    func overTheLimit(length: Int32) throws {
        var limits = ReactorLimits()
        limits.maxRequestBytes = 100
        let ended = Counter()
        let reactor = try RunningReactor(limits: limits) { event, now, effects in
            Echo.echo(event, now, &effects)
            if case .disconnected = event { ended.raise() }
        }
        defer { reactor.stop() }
        let good = try LoopbackClient(port: reactor.port)
        let bad = try LoopbackClient(port: reactor.port)
        #expect(try good.ask([1]) == [1])
        #expect(try bad.ask([UInt8](repeating: 7, count: 100)).count == 100)
        try bad.send(LayoutEncoder.bigEndian(length))
        #expect(try bad.isClosed())
        #expect(ended.wait())
        #expect(try good.ask([2]) == [2])
        #expect(
            reactor.log.withLock { $0 }.contains { $0["reason"]?.contains("socket.request.max.bytes is 100") == true })
    }

    // MARK: Pausing

    @Test("delivers no frame of a paused connection until it is resumed, and loses none", .timeLimit(.minutes(15)))
    func pausing() throws {
        let seen = Lock<[UInt8]>([])
        let pausedConnection = Lock<ConnectionID?>(nil)
        let reactor = try RunningReactor { event, now, effects in
            guard case .received(let connection, let frame) = event else { return }
            switch frame.utf8 {
            case "pause":
                pausedConnection.withLock { $0 = connection }
                effects.append(.pause(connection))
            case "resume": if let paused = pausedConnection.withLock({ $0 }) { effects.append(.resume(paused)) }
            case "ping": break
            default: seen.withLock { $0.append(frame[0]) }
            }
            Echo.echo(event, now, &effects)
        }
        defer { reactor.stop() }
        let client = try LoopbackClient(port: reactor.port)
        let other = try LoopbackClient(port: reactor.port)
        for round in 0..<5 {
            let before = seen.withLock { $0.count }
            // Ten frames right behind the pause, and many more while it lasts.
            let numbers = (0..<200).map { [UInt8($0), UInt8(round)] }
            let early = numbers[0..<10].flatMap(LoopbackClient.frame)
            try client.send(LoopbackClient.frame(Echo.text("pause")) + early)
            #expect(try client.receiveFrame() == Echo.text("pause"))
            try client.send(numbers[10...].flatMap(LoopbackClient.frame))
            for _ in 0..<20 { #expect(try other.ask(Echo.text("ping")) == Echo.text("ping")) }
            #expect(seen.withLock { $0.count } == before)
            #expect(try other.ask(Echo.text("resume")) == Echo.text("resume"))
            for number in numbers { #expect(try client.receiveFrame() == number) }
        }
        #expect(seen.withLock { $0.count } == 1000)
    }

    @Test("delivers frames again that a node answers from within, however often it pauses", .timeLimit(.minutes(15)))
    func pipelineInReactor() throws {
        // One request in flight at a time: every frame pauses its connection, and its answer resumes it.
        let pipeline = Lock(RequestPipeline(maxInFlight: 1))
        let reactor = try RunningReactor { event, _, effects in
            pipeline.withLock { pipeline in
                switch event {
                case .connected(let connection, _, _): pipeline.connect(connection)
                case .disconnected(let connection): pipeline.disconnect(connection)
                case .received(let connection, let frame):
                    let request = pipeline.begin(on: connection, &effects)
                    pipeline.finish(request, with: frame.count == 1 ? nil : Echo.framed(frame), &effects)
                default: break
                }
            }
        }
        defer { reactor.stop() }
        let client = try LoopbackClient(port: reactor.port)
        let bodies = (0..<2_000).map { [UInt8](repeating: UInt8($0 % 251), count: $0 % 5 + 1) }
        try startThread { try? client.send(bodies.flatMap(LoopbackClient.frame)) }
        for body in bodies where body.count > 1 { #expect(try client.receiveFrame() == body) }
    }

    // MARK: Connections

    @Test("closes a connection once everything sent on it has gone out", .timeLimit(.minutes(15)))
    func closing() throws {
        let directory = try TemporaryDirectory()
        let (file, contents) = try Echo.file(3 << 20, in: directory)
        let seen = Lock(0)
        let ended = Counter()
        let reactor = try RunningReactor { event, _, effects in
            switch event {
            case .received(let connection, _):
                seen.withLock { $0 += 1 }
                let range = FileRange(file: file, position: 0, count: 3 << 20)
                effects.append(.send(connection, Payload(parts: [.file(range)]).framed()))
                effects.append(.close(connection))
            case .disconnected: ended.raise()
            default: break
            }
        }
        defer { reactor.stop() }
        let client = try LoopbackClient(port: reactor.port, receiveBufferBytes: 16_384)
        try client.sendFrames([1], [2])
        #expect(try client.receiveFrame(step: 100_000) == contents)
        #expect(try client.isClosed())
        #expect(ended.wait())
        #expect(seen.withLock { $0 } == 1)
    }

    @Test(
        "tells the node of connections that begin and end, each once, by numbers never used again",
        .timeLimit(.minutes(15)))
    func lifecycle() throws {
        let events = Lock<[(ConnectionID, began: Bool)]>([])
        let peers = Lock<[String]>([])
        let ended = Counter()
        let reactor = try RunningReactor { event, now, effects in
            switch event {
            case .connected(let connection, let peer, let listener):
                events.withLock { $0.append((connection, true)) }
                peers.withLock { $0.append("\(listener) \(peer)") }
            case .disconnected(let connection):
                events.withLock { $0.append((connection, false)) }
                ended.raise()
            default: Echo.echo(event, now, &effects)
            }
        }
        defer { reactor.stop() }
        for number in 0..<20 {
            let client = try LoopbackClient(port: reactor.port)
            #expect(try client.ask([UInt8(number)]) == [UInt8(number)])
        }
        #expect(ended.wait(for: 20))
        let all = events.withLock { $0 }
        let (began, left) = (all.filter(\.began).map(\.0), all.filter { !$0.began }.map(\.0))
        #expect(Set(began).count == 20 && began == began.sorted() && Set(left) == Set(began) && left.count == 20)
        #expect(peers.withLock { $0 }.filter { $0.hasPrefix("PLAINTEXT 127.0.0.1:") }.count == 20)
    }
}
