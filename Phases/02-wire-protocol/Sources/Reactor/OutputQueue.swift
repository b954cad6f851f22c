#if canImport(Darwin)
    import Darwin
#else
    import Glibc
#endif
import SegmentLog

/// What a connection still has to send: bytes and parts of files, in order.
struct OutputQueue {
    /// How a `send` ended.
    enum Progress {
        /// Everything has been sent.
        case done
        /// The socket takes no more for the moment, or the budget is spent.
        case more
        /// The peer is gone.
        case disconnected
        /// The disk failed.
        case unreadable(path: String)
        /// A file has become shorter than the part of it that was to be sent.
        case cutShort(path: String)
    }

    private var parts: [Payload.Part] = []
    /// What goes behind `parts`: small pieces, copied one behind the other. For them a copy is cheaper
    /// than an entry of their own, and answers to many requests go out as one piece.
    private var small: [UInt8] = []
    private var head = 0
    /// How much of the head has been sent: of `small`, where all parts have been.
    private var headSent = 0
    /// The bytes that wait, parts of files included.
    private(set) var count = 0
    private var partsMemory = 0
    /// The memory that they take.
    var memoryBytes: Int { partsMemory + small.count }

    /// Whether it is short enough for more to be asked for.
    func isWithin(_ limits: ReactorLimits) -> Bool {
        count <= limits.maxOutputBytes && memoryBytes <= limits.maxOutputMemoryBytes
    }

    /// Pieces up to this are copied.
    private static let smallBytes = 1 << 10
    /// As many copied bytes become a part, or a queue that is never empty would keep them all.
    private static let gatheredBytes = 64 << 10

    var isEmpty: Bool { head == parts.count && small.isEmpty }

    mutating func append(_ payload: Payload) {
        count += payload.count
        if payload.isFramed {
            unsafe withUnsafeBytes(of: Int32(clamping: payload.partsCount).bigEndian) {
                unsafe small.append(contentsOf: $0)
            }
        }
        for part in payload.parts where part.count > 0 {
            if case .bytes(let bytes) = part, bytes.count <= Self.smallBytes {
                unsafe bytes.withUnsafeBytes { unsafe small.append(contentsOf: $0) }
                if small.count >= Self.gatheredBytes { closeSmall() }
            } else {
                closeSmall()
                append(part)
            }
        }
    }

    private mutating func closeSmall() {
        guard !small.isEmpty else { return }
        append(.bytes(Bytes(small)))
        small.removeAll(keepingCapacity: true)
    }

    private mutating func append(_ part: Payload.Part) {
        parts.append(part)
        partsMemory += part.memoryBytes
    }

    /// Sends as much as the socket takes, but not much more than `budget` bytes, so that one fast
    /// reader does not keep the others waiting.
    mutating func send(to socket: Int32, budget: Int) -> Progress {
        var left = budget
        while !isEmpty {
            guard left > 0 else { return .more }
            var file: FileRange?
            if head < parts.count, case .file(let range) = parts[head] { file = range }
            let sent = file.map { sendFile($0, to: socket, limit: left) } ?? sendBytes(to: socket)
            if sent < 0 {
                if errno == EINTR { continue }
                if errno == EAGAIN || errno == EWOULDBLOCK { return .more }
                if errno == EIO, let file { return .unreadable(path: file.file.path) }
                return .disconnected
            }
            if sent == 0, let file { return .cutShort(path: file.file.path) }
            left -= sent
            advance(by: sent)
        }
        parts.removeAll(keepingCapacity: true)
        head = 0
        // Connections are many: after a burst none of them keeps much.
        if small.capacity > Self.gatheredBytes / 4 { small = [] }
        return .done
    }

    private mutating func advance(by sent: Int) {
        count -= sent
        var sent = sent
        while sent > 0 {
            let isSmall = head == parts.count
            let rest = (isSmall ? small.count : parts[head].count) - headSent
            if sent < rest {
                headSent += sent
                return
            }
            sent -= rest
            headSent = 0
            if isSmall {
                small.removeAll(keepingCapacity: true)
                return
            }
            partsMemory -= parts[head].memoryBytes
            parts[head] = .bytes(Bytes())
            head += 1
        }
        // A queue that is never empty must not keep the places of all that it ever sent.
        if head >= 64 && head * 2 > parts.count {
            parts.removeFirst(head)
            head = 0
        }
    }

