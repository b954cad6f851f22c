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
    private var head = 0
    private var headSent = 0
    /// The bytes that wait, parts of files included.
    private(set) var count = 0
    /// The memory that they take.
    private(set) var memoryBytes = 0

    var isEmpty: Bool { head == parts.count }

    mutating func append(_ payload: Payload) {
        for part in payload.parts where part.count > 0 {
            parts.append(part)
            count += part.count
            memoryBytes += part.memoryBytes
        }
    }

    /// Sends as much as the socket takes, but not much more than `budget` bytes, so that one fast
    /// reader does not keep the others waiting.
    mutating func send(to socket: Int32, budget: Int) -> Progress {
        var left = budget
        while !isEmpty {
            guard left > 0 else { return .more }
            let sent: Int
            switch parts[head] {
            case .bytes: sent = sendBytes(to: socket)
            case .file(let range): sent = sendFile(range, to: socket, limit: left)
            }
            if sent < 0 {
                if errno == EINTR { continue }
                if errno == EAGAIN || errno == EWOULDBLOCK { return .more }
                if errno == EIO, case .file(let range) = parts[head] { return .unreadable(path: range.file.path) }
                return .disconnected
            }
            if sent == 0, case .file(let range) = parts[head] { return .cutShort(path: range.file.path) }
            left -= sent
            advance(by: sent)
        }
        parts.removeAll(keepingCapacity: true)
        head = 0
        return .done
    }

    private mutating func advance(by sent: Int) {
        count -= sent
        var sent = sent
        while sent > 0 {
            let rest = parts[head].count - headSent
            if sent < rest {
                headSent += sent
                return
            }
            sent -= rest
            headSent = 0
            memoryBytes -= parts[head].memoryBytes
            parts[head] = .bytes(Bytes())
            head += 1
        }
        // A queue that is never empty must not keep the places of all that it ever sent.
        if head >= 64 && head * 2 > parts.count {
            parts.removeFirst(head)
            head = 0
        }
    }

    /// Sends the parts in memory up to the next file with one system call.
    private func sendBytes(to socket: Int32) -> Int {
        var vectors: [iovec] = unsafe []
        var isFollowedByFile = false
        for index in head..<min(parts.count, head + 64) {
            guard case .bytes(let bytes) = parts[index] else {
                isFollowedByFile = true
                break
            }
            unsafe bytes.withUnsafeBytes { buffer in
                let skipped = index == head ? headSent : 0
                // SAFETY: `parts` keeps the memory alive beyond the call, and it is only read.
                let start = unsafe UnsafeMutableRawPointer(mutating: buffer.baseAddress).map { unsafe $0 + skipped }
                unsafe vectors.append(iovec(iov_base: start, iov_len: buffer.count - skipped))
            }
        }
        return unsafe vectors.withUnsafeMutableBufferPointer { buffer in
            var message = unsafe msghdr()
            unsafe message.msg_iov = buffer.baseAddress
            #if canImport(Darwin)
                unsafe message.msg_iovlen = Int32(buffer.count)
                return unsafe sendmsg(socket, &message, 0)
            #else
                unsafe message.msg_iovlen = buffer.count
                // MSG_MORE: the file's bytes follow at once, so the kernel may share the packet.
                let more = isFollowedByFile ? Int32(MSG_MORE) : 0
                return unsafe sendmsg(socket, &message, Int32(MSG_NOSIGNAL) | more)
            #endif
        }
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
        #if canImport(Darwin)
            return unsafe bytes.withUnsafeBytes { unsafe Darwin.send(socket, $0.baseAddress, $0.count, 0) }
        #else
            return unsafe bytes.withUnsafeBytes {
                unsafe Glibc.send(socket, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
            }
        #endif
    }
}
