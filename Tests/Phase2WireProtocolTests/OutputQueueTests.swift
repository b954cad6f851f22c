#if canImport(Darwin)
    import Darwin
#else
    import Glibc
#endif
import SegmentLog
import Testing

@testable import WireProtocol

@Suite("The output queue")
struct OutputQueueTests {
    /// Two ends of a connection that do not wait; closed when the test is done.
    private final class Pair {
        private(set) var ends: [Int32] = [-1, -1]

        init() throws {
            #if canImport(Darwin)
                try #require(socketpair(AF_UNIX, SOCK_STREAM, 0, &ends) == 0)
            #else
                try #require(socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0, &ends) == 0)
            #endif
            for end in ends { _ = fcntl(end, F_SETFL, O_NONBLOCK) }
        }

        deinit { for end in ends { close(end) } }

        /// Everything that has arrived at the second end.
        func drain() -> [UInt8] {
            var all: [UInt8] = []
            var buffer = [UInt8](repeating: 0, count: 1 << 14)
            while true {
                let count = read(ends[1], &buffer, buffer.count)
                guard count > 0 else { return all }
                all += buffer[0..<count]
            }
        }
    }

    private static func file(_ contents: [UInt8]) throws -> any File {
        let file = try MemoryStorage().open("a", creating: true)
        try file.append(Bytes(contents), at: 0)
        return file
    }

    @Test("sends everything in order, however little the socket takes at once", arguments: Array(0..<50) as [UInt64])
    func order(seed: UInt64) throws {
        var random = SplitMix64(seed: seed)
        let pair = try Pair()
        var queue = OutputQueue()
        var expected: [UInt8] = []
        var received: [UInt8] = []
        for _ in 0..<60 {
            let contents = (0..<random.below(random.chance(10) ? 40_000 : 300)).map { UInt8(truncatingIfNeeded: $0) }
            let first = random.below(contents.count + 1)
            let range = FileRange(file: try Self.file(contents), position: Int64(first), count: contents.count - first)
            queue.append(Payload(parts: [.bytes(Bytes(contents[..<first])), .file(range), .bytes([7, 7])]))
            expected += contents + [7, 7]
            _ = queue.send(to: pair.ends[0], budget: 1 + random.below(5_000))
            if random.chance(30) { received += pair.drain() }
            #expect(queue.count <= expected.count - received.count)
        }
        while !queue.isEmpty {
            if case .disconnected = queue.send(to: pair.ends[0], budget: 1 << 20) {
                Issue.record("sending failed")
                break
            }
            received += pair.drain()
        }
        received += pair.drain()
        #expect(received == expected && queue.count == 0)
    }

    @Test("sends small pieces among large ones in order, frames behind their length", arguments: [1, 2, 3] as [UInt64])
    func smallPieces(seed: UInt64) throws {
        var random = SplitMix64(seed: seed)
        let pair = try Pair()
        var queue = OutputQueue()
        var expected: [UInt8] = []
        var received: [UInt8] = []
        for number in 0..<3_000 {
            let count = random.chance(5) ? 1_000 + random.below(9_000) : random.below(200)
            let bytes = Bytes([UInt8](repeating: UInt8(truncatingIfNeeded: number), count: count))
            let isFramed = random.chance(50)
            let payload = Payload(parts: [.bytes(bytes)])
            queue.append(isFramed ? payload.framed() : payload)
            if isFramed { expected += (0..<4).map { UInt8(truncatingIfNeeded: count >> (24 - 8 * $0)) } }
            expected += bytes.array
            // The socket takes some of what waits: what comes next goes behind a piece that is half sent.
            if random.chance(10) { _ = queue.send(to: pair.ends[0], budget: 1 << 20) }
            if random.chance(5) { received += pair.drain() }
            #expect(queue.count <= expected.count - received.count)
        }
        while !queue.isEmpty {
            if case .disconnected = queue.send(to: pair.ends[0], budget: 1 << 20) {
                Issue.record("sending failed")
                break
            }
            received += pair.drain()
        }
        received += pair.drain()
        #expect(received == expected && queue.count == 0)
    }

    @Test("fails when a file has become shorter than the part that was to be sent")
    func shortFile() throws {
        let pair = try Pair()
        let file = try Self.file([UInt8](repeating: 1, count: 100))
        var queue = OutputQueue()
        queue.append(Payload(parts: [.file(FileRange(file: file, position: 50, count: 50))]))
        try file.truncate(to: 70)
        guard case .cutShort(let path) = queue.send(to: pair.ends[0], budget: 1 << 20) else {
            Issue.record("a frame was left incomplete without a word")
            return
        }
        #expect(path == "/a")
        #expect(pair.drain().count == 20)
    }

    @Test("stops at its budget, so that others get their turn")
    func budget() throws {
        let pair = try Pair()
        let file = try Self.file([UInt8](repeating: 1, count: 1000))
        var queue = OutputQueue()
        queue.append(Payload(parts: [.file(FileRange(file: file, position: 0, count: 1000))]))
        guard case .more = queue.send(to: pair.ends[0], budget: 300) else {
            Issue.record("the budget was not kept")
            return
        }
        #expect(pair.drain().count == 300 && queue.count == 700)
    }

    @Test("keeps no trace of what it has sent, even if it is never empty")
    func compacts() throws {
        let pair = try Pair()
        let range = FileRange(file: try Self.file([UInt8](repeating: 1, count: 10)), position: 0, count: 10)
        var queue = OutputQueue()
        queue.append(Payload(parts: [.file(range), .file(range)]))
        for _ in 0..<3_000 {
            queue.append(Payload(parts: [.file(range)]))
            _ = queue.send(to: pair.ends[0], budget: 10)
            #expect(pair.drain().count == 10)
        }
        #expect(queue.count == 20)
        #expect(try Self.held("parts", by: queue) < 1_000)
    }

    @Test("keeps no trace of the small pieces that it has sent, even if it is never empty")
    func compactsSmallPieces() throws {
        let pair = try Pair()
        let byte = FileRange(file: try Self.file([255]), position: 0, count: 1)
        var queue = OutputQueue()
        queue.append(Payload(parts: [.file(byte)]))
        for number in 0..<3_000 {
            let small = [UInt8](repeating: UInt8(number % 251), count: 900)
            queue.append(Payload(parts: [.bytes(Bytes(small)), .file(byte)]))
            for _ in 0..<2 { _ = queue.send(to: pair.ends[0], budget: 1) }
            #expect(pair.drain() == [255] + small && queue.count == 1)
        }
        #expect(try Self.held("copied", by: queue) < 64 << 10)
    }

    /// How many elements the list of this name has.
    private static func held(_ list: String, by queue: OutputQueue) throws -> Int {
        let list = try #require(Mirror(reflecting: queue).children.first { $0.label == list })
        return Mirror(reflecting: list.value).children.count
    }
}
