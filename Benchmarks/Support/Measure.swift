/// Time, in seconds.
package typealias Seconds = Double

/// How long `body` takes.
package func measure(_ body: () throws -> Void) rethrows -> Seconds {
    let start = ContinuousClock.now
    try body()
    return start.seconds(to: .now)
}

extension ContinuousClock.Instant {
    /// From this moment to a later one.
    package func seconds(to end: ContinuousClock.Instant) -> Seconds {
        let elapsed = duration(to: end).components
        return Double(elapsed.seconds) + Double(elapsed.attoseconds) / 1e18
    }
}

/// The middle one of `values`; 0 for none.
package func median(_ values: [Double]) -> Double { percentile(0.5, of: values) }

/// The value that the fraction `part` of `values` does not exceed; 0 for none.
package func percentile(_ part: Double, of values: [Double]) -> Double {
    let sorted = values.sorted()
    return sorted.isEmpty ? 0 : sorted[min(Int(Double(sorted.count) * part), sorted.count - 1)]
}

/// Why a benchmark could not go on.
package struct BenchmarkFailure: Error, CustomStringConvertible {
    /// The reason in words.
    package var description: String
    /// A failure for this reason.
    package init(_ description: String) { self.description = description }
}
