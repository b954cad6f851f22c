#if canImport(Darwin)
    import Darwin
#else
    import Glibc
#endif
import SegmentLog

/// The plainest client: one socket, and calls that wait. For demos, benchmarks and tests.
package final class BlockingConnection {
    private let socket: Socket

    /// Connects to `address`.
    package init(to address: SocketAddress) throws(SystemError) {
        socket = try Socket.connected(to: address)
    }

    /// Sends all of `payload`, which must have no files.
    package func send(_ payload: Payload) throws(SystemError) { try send(payload.inMemoryBytes) }

    /// Sends all of `bytes`.
    package func send(_ bytes: Bytes) throws(SystemError) {
        var rest = bytes
        while rest.count > 0 {
            let descriptor = socket.descriptor
            let sent = unsafe rest.withUnsafeBytes { unsafe sendOnce(descriptor, $0) }
            guard sent > 0 else { throw SystemError("send", errno) }
            rest = rest.dropFirst(sent)
        }
    }

    /// The next frame, without its length; nil where the other side has closed the connection.
    package func receiveFrame() throws(SystemError) -> Bytes? {
        guard let length = try receive(4) else { return nil }
        let count = (0..<4).reduce(0) { $0 << 8 | Int(length[$1]) }
        return try receive(count)
    }

    /// Sends a request, and waits for its answer; nil where the connection was closed instead.
    package func ask<Asked: Request>(
        _ request: Asked, version: Int16, clientID: String = "blocking"
    ) throws -> Asked.Response? {
        try send(try request.frame(version: version, correlationID: 1, clientID: clientID))
        return try receiveFrame().map { try Asked.Response.decodeResponse($0, version: version).body }
    }

    /// Reads and forgets `count` bytes.
    package func discard(_ count: Int) throws(SystemError) {
        let scratch = ByteStorage(capacity: 1 << 20)
        var left = count
        while left > 0 {
            let received = unsafe recv(socket.descriptor, scratch.base, min(left, scratch.capacity), 0)
            guard received > 0 else { throw SystemError("receive", errno) }
            left -= received
        }
    }

    private func receive(_ count: Int) throws(SystemError) -> Bytes? {
        guard count > 0 else { return Bytes() }
        var writer = ByteWriter(capacity: count)
        let descriptor = socket.descriptor
        while writer.count < count {
            let missing = count - writer.count
            let received = unsafe writer.fill(upTo: missing) { unsafe recv(descriptor, $0.baseAddress, $0.count, 0) }
            if received == 0 { return nil }
            guard received > 0 else { throw SystemError("receive", errno) }
        }
        return writer.finish()
    }
}

private func sendOnce(_ socket: Int32, _ buffer: UnsafeRawBufferPointer) -> Int {
    #if canImport(Darwin)
        unsafe send(socket, buffer.baseAddress, buffer.count, 0)
    #else
        unsafe send(socket, buffer.baseAddress, buffer.count, Int32(MSG_NOSIGNAL))
    #endif
}
