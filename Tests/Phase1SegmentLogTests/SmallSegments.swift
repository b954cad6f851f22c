import SegmentLog
import TestSupport

extension LogConfiguration {
    /// Segments of a dozen small batches.
    static var smallSegments: LogConfiguration {
        var configuration = LogConfiguration()
        configuration.segmentBytes = 2000
        configuration.indexIntervalBytes = 200
        return configuration
    }
}

extension Log {
    /// Appends batches of one record, with the values b0, b1, … or of another `tag`.
    func fill(_ count: Int, tag: String = "b") throws {
        for index in 0..<count {
            _ = try append(
                Batches.make(1, tag: "\(tag)\(index)", timestamp: Int64(1000 + index), padding: 80),
                leaderEpoch: LeaderEpoch(0))
        }
    }
}
