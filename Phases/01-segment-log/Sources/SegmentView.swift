/// A segment as it was at one moment: what any thread may read while the log goes on.
///
/// A sealed segment is nothing else; the active one is seen through a new view after each append.
struct SegmentView: Sendable {
    /// The offset of the first record that the segment holds, or would hold. Names the files.
    let baseOffset: Offset
    let file: any File
    /// Bytes of whole batches.
    var size: Int64
    /// The offset behind the last record.
    var nextOffset: Offset
    var offsetIndex: OffsetIndex
    var timeIndex: TimeIndex
    /// The greatest timestamp, in milliseconds since 1970; -1 for none.
    var greatestTimestamp: Int64

    /// The end of the segment as a place in the log.
    var end: LogPosition { LogPosition(offset: nextOffset, segment: baseOffset, position: size) }

    /// The first batch that holds `offset` or a later one, or nil behind the last batch.
    func batch(holding offset: Offset) throws(LogError) -> (position: Int64, header: RecordBatchHeader)? {
        guard offset < nextOffset else { return nil }
        let relative = Int32(clamping: offset.value - baseOffset.value)
        if let entry = offsetIndex.last(atMost: relative), try isTrue(entry) {
            return try walk(to: offset, from: Int64(entry.position))
        }
        return try walk(to: offset, from: 0)
    }

    /// Whether the batch that an index entry speaks of is there. An index that lies would lead past
    /// records; without it the walk is only longer.
    private func isTrue(_ entry: OffsetIndexEntry) throws(LogError) -> Bool {
        let position = Int64(entry.position)
        guard position >= 0, position < size else { return false }
        let bytes = try onStorage { () throws(StorageError) in try file.read(RecordBatchHeader.byteCount, at: position)
        }
        guard let header = try? RecordBatchHeader(parsing: bytes) else { return false }
        return header.lastOffset.value == baseOffset.value + Int64(entry.relativeOffset)
    }

    private func walk(
        to offset: Offset, from start: Int64
    ) throws(LogError) -> (position: Int64, header: RecordBatchHeader)? {
        // One read usually covers the distance to the next index entry.
        var scanner = BatchScanner(file, from: start, to: size, checksums: false, windowBytes: 8192)
        while let (position, header) = try next(of: &scanner) {
            if header.lastOffset >= offset { return (position, header) }
        }
        return nil
    }

    /// The scanner's next batch. Damage here is of what was sound when the segment was opened.
    private func next(of scanner: inout BatchScanner) throws(LogError) -> (position: Int64, header: RecordBatchHeader)?
    {
        switch try onStorage({ () throws(StorageError) in try scanner.next() }) {
        case .batch(let position, let header): return (position, header)
        case .damage(let position, let error): throw .damagedSegment(path: file.path, position: position, error)
        case nil: return nil
        }
    }

    /// The first record at `first` or behind it whose timestamp is at least `timestamp`; nil if there is none.
    ///
    /// Where a compressed batch cannot be opened, because the library is missing or it inflates to too
    /// much, it is not known which record that is; the answer is then the batch's first offset, so
    /// that nobody who reads on from there misses a record.
    func record(
        notBefore timestamp: Int64, from first: Offset
    ) throws(LogError) -> (offset: Offset, timestamp: Int64)? {
        guard greatestTimestamp >= timestamp else { return nil }
        // Up to this entry's offset everything is older.
        let entry = timestamp == Int64.min ? nil : timeIndex.last(atMost: timestamp - 1)
        let start = Offset(baseOffset.value + Int64(max(entry?.relativeOffset ?? 0, 0)))
        guard let begin = try batch(holding: max(start, first)) else { return nil }
        var scanner = BatchScanner(file, from: begin.position, to: size, checksums: false, windowBytes: 64 << 10)
        while let (position, header) = try next(of: &scanner) {
            guard header.maxTimestamp >= timestamp else { continue }
            let bytes = try onStorage { () throws(StorageError) in try scanner.bytes(at: position, header) }
            // The batch was checked when it was appended, or recovered: what does not parse holds nothing.
            guard let batch = try? RecordBatch(unchecked: bytes) else { continue }
            // A base timestamp may be a delete horizon, later than any record.
            guard let opened = try? batch.opened() else {
                return (max(header.baseOffset, first), min(header.baseTimestamp, header.maxTimestamp))
            }
            if let found = SegmentView.record(in: opened, notBefore: timestamp, from: first) { return found }
        }
        return nil
    }

    private static func record(
        in batch: RecordBatch, notBefore timestamp: Int64, from first: Offset
    ) -> (Offset, Int64)? {
        var records = batch.records()
        while let record = try? records.next() {
            if batch.offset(of: record) >= first, batch.timestamp(of: record) >= timestamp {
                return (batch.offset(of: record), batch.timestamp(of: record))
            }
        }
        return nil
    }
}
