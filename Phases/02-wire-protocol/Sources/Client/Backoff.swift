import SegmentLog

/// How long to wait before the next attempt: twice as long after each failure, up to a bound, and a
/// fifth more or less by chance, so that clients do not come back all at once (KIP-144).
struct Backoff: Sendable {
    /// The wait after the first failure, in milliseconds.
    let first: Int64
    /// The longest wait, in milliseconds.
    let longest: Int64
    private(set) var failures = 0

    init(first: Int64, longest: Int64) {
        self.first = max(0, first)
        // Half of the range is left for the fifth that chance adds.
        self.longest = min(max(self.first, longest), .max / 2)
    }

    /// Counts a failure, and returns how long to wait, in milliseconds.
    mutating func failed(_ random: inout SplitMix64) -> Int64 {
        failures += 1
        let (doubled, isTooLong) = first.multipliedReportingOverflow(by: 1 << Int64(min(failures - 1, 30)))
        let wait = isTooLong ? longest : min(doubled, longest)
        return wait - wait / 5 + Int64(random.below(Int(wait / 5 * 2 + 1)))
    }

    /// Forgets the failures.
    mutating func succeeded() { failures = 0 }
}
