import SegmentLog
import TestSupport
import Testing
import WireProtocol

@Suite("The request pipeline")
struct RequestPipelineTests {
    private static let first = ConnectionID(1)
    private static let second = ConnectionID(2)

    private static func answer(_ number: Int) -> Payload {
        Payload(parts: [.bytes(Bytes(LayoutEncoder.bigEndian(Int32(number))))])
    }

    /// What effects say, in a form that can be compared.
    private enum Said: Equatable {
        case sent(ConnectionID, Int), unanswered(ConnectionID), paused(ConnectionID), resumed(ConnectionID), other
    }

    private static func said(_ effects: Effects) throws -> [Said] {
        try effects.all.map { effect in
            switch effect {
            case .send(let connection, nil): return .unanswered(connection)
            case .send(let connection, let payload?):
                var reader = ByteReader(try payload.bytes())
                return .sent(connection, Int(try reader.integer(Int32.self)))
            case .pause(let connection): return .paused(connection)
            case .resume(let connection): return .resumed(connection)
            default: return .other
            }
        }
    }

    /// What one call said.
    private static func said(_ body: (inout Effects) -> Void) throws -> [Said] {
        var effects = Effects()
        body(&effects)
        return try said(effects)
    }

    @Test("holds back an answer that overtook another")
    func overtaking() throws {
        var pipeline = RequestPipeline(maxInFlight: 10)
        pipeline.connect(Self.first)
        var effects = Effects()
        let requests = (0..<3).map { _ in pipeline.begin(on: Self.first, &effects) }
        #expect(requests.map(\.sequence) == [0, 1, 2] && pipeline.inFlight == 3)
        #expect(try Self.said { pipeline.finish(requests[2], with: Self.answer(2), &$0) } == [])
        #expect(try Self.said { pipeline.finish(requests[0], with: Self.answer(0), &$0) } == [.sent(Self.first, 0)])
        let rest = try Self.said { pipeline.finish(requests[1], with: Self.answer(1), &$0) }
        #expect(rest == [.sent(Self.first, 1), .sent(Self.first, 2)])
        #expect(pipeline.inFlight == 0 && effects.all.isEmpty)
    }

