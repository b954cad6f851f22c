/// What the directory of a log tells that is not open: enough to know whether it has to be.
///
/// A clean stop has left index files of every segment, so two of them say how old the log's records are.
public struct LogGlance: Equatable, Sendable {
    /// Whether the directory holds only what a clean stop leaves. If not, the rest says nothing.
    public var isWhole = true
    /// How many segments there are, the active one among them.
    public var segmentCount = 0
    /// The first offset of the active segment.
    public var activeBaseOffset = Offset.zero
    /// The greatest timestamp in the first segment, in milliseconds since 1970; -1 for none.
    public var firstSegmentTimestamp: Int64 = -1
    /// The greatest timestamp in the active segment, in milliseconds since 1970; -1 for none.
    public var activeTimestamp: Int64 = -1

    /// Nothing is there.
    public init() {}
}

extension LogDirectory {
    /// Looks at the log `name`, which must not be open, for the price of a listing and two small reads.
    public func glance(at name: String) throws(LogError) -> LogGlance {
        try onStorage { () throws(StorageError) in
            let directory = try storage.directory(name)
            var glance = LogGlance()
            var first: Offset?
            for file in try directory.list() {
                if let base = SegmentName.baseOffset(of: file) {
                    // Names sort as their offsets do.
                    first = first ?? base
                    glance.segmentCount += 1
                    glance.activeBaseOffset = base
                } else if file.hasSuffix(Log.deletedSuffix) || file.hasSuffix(Log.cleanedSuffix)
                    || file.hasSuffix(Log.swapSuffix)
                {
                    glance.isWhole = false
                }
            }
            guard let first else { return glance }
            if let oldest = try Self.greatestTimestamp(of: first, in: directory),
                let latest = try Self.greatestTimestamp(of: glance.activeBaseOffset, in: directory)
            {
                (glance.firstSegmentTimestamp, glance.activeTimestamp) = (oldest, latest)
            } else {
                glance.isWhole = false
            }
            return glance
        }
    }

    /// How many bytes of batches the log `name` has, open or not; 0 where there is none.
    public func byteCount(of name: String) throws(LogError) -> Int64 {
        if let log = logs[name] { return log.snapshot.byteCount }
        guard contains(name) else { return 0 }
        return try onStorage { () throws(StorageError) in
            let directory = try storage.directory(name)
            var sum: Int64 = 0
            for file in try directory.list() where SegmentName.baseOffset(of: file) != nil {
                sum += try directory.open(file, creating: false).size()
            }
            return sum
        }
    }

    /// The timestamp of the last entry in a segment's time index, which is its greatest; -1 where there
    /// is no entry, nil where there is no sound index.
    private static func greatestTimestamp(
        of segment: Offset, in directory: any Storage
    ) throws(StorageError) -> Int64? {
        do {
            let file = try directory.open(SegmentName.of(segment, SegmentName.timeIndex), creating: false)
            let size = try file.size()
            guard size > 0 else { return -1 }
            guard size % Int64(TimeIndexEntry.byteCount) == 0 else { return nil }
            let last = try file.read(TimeIndexEntry.byteCount, at: size - Int64(TimeIndexEntry.byteCount))
            return TimeIndex(decoding: last)?.last?.timestamp
        } catch {
            if error.isNotFound { return nil }
            throw error
        }
    }
}