    /// Sends what is in memory up to the next file with one system call.
    private func sendBytes(to socket: Int32) -> Int {
        unsafe small.withUnsafeBytes { small in
            // Often that is all: send(2) has no list of pieces to look at.
            if head == parts.count { return unsafe Self.send(small[headSent...], to: socket) }
            return unsafe withUnsafeTemporaryAllocation(of: iovec.self, capacity: 64) { vectors in
                var next = head
                while next < parts.count, next - head < vectors.count, case .bytes(let bytes) = parts[next] {
                    let rest = next == head ? bytes.dropFirst(headSent) : bytes
                    unsafe rest.withUnsafeBytes {
                        unsafe vectors.initializeElement(at: next - head, to: Self.vector($0))
                    }
                    next += 1
                }
                var count = next - head
                let isFollowedByMore = next < parts.count
                if !isFollowedByMore, count < vectors.count, small.count > 0 {
                    unsafe vectors.initializeElement(at: count, to: Self.vector(small))
                    count += 1
                }
                return unsafe sendMessage(vectors, count: count, isFollowedByMore: isFollowedByMore, to: socket)
            }
        }
    }

    private static func vector(_ buffer: UnsafeRawBufferPointer) -> iovec {
        // SAFETY: the queue keeps the memory alive beyond the call, and it is only read.
        unsafe iovec(iov_base: UnsafeMutableRawPointer(mutating: buffer.baseAddress), iov_len: buffer.count)
    }

    private static func send(_ bytes: Slice<UnsafeRawBufferPointer>, to socket: Int32) -> Int {
        let bytes = unsafe UnsafeRawBufferPointer(rebasing: bytes)
        #if canImport(Darwin)
            return unsafe Darwin.send(socket, bytes.baseAddress, bytes.count, 0)
        #else
            return unsafe Glibc.send(socket, bytes.baseAddress, bytes.count, Int32(MSG_NOSIGNAL))
        #endif
    }

    private func sendMessage(
        _ vectors: UnsafeMutableBufferPointer<iovec>, count: Int, isFollowedByMore: Bool, to socket: Int32
    ) -> Int {
        var message = unsafe msghdr()
        unsafe message.msg_iov = vectors.baseAddress
        #if canImport(Darwin)
            unsafe message.msg_iovlen = Int32(count)
            return unsafe sendmsg(socket, &message, 0)
        #else
            unsafe message.msg_iovlen = count
            // MSG_MORE: the file's bytes follow at once, so the kernel may share the packet.
            let more = isFollowedByMore ? Int32(MSG_MORE) : 0
            return unsafe sendmsg(socket, &message, Int32(MSG_NOSIGNAL) | more)
        #endif
    }

    private func sendFile(_ range: FileRange, to socket: Int32, limit: Int) -> Int {
        let position = range.position + Int64(headSent)
        let wanted = min(range.count - headSent, max(limit, 1))
        guard let file = range.file.descriptor else { return sendCopy(range, wanted, to: socket) }
        #if canImport(Darwin)
            var length = off_t(wanted)
            let result = unsafe sendfile(file, socket, off_t(position), &length, nil, 0)
            return result == 0 || length > 0 ? Int(length) : -1
        #else
            var offset = off_t(position)
            return unsafe sendfile(socket, file, &offset, wanted)
        #endif
    }

    /// For files without a descriptor: read, then send.
    private func sendCopy(_ range: FileRange, _ wanted: Int, to socket: Int32) -> Int {
        let position = range.position + Int64(headSent)
        guard let bytes = try? range.file.read(min(wanted, 1 << 18), at: position) else {
            errno = EIO
            return -1
        }
        return unsafe bytes.withUnsafeBytes { unsafe Self.send($0[...], to: socket) }
    }
}
