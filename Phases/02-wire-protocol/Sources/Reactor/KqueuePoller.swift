#if canImport(Darwin)
    import Darwin
    import SegmentLog

    /// kqueue(2), level-triggered. Reading and writing are filters of their own there.
    @safe final class KqueuePoller: Poller {
        private let queue: Int32
        private var events: [kevent]

        init() throws(SystemError) {
            queue = kqueue()
            unsafe events = Array<kevent>(repeating: kevent(), count: 256)
            guard queue >= 0 else { throw SystemError("create a kqueue", errno) }
        }

        deinit { close(queue) }

        func add(_ descriptor: Int32, token: UInt64, _ interest: Interest) throws(SystemError) {
            try change(descriptor, token: token, from: [], to: interest)
        }

        func change(_ descriptor: Int32, token: UInt64, from old: Interest, to new: Interest) throws(SystemError) {
            for (filter, bit) in [(EVFILT_READ, Interest.reading), (EVFILT_WRITE, Interest.writing)] {
                if new.contains(bit) && !old.contains(bit) {
                    try apply(descriptor, token, filter, EV_ADD)
                } else if old.contains(bit) && !new.contains(bit) {
                    try apply(descriptor, token, filter, EV_DELETE)
                }
            }
        }

        func remove(_ descriptor: Int32, _ interest: Interest) {
            try? change(descriptor, token: 0, from: interest, to: [])
        }

        private func apply(
            _ descriptor: Int32, _ token: UInt64, _ filter: Int32, _ action: Int32
        ) throws(SystemError) {
            var event = unsafe kevent(
                ident: UInt(descriptor), filter: Int16(filter), flags: UInt16(action), fflags: 0, data: 0,
                udata: UnsafeMutableRawPointer(bitPattern: UInt(token)))
            guard unsafe kevent(queue, &event, 1, nil, 0, nil) == 0 else {
                throw SystemError("watch a descriptor", errno)
            }
        }

        func wait(milliseconds: Int32, into ready: inout [Readiness]) throws(SystemError) {
            ready.removeAll(keepingCapacity: true)
            var timeout = timespec(
                tv_sec: Int(milliseconds) / 1000, tv_nsec: (Int(milliseconds) % 1000) * 1_000_000)
            let limit = Int32(unsafe events.count)
            let count =
                milliseconds < 0
                ? unsafe kevent(queue, nil, 0, &events, limit, nil)
                : unsafe kevent(queue, nil, 0, &events, limit, &timeout)
            if count < 0 {
                if errno == EINTR { return }
                throw SystemError("wait for events", errno)
            }
            for index in 0..<Int(count) {
                let event = unsafe events[index]
                let isReading = unsafe Int32(event.filter) == EVFILT_READ
                let flags = unsafe Int32(event.flags)
                ready.append(
                    Readiness(
                        token: UInt64(UInt(bitPattern: unsafe event.udata)), isReadable: isReading,
                        isWritable: !isReading, hasEndedInput: false, isHungUp: !isReading && flags & EV_EOF != 0))
            }
        }
    }
#endif
