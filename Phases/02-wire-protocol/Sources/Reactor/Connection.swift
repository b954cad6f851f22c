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
    /// Who is at the other end; nil where that one had left before we could ask.
    let peer: SocketAddress?
    var assembler: FrameAssembler
    var output = OutputQueue()
    /// Received, but not yet delivered because the node has paused the connection, or memory is short.
    var unread = Bytes()
    /// The node wants no more frames for the moment.
    var isPaused = false
    /// Being connected to this address; nil once it stands.
    var connectingTo: SocketAddress?
    /// It waits for its turn to use memory.
    var waitsForMemory = false
    /// The client sends nothing more.
    var hasEndedInput = false
    /// The end of the input is known while there may be more to read in front of it.
    var isEndAnnounced = false
    /// To be closed once everything has been sent.
    var isClosing = false
    /// Closed, and no longer known to the node.
    var hasEnded = false
    /// Already in the list of connections to flush.
    var isDirty = false
    /// What the poller watches for.
    var interest: Interest = .reading

    /// The bytes of each request that has no answer yet, oldest first.
    private(set) var inFlight: [Int] = []
    private var inFlightBytes = 0
    /// What `RequestMemory` knows of `requestBytes`.
    var accountedBytes = 0

    /// Bytes received or sent since the last activity; see `moved`.
    private var movedBytes = 0
    /// Since when nothing has happened; nil where the connection is not idle. Kept by `IdleOrder`.
    var idleSince: Instant?
    // Not owned: see `IdleOrder`.
    unowned var older: Connection?
    unowned var younger: Connection?

    /// Fewer bytes than this are no activity of their own: who sends a byte now and then to stay is idle.
    static let activityBytes = 64 << 10

    init(id: ConnectionID, socket: Socket, peer: SocketAddress?, maxFrameBytes: Int) {
        self.id = id
        self.socket = socket
        self.peer = peer
        assembler = FrameAssembler(maxFrameBytes: maxFrameBytes)
    }

    /// The peer for a log line.
    var peerName: String { peer?.description ?? "unknown" }

    /// Whether more may be delivered: a client that does not take its answers is not heard further.
    func wantsToDeliver(_ limits: ReactorLimits) -> Bool {
        !isPaused && !isClosing && connectingTo == nil && output.count <= limits.maxOutputBytes
            && output.memoryBytes <= limits.maxOutputMemoryBytes
    }

    /// The memory of requests: received in part, held back, or not answered yet.
    var requestBytes: Int { inFlightBytes + unread.count + assembler.claimedBytes }

    /// Whether a silence is the other side's: who waits for an answer, or for memory, is not idle, nor is a
    /// connection of the node's own before the node is done with it.
    var mayBeIdle: Bool { isClosing || (!id.isOutgoing && inFlight.isEmpty && !waitsForMemory) }

    /// A request has been handed to the node.
    func began(_ bytes: Int) {
        inFlight.append(bytes)
        inFlightBytes += bytes
    }

    /// The oldest request in flight has its answer.
    func answered() {
        guard !inFlight.isEmpty else { return }
        inFlightBytes -= inFlight.removeFirst()
    }

    /// Bytes were received or sent. Returns whether that is activity: with each whole request or queue of
    /// answers, and otherwise when there were many of them.
    func moved(_ bytes: Int, isWhole: Bool) -> Bool {
        movedBytes += bytes
        guard isWhole || movedBytes >= Self.activityBytes else { return false }
        movedBytes = 0
        return true
    }

    /// Whether the end of the input is all that there is to read. Leaves it there.
    var isAtEndOfInput: Bool {
        var byte: UInt8 = 0
        return unsafe recv(socket.descriptor, &byte, 1, Int32(MSG_PEEK)) == 0
    }

    /// What a receive brought.
    enum Received {
        /// Nothing is there for the moment.
        case nothing
        /// This many bytes, in `unread` or in the frame being assembled, which may be whole.
        case bytes(Int, frame: Bytes?)
        /// The client sends nothing more.
        case end
    }

    /// Receives once: into the frame being assembled where much of it is missing, else into the
    /// shared buffer.
    func receive(_ buffer: inout ReceiveBuffer) throws(SystemError) -> Received {
        guard assembler.missingBytes > 16 << 10 else {
            guard let bytes = try buffer.receive(from: socket.descriptor) else { return .nothing }
            unread = bytes
            return bytes.count > 0 ? .bytes(bytes.count, frame: nil) : .end
        }
        let descriptor = socket.descriptor
        let (received, frame) = unsafe assembler.fill { buffer in
            unsafe recv(descriptor, buffer.baseAddress, buffer.count, 0)
        }
        if received < 0 {
            if errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR { return .nothing }
            throw SystemError("receive", errno)
        }
        return received > 0 ? .bytes(received, frame: frame) : .end
    }
}
