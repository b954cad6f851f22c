#if canImport(Darwin)
    import Darwin
#else
    import Glibc
#endif
import SegmentLog

/// One accepted socket: frames on the way in, answers on the way out.
final class Connection {
    let id: ConnectionID
    let socket: Socket
    var assembler: FrameAssembler
    var output = OutputQueue()
    /// Received, but not yet delivered because the node has paused the connection.
    var unread = Bytes()
    /// The node wants no more frames for the moment.
    var isPaused = false
    /// Being connected to this address; nil once it stands.
    var connectingTo: SocketAddress?
    /// To be closed once everything has been sent.
    var isClosing = false
    /// Closed, and no longer known to the node.
    var hasEnded = false
    /// Already in the list of connections to flush.
    var isDirty = false
    /// What the poller watches for.
    var interest: Interest = .reading

    init(id: ConnectionID, socket: Socket, maxFrameBytes: Int) {
        self.id = id
        self.socket = socket
        assembler = FrameAssembler(maxFrameBytes: maxFrameBytes)
    }

    /// Whether more may be read: a client that does not take its answers is not heard further.
    func wantsToRead(maxOutputBytes: Int) -> Bool {
        !isPaused && !isClosing && connectingTo == nil && output.count <= maxOutputBytes
    }

    /// Receives once: into the frame being assembled where much of it is missing, else into the
    /// shared buffer. Returns false at the end of the stream.
    func receive(_ buffer: inout ReceiveBuffer) throws(SystemError) -> (isOpen: Bool, frame: Bytes?) {
        guard assembler.missingBytes > 16 << 10 else {
            guard let bytes = try buffer.receive(from: socket.descriptor) else { return (true, nil) }
            unread = bytes
            return (bytes.count > 0, nil)
        }
        let descriptor = socket.descriptor
        let (received, frame) = unsafe assembler.fill { buffer in
            unsafe recv(descriptor, buffer.baseAddress, buffer.count, 0)
        }
        if received < 0 {
            if errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR { return (true, nil) }
            throw SystemError("receive", errno)
        }
        return (received > 0, frame)
    }
}
