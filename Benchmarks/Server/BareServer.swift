#if os(Linux)
    import BenchmarkSupport
    import CSystem
    import Glibc
    import SegmentLog
    import WireProtocol

    /// What a server does with each frame: the least that anybody could do.
    enum Service {
        /// Sends it back.
        case echo
        /// Answers with a frame of this many bytes in all.
        case acknowledge(answerBytes: Int)
        /// Writes all that was received to a file, and answers; after an fdatasync where asked for.
        case append(path: String, synchronizing: Bool, answerBytes: Int)
        /// Answers with the next `chunk` bytes of a file, so that the frame has this many bytes in all.
        case send(path: String, chunk: Int, answerBytes: Int)
    }

    /// A plain loop of epoll_wait, recv and send, without a library: what the reactor is measured against.
    ///
    /// One receive buffer for all connections; the beginning of a frame that is not whole is kept aside. All
    /// that was received together is answered with one send.
    @safe final class BareServer {
        private final class Peer {
            let socket: Int32
            var tail: [UInt8] = []
            var frames = FrameCounter()
            var output: [UInt8] = []
            var answersDue = 0
            var answerSent = 0
            var answered = 0
            var isWatchedForWriting = false
            init(_ socket: Int32) { self.socket = socket }
        }

        private static let bufferBytes = 256 << 10
        private let service: Service
        private let epoll = Epoll()
        private let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: bufferBytes, alignment: 16)
        private var peers: [Peer?] = []
        private var file: Int32 = -1
        private var chunks = 1
        private var answers: [UInt8] = []
        private var unsynchronized: [Peer] = []

        init(_ service: Service) throws {
            self.service = service
            switch service {
            case .echo: break
            case .acknowledge(let answerBytes): prepareAnswers(answerBytes)
            case .append(let path, _, let answerBytes):
                file = unsafe open(path, O_WRONLY | O_CREAT | O_TRUNC, 0o644)
                prepareAnswers(answerBytes)
            case .send(let path, let chunk, let answerBytes):
                file = unsafe open(path, O_RDONLY)
                chunks = max(1, Int(lseek(file, 0, SEEK_END)) / chunk)
                prepareAnswers(answerBytes)
            }
        }

        /// So many answers that all that were received together can be sent from it.
        private func prepareAnswers(_ byteCount: Int) {
            let length = unsafe withUnsafeBytes(of: UInt32(byteCount - 4).bigEndian) { unsafe Array($0) }
            if case .send(_, let chunk, _) = service {
                answers = length + [UInt8](repeating: 0, count: byteCount - chunk - 4)
            } else {
                let answer = length + [UInt8](repeating: 0, count: byteCount - 4)
                answers = Array(repeatElement(answer, count: Self.bufferBytes / 64).joined())
            }
        }

        /// Serves for ever.
        func run(_ listeners: Listeners) throws -> Never {
            try startThread { [epoll] in
                while let socket = try? listeners.acceptBlocking() {
                    var on: Int32 = 1
                    _ = fcntl(socket, F_SETFL, O_NONBLOCK)
                    _ = unsafe setsockopt(socket, Int32(IPPROTO_TCP), TCP_NODELAY, &on, 4)
                    try? epoll.add(socket)
                }
            }
            while true {
                try epoll.wait { socket in
                    while peers.count <= Int(socket) { peers.append(nil) }
                    let peer = peers[Int(socket)] ?? Peer(socket)
                    peers[Int(socket)] = peer
                    try serve(peer)
                }
                if !unsynchronized.isEmpty {
                    fdatasync(file)
                    for peer in unsynchronized { try flush(peer) }
                    unsynchronized.removeAll(keepingCapacity: true)
                }
            }
        }

        private func serve(_ peer: Peer) throws {
            if peer.isWatchedForWriting { return try flush(peer) }
            let kept = peer.tail.count
            if kept > 0 {
                unsafe peer.tail.withUnsafeBytes { unsafe buffer.copyMemory(from: $0) }
                peer.tail.removeAll(keepingCapacity: true)
            }
            let received = unsafe recv(peer.socket, buffer.baseAddress.map { unsafe $0 + kept }, buffer.count - kept, 0)
            guard received > 0 else {
                if received < 0 && errno == EAGAIN { return }
                close(peer.socket)
                peers[Int(peer.socket)] = nil
                return
            }
            var whole = 0
            let bytes = unsafe UnsafeRawBufferPointer(rebasing: buffer[kept..<kept + received])
            unsafe peer.frames.take(bytes) { _, end in
                peer.answersDue += 1
                whole = kept + end
            }
            switch service {
            case .echo:
                unsafe peer.tail.append(contentsOf: buffer[whole..<kept + received])
                peer.answersDue = 0
                try unsafe send(peer, UnsafeRawBufferPointer(rebasing: buffer[..<whole]))
            case .acknowledge:
                unsafe peer.tail.append(contentsOf: buffer[whole..<kept + received])
                try flush(peer)
            case .append(_, let synchronizing, _):
                guard unsafe write(file, bytes.baseAddress, received) == received else {
                    throw BenchmarkFailure("write: \(errno)")
                }
                if !synchronizing { return try flush(peer) }
                if peer.answersDue > 0 { unsynchronized.append(peer) }
            case .send: try flush(peer)
            }
        }

        /// Sends `bytes`, and keeps what the socket does not take.
        private func send(_ peer: Peer, _ bytes: UnsafeRawBufferPointer) throws {
            guard bytes.count > 0 else { return }
            let sent = max(0, unsafe Glibc.send(peer.socket, bytes.baseAddress, bytes.count, Int32(MSG_NOSIGNAL)))
            guard sent < bytes.count else { return }
            unsafe peer.output.append(contentsOf: bytes.dropFirst(sent))
            try watch(peer, writing: true)
        }

        private func watch(_ peer: Peer, writing: Bool) throws {
            guard peer.isWatchedForWriting != writing else { return }
            peer.isWatchedForWriting = writing
            try epoll.change(peer.socket, writing: writing)
        }

        private func flush(_ peer: Peer) throws {
            if !peer.output.isEmpty {
                let output = peer.output
                peer.output = []
                try unsafe output.withUnsafeBytes { try unsafe send(peer, $0) }
                if !peer.output.isEmpty { return }
            }
            if case .send(_, let chunk, _) = service { return try sendFile(peer, chunk) }
            try watch(peer, writing: false)
            if case .acknowledge(let size) = service { return try acknowledge(peer, size) }
            if case .append(_, _, let size) = service { try acknowledge(peer, size) }
        }

        private func acknowledge(_ peer: Peer, _ answerBytes: Int) throws {
            let due = peer.answersDue * answerBytes
            peer.answersDue = 0
            try unsafe answers.withUnsafeBytes { try unsafe send(peer, UnsafeRawBufferPointer(rebasing: $0[..<due])) }
        }

        private func sendFile(_ peer: Peer, _ chunk: Int) throws {
            while peer.answersDue > 0 {
                let sent: Int
                if peer.answerSent < answers.count {
                    sent = unsafe answers.withUnsafeBytes { bytes in
                        unsafe Glibc.send(
                            peer.socket, bytes.baseAddress.map { unsafe $0 + peer.answerSent },
                            bytes.count - peer.answerSent, Int32(MSG_NOSIGNAL) | Int32(MSG_MORE))
                    }
                } else {
                    let done = peer.answerSent - answers.count
                    var offset = off_t(peer.answered % chunks * chunk + done)
                    sent = unsafe sendfile(peer.socket, file, &offset, chunk - done)
                }
                guard sent > 0 else { return try watch(peer, writing: true) }
                peer.answerSent += sent
                if peer.answerSent == answers.count + chunk {
                    peer.answerSent = 0
                    peer.answersDue -= 1
                    peer.answered += 1
                }
            }
            try watch(peer, writing: false)
        }
    }
#endif
