import SegmentLog
import TestSupport
import Testing
import WireProtocol

@Suite("The effects of a node in the reactor")
struct ReactorEffectsTests {
    // MARK: Payloads with files

    @Test("sends bytes and parts of files as one frame, in order", .timeLimit(.minutes(15)))
    func mixedPayload() throws {
        let directory = try TemporaryDirectory()
        let (file, contents) = try Echo.file(100_000, in: directory)
        let inMemory = try MemoryStorage().open("memory", creating: true)
        try inMemory.append(Bytes(contents), at: 0)
        let parts: [Payload.Part] = [
            .bytes([1, 2, 3]), .file(FileRange(file: file, position: 10, count: 40_000)), .bytes([4]), .bytes([5]),
            .file(FileRange(file: file, position: 99_999, count: 1)),
            .file(FileRange(file: file, position: 0, count: 0)),
            .file(FileRange(file: inMemory, position: 7, count: 300)), .bytes([6, 7]),
        ]
        let reactor = try RunningReactor { event, _, effects in
            guard case .received(let connection, _) = event else { return }
            effects.append(.send(connection, Payload(parts: parts).framed()))
        }
        defer { reactor.stop() }
        let client = try LoopbackClient(port: reactor.port)
        let expected: [UInt8] =
            [1, 2, 3] + contents[10..<40_010] + [4, 5, contents[99_999]] + contents[7..<307] + [6, 7]
        try client.sendFrames([0], [0], [0])
        for _ in 0..<3 { #expect(try client.receiveFrame() == expected) }
    }

    @Test("sends 8 MB to a slow reader, and serves others meanwhile", .timeLimit(.minutes(15)))
    func slowReader() throws {
        let directory = try TemporaryDirectory()
        let (file, contents) = try Echo.file(8 << 20, in: directory)
        let reactor = try RunningReactor { event, now, effects in
            guard case .received(let connection, let frame) = event, frame[0] == 0 else {
                return Echo.echo(event, now, &effects)
            }
            let range = FileRange(file: file, position: 0, count: 8 << 20)
            effects.append(.send(connection, Payload(parts: [.bytes([9]), .file(range), .bytes([8])]).framed()))
        }
        defer { reactor.stop() }
        let slow = try LoopbackClient(port: reactor.port, receiveBufferBytes: 16_384)
        let other = try LoopbackClient(port: reactor.port)
        try slow.sendFrames([0], [1])
        // The slow one's answer does not fit into the kernel's buffers; nobody else waits for it.
        for number in 1..<50 { #expect(try other.ask([UInt8(number)]) == [UInt8(number)]) }
        let received = try slow.receiveFrame(step: 10_007)
        #expect(received.count == contents.count + 2 && received.first == 9 && received.last == 8)
        #expect(received.dropFirst().dropLast().elementsEqual(contents))
        #expect(try slow.receiveFrame() == [1])
    }

    @Test("does not read from a client that does not take its answers, and loses none", .timeLimit(.minutes(15)))
    func unreadAnswers() throws {
        var limits = ReactorLimits()
        limits.maxOutputBytes = 1 << 20
        let received = Lock(0)
        let reactor = try RunningReactor(limits: limits) { event, now, effects in
            guard case .received(let connection, let frame) = event, frame.count == 4 else {
                return Echo.echo(event, now, &effects)
            }
            received.withLock { $0 += 1 }
            effects.append(.send(connection, Echo.framed(Bytes(frame.array + [UInt8](repeating: 0, count: 20_000)))))
        }
        defer { reactor.stop() }
        let client = try LoopbackClient(port: reactor.port, receiveBufferBytes: 16_384)
        let other = try LoopbackClient(port: reactor.port)
        let count = 100_000
        let requests = (0..<count).flatMap { LoopbackClient.frame(LayoutEncoder.bigEndian(Int32($0))) }
        let senderEnded = Counter()
        try startThread {
            try? client.send(requests)
            senderEnded.raise()
        }
        for number in 0..<300 {
            #expect(try client.receiveFrame().starts(with: LayoutEncoder.bigEndian(Int32(number))))
        }
        #expect(try other.ask([1]) == [1])
        // The 300 answers read, 1 MiB in the queue, and what the kernel's buffers hold: also where many
        // requests came with one receive, no more of them are delivered than their answers have room.
        #expect(received.withLock { $0 } < 1200)
        client.disconnect()
        #expect(senderEnded.wait())
    }

    // MARK: Time, disk and the end

    @Test("wakes the node at the earliest of the times that it asked for, not before", .timeLimit(.minutes(15)))
    func wake() throws {
        let asked = Lock<(ConnectionID, Instant)?>(nil)
        let reactor = try RunningReactor { event, now, effects in
            switch event {
            case .received(let connection, _):
                let soon = now.advanced(byMilliseconds: 20)
                asked.withLock { $0 = (connection, soon) }
                effects.append(.wake(at: now.advanced(byMilliseconds: 3_600_000)))
                effects.append(.wake(at: soon))
                effects.append(.wake(at: now.advanced(byMilliseconds: 7_200_000)))
            case .woke:
                guard let (connection, soon) = asked.withLock({ $0 }) else { return }
                effects.append(.send(connection, Echo.framed(now >= soon ? "in time" : "too early")))
            default: break
            }
        }
        defer { reactor.stop() }
        let client = try LoopbackClient(port: reactor.port)
        for _ in 0..<5 { #expect(try client.ask([1]) == Echo.text("in time")) }
    }

    @Test("synchronizes real files, and says so by ticket", .timeLimit(.minutes(15)))
    func synchronize() throws {
        let directory = try TemporaryDirectory()
        let storage = try directory.storage()
        let files = [try storage.open("a", creating: true), try storage.open("b", creating: true)]
        let waiting = Lock<[UInt64: ConnectionID]>([:])
        let reactor = try RunningReactor { event, _, effects in
            switch event {
            case .received(let connection, let frame):
                let ticket = UInt64(frame[0])
                waiting.withLock { $0[ticket] = connection }
                effects.append(.synchronize(SynchronizeTicket(ticket), files))
            case .synchronized(let ticket):
                guard let connection = waiting.withLock({ $0.removeValue(forKey: ticket.value) }) else { return }
                effects.append(.send(connection, Echo.framed("durable \(ticket.value)")))
            default: break
            }
        }
        defer { reactor.stop() }
        let client = try LoopbackClient(port: reactor.port)
        for (number, file) in files.enumerated() { try file.append([UInt8(number)], at: 0) }
        try client.sendFrames([3], [4], [5])
        for ticket in 3...5 { #expect(try client.receiveFrame() == Echo.text("durable \(ticket)")) }
        #expect(waiting.withLock { $0.isEmpty })
    }

    @Test("says which synchronize failed, and why", .timeLimit(.minutes(15)))
    func failedSynchronize() throws {
        let disk = MemoryDisk()
        let file = try MemoryStorage(disk).open("a", creating: true)
        let reactor = try RunningReactor { event, _, effects in
            switch event {
            case .received: effects.append(.synchronize(SynchronizeTicket(8), [file]))
            case .failedToSynchronize(let ticket, let error):
                effects.append(.stop(failure: "ticket \(ticket.value): \(error.operation) \(error.path)"))
            default: break
            }
        }
        disk.failNext(.synchronize, with: 5)
        let client = try LoopbackClient(port: reactor.port)
        try client.sendFrames([1])
        #expect(reactor.waitForEnd() == "ticket 8: synchronize /a")
        #expect(try client.isClosed())
    }

    @Test("stops when the operator asks, once the node agrees", .timeLimit(.minutes(15)))
    func requestedStop() throws {
        let stopping = Counter()
        let reactor = try RunningReactor { event, now, effects in
            if case .stopping = event { stopping.raise() }
            Echo.echo(event, now, &effects)
        }
        let client = try LoopbackClient(port: reactor.port)
        #expect(try client.ask([1]) == [1])
        #expect(reactor.stop() == nil)
        #expect(stopping.wait())
        #expect(try client.isClosed())
        #expect(throws: LoopbackClient.Failure.self) { _ = try LoopbackClient(port: reactor.port) }
    }

    @Test(
        "sends what is left before it ends, a slow reader's too", .timeLimit(.minutes(15)), arguments: [nil, "broken"])
    func stop(failure: String?) throws {
        let directory = try TemporaryDirectory()
        let (file, contents) = try Echo.file(2 << 20, in: directory)
        let reactor = try RunningReactor { event, _, effects in
            guard case .received(let connection, _) = event else { return }
            let range = FileRange(file: file, position: 0, count: 2 << 20)
            effects.append(.send(connection, Payload(parts: [.file(range)])))
            effects.append(.stop(failure: failure))
        }
        let client = try LoopbackClient(port: reactor.port, receiveBufferBytes: 16_384)
        try client.sendFrames([1])
        #expect(try client.receive(2 << 20, step: 50_000) == contents)
        #expect(reactor.waitForEnd() == failure)
        #expect(try client.isClosed())
    }
}
