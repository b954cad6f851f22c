#if canImport(Darwin)
    import Darwin
#else
    import Glibc
#endif
import WireProtocol

/// Standard input.
enum Input {
    /// What comes next, as soon as there is something; nil at the end.
    static func chunk() async throws -> [UInt8]? {
        let result = await withCheckedContinuation {
            (continuation: CheckedContinuation<Result<[UInt8], any Error>, _>) in
            // A thread of its own: a read may wait for ever, and tasks have few threads to share.
            do {
                try startThread { continuation.resume(returning: Result { try read() }) }
            } catch {
                continuation.resume(returning: .failure(error))
            }
        }
        let bytes = try result.get()
        return bytes.isEmpty ? nil : bytes
    }

    private static func read() throws -> [UInt8] {
        var count = -1
        let bytes = unsafe [UInt8](unsafeUninitializedCapacity: 256 << 10) { buffer, used in
            repeat {
                count = unsafe systemRead(STDIN_FILENO, buffer.baseAddress, buffer.count)
            } while count < 0 && errno == EINTR
            used = max(0, count)
        }
        if count < 0 { throw CommandFailure("standard input cannot be read: error \(errno)") }
        return bytes
    }
}

private func systemRead(_ descriptor: Int32, _ start: UnsafeMutableRawPointer?, _ count: Int) -> Int {
    unsafe read(descriptor, start, count)
}

/// Cuts what comes in pieces into records.
struct RecordSplitter {
    let terminator: [UInt8]
    private var rest: [UInt8] = []
    /// Before this position of the rest there is no end of a record.
    private var searched = 0

    init(terminator: [UInt8]) { self.terminator = terminator }

    /// How many bytes of a record are there that has no end yet.
    var restCount: Int { rest.count }

    /// The records that end in what is there with these bytes, without their ends.
    mutating func split(_ bytes: [UInt8]) -> [ArraySlice<UInt8>] {
        rest += bytes
        var records: [ArraySlice<UInt8>] = []
        var start = 0
        while let end = rest[max(start, searched)...].firstIndex(of: terminator) {
            records.append(rest[start..<end])
            start = end + terminator.count
        }
        rest.removeFirst(start)
        searched = max(0, rest.count - terminator.count + 1)
        return records
    }

    /// What has no end; nil for nothing.
    func last() -> ArraySlice<UInt8>? { rest.isEmpty ? nil : rest[...] }
}
