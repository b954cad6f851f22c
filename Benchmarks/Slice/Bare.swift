import BenchmarkSupport
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
                try file.append(chunk, at: Int64(index * chunk.count))
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
        try startThread {
            _ = BenchmarkSupport.sendFile(file, from: 0, count: total, chunk: chunk, to: writer)
            close(writer)
        }
        return try measure { try reader.discard(total) }
    }
}
