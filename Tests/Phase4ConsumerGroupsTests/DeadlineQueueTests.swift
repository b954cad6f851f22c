import ConsumerGroups
import SegmentLog
import Testing
import WireProtocol

@Suite("A queue of deadlines")
struct DeadlineQueueTests {
    private func at(_ milliseconds: Int64) -> Instant { Instant(nanoseconds: 0).advanced(byMilliseconds: milliseconds) }

    @Test("gives keys in the order of their times, and of their arrival where these are equal, and none too early")
    func order() {
        var queue = DeadlineQueue<String>()
        for (key, time) in [("c", 30), ("a", 10), ("b1", 20), ("b2", 20)] as [(String, Int64)] {
            queue.add(key, at: at(time))
        }
        #expect(queue.next == at(10) && queue.count == 4)
        #expect(queue.removeExpired(at: at(9)) == nil)
        #expect(queue.removeExpired(at: at(20)) == "a")
        #expect(queue.removeExpired(at: at(20)) == "b1")
        #expect(queue.removeExpired(at: at(20)) == "b2")
        #expect(queue.removeExpired(at: at(20)) == nil)
        #expect(queue.next == at(30))
    }

    @Test("keeps the earlier of two times of a key, and gives it once")
    func earlier() {
        var queue = DeadlineQueue<String>()
        queue.add("a", at: at(20))
        queue.add("a", at: at(10))
        queue.add("a", at: at(15))
        #expect(queue.removeExpired(at: at(30)) == "a")
        #expect(queue.removeExpired(at: at(30)) == nil)
        #expect(queue.count == 0)
        queue.add("a", at: at(40))
        #expect(queue.removeExpired(at: at(40)) == "a")
    }

    @Test("gives what a sorted list gives", arguments: 0..<100 as Range<UInt64>)
    func model(seed: UInt64) {
        var random = SplitMix64(seed: seed)
        var queue = DeadlineQueue<Int>()
        var times: [Int: Int64] = [:]
        var now: Int64 = 0
        for _ in 0..<300 {
            if Bool.random(using: &random) {
                let key = Int.random(in: 0..<20, using: &random)
                let time = now + Int64.random(in: 0..<50, using: &random)
                times[key] = min(times[key] ?? time, time)
                queue.add(key, at: at(time))
            } else {
                now += Int64.random(in: 0..<10, using: &random)
                while let key = queue.removeExpired(at: at(now)) {
                    #expect(times[key] == times.values.min())
                    times[key] = nil
                }
                #expect(times.values.allSatisfy { $0 > now })
            }
        }
        #expect(queue.count == times.count)
    }
}
