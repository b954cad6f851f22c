#if os(Linux)
    import CSystem
    import Glibc

    /// epoll(7) with descriptors as tokens: for the clients that load a server, and the bare server.
    @safe package final class Epoll: @unchecked Sendable {
        // Sendable without a lock: one thread waits, another one only adds, which the kernel allows.
        private let descriptor = epoll_create1(0)
        private var events = unsafe [epoll_event](repeating: epoll_event(), count: 512)

        /// Watches nothing yet.
        package init() {}

        /// Begins to watch `watched` for reading.
        package func add(_ watched: Int32) throws { try control(EPOLL_CTL_ADD, watched, EPOLLIN.rawValue) }

        /// Watches `watched` for reading, and, where asked for, for room to write.
        package func change(_ watched: Int32, writing: Bool) throws {
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

        /// Waits, and calls `body` with each descriptor that is ready; with none after so many milliseconds.
        package func wait(milliseconds: Int32 = 1000, _ body: (Int32) throws -> Void) throws {
            let count = unsafe epoll_wait(descriptor, &events, Int32(unsafe events.count), milliseconds)
            for index in 0..<max(0, Int(count)) { try body(unsafe events[index].data.fd) }
        }
    }
#endif
