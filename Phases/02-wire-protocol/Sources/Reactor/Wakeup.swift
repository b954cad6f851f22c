#if canImport(Darwin)
    import Darwin
#else
    import CSystem
    import Glibc
#endif
import SegmentLog

/// A bell between threads, as a descriptor: an eventfd on Linux, a pipe on macOS.
///
/// After a `silence` it rings only for what was rung since; how often does not matter. (eventfd was
/// measured at four times the items per second of a condition variable.)
final class Wakeup: Sendable {
    /// What to watch for reading.
    let descriptor: Int32
    private let writer: Int32

    /// A bell; with `blocking`, `wait` sleeps until it rings.
    init(blocking: Bool) throws(SystemError) {
        #if canImport(Darwin)
            var ends: [Int32] = [0, 0]
            guard unsafe pipe(&ends) == 0 else { throw SystemError("create a pipe", errno) }
            (descriptor, writer) = (ends[0], ends[1])
            if !blocking { _ = fcntl(descriptor, F_SETFL, O_NONBLOCK) }
            _ = fcntl(writer, F_SETFL, O_NONBLOCK)
            for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
        #else
            descriptor = eventfd(0, Int32(EFD_CLOEXEC) | (blocking ? 0 : Int32(EFD_NONBLOCK)))
            writer = descriptor
            guard descriptor >= 0 else { throw SystemError("create an eventfd", errno) }
        #endif
    }

    deinit {
        close(descriptor)
        if writer != descriptor { close(writer) }
    }

    /// Rings. From any thread.
    func ring() {
        var one: UInt64 = 1
        _ = unsafe write(writer, &one, 8)
    }

    /// Sleeps until it rings (with `blocking`), and silences it.
    func wait() {
        // An eventfd gives its count; a pipe gives what was written to it, up to as much as this.
        var rings = [UInt64](repeating: 0, count: 512)
        _ = unsafe read(descriptor, &rings, rings.count * 8)
    }

    /// Silences it without waiting.
    func silence() { wait() }
}
