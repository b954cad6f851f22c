import SegmentLog
import Testing
@testable import WireProtocol

@Suite("Calls of a wire client")
struct WireClientCallTests {
    private let request = FindCoordinatorRequest()
    private let answer = FindCoordinatorResponse()

    @Test("connect when there is something to send, and are sent once the broker has said what it speaks")
    func firstCall() throws {
        let driver = WireClientDriver()
        driver.advance(milliseconds: 1_000_000)
        #expect(driver.opened.isEmpty)
        let call = driver.send(request)
        #expect(driver.opened.map(\.address.description) == ["boot1:9092"])
        #expect(driver.asked.isEmpty)
        driver.tell(.opened(driver.last))
        #expect(driver.asked[driver.last]?.map(\.api) == [.apiVersions])
        try driver.answer(driver.offer())
        #expect(driver.asked[driver.last]?.map(\.api) == [.findCoordinator])
        try driver.answer(answer)
        #expect(try driver.result(of: call)?.get().decoded(as: FindCoordinatorResponse.self) == answer)
    }

    @Test(
        "use the greatest version that both sides speak",
        arguments: [(0...2, 2), (1...1, 1), (0...999, nil)] as [(ClosedRange<Int16>, Int16?)])
    func commonVersion(theirs: ClosedRange<Int16>, expected: Int16?) throws {
        let driver = WireClientDriver()
        driver.send(request)
        try driver.accept(speaking: [.findCoordinator: theirs])
        let version = driver.asked[driver.last]?.first?.header.apiVersion
        #expect(version == expected ?? ApiKey.findCoordinator.versions.upperBound)
    }

    @Test(
        "fail where the broker serves no version of the API that the client knows",
        arguments: [-1...(-1), 900...999] as [ClosedRange<Int16>])
    func noCommonVersion(theirs: ClosedRange<Int16>) throws {
        let driver = WireClientDriver()
        let call = driver.send(request)
        try driver.accept(speaking: [.findCoordinator: theirs])
        #expect(driver.result(of: call)?.error == .unsupportedVersion(.findCoordinator))
        #expect(driver.closed.isEmpty)
    }

    @Test(
        "go on with an older broker, which answers ApiVersions in version 0 (KIP-511)",
        arguments: [(0...2, 2), (0...0, 0), (-1...(-1), 0)] as [(ClosedRange<Int16>, Int16)])
    func olderBroker(known: ClosedRange<Int16>, asked: Int16) throws {
        let driver = WireClientDriver()
        let call = driver.send(request)
        driver.tell(.opened(driver.last))
        #expect(driver.asked[driver.last]?.first?.header.apiVersion == ApiKey.apiVersions.versions.upperBound)
        var refusal = driver.offer([.apiVersions: known])
        refusal.errorCode = .unsupportedVersion
        try driver.answer(refusal, version: 0)
        #expect(driver.asked[driver.last]?.first?.header.apiVersion == asked)
        try driver.answer(driver.offer())
        try driver.answer(answer)
        #expect(driver.result(of: call)?.error == nil)
    }

    @Test("end with a broker that knows no version of ApiVersions, instead of asking without end")
    func noApiVersions() throws {
        let driver = WireClientDriver()
        let call = driver.send(request)
        driver.tell(.opened(driver.last))
        var refusal = ApiVersionsResponse()
        refusal.errorCode = .unsupportedVersion
        var count = 0
        while driver.asked[driver.last]?.isEmpty == false, count < 10 {
            try driver.answer(refusal, version: 0)
            count += 1
        }
        #expect(count < 10)
        #expect(driver.closed == [driver.last])
        #expect(driver.result(of: call)?.error?.isRetriable == true)
    }

    @Test("fail with the connection where an answer has the wrong correlation id; those behind may be repeated")
    func wrongCorrelation() throws {
        let driver = WireClientDriver()
        let calls = [driver.send(request), driver.send(request)]
        try driver.accept()
        let wrong = try answer.responseFrame(version: 4, correlationID: 77).bytes().dropFirst(4)
        driver.tell(.received(driver.last, wrong))
        #expect(driver.closed == [driver.last])
        #expect(driver.result(of: calls[0])?.error?.isRetriable == false)
        #expect(driver.result(of: calls[1])?.error?.isRetriable == true)
    }

    @Test("are not confused by an answer that nobody asked for: the connection ends")
    func answerWithoutRequest() throws {
        let driver = WireClientDriver()
        driver.send(request)
        try driver.accept()
        try driver.answer(answer)
        driver.tell(.received(driver.last, try answer.responseFrame(version: 4, correlationID: 2).bytes().dropFirst(4)))
        #expect(driver.closed == [driver.last])
    }

