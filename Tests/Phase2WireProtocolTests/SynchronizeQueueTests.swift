import SegmentLog
import Testing
import WireProtocol

@Suite("The synchronize queue")
struct SynchronizeQueueTests {
    private let storage = MemoryStorage()

    private func file(_ name: String) throws -> any File { try storage.open(name, creating: true) }

    private func end(_ offset: Int64) -> LogPosition {
        LogPosition(offset: Offset(offset), segment: .zero, position: offset * 100)
    }

    /// What the queue hands in, if it does.
    private func start(
        _ queue: inout SynchronizeQueue<String>
    ) throws -> (ticket: SynchronizeTicket, files: [any File])? {
        var effects = Effects()
        queue.start(&effects)
        guard let effect = effects.all.first else { return nil }
        guard case .synchronize(let ticket, let files) = effect, effects.all.count == 1 else {
            Issue.record("effects that are not one synchronize")
            return nil
        }
        return (ticket, files)
    }

    @Test("hands in nothing where nothing waits")
    func idle() throws {
        var queue = SynchronizeQueue<String>()
        #expect(try start(&queue) == nil)
        #expect(queue.isIdle && !queue.isRunning)
        #expect(queue.finish(SynchronizeTicket(0)).isEmpty)
    }

    @Test("runs one synchronize at a time, and merges what arrives meanwhile into the next")
    func merges() throws {
        var queue = SynchronizeQueue<String>()
        let (a, b, c) = (try file("a"), try file("b"), try file("c"))
        queue.add("a", file: a, end: end(1))
        #expect(!queue.isIdle && !queue.isRunning)
        let first = try #require(try start(&queue))
        #expect(first.files.count == 1 && first.files[0] === a && queue.isRunning)

        queue.add("c", file: c, end: end(7))
        #expect(try start(&queue) == nil)
        queue.add("b", file: b, end: end(5))
        queue.add("a", file: a, end: end(2))
        #expect(try start(&queue) == nil)

        // The first one makes durable what it was handed, not what came later.
        let done = queue.finish(first.ticket)
        #expect(done.map(\.key) == ["a"] && done.map(\.end) == [end(1)])
        #expect(!queue.isRunning && !queue.isIdle)

        let second = try #require(try start(&queue))
        #expect(second.ticket != first.ticket)
        #expect(second.files.map(\.path) == [c.path, b.path, a.path])
        let rest = queue.finish(second.ticket)
        #expect(rest.map(\.key) == ["c", "b", "a"] && rest.map(\.end) == [end(7), end(5), end(2)])
        #expect(queue.isIdle)
        #expect(try start(&queue) == nil)
    }

    @Test("keeps the newest end and file of each log, in the place where the log was first added")
    func newestWins() throws {
        var queue = SynchronizeQueue<String>()
        let (old, new, other) = (try file("old"), try file("new"), try file("other"))
        queue.add("a", file: old, end: end(1))
        queue.add("b", file: other, end: end(1))
        queue.add("a", file: old, end: end(2))
        queue.add("a", file: new, end: end(3))
        let started = try #require(try start(&queue))
        #expect(started.files.count == 2 && started.files[0] === new && started.files[1] === other)
        let done = queue.finish(started.ticket)
        #expect(done.map(\.key) == ["a", "b"] && done.map(\.end) == [end(3), end(1)])
        #expect(done[0].file === new)
    }

    @Test("gives nothing for a ticket that is not running, and goes on waiting for the one that is")
    func wrongTicket() throws {
        var queue = SynchronizeQueue<String>()
        queue.add("a", file: try file("a"), end: end(1))
        let started = try #require(try start(&queue))
        #expect(queue.finish(SynchronizeTicket(started.ticket.value + 1)).isEmpty)
        #expect(queue.isRunning)
        #expect(queue.finish(started.ticket).count == 1)
        #expect(queue.finish(started.ticket).isEmpty)
    }

    @Test("makes every end durable once, and none before it was handed in", arguments: Array(0..<200) as [UInt64])
    func property(seed: UInt64) throws {
        var random = SplitMix64(seed: seed)
        var queue = SynchronizeQueue<String>()
        let keys = ["a", "b", "c", "d"]
        let files = try keys.map { try file($0) }
        var ends = [String: Int64]()
        var running: (ticket: SynchronizeTicket, handedIn: [String: Int64])?
        var waiting: [String] = []
        var durable = [String: Int64]()
        for step in 0..<200 {
            if step < 150 && random.chance(50) {
                let number = random.below(keys.count)
                ends[keys[number], default: 0] += 1
                queue.add(keys[number], file: files[number], end: end(ends[keys[number], default: 0]))
                if !waiting.contains(keys[number]) { waiting.append(keys[number]) }
            } else if let (ticket, handedIn) = running {
                let done = queue.finish(ticket)
                #expect(Set(done.map(\.key)) == Set(handedIn.keys))
                for entry in done {
                    #expect(entry.end.offset.value == handedIn[entry.key])
                    durable[entry.key] = entry.end.offset.value
                }
                running = nil
            } else if let started = try start(&queue) {
                #expect(started.files.map(\.path) == waiting.map { "/" + $0 })
                running = (started.ticket, ends.filter { waiting.contains($0.key) })
                waiting = []
            }
            #expect(queue.isRunning == (running != nil))
            #expect(queue.isIdle == (running == nil && waiting.isEmpty))
        }
        #expect(durable == ends)
    }
}
