#if canImport(Darwin)
    import Darwin
#else
    import Glibc
#endif
import SegmentLog
import WireProtocol

/// The system calls alone: what the broker is measured against.
enum Bare {
    /// write(2) and fdatasync(2) of each chunk, one after the other, into a new file.
    static func writeAndSynchronize(_ chunk: Bytes, count: Int, in storage: FileStorage) throws -> Seconds {
        let file = try storage.open("bare", creating: true)
        try file.truncate(to: 0)
        let elapsed = try measure {
            for index in 0..<count {
                try file.append([chunk], at: Int64(index * chunk.count))
                try file.synchronize()
            }
        }
        try storage.remove("bare")
        return elapsed
    }

    /// sendfile(2) of a file to a loopback socket whose other end discards what it reads.
    static func sendFile(_ file: any File, chunk: Int) throws -> Seconds {
        let total = Int(try file.size())
        let listeners = try Listeners(bindingTo: [SocketAddress(host: "127.0.0.1", port: 0)])
        let reader = try BlockingConnection(to: listeners.addresses[0])
        guard let writer = try listeners.acceptBlocking() else { throw BenchmarkFailure("nobody connected") }
        try startThread { sendAll(file, total: total, chunk: chunk, to: writer) }
        return try measure { try reader.discard(total) }
    }

    private static func sendAll(_ file: any File, total: Int, chunk: Int, to socket: Int32) {
        guard let source = file.descriptor else { return }
        var sent = 0
        while sent < total {
            let wanted = min(chunk, total - sent)
            #if canImport(Darwin)
                var length = off_t(wanted)
                guard unsafe sendfile(source, socket, off_t(sent), &length, nil, 0) == 0 else { break }
                sent += Int(length)
            #else
                var offset = off_t(sent)
                let count = unsafe sendfile(socket, source, &offset, wanted)
                guard count > 0 else { break }
                sent += count
            #endif
        }
        close(socket)
    }
}

typealias Seconds = Double

func measure(_ body: () throws -> Void) rethrows -> Seconds {
    let start = ContinuousClock.now
    try body()
    let elapsed = start.duration(to: .now).components
    return Double(elapsed.seconds) + Double(elapsed.attoseconds) / 1e18
}

struct BenchmarkFailure: Error, CustomStringConvertible {
    var description: String
    init(_ description: String) { self.description = description }
}
