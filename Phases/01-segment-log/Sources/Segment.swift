/// One file of batches, with its two indexes. The last segment of a log is *active* and is appended
/// to; all the others are *sealed* and never change.
final class Segment {
    /// The offset of the first record that the segment holds, or would hold. Names the files.
    let baseOffset: Offset
    let file: any File
    private let indexIntervalBytes: Int

    /// Bytes of whole batches in the file.
    private(set) var size: Int64 = 0
    /// The offset behind the last record.
    private(set) var nextOffset: Offset
    private(set) var offsetIndex = OffsetIndex()
    private(set) var timeIndex = TimeIndex()
    /// The greatest timestamp so far and the last offset of the batch that has it; -1 for none.
    private var maxTimestamp = TimeIndexEntry(timestamp: -1, relativeOffset: 0)
    private var bytesSinceIndexEntry = 0

    /// Opens the segment's file; with `creating`, makes it if there is none. What it holds is
    /// known only after `recover` or `load`.
    init(
        _ storage: any Storage, baseOffset: Offset, indexIntervalBytes: Int, creating: Bool
    ) throws(StorageError) {
        self.baseOffset = baseOffset
        self.indexIntervalBytes = indexIntervalBytes
        nextOffset = baseOffset
        file = try storage.open(Segment.name(baseOffset, "log"), creating: creating)
    }

    /// The greatest timestamp in the segment, in milliseconds since 1970; -1 for none.
    var greatestTimestamp: Int64 { maxTimestamp.timestamp }

    /// The end of the segment as a place in the log.
    var end: LogPosition { LogPosition(offset: nextOffset, segment: baseOffset, position: size) }

    /// Forgets everything about the file's contents, or begins anew at an index entry.
    func restart(at entry: OffsetIndexEntry? = nil, _ offsets: OffsetIndex = .init(), _ times: TimeIndex = .init()) {
        size = entry.map { Int64($0.position) } ?? 0
        nextOffset = baseOffset
        offsetIndex = offsets
        timeIndex = times
        maxTimestamp = times.entries.last ?? TimeIndexEntry(timestamp: -1, relativeOffset: 0)
        bytesSinceIndexEntry = 0
    }

    // MARK: Names

    /// Kafka's file name: the base offset in 20 digits, and what the file holds.
    static func name(_ baseOffset: Offset, _ suffix: String) -> String {
        let digits = String(baseOffset.value)
        return String(repeating: "0", count: 20 - digits.count) + digits + "." + suffix
    }

    /// The names of the segment's two index files.
    var indexNames: [String] { [Segment.name(baseOffset, "index"), Segment.name(baseOffset, "timeindex")] }

    /// The base offset of a `.log` file's name; nil for any other name.
    static func baseOffset(ofLogFile name: String) -> Offset? {
        guard name.utf8.count == 24, name.hasSuffix(".log") else { return nil }
        guard let value = Int64(name.dropLast(4)), value >= 0 else { return nil }
        return Offset(value)
    }

    // MARK: Appending

    /// Whether a batch with this header may be appended without leaving the segment's bounds.
    func hasRoom(for header: RecordBatchHeader, segmentBytes: Int) -> Bool {
        if size == 0 { return true }
        // ADR-0102: index entries hold offsets relative to the base in 32 bits.
        let relative = header.lastOffset.value - baseOffset.value
        return size + Int64(header.byteCount) <= Int64(segmentBytes) && relative <= Int64(Int32.max)
    }

    /// Appends a batch: `head` is its header, `body` its records.
    func append(_ header: RecordBatchHeader, head: Bytes, body: Bytes) throws(StorageError) {
        try file.append([head, body], at: size)
        note(header)
    }

    /// Takes a batch that stands at the end of the file into account, and indexes it.
    func note(_ header: RecordBatchHeader) {
        let relativeOffset = Int32(truncatingIfNeeded: header.lastOffset.value - baseOffset.value)
        // Kafka's order: the entry for this batch carries the timestamps of those before it.
        if bytesSinceIndexEntry > indexIntervalBytes {
            offsetIndex.append(
                OffsetIndexEntry(relativeOffset: relativeOffset, position: Int32(truncatingIfNeeded: size)))
            if maxTimestamp.timestamp >= 0 { timeIndex.append(maxTimestamp) }
            bytesSinceIndexEntry = 0
        }
        if header.maxTimestamp > maxTimestamp.timestamp {
            maxTimestamp = TimeIndexEntry(timestamp: header.maxTimestamp, relativeOffset: relativeOffset)
        }
        bytesSinceIndexEntry += header.byteCount
        size += Int64(header.byteCount)
        nextOffset = header.nextOffset
    }

    /// Ends the segment: everything in it becomes durable, and its indexes are written.
    func seal(in storage: any Storage) throws(StorageError) {
        try file.synchronize()
        if maxTimestamp.timestamp >= 0 { timeIndex.append(maxTimestamp) }
        try write(offsetIndex.encoded(), as: "index", in: storage)
        try write(timeIndex.encoded(), as: "timeindex", in: storage)
    }

    private func write(_ bytes: Bytes, as suffix: String, in storage: any Storage) throws(StorageError) {
        let index = try storage.open(Segment.name(baseOffset, suffix), creating: true)
        try index.truncate(to: 0)
        try index.append([bytes], at: 0)
        try index.synchronize()
    }
}
