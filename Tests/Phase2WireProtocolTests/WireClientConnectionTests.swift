import SegmentLog
import Testing
@testable import WireProtocol

@Suite("Connections of a wire client")
struct WireClientConnectionTests {
    private let request = FindCoordinatorRequest()

    @Test(
        "are tried again after a wait that grows, by a fifth more or less, and begins anew", arguments: UInt64(0)..<50)
    func backoff(seed: UInt64) {
        var random = SplitMix64(seed: seed)
        var backoff = Backoff(first: 100, longest: 1_000)
        for expected in [100, 200, 400, 800, 1_000, 1_000] as [Int64] {
            #expect((expected * 4 / 5...expected * 6 / 5).contains(backoff.failed(&random)))
        }
        backoff.succeeded()
        #expect((80...120).contains(backoff.failed(&random)))
        for _ in 0..<100 { #expect((80...1_200).contains(backoff.failed(&random))) }
    }

    @Test(
        "take every setting of the wait",
        arguments: [(0, 0), (.max, .max), (-5, -50), (.min, .max), (1, .max)] as [(Int64, Int64)])
    func extremes(first: Int64, longest: Int64) {
        var random = SplitMix64(seed: 1)
        var backoff = Backoff(first: first, longest: longest)
        for _ in 0..<100 { #expect(backoff.failed(&random) >= 0) }
    }

    @Test("that are refused are not tried more often than the wait allows, and at once after a success")
    func reconnecting() throws {
        let driver = WireClientDriver {
            $0.reconnectBackoffMilliseconds = 100
            $0.reconnectBackoffMaxMilliseconds = 400
        }
        for least in [80, 160, 320, 320] as [Int64] {
            driver.send(request)
            let attempts = driver.opened.count
            driver.tell(.failedToOpen(driver.last, SystemError("connect", 111)))
            driver.send(request)
            driver.advance(milliseconds: least - 1)
            #expect(driver.opened.count == attempts)
            driver.advance(milliseconds: 170)
            #expect(driver.opened.count == attempts + 1)
        }
        try driver.accept()
        driver.tell(.disconnected(driver.last))
        driver.send(request)
        let attempts = driver.opened.count
        driver.advance(milliseconds: 121)
        #expect(driver.opened.count == attempts + 1)
    }

    @Test("that end while nothing is asked are made again at once")
    func idle() throws {
        let driver = WireClientDriver()
        driver.send(request)
        try driver.accept()
        try driver.answer(FindCoordinatorResponse())
        driver.tell(.disconnected(driver.last))
        driver.send(request)
        #expect(driver.opened.count == 2)
    }

    @Test("are tried with one bootstrap server after another")
    func bootstrapInTurn() {
        let driver = WireClientDriver(servers: 3)
        for _ in 0..<3 {
            driver.send(request)
            driver.tell(.failedToOpen(driver.last, SystemError("connect", 111)))
        }
        #expect(Set(driver.opened.map(\.address.host)) == ["boot1", "boot2", "boot3"])
    }

    @Test("go back to the bootstrap servers when no known broker can be reached")
    func backToBootstrap() throws {
        let driver = WireClientDriver()
        try driver.start(brokers: 2)
        for _ in 0..<10 {
            driver.send(request)
            driver.tell(.failedToOpen(driver.last, SystemError("connect", 111)))
        }
        #expect(Set(driver.opened.dropFirst().map(\.address.host)) == ["b0", "b1", "boot1"])
    }

    @Test("that are ready and have the least to do take what any broker may answer")
    func leastLoaded() throws {
        let driver = WireClientDriver()
        try driver.start(brokers: 3)
        driver.send(request, to: .broker(0))
        let busy = driver.last
        try driver.accept()
        driver.send(request, to: .broker(1))
        let free = driver.last
        try driver.accept()
        try driver.answer(FindCoordinatorResponse())
        let connections = driver.opened.count
        driver.send(request)
        #expect(driver.asked[free]?.count == 1)
        driver.send(request, to: .broker(1))
        driver.send(request)
        #expect(driver.asked[busy]?.count == 2)
        #expect(driver.opened.count == connections)
    }

    @Test("to a broker that has moved or is gone end, and what was asked there fails", arguments: [true, false])
    func movedOrGone(isMoved: Bool) throws {
        let driver = WireClientDriver()
        try driver.start(brokers: 2)
        let call = driver.send(request, to: .broker(1))
        let old = driver.last
        try driver.accept()
        let other = driver.send(request, to: .broker(0))
        let staying = driver.last
        try driver.accept()
        try driver.answer(FindCoordinatorResponse())
        driver.advance(milliseconds: 1_000)
        driver.refresh()
        var known = WireClientDriver.metadata(brokers: isMoved ? 2 : 1)
        if isMoved { known.brokers[1].port = 9_999 }
        try driver.answer(on: staying, known)
        #expect(driver.closed.contains(old))
        #expect(!driver.closed.contains(staying))
        #expect(driver.result(of: call)?.error?.isRetriable == true)
        #expect(driver.result(of: other)?.error == nil)
        let again = driver.send(request, to: .broker(1))
        #expect((driver.opened.last?.address.port == 9_999) == isMoved)
        #expect((driver.result(of: again)?.error?.isRetriable == true) == !isMoved)
    }

    /// Ways in which a broker is of no use.
    enum Uselessness: CaseIterable {
        case silent, refusing, closing, talkingNonsense, withoutMetadata, withoutTopic, withoutLeader
    }

    @Test("wake the reactor a bounded number of times, whatever is wrong", arguments: Uselessness.allCases, [100, 0])
    func noBusyLoop(uselessness: Uselessness, retryBackoff: Int64) throws {
        let driver = WireClientDriver(servers: 2) { $0.retryBackoffMilliseconds = retryBackoff }
        driver.follow("t")
        // A minute, in steps of a tenth of a second in which the broker does its worst once.
        for _ in 0..<600 {
            let before = driver.wakes
            driver.advance(milliseconds: 100, wakesAtMost: 300)
            try #require(driver.wakes - before <= 200, "it spins")
            guard let id = driver.opened.last?.id, !driver.closed.contains(id) else { continue }
            switch uselessness {
            case .silent: break
            case .refusing: driver.tell(.failedToOpen(id, SystemError("connect", 111)))
            case .closing: driver.tell(.disconnected(id))
            case .talkingNonsense:
                driver.tell(.opened(id))
                driver.tell(.received(id, [1, 2, 3]))
            case .withoutMetadata, .withoutTopic, .withoutLeader:
                if driver.asked[id] == nil { driver.tell(.opened(id)) }
                guard let asked = driver.asked[id]?.first else { continue }
                if asked.api == .apiVersions {
                    try driver.answer(
                        on: id, driver.offer(uselessness == .withoutMetadata ? [.metadata: -1...(-1)] : [:]))
                } else {
                    let topics = uselessness == .withoutLeader ? [("t", -1, 0)] : [] as [(String, Int32, Int32)]
                    try driver.answer(on: id, WireClientDriver.metadata(topics: topics))
                }
            }
        }
    }
}
