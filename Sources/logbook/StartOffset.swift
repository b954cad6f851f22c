#if canImport(Darwin)
    import Darwin
#else
    import Glibc
#endif
import LogbookClient

/// A place in each partition's log, in the words of `consume --offset` and `group seek --to`.
enum StartOffset: Equatable {
    case position(StartPosition)
    /// So many records before the end.
    case beforeEnd(Int64)
    /// The first record that is at most so many milliseconds old.
    case age(milliseconds: Int64)

    static let words = "start, end, N, -N, @MS or @-AGE"
    /// How long a unit is in milliseconds.
    private static let units: KeyValuePairs<Character, Int64> = [
        "s": 1_000, "m": 60_000, "h": 3_600_000, "d": 86_400_000,
    ]

    /// Reads the value of `flag`.
    init(_ text: String, of flag: String) throws {
        guard let known = Self.read(text) else { throw UsageError("\(flag) takes \(Self.words), not \(text)") }
        self = known
    }

    private static func read(_ text: String) -> StartOffset? {
        if text == "start" { return .position(.earliest) }
        if text == "end" { return .position(.latest) }
        if text.hasPrefix("@-") { return age(text.dropFirst(2)) }
        if text.hasPrefix("@") { return number(text.dropFirst()).map { .position(.timestamp($0)) } }
        if text.hasPrefix("-") { return number(text.dropFirst()).map { .beforeEnd($0) } }
        return number(text[...]).map { .position(.offset($0)) }
    }

    /// Digits and nothing else: a sign in front would mean something to who writes it.
    private static func number(_ text: Substring) -> Int64? {
        text.allSatisfy { $0.isASCII && $0.isNumber } ? Int64(text) : nil
    }

    private static func age(_ text: Substring) -> StartOffset? {
        guard let unit = units.first(where: { $0.key == text.last })?.value, let count = number(text.dropLast()) else {
            return nil
        }
        let (milliseconds, isTooLong) = count.multipliedReportingOverflow(by: unit)
        return isTooLong ? nil : .age(milliseconds: milliseconds)
    }

    /// The same, with a point in time for an age.
    func at(_ now: Int64) -> StartOffset {
        guard case .age(let milliseconds) = self else { return self }
        return .position(.timestamp(max(0, now - milliseconds)))
    }
}

/// The time of day.
enum WallClock {
    /// In milliseconds since 1970.
    static func milliseconds() -> Int64 {
        var time = timespec()
        unsafe clock_gettime(CLOCK_REALTIME, &time)
        return Int64(time.tv_sec) * 1000 + Int64(time.tv_nsec) / 1_000_000
    }
}
