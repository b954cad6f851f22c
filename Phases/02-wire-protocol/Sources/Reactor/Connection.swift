#if canImport(Darwin)
    import Darwin
#else
    import Glibc
#endif
import SegmentLog

/// One accepted socket: frames on the way in, answers on the way out.
///
/// What each request needs comes first: of ten thousand connections it is seldom in the processor's cache, and the
/// fewer lines of it are fetched the better.
final class Connection {
    let id: ConnectionID
    /// The socket's.
    let descriptor: Int32
    /// The node wants no more frames for the moment.
    var isPaused = false
    /// It waits for its turn to use memory.
    var waitsForMemory = false
    /// The client sends nothing more; there may be something left to read.
    var isClientFinished = false
    /// Everything has been read that the client ever sent.
    var hasEndedInput = false
    /// To be closed once everything has been sent.
    var isClosing = false
    /// Closed, and no longer known to the node.
    var hasEnded = false
    /// Already in the list of connections to flush.
    var isDirty = false
    /// Already in the list of connections that have another turn.
    var isRunnable = false
    /// What the poller watches for.
    var interest: Interest = .reading
    // Swift checks with each use of a class's property that nobody is in the middle of changing it. The optimizer
    // sees that for plain values; for these two it costs more than what is done to them for a small request.
    // SAFETY: only the methods below use them, on the reactor's thread, and nothing that they call comes back here.
    @exclusivity(unchecked) private var assembler: FrameAssembler
    @exclusivity(unchecked) private var output = OutputQueue()
    /// Received, but not delivered yet: the node has paused the connection, memory is short, or its turn is
    /// over. Never in the shared buffer, which it would keep.
    var unread = Bytes()

    /// The requests that have no answer yet, and the bytes of all of them and of the oldest.
    private var inFlightCount = 0
    private var inFlightBytes = 0
    private var oldestBytes = 0
    /// What `RequestMemory` knows of `requestBytes`.
    var accountedBytes = 0
    /// The same of the bytes in `unread`.
    var accountedUnreadBytes = 0
    /// Bytes received or sent since the last activity; see `moved`.
    private var movedBytes = 0
    /// Since when nothing has happened; nil where the connection is not idle. Kept by `IdleOrder`.
    var idleSince: Instant?
    // Not owned: see `IdleOrder`.
    unowned var older: Connection?
    unowned var younger: Connection?

    /// The bytes of each of the requests in flight, in order, behind those that have become the oldest. Often
    /// there are none.
    private var laterBytes: [Int] = []
    private var laterHead = 0
    /// Being connected to this address; nil once it stands.
    var connectingTo: SocketAddress?
    /// Who is at the other end; nil where that one had left before we could ask.
    let peer: SocketAddress?
    /// Closed when the connection is let go.
    private let socket: Socket

    /// Fewer bytes than this are no activity of their own: who sends a byte now and then to stay is idle.
    static let activityBytes = 64 << 10

    init(id: ConnectionID, socket: Socket, peer: SocketAddress?, maxFrameBytes: Int) {
        self.id = id
        self.socket = socket
        descriptor = socket.descriptor
        self.peer = peer
        unsafe assembler = FrameAssembler(maxFrameBytes: maxFrameBytes)
    }

    /// The peer for a log line.
    var peerName: String { peer?.description ?? "unknown" }

    /// Whether more may be delivered: a client that does not take its answers is not heard further.
    func wantsToDeliver(_ limits: ReactorLimits) -> Bool {
        unsafe !isPaused && !isClosing && connectingTo == nil && output.isWithin(limits)
    }

    /// The memory of requests: received in part, held back, or not answered yet.
    var requestBytes: Int { inFlightBytes + unread.count + claimedBytes }

    /// Whether a silence is the other side's: who waits for an answer, or for memory, is not idle, nor is a
    /// connection of the node's own before the node is done with it.
    var mayBeIdle: Bool { isClosing || (!id.isOutgoing && !hasInFlight && !waitsForMemory) }

    /// A request has been handed to the node.
    func began(_ bytes: Int) {
        if inFlightCount == 0 { oldestBytes = bytes } else { laterBytes.append(bytes) }
        inFlightCount += 1
        inFlightBytes += bytes
    }

    /// Whether a request has no answer yet.
    var hasInFlight: Bool { inFlightCount > 0 }

    /// The oldest request in flight has its answer.
    func answered() {
        guard hasInFlight else { return }
        inFlightBytes -= oldestBytes
        inFlightCount -= 1
        guard hasInFlight else { return }
        oldestBytes = laterBytes[laterHead]
        laterHead += 1
        guard laterHead == laterBytes.count || laterHead >= 64 && laterHead * 2 > laterBytes.count else { return }
        laterBytes.removeFirst(laterHead)
        laterHead = 0
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
        return unsafe recv(descriptor, &byte, 1, Int32(MSG_PEEK)) == 0
    }

    /// What a receive brought.
    enum Received {
        /// Nothing is there for the moment.
        case nothing
        /// Bytes in the shared buffer.
        case bytes(Bytes)
        /// So many bytes of the frame being assembled; and the frame, where it is whole.
        case part(Int, frame: Bytes?)
        /// The client sends nothing more.
        case end
    }

    /// Receives once: into the frame being assembled where much of it is missing, else into the
    /// shared buffer.
    func receive(_ buffer: inout ReceiveBuffer) throws(SystemError) -> Received {
        guard unsafe assembler.missingBytes > 16 << 10 else {
            guard let bytes = try buffer.receive(from: descriptor) else { return .nothing }
            return bytes.count > 0 ? .bytes(bytes) : .end
        }
        let (received, frame) = unsafe assembler.fill { buffer in
            unsafe recv(descriptor, buffer.baseAddress, buffer.count, 0)
        }
        if received < 0 {
            if errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR { return .nothing }
            throw SystemError("receive", errno)
        }
        return received > 0 ? .part(received, frame: frame) : .end
    }

    /// The bytes that the frame being assembled will have; 0 between frames.
    var claimedBytes: Int { unsafe assembler.claimedBytes }

    /// The next whole frame of `input`; see `FrameAssembler.next`.
    func nextFrame(_ input: inout Bytes) throws(FrameError) -> Bytes? { try unsafe assembler.next(&input) }

    /// Whether there is something to send.
    var hasOutput: Bool { unsafe !output.isEmpty }

    /// `payload` is to be sent, behind what waits already.
    func append(_ payload: Payload) { unsafe output.append(payload) }

    /// Sends what waits, up to about `budget` bytes. Returns how many there were.
    func send(budget: Int) -> (progress: OutputQueue.Progress, sent: Int) {
        let before = unsafe output.count
        let progress = unsafe output.send(to: descriptor, budget: budget)
        return (progress, unsafe before - output.count)
    }

    /// Why the connection could not be made; 0 where it stands.
    var connectionError: Int32 { socket.connectionError }
}
