import SegmentLog
import Testing
@testable import WireProtocol

/// A client among brokers that answer, hesitate, hang up, move and talk nonsense, as a seed decides.
@Suite("A wire client among faults")
struct WireClientChaosTests {
    @Test("completes every call once, and lets go of every connection", arguments: UInt64(0)..<2_000)
    func everyCallOnce(seed: UInt64) throws {
        var random = SplitMix64(seed: seed)
        let driver = WireClientDriver(servers: 1 + random.below(3), seed: random.next()) {
            $0.maxInFlight = 1 + random.below(4)
            $0.requestTimeoutMilliseconds = Int64(20 + random.below(200))
            $0.connectionSetupTimeoutMilliseconds = Int64(20 + random.below(100))
            $0.retryBackoffMilliseconds = Int64(random.below(30))
            $0.reconnectBackoffMilliseconds = Int64(random.below(30))
            $0.reconnectBackoffMaxMilliseconds = 60
            $0.metadataMaxAgeMilliseconds = Int64(50 + random.below(500))
        }
        var calls: Set<CallID> = []
        var connected: Set<ConnectionID> = []
        var ended: Set<ConnectionID> = []
        driver.follow("t")
        for _ in 0..<120 {
            if random.chance(40) {
                let destination = random.chance(40) ? .any : WireClient.Destination.broker(Int32(random.below(4)))
                let call = driver.send(FindCoordinatorRequest(), to: destination, isAnswered: random.chance(90))
                #expect(calls.insert(call).inserted)
            }
            if random.chance(5) { driver.refresh() }
            if random.chance(5) { driver.follow("t\(random.below(3))") }
            driver.advance(milliseconds: Int64(random.below(12)), wakesAtMost: 500)
            for (id, _) in driver.opened where !ended.contains(id) {
                if driver.closed.contains(id) {
                    ended.insert(id)
                    if random.chance(80) { driver.tell(.disconnected(id)) }
                } else if random.chance(60) {
                    if try !act(on: id, driver, &connected, &random) { ended.insert(id) }
                }
            }
        }
        driver.close()
        driver.advance(milliseconds: 10_000)
        #expect(Set(driver.results.keys) == calls)
        #expect(driver.results.values.allSatisfy { $0.count == 1 })
        let open = Set(driver.opened.map(\.id)).subtracting(ended)
        #expect(open.isSubset(of: Set(driver.closed)))
    }

    /// Has the broker do something on a connection; false where that was its end.
    private func act(
        on id: ConnectionID, _ driver: WireClientDriver, _ connected: inout Set<ConnectionID>,
        _ random: inout SplitMix64
    ) throws -> Bool {
        if !connected.contains(id) {
            guard random.chance(70) else {
                driver.tell(.failedToOpen(id, SystemError("connect", 111)))
                return false
            }
            connected.insert(id)
            driver.tell(.opened(id))
            return true
        }
        if random.chance(5) {
            driver.tell(.disconnected(id))
            return false
        }
        if random.chance(3) {
            driver.tell(.received(id, Bytes((0..<random.below(30)).map { _ in UInt8(random.below(256)) })))
            return true
        }
        guard let asked = driver.asked[id]?.first else { return true }
        switch asked.api {
        case .apiVersions: try driver.answer(on: id, driver.offer(random.chance(10) ? [.metadata: -1...(-1)] : [:]))
        case .metadata:
            let topics = ["t", "t0", "t1", "t2"].prefix(random.below(5)).map {
                ($0, Int32(random.below(4)) - 1, Int32(random.below(9)))
            }
            try driver.answer(
                on: id,
                WireClientDriver.metadata(brokers: random.below(4), port: 9092 + Int32(random.below(2)), topics: topics)
            )
        default: try driver.answer(on: id, FindCoordinatorResponse())
        }
        return true
    }
}
