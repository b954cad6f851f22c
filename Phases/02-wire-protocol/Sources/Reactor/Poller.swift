import SegmentLog

/// Who waits for sockets: epoll on Linux, kqueue on macOS. Level-triggered: what is not dealt with
/// is reported again.
protocol Poller: AnyObject {
    /// Begins to watch a descriptor. `token` comes back with its readiness.
    func add(_ descriptor: Int32, token: UInt64, _ interest: Interest) throws(SystemError)
    /// Changes what is watched for, from `old` to `new`.
    func change(_ descriptor: Int32, token: UInt64, from old: Interest, to new: Interest) throws(SystemError)
    /// Stops watching. Must come before the descriptor is closed.
    func remove(_ descriptor: Int32, _ interest: Interest)
    /// Waits until something is ready, at most `milliseconds` (-1: for ever), and fills `ready`.
    func wait(milliseconds: Int32, into ready: inout [Readiness]) throws(SystemError)
}

/// What a descriptor is watched for. Errors, and the end of both directions, are always reported on Linux;
/// on macOS only when it is read or written again.
struct Interest: OptionSet, Sendable {
    let rawValue: UInt8
    static let reading = Interest(rawValue: 1)
    static let writing = Interest(rawValue: 2)
    /// The end of the input while nothing is read; Linux only.
    static let endOfInput = Interest(rawValue: 4)
}

/// A descriptor that is ready.
struct Readiness {
    var token: UInt64
    var isReadable: Bool
    var isWritable: Bool
    /// The peer sends nothing more; there may be something left to read.
    var hasEndedInput: Bool
    /// The connection is gone.
    var isHungUp: Bool
}

/// A system call that failed.
public struct SystemError: Error, Equatable, Sendable {
    /// What was being done.
    public var operation: String
    /// The operating system's error number.
    public var number: Int32

    init(_ operation: String, _ number: Int32) {
        self.operation = operation
        self.number = number
    }
}

#if os(Linux)
    typealias SystemPoller = EpollPoller
#else
    typealias SystemPoller = KqueuePoller
#endif
