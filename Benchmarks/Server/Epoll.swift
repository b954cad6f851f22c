#if os(Linux)
    import BenchmarkSupport
    import CSystem
    import Glibc

    /// epoll(7) with descriptors as tokens: for the load generator, and the bare server.
    @safe final class Epoll: @unchecked Sendable {
        // Sendable without a lock: one thread waits, another one only adds, which the kernel allows.
        private let descriptor = epoll_create1(0)
        private var events = unsafe [epoll_event](repeating: epoll_event(), count: 512)

        /// Begins to watch `watched` for reading.
        func add(_ watched: Int32) throws { try control(EPOLL_CTL_ADD, watched, EPOLLIN.rawValue) }

        /// Watches `watched` for reading, and, where asked for, for room to write.
        func change(_ watched: Int32, writing: Bool) throws {
            try control(EPOLL_CTL_MOD, watched, EPOLLIN.rawValue | (writing ? EPOLLOUT.rawValue : 0))
        }

        private func control(_ operation: Int32, _ watched: Int32, _ mask: UInt32) throws {
            var event = unsafe epoll_event()
            unsafe event.events = mask
            unsafe event.data.fd = watched
            guard unsafe epoll_ctl(descriptor, operation, watched, &event) == 0 else {
                throw BenchmarkFailure("epoll_ctl: \(errno)")
            }
        }

        /// Waits, and calls `body` with each descriptor that is ready.
        func wait(_ body: (Int32) throws -> Void) throws {
            let count = unsafe epoll_wait(descriptor, &events, Int32(unsafe events.count), 1000)
            for index in 0..<max(0, Int(count)) { try body(unsafe events[index].data.fd) }
        }
    }

    /// Where the frames of a stream end. Only the four bytes of each length are looked at.
    struct FrameCounter {
        private var length: UInt32 = 0
        private var lengthBytes = 0
        /// The bytes that the frame in hand lacks.
        private(set) var missing = 0

        /// Takes `bytes` in. Calls `ended` for each frame that ends in them, with its whole length and the place behind it.
        mutating func take(_ bytes: UnsafeRawBufferPointer, _ ended: (_ byteCount: Int, _ end: Int) -> Void) {
            var position = 0
            while position < bytes.count {
                if lengthBytes == 4 {
                    let taken = min(missing, bytes.count - position)
                    position += taken
                    missing -= taken
                } else if lengthBytes == 0 && bytes.count - position >= 4 {
                    length = unsafe UInt32(bigEndian: bytes.loadUnaligned(fromByteOffset: position, as: UInt32.self))
                    position += 4
                    (lengthBytes, missing) = (4, Int(length))
                } else {
                    length = unsafe length << 8 | UInt32(bytes[position])
                    position += 1
                    lengthBytes += 1
                    missing = lengthBytes == 4 ? Int(length) : 0
                }
                if lengthBytes == 4 && missing == 0 {
                    ended(4 + Int(length), position)
                    (lengthBytes, length) = (0, 0)
                }
            }
        }

        /// Bytes of the frame in hand were taken without being looked at; fewer than are missing.
        mutating func skip(_ count: Int) { missing -= count }
    }
#endif
