import SegmentLog
import Testing
import WireProtocol

@Suite("Delayed operations")
struct DelayedOperationsTests {
    private typealias Operations = DelayedOperations<String, Int>

    private static func at(_ nanoseconds: Int64) -> Instant { Instant(nanoseconds: nanoseconds) }

    @Test("wait for any of their keys, and leave all of them at once")
    func severalKeys() {
        var operations = Operations()
        let first = operations.add(1, watching: ["a", "b"], until: Self.at(10))
        let second = operations.add(2, watching: ["b", "c"], until: Self.at(10))
        #expect(operations.watching("a") == [first])
        #expect(operations.watching("b") == [first, second])
        #expect(operations.watching("c") == [second])
        #expect(operations.watching("d") == [])
        #expect(operations.remove(first) == 1)
        #expect(operations.remove(first) == nil)
        #expect(operations.watching("a") == [] && operations.watching("b") == [second])
        #expect(operations.count == 1 && operations[first] == nil && operations[second] == 2)
    }

    @Test("can be changed while they wait, and not afterwards")
    func change() {
        var operations = Operations()
        let id = operations.add(1, watching: ["a"], until: Self.at(10))
        operations[id] = 5
        #expect(operations.remove(id) == 5)
        operations[id] = 6
        #expect(operations[id] == nil && operations.count == 0)
    }

    @Test("expire in the order of their deadlines, and of their arrival where these are equal")
    func order() {
        var operations = Operations()
        for (number, deadline) in [30, 10, 20, 10, 30, 20, 10].enumerated() {
            _ = operations.add(number, watching: ["a"], until: Self.at(Int64(deadline)))
        }
        #expect(operations.removeExpired(at: Self.at(9)) == nil)
        var expired: [Int] = []
        while let operation = operations.removeExpired(at: Self.at(30)) { expired.append(operation) }
        #expect(expired == [1, 3, 6, 2, 5, 0, 4])
        #expect(operations.nextDeadline() == nil && operations.watching("a") == [])
    }

    @Test("tell the earliest deadline of those that still wait")
    func nextDeadline() {
        var operations = Operations()
        #expect(operations.nextDeadline() == nil)
        let late = operations.add(1, watching: [], until: Self.at(20))
        let early = operations.add(2, watching: [], until: Self.at(10))
        #expect(operations.nextDeadline() == Self.at(10))
        _ = operations.remove(early)
        #expect(operations.nextDeadline() == Self.at(20))
        #expect(operations.removeExpired(at: Self.at(19)) == nil)
        _ = operations.remove(late)
        #expect(operations.nextDeadline() == nil)
        #expect(operations.removeExpired(at: Self.at(100)) == nil)
    }

    @Test("are all given back in order of arrival when nobody wants them any more")
    func cancel() {
        var operations = Operations()
        for number in 0..<50 {
            _ = operations.add(number, watching: ["a"], until: Self.at(Int64(100 - number)))
        }
        _ = operations.remove(7)
        #expect(operations.removeAll() == (0..<50).filter { $0 != 7 })
        #expect(operations.count == 0 && operations.nextDeadline() == nil && operations.removeAll() == [])
    }

    @Test("are let go of as soon as they have left")
    func releases() {
        final class Waiter: Sendable {}
        var operations = DelayedOperations<Int, Waiter>()
        weak var completed: Waiter?
        weak var expired: Waiter?
        do {
            let (one, other) = (Waiter(), Waiter())
            (completed, expired) = (one, other)
            _ = operations.add(one, watching: [1, 2], until: Self.at(20))
            _ = operations.add(other, watching: [1, 2], until: Self.at(10))
        }
        #expect(completed != nil && expired != nil)
        _ = operations.remove(0)
        #expect(completed == nil)
        _ = operations.removeExpired(at: Self.at(10))
        #expect(expired == nil)
    }

    @Test("leave nothing behind: neither keys nor deadlines grow with what has left")
    func givesMemoryBack() throws {
        var operations = Operations()
        for number in 0..<5_000 {
            let deadline = Self.at(Int64(1_000_000 - number % 7))
            let id = operations.add(number, watching: ["p\(number)", "q"], until: deadline)
            #expect(operations.remove(id) == number)
        }
        #expect(try Self.elementCount(of: "watchers", in: operations) == 0)
        #expect(try Self.elementCount(of: "waiting", in: operations) == 0)
        #expect(try Self.elementCount(of: "deadlines", in: operations) <= 32)
    }

    /// How many elements a collection holds that cannot be seen from outside.
    private static func elementCount(of name: String, in operations: Operations) throws -> Int {
        let child = try #require(Mirror(reflecting: operations).children.first { $0.label == name })
        return Mirror(reflecting: child.value).children.count
    }

    /// An operation of the plain model.
    private struct Modelled {
        var id: UInt64
        var number: Int
        var keys: [String]
        var deadline: Instant
    }

    @Test("leave exactly once, each in its turn, as in a plain model", arguments: Array(0..<500) as [UInt64])
    func property(seed: UInt64) {
        var random = SplitMix64(seed: seed)
        let keys = ["a", "b", "c", "d", "e"]
        var operations = Operations()
        var model: [Modelled] = []
        var left: [Int] = []
        var added = 0
        var now = Self.at(0)
        for _ in 0..<150 {
            switch random.below(10) {
            case 0..<5:
                let watched = keys.filter { _ in random.chance(40) }
                let deadline = Self.at(now.nanoseconds + Int64(random.below(40)))
                let id = operations.add(added, watching: watched, until: deadline)
                model.append(Modelled(id: id, number: added, keys: watched, deadline: deadline))
                added += 1
            case 5..<8:
                // Any number: waiting, gone, or never given out.
                let id = UInt64(random.below(added + 2))
                let expected = model.firstIndex { $0.id == id }.map { model.remove(at: $0).number }
                #expect(operations[id] == expected)
                let removed = operations.remove(id)
                #expect(removed == expected)
                if let removed { left.append(removed) }
            default:
                now = Self.at(now.nanoseconds + Int64(random.below(15)))
                let due = model.filter { $0.deadline <= now }.sorted { ($0.deadline, $0.id) < ($1.deadline, $1.id) }
                var expired: [Int] = []
                while let operation = operations.removeExpired(at: now) { expired.append(operation) }
                #expect(expired == due.map(\.number))
                left += expired
                model.removeAll { $0.deadline <= now }
            }
            #expect(operations.count == model.count)
            #expect(operations.nextDeadline() == model.map(\.deadline).min())
            for key in keys {
                #expect(operations.watching(key) == model.filter { $0.keys.contains(key) }.map(\.id))
            }
        }
        let rest = operations.removeAll()
        #expect(rest == model.map(\.number))
        #expect((left + rest).sorted() == Array(0..<added))
    }

    @Test("finds every operation of a key that thousands wait for, whichever of them leave")
    func manyWatchers() {
        var random = SplitMix64(seed: 5)
        var operations = DelayedOperations<Int, Int>()
        var alive: [UInt64] = []
        for number in 0..<5000 { alive.append(operations.add(number, watching: [1], until: Self.at(Int64(number)))) }
        while !alive.isEmpty {
            _ = operations.remove(alive.remove(at: random.below(alive.count)))
            let watching = operations.watching(1)
            // Some that have left may still be listed, but never more than those that have not.
            #expect(watching.count <= max(32, alive.count * 2))
            if alive.count % 100 == 0 {
                let found = watching.filter { operations[$0] != nil }
                #expect(found == alive)
            }
        }
        #expect(operations.watching(1).isEmpty)
    }
}
