import SegmentLog

/// What opening all logs found.
public struct RecoverySummary: Sendable {
    /// Bytes whose CRCs were checked.
    public var scannedBytes: Int64 = 0
    /// What somebody should know, a line each.
    public var lines: [String] = []

    mutating func add(_ recovery: LogRecovery, name: String) {
        scannedBytes += recovery.scannedBytes
        if let damage = recovery.damage {
            lines.append("cut \(recovery.cutBytes) bytes from the end of \(name): \(damage)")
        }
        if recovery.segmentsSetAside > 0 {
            lines.append(
                "set \(recovery.segmentsSetAside) segments of \(name) aside, as .log.damaged: they lie behind damage")
        }
        for gap in recovery.gaps {
            lines.append(
                "\(name) has no segment for offsets \(gap.lowerBound) to \(gap.upperBound): compacted elsewhere?")
        }
        if recovery.rebuiltIndexes > 0 {
            lines.append("rebuilt the indexes of \(recovery.rebuiltIndexes) segments of \(name)")
        }
    }
}