    @Test("passes over a request that gets no answer")
    func noAnswer() throws {
        var pipeline = RequestPipeline(maxInFlight: 10)
        pipeline.connect(Self.first)
        var effects = Effects()
        let requests = (0..<3).map { _ in pipeline.begin(on: Self.first, &effects) }
        pipeline.finish(requests[2], with: Self.answer(2), &effects)
        pipeline.finish(requests[1], with: nil, &effects)
        pipeline.finish(requests[0], with: nil, &effects)
        #expect(
            try Self.said(effects) == [.unanswered(Self.first), .unanswered(Self.first), .sent(Self.first, 2)])
        #expect(pipeline.inFlight == 0)
    }

    @Test("pauses a connection that has enough in flight, and resumes it at half", arguments: [1, 2, 5, 8])
    func pauses(maxInFlight: Int) throws {
        var pipeline = RequestPipeline(maxInFlight: maxInFlight)
        pipeline.connect(Self.first)
        var requests: [RequestID] = []
        for count in 1...maxInFlight {
            let said = try Self.said { requests.append(pipeline.begin(on: Self.first, &$0)) }
            #expect(said == (count == maxInFlight ? [.paused(Self.first)] : []))
        }
        for (number, request) in requests.enumerated() {
            let said = try Self.said { pipeline.finish(request, with: Self.answer(number), &$0) }
            let left = maxInFlight - number - 1
            let resumes = left == maxInFlight / 2
            #expect(said == [.sent(Self.first, number)] + (resumes ? [.resumed(Self.first)] : []))
        }
        // It can be paused again.
        var effects = Effects()
        for _ in 0..<maxInFlight { _ = pipeline.begin(on: Self.first, &effects) }
        #expect(try Self.said(effects) == [.paused(Self.first)])
    }

    @Test("pauses a connection whose held back answers take too much memory, until half of it is free")
    func heldBytes() throws {
        var pipeline = RequestPipeline(maxInFlight: 100, maxHeldBytes: 10_000)
        pipeline.connect(Self.first)
        var effects = Effects()
        let requests = (0..<5).map { _ in pipeline.begin(on: Self.first, &effects) }
        let large = Payload(parts: [
            .bytes(Bytes(LayoutEncoder.bigEndian(Int32(7)) + [UInt8](repeating: 0, count: 3_000)))
        ])
        for request in requests[1...3] {
            #expect(try Self.said { pipeline.finish(request, with: large, &$0) } == [])
        }
        #expect(try Self.said { pipeline.finish(requests[4], with: large, &$0) } == [.paused(Self.first)])
        let rest = try Self.said { pipeline.finish(requests[0], with: nil, &$0) }
        let sent = [Said](repeating: .sent(Self.first, 7), count: 4)
        #expect(rest == [.unanswered(Self.first)] + sent + [.resumed(Self.first)])
    }

    @Test("takes a limit below one as one")
    func limitOfOne() { #expect(RequestPipeline(maxInFlight: -3).maxInFlight == 1) }

    @Test("ignores what is finished for a connection that has ended")
    func disconnected() throws {
        var pipeline = RequestPipeline(maxInFlight: 10)
        var effects = Effects()
        pipeline.connect(Self.first)
        pipeline.connect(Self.second)
        let lost = pipeline.begin(on: Self.first, &effects)
        let kept = pipeline.begin(on: Self.second, &effects)
        pipeline.disconnect(Self.first)
        #expect(!pipeline.isConnected(Self.first) && pipeline.isConnected(Self.second))
        #expect(pipeline.connectionCount == 1 && pipeline.inFlight == 1)
        pipeline.finish(lost, with: Self.answer(1), &effects)
        pipeline.finish(kept, with: Self.answer(2), &effects)
        #expect(try Self.said(effects) == [.sent(Self.second, 2)])
    }

    @Test("ignores a connection that it does not know")
    func unknownConnection() throws {
        var pipeline = RequestPipeline(maxInFlight: 1)
        var effects = Effects()
        let request = pipeline.begin(on: Self.first, &effects)
        pipeline.finish(request, with: Self.answer(1), &effects)
        #expect(effects.all.isEmpty && pipeline.inFlight == 0 && pipeline.connectionCount == 0)
    }

    @Test("sends an answer once, even if its request is finished again")
    func finishedTwice() throws {
        var pipeline = RequestPipeline(maxInFlight: 10)
        pipeline.connect(Self.first)
        var effects = Effects()
        let request = pipeline.begin(on: Self.first, &effects)
        let next = pipeline.begin(on: Self.first, &effects)
        for _ in 0..<3 { pipeline.finish(request, with: Self.answer(0), &effects) }
        pipeline.finish(next, with: Self.answer(1), &effects)
        pipeline.finish(request, with: Self.answer(0), &effects)
        #expect(try Self.said(effects) == [.sent(Self.first, 0), .sent(Self.first, 1)])
    }

    @Test(
        "sends answers in the order of the requests, whatever order they finish in",
        arguments: Array(0..<500) as [UInt64])
    func property(seed: UInt64) throws {
        var random = SplitMix64(seed: seed)
        let maxInFlight = 1 + random.below(8)
        var pipeline = RequestPipeline(maxInFlight: maxInFlight)
        let connections = (0..<3).map { ConnectionID(UInt64($0)) }
        for connection in connections { pipeline.connect(connection) }
        var open: [(request: RequestID, number: Int)] = []
        var begun: [ConnectionID: [Int]] = [:]
        var unanswered: Set<Int> = []
        var isPaused: Set<ConnectionID> = []
        var sent: [ConnectionID: [Int]] = [:]
        for number in 0..<120 {
            var effects = Effects()
            let connection = connections[random.below(connections.count)]
            if number < 80 && !isPaused.contains(connection) && random.chance(60) {
                open.append((pipeline.begin(on: connection, &effects), number))
                begun[connection, default: []].append(number)
            } else if !open.isEmpty {
                let (request, number) = open.remove(at: random.below(open.count))
                if random.chance(20) { unanswered.insert(number) }
                let payload = unanswered.contains(number) ? nil : Self.answer(number)
                pipeline.finish(request, with: payload, &effects)
            }
            for said in try Self.said(effects) {
                switch said {
                case .sent(let connection, let number): sent[connection, default: []].append(number)
                case .paused(let connection): #expect(isPaused.insert(connection).inserted)
                case .resumed(let connection): #expect(isPaused.remove(connection) != nil)
                case .unanswered: break
                case .other: Issue.record("an effect that is not the pipeline's")
                }
            }
            for connection in connections {
                // What has been sent is a prefix of what began, without those that get no answer.
                let answered = (begun[connection] ?? []).filter { !unanswered.contains($0) }
                #expect(answered.starts(with: sent[connection] ?? []))
            }
        }
        var effects = Effects()
        for (request, number) in open { pipeline.finish(request, with: Self.answer(number), &effects) }
        for case .sent(let connection, let number) in try Self.said(effects) {
            sent[connection, default: []].append(number)
        }
        for connection in connections {
            #expect(sent[connection] ?? [] == (begun[connection] ?? []).filter { !unanswered.contains($0) })
        }
        #expect(pipeline.inFlight == 0)
    }
}
