#if os(Linux)
    import BenchmarkSupport
    import Glibc
    import SegmentLog
    import WireProtocol

    /// Sockets to the broker, each with one request under way at most, on one thread with an epoll loop.
    @safe final class Connections {
        private static let bufferBytes = 256 << 10
        private let epoll = Epoll()
        private let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: bufferBytes, alignment: 16)
        private var sockets: [Int32] = []
        /// By descriptor, the connection's number.
        private var numbers: [Int] = []
        /// What has come of an answer that is not whole.
        private var partial: [[UInt8]] = []
        /// Whether a request is under way.
        private(set) var isBusy: [Bool] = []
        /// How many requests are under way.
        private(set) var busyCount = 0

        /// Connects `count` times.
        init(_ count: Int, to address: SocketAddress) throws {
            for number in 0..<count {
                let socket = try connected(to: address.port)
                sockets.append(socket)
                while numbers.count <= Int(socket) { numbers.append(-1) }
                numbers[Int(socket)] = number
                try epoll.add(socket)
            }
            partial = Array(repeating: [], count: count)
            isBusy = Array(repeating: false, count: count)
        }

        deinit {
            close()
            unsafe buffer.deallocate()
        }

        /// Closes all: their descriptors are needed for others.
        func close() {
            for socket in sockets { _ = Glibc.close(socket) }
            sockets = []
        }

        /// Sends a request on a connection that has none under way.
        func send(_ frame: Bytes, on number: Int) throws {
            guard !isBusy[number] else { throw BenchmarkFailure("a second request on connection \(number)") }
            isBusy[number] = true
            busyCount += 1
            var rest = frame
            while rest.count > 0 {
                let sent = unsafe rest.withUnsafeBytes {
                    unsafe Glibc.send(sockets[number], $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
                }
                if sent < 0 && errno == EAGAIN {
                    var wanted = pollfd(fd: sockets[number], events: Int16(POLLOUT), revents: 0)
                    _ = unsafe poll(&wanted, 1, 1000)
                    continue
                }
                guard sent > 0 else { throw BenchmarkFailure("send: \(errno)") }
                rest = rest.dropFirst(sent)
            }
        }

        /// Waits for answers, and hands each to `body` with its connection's number, which may send the next request.
        func wait(milliseconds: Int32 = 1000, _ body: (Int, Bytes) throws -> Void) throws {
            try epoll.wait(milliseconds: milliseconds) { socket in
                let number = numbers[Int(socket)]
                let received = unsafe recv(socket, buffer.baseAddress, buffer.count, 0)
                guard received > 0 else {
                    if received < 0 && errno == EAGAIN { return }
                    throw BenchmarkFailure("the broker hung up on connection \(number)")
                }
                unsafe partial[number].append(contentsOf: UnsafeRawBufferPointer(rebasing: buffer[..<received]))
                guard partial[number].count >= 4 else { return }
                let length = partial[number].prefix(4).reduce(0) { $0 << 8 | Int($1) }
                guard partial[number].count == 4 + length else { return }
                let answer = Bytes(partial[number][4...])
                partial[number].removeAll(keepingCapacity: length < 1024)
                isBusy[number] = false
                busyCount -= 1
                try body(number, answer)
            }
        }

        /// Asks on connection 0, while nothing else is under way on it.
        func ask<Asked: Request>(_ request: Asked, version: Int16) throws -> Asked.Response {
            try send(try request.frame(version: version, correlationID: 1, clientID: "bench").bytes(), on: 0)
            var answer: Bytes?
            while answer == nil {
                try wait { number, frame in
                    guard number == 0 else { throw BenchmarkFailure("an answer that nobody waits for") }
                    answer = frame
                }
            }
            return try Asked.Response.decodeResponse(answer ?? Bytes(), version: version).body
        }
    }
#endif
