#if os(Linux)
    import BenchmarkSupport
    import Glibc
    import SegmentLog
    import WireProtocol

    /// What a client asks for: the same for every side of a comparison.
    struct Load {
        var connections: Int
        /// How many requests each connection has under way.
        var depth: Int
        /// The requests of a connection, again and again; all of one size, and at least `depth` of them are sent
        /// before the first comes back.
        var requests: [Bytes]
        /// The size of each answer with its length; another one is a failure.
        var answerBytes: Int
    }

    /// What one round of one side gave.
    struct Figures {
        var seconds: Seconds
        var requests: Int
        /// The processor time of the server's process.
        var serverSeconds: Seconds
        /// From handing in a request to the end of its answer.
        var p50Microseconds: Double
        var p99Microseconds: Double

        var perSecond: Double { Double(requests) / seconds }
        var serverSecondsPerRequest: Seconds { serverSeconds / Double(requests) }
    }

    /// One thread with an epoll loop of its own, which keeps `depth` requests of each connection under way.
    @safe final class LoadGenerator {
        private final class Peer {
            let socket: Socket
            var frames = FrameCounter()
            /// The place in the stream of requests.
            var cursor = 0
            var bytesToSend: Int
            var sentAt: [UInt64]
            var sentCount = 0
            var answeredCount = 0
            var isWatchedForWriting = false

            init(_ socket: Socket, _ load: Load) {
                self.socket = socket
                bytesToSend = load.depth * load.requests[0].count
                sentAt = [UInt64](repeating: 0, count: load.depth)
            }
        }

        /// Owns a descriptor.
        private final class Socket {
            let descriptor: Int32
            init(_ descriptor: Int32) { self.descriptor = descriptor }
            deinit { close(descriptor) }
        }

        private static let bufferBytes = 256 << 10
        private let load: Load
        private let server: ServerProcess
        private let epoll = Epoll()
        private let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: bufferBytes, alignment: 16)
        /// The requests one behind the other, so that several go out with one send.
        private let stream: [UInt8]
        private let requestBytes: Int
        private var peers: [Peer?] = []
        private var answered = 0
        private var isSampling = false
        private var nanoseconds: [UInt32] = []

        init(_ load: Load, on server: ServerProcess) throws {
            self.load = load
            self.server = server
            requestBytes = load.requests[0].count
            guard load.requests.allSatisfy({ $0.count == load.requests[0].count }) else {
                throw BenchmarkFailure("requests of different sizes")
            }
            let repeats = (load.depth + load.requests.count - 1) / load.requests.count
            stream = Array((0..<repeats).flatMap { _ in load.requests.flatMap(\.array) })
            nanoseconds.reserveCapacity(1 << 21)
            for _ in 0..<load.connections {
                let socket = Socket(try connected(to: server.address.port))
                let peer = Peer(socket, load)
                while peers.count <= Int(socket.descriptor) { peers.append(nil) }
                peers[Int(socket.descriptor)] = peer
                try epoll.add(socket.descriptor)
            }
        }

        deinit { unsafe buffer.deallocate() }

        /// Loads the server for `warmUp` seconds, and then for `seconds`, of which it returns the figures.
        func run(warmUp: Seconds, seconds: Seconds) throws -> Figures {
            for case let peer? in peers { try send(peer) }
            try work(for: warmUp)
            let processor = server.processorSeconds
            let before = answered
            let start = ContinuousClock.now
            isSampling = true
            try work(for: seconds)
            let elapsed = start.seconds(to: .now)
            let used = server.processorSeconds - processor
            guard answered > before else { throw BenchmarkFailure("no answers") }
            let latencies = nanoseconds.map { Double($0) / 1000 }
            return Figures(
                seconds: elapsed, requests: answered - before, serverSeconds: used,
                p50Microseconds: percentile(0.5, of: latencies), p99Microseconds: percentile(0.99, of: latencies))
        }

        private func work(for seconds: Seconds) throws {
            let end = now() + UInt64(seconds * 1e9)
            while now() < end {
                try epoll.wait { descriptor in
                    guard let peer = peers[Int(descriptor)] else { return }
                    try receive(peer)
                    try send(peer)
                }
            }
        }

        private func receive(_ peer: Peer) throws {
            let missing = peer.frames.missing
            // A long answer is forgotten in the kernel: the client would else be the slower side.
            let isSkipping = missing > Self.bufferBytes
            let received =
                isSkipping
                ? recv(peer.socket.descriptor, nil, missing - 1, Int32(MSG_TRUNC))
                : unsafe recv(peer.socket.descriptor, buffer.baseAddress, buffer.count, 0)
            guard received > 0 else {
                if received < 0 && errno == EAGAIN { return }
                throw BenchmarkFailure("the server hung up: \(received == 0 ? 0 : errno)")
            }
            if isSkipping { return peer.frames.skip(received) }
            let time = now()
            var strange: Int?
            unsafe peer.frames.take(UnsafeRawBufferPointer(rebasing: buffer[..<received])) { byteCount, _ in
                if byteCount != load.answerBytes { strange = byteCount }
                if isSampling {
                    nanoseconds.append(UInt32(clamping: time - peer.sentAt[peer.answeredCount % load.depth]))
                }
                peer.answeredCount += 1
                peer.bytesToSend += requestBytes
                answered += 1
            }
            if let strange { throw BenchmarkFailure("an answer of \(strange) bytes instead of \(load.answerBytes)") }
        }

        private func send(_ peer: Peer) throws {
            while peer.bytesToSend > 0 {
                let count = min(peer.bytesToSend, stream.count - peer.cursor)
                let time = now()
                let sent = unsafe stream.withUnsafeBytes { bytes in
                    unsafe Glibc.send(
                        peer.socket.descriptor, bytes.baseAddress.map { unsafe $0 + peer.cursor }, count,
                        Int32(MSG_NOSIGNAL))
                }
                guard sent > 0 else {
                    guard errno == EAGAIN else { throw BenchmarkFailure("send: \(errno)") }
                    return try watch(peer, writing: true)
                }
                // The requests whose last byte has gone out.
                let ended = (peer.cursor % requestBytes + sent) / requestBytes
                for _ in 0..<ended {
                    peer.sentAt[peer.sentCount % load.depth] = time
                    peer.sentCount += 1
                }
                peer.cursor = (peer.cursor + sent) % stream.count
                peer.bytesToSend -= sent
            }
            try watch(peer, writing: false)
        }

        private func watch(_ peer: Peer, writing: Bool) throws {
            guard peer.isWatchedForWriting != writing else { return }
            peer.isWatchedForWriting = writing
            try epoll.change(peer.socket.descriptor, writing: writing)
        }
    }

    private func now() -> UInt64 {
        var time = timespec()
        unsafe clock_gettime(CLOCK_MONOTONIC, &time)
        return UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec)
    }
#endif
