#if canImport(Darwin)
    import Darwin
#else
    import Glibc
#endif
import Synchronization

/// SIGINT and SIGTERM, for a command that has something to finish when they come.
enum StopSignal {
    private static let raised = Atomic<Int32>(0)

    /// The first of each is noted from here on; the second ends the process as if nobody had asked.
    static func watch() {
        // Made before the handler comes to it: that may do nothing but load and store.
        _ = isRaised
        for number in [SIGINT, SIGTERM] {
            _ = signal(number) { number in
                StopSignal.raised.store(number, ordering: .relaxed)
                _ = signal(number, SIG_DFL)
            }
        }
    }

    /// Whether the process is to come to its end.
    static var isRaised: Bool { raised.load(ordering: .relaxed) != 0 }

    /// Ends the process as the signal would have, if one came: whoever started it sees why it ended.
    static func endByWhatWasRaised() {
        let number = raised.load(ordering: .relaxed)
        if number != 0 { kill(getpid(), number) }
    }
}
