#if os(Linux)
    import CSystem
    import Glibc
    import SegmentLog

    /// epoll(7), level-triggered.
    @safe final class EpollPoller: Poller {
        private let epoll: Int32
        private var events: [epoll_event]

        init() throws(SystemError) {
            epoll = epoll_create1(Int32(EPOLL_CLOEXEC))
            unsafe events = [epoll_event](repeating: epoll_event(), count: 256)
            guard epoll >= 0 else { throw SystemError("create an epoll instance", errno) }
        }

        deinit { close(epoll) }

        func add(_ descriptor: Int32, token: UInt64, _ interest: Interest) throws(SystemError) {
            try control(EPOLL_CTL_ADD, descriptor, token, interest)
        }

        func change(_ descriptor: Int32, token: UInt64, from old: Interest, to new: Interest) throws(SystemError) {
            try control(EPOLL_CTL_MOD, descriptor, token, new)
        }

        func remove(_ descriptor: Int32, _ interest: Interest) {
            var event = unsafe epoll_event()
            _ = unsafe epoll_ctl(epoll, EPOLL_CTL_DEL, descriptor, &event)
        }

        private func control(
            _ operation: Int32, _ descriptor: Int32, _ token: UInt64, _ interest: Interest
        ) throws(SystemError) {
            var event = unsafe epoll_event()
            var mask: UInt32 = 0
            if interest.contains(.reading) { mask |= EPOLLIN.rawValue }
            if interest.contains(.endOfInput) { mask |= EPOLLRDHUP.rawValue }
            if interest.contains(.writing) { mask |= EPOLLOUT.rawValue }
            unsafe event.events = mask
            unsafe event.data.u64 = token
            guard unsafe epoll_ctl(epoll, operation, descriptor, &event) == 0 else {
                throw SystemError("watch a descriptor", errno)
            }
        }

        func wait(milliseconds: Int32, into ready: inout [Readiness]) throws(SystemError) {
            ready.removeAll(keepingCapacity: true)
            let count = unsafe epoll_wait(epoll, &events, Int32(unsafe events.count), milliseconds)
            if count < 0 {
                if errno == EINTR { return }
                throw SystemError("wait for events", errno)
            }
            for index in 0..<Int(count) {
                let (mask, token) = unsafe (events[index].events, events[index].data.u64)
                ready.append(
                    Readiness(
                        token: token, isReadable: mask & EPOLLIN.rawValue != 0,
                        isWritable: mask & EPOLLOUT.rawValue != 0,
                        hasEndedInput: mask & EPOLLRDHUP.rawValue != 0,
                        isHungUp: mask & (EPOLLERR.rawValue | EPOLLHUP.rawValue) != 0))
            }
        }
    }
#endif
