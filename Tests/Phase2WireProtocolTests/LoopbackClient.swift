#if canImport(Darwin)
    import Darwin
#else
    import Glibc
#endif
import SegmentLog
import TestSupport

/// A blocking socket to a port of this machine. A read that gets nothing for ten seconds throws.
final class LoopbackClient: Sendable {
    /// What went wrong, and the operating system's error number; 0 for the end of the stream.
    struct Failure: Error, Equatable {
        var operation: String
        var number: Int32

        /// Whether the other end closed the connection, with or without bytes of ours unread.
        var isEnd: Bool { number == 0 || number == ECONNRESET || number == EPIPE }
    }

    private let descriptor: Int32

    init(port: UInt16, receiveBufferBytes: Int32? = nil) throws {
        #if canImport(Darwin)
            descriptor = socket(AF_INET, SOCK_STREAM, 0)
        #else
            descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        #endif
        guard descriptor >= 0 else { throw Failure(operation: "socket", number: errno) }
        var timeout = timeval(tv_sec: 60, tv_usec: 0)
        for option in [SO_RCVTIMEO, SO_SNDTIMEO] {
            setsockopt(descriptor, SOL_SOCKET, option, &timeout, socklen_t(MemoryLayout<timeval>.size))
        }
        if var bytes = receiveBufferBytes {
            setsockopt(descriptor, SOL_SOCKET, SO_RCVBUF, &bytes, socklen_t(MemoryLayout<Int32>.size))
        }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        let result = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        guard result == 0 else {
            let number = errno
            close(descriptor)
            throw Failure(operation: "connect", number: number)
        }
    }

    deinit { close(descriptor) }

    /// Ends both directions; a thread that sends or receives is told so at once.
    func disconnect() {
        #if canImport(Darwin)
            shutdown(descriptor, SHUT_RDWR)
        #else
            shutdown(descriptor, Int32(SHUT_RDWR))
        #endif
    }

    /// Ends the sending direction only: the other end sees the end of its input.
    func endOutput() {
        #if canImport(Darwin)
            shutdown(descriptor, SHUT_WR)
        #else
            shutdown(descriptor, Int32(SHUT_WR))
        #endif
    }

    /// Lets the connection end with a reset instead of an orderly end, once nobody holds it.
    func resetAtEnd() {
        var linger = linger(l_onoff: 1, l_linger: 0)
        setsockopt(descriptor, SOL_SOCKET, SO_LINGER, &linger, socklen_t(MemoryLayout.size(ofValue: linger)))
    }

    /// Sends all of `bytes`.
    func send(_ bytes: [UInt8]) throws {
        var done = 0
        while done < bytes.count {
            let sent = bytes.withUnsafeBytes { buffer in
                write(descriptor, buffer.baseAddress.map { $0 + done }, buffer.count - done)
            }
            if sent < 0 {
                if errno == EINTR { continue }
                throw Failure(operation: "send", number: errno)
            }
            done += sent
        }
    }

    /// A body behind its length.
    static func frame(_ body: [UInt8]) -> [UInt8] { LayoutEncoder.bigEndian(Int32(body.count)) + body }

    func sendFrames(_ bodies: [UInt8]...) throws { try send(bodies.flatMap(Self.frame)) }

    /// Receives exactly `count` bytes, at most `step` at a time.
    func receive(_ count: Int, step: Int = 1 << 20) throws -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: count)
        var done = 0
        while done < count {
            let received = bytes.withUnsafeMutableBytes { buffer in
                read(descriptor, buffer.baseAddress.map { $0 + done }, min(step, buffer.count - done))
            }
            if received < 0 && errno == EINTR { continue }
            guard received > 0 else { throw Failure(operation: "receive", number: received == 0 ? 0 : errno) }
            done += received
        }
        return bytes
    }

    /// The next frame, without its length.
    func receiveFrame(step: Int = 1 << 20) throws -> [UInt8] {
        let length = try receive(4).reduce(0) { $0 << 8 | Int($1) }
        return try receive(length, step: step)
    }

    /// Sends a frame, and waits for one.
    func ask(_ body: [UInt8]) throws -> [UInt8] {
        try sendFrames(body)
        return try receiveFrame()
    }

    /// Waits until the other end has closed the connection; false if something arrives instead.
    func isClosed() throws -> Bool {
        do {
            _ = try receive(1)
            return false
        } catch let failure as Failure where failure.isEnd {
            return true
        }
    }
}
