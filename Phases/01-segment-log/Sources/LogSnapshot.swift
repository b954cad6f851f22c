/// A log as it was at one moment: what any thread may read while the log goes on (ADR-0106).
///
///     let reader = log.makeReader()                // one for each thread
///     let snapshot = reader.snapshot()
///     let range = try snapshot.read(from: offset, upTo: snapshot.end, maxBytes: 1 << 20)
public final class LogSnapshot: Sendable {
    /// The first offset that can be read.
    public let startOffset: Offset
    /// In ascending order; the last one is the active segment.
    private let sealed: [SegmentView]
    private let active: SegmentView

    init(startOffset: Offset, sealed: [SegmentView], active: SegmentView) {
        self.startOffset = startOffset
        self.sealed = sealed
        self.active = active
    }

    /// The log after an append.
    func replacingActive(with view: SegmentView) -> LogSnapshot {
        LogSnapshot(startOffset: startOffset, sealed: sealed, active: view)
    }

    /// The place behind the last record: its offset is the log end offset.
    public var end: LogPosition { active.end }
    /// How many segments there are.
    public var segmentCount: Int { sealed.count + 1 }
    /// Bytes of batches in all segments.
    public var byteCount: Int64 { sealed.reduce(active.size) { $0 + $1.size } }

    private func segment(_ index: Int) -> SegmentView { index < sealed.count ? sealed[index] : active }

    /// The batches from the one that holds `offset`, or the next one where compaction has taken that
    /// offset away, as a run of one segment's file.
    ///
    /// The run begins at a batch boundary, at or before `offset`, and may end inside a batch, as
    /// Kafka's does. Nil where there is nothing to read: at `limit`, or where `maxBytes` does not
    /// cover the first batch.
    ///
    /// - Parameters:
    ///   - limit: nothing behind this place is returned; the log's end, or the high watermark.
    ///   - maxBytes: the most bytes to return.
    ///   - atLeastOneBatch: whether the first batch is returned whole even if it is larger (KIP-74).
    public func read(
        from offset: Offset, upTo limit: LogPosition, maxBytes: Int, atLeastOneBatch: Bool = true
    ) throws(LogError) -> FileRange? {
        guard let (segment, position, header) = try find(offset, upTo: limit) else { return nil }
        // A limit from before a compaction may name a place that the segment no longer has: what is
        // left of it then lies before the limit.
        let end = segment.baseOffset == limit.segment ? min(limit.position, segment.size) : segment.size
        // Or, where a delete horizon has made batches longer, cut the last one short: it is whole below
        // the limit all the same.
        let available = max(Int(end - position), header.byteCount)
        var count = min(available, max(maxBytes, 0))
        if count < header.byteCount {
            guard atLeastOneBatch else { return nil }
            count = header.byteCount
        }
        return FileRange(file: segment.file, position: position, count: count)
    }

    /// Where the first batch is that holds `offset` or a later one; nil at `limit`.
    private func find(
        _ offset: Offset, upTo limit: LogPosition
    ) throws(LogError) -> (segment: SegmentView, position: Int64, header: RecordBatchHeader)? {
        guard offset >= startOffset, offset <= limit.offset else {
            throw .offsetOutOfRange(offset, start: startOffset, end: limit.offset)
        }
        if offset == limit.offset { return nil }
        var index = segmentIndex(of: offset)
        while index < segmentCount, segment(index).baseOffset <= limit.segment {
            let segment = segment(index)
            if let (position, header) = try segment.batch(holding: offset) {
                return header.baseOffset < limit.offset ? (segment, position, header) : nil
            }
            index += 1
        }
        return nil
    }

    /// The first record from the log's start on and below `limit` whose timestamp is at least `timestamp`; nil if there is none.
    public func record(
        notBefore timestamp: Int64, upTo limit: LogPosition
    ) throws(LogError) -> (offset: Offset, timestamp: Int64)? {
        for index in 0..<segmentCount where segment(index).greatestTimestamp >= timestamp {
            if let found = try segment(index).record(notBefore: timestamp, from: startOffset) {
                return found.offset < limit.offset ? found : nil
            }
        }
        return nil
    }

    /// The record with the greatest timestamp, the first of them; nil where no record has one (KIP-734).
    public func recordWithGreatestTimestamp(
        upTo limit: LogPosition
    ) throws(LogError) -> (offset: Offset, timestamp: Int64)? {
        let greatest = sealed.reduce(active.greatestTimestamp) { max($0, $1.greatestTimestamp) }
        if greatest < 0 { return nil }
        if let found = try record(notBefore: greatest, upTo: limit) { return found }
        // A batch that compaction has emptied keeps its timestamp, and so does what lies behind the
        // limit: no record has the greatest one. Halving finds the one below.
        guard var found = try record(notBefore: 0, upTo: limit) else { return nil }
        var tooGreat = greatest
        while found.timestamp + 1 < tooGreat {
            let middle = found.timestamp + (tooGreat - found.timestamp) / 2
            if let later = try record(notBefore: middle, upTo: limit) { found = later } else { tooGreat = middle }
        }
        return found
    }

    /// The index of the segment that holds `offset`, which is not before the log's start.
    private func segmentIndex(of offset: Offset) -> Int {
        var low = 0
        var high = segmentCount
        while low < high {
            let middle = low + (high - low) / 2
            if segment(middle).baseOffset <= offset { low = middle + 1 } else { high = middle }
        }
        return max(low - 1, 0)
    }
}

/// Reads a log on a thread of its own, without a lock and beside its writer.
public final class LogReader {
    private let reader: Published<LogSnapshot>.Reader

    init(_ published: Published<LogSnapshot>) { reader = published.makeReader() }

    /// The log as it is now.
    public func snapshot() -> LogSnapshot { reader.load() }
}