    @Test("keep as many in flight as allowed, and match answers in order")
    func inFlight() throws {
        let driver = WireClientDriver { $0.maxInFlight = 3 }
        let calls = (0..<7).map { _ in driver.send(request) }
        try driver.accept()
        for (number, call) in calls.enumerated() {
            #expect(driver.asked[driver.last]?.count == min(3, calls.count - number))
            var body = answer
            body.throttleTimeMilliseconds = Int32(number)
            try driver.answer(body)
            let known = try driver.result(of: call)?.get().decoded(as: FindCoordinatorResponse.self)
            #expect(known?.throttleTimeMilliseconds == Int32(number))
        }
        #expect(driver.results.values.allSatisfy { $0.count == 1 })
    }

    @Test("without an answer are done once they are sent")
    func withoutAnswer() throws {
        let driver = WireClientDriver()
        let call = driver.send(ProduceRequest(), isAnswered: false)
        #expect(driver.result(of: call) == nil)
        try driver.accept()
        #expect(try driver.result(of: call)?.get().body.count == 0)
        let next = driver.send(request)
        // Its correlation id is the next but one: the produce has used one.
        let waiting = try #require(driver.asked[driver.last])
        #expect(waiting.map(\.header.correlationID) == [1, 2])
        let frame = try answer.responseFrame(version: waiting[1].header.apiVersion, correlationID: 2)
        driver.tell(.received(driver.last, try frame.bytes().dropFirst(4)))
        #expect(driver.result(of: next)?.error == nil)
    }

    @Test("that get no answer in time take their connection with them; only they have timed out")
    func requestTimeout() throws {
        let driver = WireClientDriver()
        let late = driver.send(request, timeout: 500)
        let other = driver.send(request, timeout: 10_000)
        try driver.accept()
        driver.advance(milliseconds: 499)
        #expect(driver.results.isEmpty)
        driver.advance(milliseconds: 1)
        #expect(driver.closed == [driver.last])
        #expect(driver.result(of: late)?.error == .timedOut(what: "findCoordinator at boot1:9092", milliseconds: 500))
        guard case .disconnected? = driver.result(of: other)?.error else {
            Issue.record("\(String(describing: driver.result(of: other)))")
            return
        }
    }

    @Test("that were not sent in time leave the connection alone")
    func timeoutInTheQueue() throws {
        let driver = WireClientDriver { $0.maxInFlight = 1 }
        let sent = driver.send(request)
        let queued = driver.send(request, timeout: 500)
        try driver.accept()
        driver.advance(milliseconds: 500)
        #expect(driver.closed.isEmpty)
        #expect(driver.result(of: queued)?.error?.isRetriable == true)
        #expect(driver.result(of: sent) == nil)
    }

    @Test("fail where connecting, or asking for versions, takes too long", arguments: [false, true])
    func setupTimeout(isOpened: Bool) {
        let driver = WireClientDriver { $0.connectionSetupTimeoutMilliseconds = 700 }
        let call = driver.send(request)
        driver.advance(milliseconds: 100)
        if isOpened { driver.tell(.opened(driver.last)) }
        driver.advance(milliseconds: 599)
        #expect(driver.result(of: call) == nil)
        driver.advance(milliseconds: 1)
        #expect(driver.closed == [driver.last])
        #expect(driver.result(of: call)?.error?.isRetriable == true)
    }

    @Test("never trap on a broker's bytes, whatever they are", arguments: UInt64(0)..<300)
    func garbage(seed: UInt64) throws {
        var random = SplitMix64(seed: seed)
        let driver = WireClientDriver(seed: seed)
        let calls = [driver.send(request), driver.send(request)]
        driver.follow("t")
        driver.tell(.opened(driver.last))
        for _ in 0..<20 where driver.closed.isEmpty {
            guard let next = driver.asked[driver.last]?.first else { break }
            var bytes = (0..<random.below(40)).map { _ in UInt8(truncatingIfNeeded: random.next()) }
            // Most have the right correlation id, so that their bodies are looked at.
            if random.chance(80), bytes.count >= 4 {
                for place in 0..<4 {
                    bytes[place] = UInt8(truncatingIfNeeded: next.header.correlationID >> (8 * (3 - place)))
                }
            }
            if random.chance(30), next.api == .apiVersions {
                try driver.answer(driver.offer())
            } else {
                driver.tell(.received(driver.last, Bytes(bytes)))
                driver.advance(milliseconds: 1)
            }
        }
        driver.close()
        #expect(calls.allSatisfy { driver.results[$0]?.count == 1 })
    }

    @Test("all fail when the client closes, once")
    func closing() throws {
        let driver = WireClientDriver { $0.maxInFlight = 1 }
        driver.follow("t")
        let calls = (0..<3).map { _ in driver.send(request) } + [driver.send(request, to: .broker(7))]
        try driver.accept()
        driver.close()
        driver.tell(.disconnected(driver.last))
        driver.advance(milliseconds: 1_000_000)
        #expect(driver.closed == [driver.last])
        #expect(driver.opened.count == 1)
        #expect(calls.prefix(3).allSatisfy { driver.result(of: $0)?.error == .closed })
        #expect(driver.results.count == 4)
        #expect(driver.results.values.allSatisfy { $0.count == 1 })
    }
}
