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

    /// Large pieces and parts of files, and the place in `copied` that they go before.
    private var parts: [(position: Int, part: Payload.Part)] = []
    /// The first of `parts` that is not sent yet, and how much of it is.
    private var head = 0
    private var headSent = 0
    /// Lengths and other small pieces, copied one behind the other: for them a copy is cheaper than an entry
    /// of their own, and answers to many requests go out as one piece.
    private var copied: [UInt8] = []
    private var copiedSent = 0
    /// The bytes that wait, parts of files included.
    private(set) var count = 0
    private var partsMemory = 0
    /// The memory that they take.
    var memoryBytes: Int { partsMemory + copied.count - copiedSent }

    /// Whether it is short enough for more to be asked for.
    func isWithin(_ limits: ReactorLimits) -> Bool {
        count <= limits.maxOutputBytes && memoryBytes <= limits.maxOutputMemoryBytes
    }

    /// Pieces up to this are copied.
    private static let smallBytes = 1 << 10
    /// Connections are many: none of them keeps more than this for what it may have to send next.
    private static let spareBytes = 16 << 10

    var isEmpty: Bool { count == 0 }

    mutating func append(_ payload: Payload) {
        count += payload.count
        if payload.isFramed {
            unsafe withUnsafeBytes(of: Int32(clamping: payload.partsCount).bigEndian) {
                unsafe copied.append(contentsOf: $0)
            }
        }
        append(payload.first)
        for part in payload.rest {
            if case .bytes(let bytes) = part { append(bytes) } else { appendLarge(part) }
        }
    }

    private mutating func append(_ bytes: Bytes) {
        guard bytes.count <= Self.smallBytes else { return appendLarge(.bytes(bytes)) }
        unsafe bytes.withUnsafeBytes { unsafe copied.append(contentsOf: $0) }
    }

    private mutating func appendLarge(_ part: Payload.Part) {
        guard part.count > 0 else { return }
        parts.append((copied.count, part))
        partsMemory += part.memoryBytes
    }

    /// Sends as much as the socket takes, but not much more than `budget` bytes, so that one fast
    /// reader does not keep the others waiting.
    mutating func send(to socket: Int32, budget: Int) -> Progress {
        var left = budget
        while !isEmpty {
            guard left > 0 else { return .more }
            var file: FileRange?
            if head < parts.count, parts[head].position == copiedSent, case .file(let range) = parts[head].part {
                file = range
            }
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
        return .done
    }

    private mutating func advance(by sent: Int) {
        count -= sent
        var sent = sent
        while sent > 0 {
            let copiedEnd = head < parts.count ? parts[head].position : copied.count
            let copies = min(sent, copiedEnd - copiedSent)
            copiedSent += copies
            sent -= copies
            guard sent > 0 else { break }
            let part = parts[head].part
            let taken = min(sent, part.count - headSent)
            headSent += taken
            sent -= taken
            guard headSent == part.count else { break }
            partsMemory -= part.memoryBytes
            parts[head].part = .bytes(Bytes())
            (head, headSent) = (head + 1, 0)
        }
        forgetSent()
    }

    /// A queue that is never empty must not keep all that it ever sent, nor the places of it.
    private mutating func forgetSent() {
        if head > 0, head == parts.count || head >= 64 && head * 2 > parts.count {
            parts.removeFirst(head)
            head = 0
        }
        if isEmpty, copied.capacity > Self.spareBytes {
            (copied, copiedSent) = ([], 0)
        } else if isEmpty || copiedSent >= Self.spareBytes && copiedSent * 2 > copied.count {
            copied.removeFirst(copiedSent)
            for index in head..<parts.count { parts[index].position -= copiedSent }
            copiedSent = 0
        }
    }

    /// Sends what is in memory up to the next file with one system call.
    private func sendBytes(to socket: Int32) -> Int {
        unsafe copied.withUnsafeBytes { copied in
            // Often that is all: send(2) has no list of pieces to look at.
            if head == parts.count { return unsafe Self.send(copied[copiedSent...], to: socket) }
            return unsafe withUnsafeTemporaryAllocation(of: iovec.self, capacity: 64) { vectors in
                var count = 0
                func add(_ piece: UnsafeRawBufferPointer) {
                    guard piece.count > 0 else { return }
                    unsafe vectors.initializeElement(at: count, to: Self.vector(piece))
                    count += 1
                }
                var next = head
                var place = copiedSent
                // Each takes two vectors at most, and what goes last one.
                while next < parts.count, count + 3 <= vectors.count {
                    unsafe add(UnsafeRawBufferPointer(rebasing: copied[place..<parts[next].position]))
                    place = parts[next].position
                    guard case .bytes(let bytes) = parts[next].part else { break }
                    unsafe (next == head ? bytes.dropFirst(headSent) : bytes).withUnsafeBytes { unsafe add($0) }
                    next += 1
                }
                let isFollowedByMore = next < parts.count
                if !isFollowedByMore { unsafe add(UnsafeRawBufferPointer(rebasing: copied[place...])) }
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
