/// The segment that a log appends to. Sealing it leaves a `SegmentView` that never changes.
final class ActiveSegment {
    private let storage: any Storage
    /// The limits in force.
    var configuration: LogConfiguration
    let baseOffset: Offset
    let file: any File
    /// Behind the names of the segment's files: nothing, or what says that it is not in place yet.
    private let suffix: String

    /// Bytes of whole batches in the file.
    private(set) var size: Int64 = 0
    /// The offset behind the last record.
    private(set) var nextOffset: Offset
    private var offsetIndex = GrowingIndex<OffsetIndexEntry>()
    private var timeIndex = GrowingIndex<TimeIndexEntry>()
    private(set) var indexEntryCount = 0
    private var bytesSinceIndexEntry = 0
    /// The greatest timestamp so far and the last offset of the batch that has it; -1 for none.
    private var greatest = TimeIndexEntry(timestamp: -1, relativeOffset: 0)
    /// The leader epochs of the batches that were scanned, and where each begins.
    private(set) var epochs: [LeaderEpochCache.Entry] = []
    /// The greatest timestamp of the first batch; -1 for none.
    private(set) var firstTimestamp: Int64 = -1

    /// Opens the segment's file; with `creating`, makes it if there is none. What it holds is
    /// known only after `recover`.
    init(
        in storage: any Storage, at baseOffset: Offset, _ configuration: LogConfiguration, creating: Bool,
        suffix: String = ""
    ) throws(StorageError) {
        self.storage = storage
        self.configuration = configuration
        self.baseOffset = baseOffset
        nextOffset = baseOffset
        self.suffix = suffix
        file = try storage.open(SegmentName.of(baseOffset, SegmentName.log) + suffix, creating: creating)
    }

    /// The segment as it is now.
    var view: SegmentView {
        SegmentView(
            baseOffset: baseOffset, file: file, size: size, nextOffset: nextOffset, offsetIndex: offsetIndex.view,
            timeIndex: timeIndex.view, greatestTimestamp: greatest.timestamp)
    }

    // MARK: Appending

    /// Whether a batch with this header may be appended without leaving the segment's bounds:
    /// `segment.bytes`, `segment.ms`, `segment.index.bytes`, and 32 bits of relative offset.
    func hasRoom(for header: RecordBatchHeader) -> Bool {
        if size == 0 { return true }
        // ADR-0102: index entries hold offsets relative to the base in 32 bits.
        guard header.lastOffset.value - baseOffset.value <= Int64(Int32.max) else { return false }
        guard size + Int64(header.byteCount) <= Int64(configuration.segmentBytes) else { return false }
        // Kafka measures a segment's age by its records: from the first batch to the one that comes.
        let (age, isAges) = header.maxTimestamp.subtractingReportingOverflow(firstTimestamp)
        if firstTimestamp >= 0 && (isAges || age > configuration.segmentMilliseconds) { return false }
        return indexEntryCount < configuration.segmentIndexBytes / TimeIndexEntry.byteCount
    }

    /// Appends a batch: `head` is its header, `body` its records.
    func append(_ header: RecordBatchHeader, head: Bytes, body: Bytes) throws(StorageError) {
        try file.append(head, body, at: size)
        note(header)
    }

    /// Takes a batch that stands at the end of the file into account, and indexes it.
    private func note(_ header: RecordBatchHeader) {
        let relativeOffset = Int32(truncatingIfNeeded: header.lastOffset.value - baseOffset.value)
        // Kafka's order: the entry for this batch carries the timestamps of those before it.
        if bytesSinceIndexEntry > configuration.indexIntervalBytes {
            offsetIndex.append(
                OffsetIndexEntry(relativeOffset: relativeOffset, position: Int32(truncatingIfNeeded: size)))
            if greatest.timestamp >= 0 { timeIndex.append(greatest) }
            indexEntryCount += 1
            bytesSinceIndexEntry = 0
        }
        if size == 0 { firstTimestamp = header.maxTimestamp }
        if header.maxTimestamp > greatest.timestamp {
            greatest = TimeIndexEntry(timestamp: header.maxTimestamp, relativeOffset: relativeOffset)
        }
        bytesSinceIndexEntry += header.byteCount
        size += Int64(header.byteCount)
        nextOffset = header.nextOffset
    }

    // MARK: Sealing

    /// Ends the segment: everything in it becomes durable, and its indexes are written.
    func seal() throws(StorageError) -> SegmentView {
        try file.synchronize()
        if greatest.timestamp >= 0 { timeIndex.append(greatest) }
        var sealed = view
        sealed.offsetIndex = try write(sealed.offsetIndex, as: SegmentName.offsetIndex)
        sealed.timeIndex = try write(sealed.timeIndex, as: SegmentName.timeIndex)
        return sealed
    }

    /// Writes an index file, and gives back the index as it lies there.
    private func write<Entry>(_ index: SparseIndex<Entry>, as kind: String) throws(StorageError) -> SparseIndex<Entry> {
        let file = try storage.open(SegmentName.of(baseOffset, kind) + suffix, creating: true)
        let bytes = index.encoded()
        try file.truncate(to: 0)
        try file.append(bytes, at: 0)
        try file.synchronize()
        return SparseIndex(decoding: try file.mapped(bytes.count)) ?? index
    }

    // MARK: Opening

    /// Takes up the segment where a clean stop left it, without reading it: its index files say where
    /// its last batches are. Returns false where they are missing, or do not fit; `recover` then.
    func resume() throws(StorageError) -> Bool {
        let length = try file.size()
        guard let (offsets, times) = try SegmentView.indexes(in: storage, at: baseOffset, length: length) else {
            return false
        }
        for position in 0..<offsets.count { offsetIndex.append(offsets[position]) }
        for position in 0..<times.count { timeIndex.append(times[position]) }
        indexEntryCount = offsets.count
        greatest = times.last ?? greatest
        size = offsets.last.map { Int64($0.position) } ?? 0
        if size > 0, let first = try? RecordBatchHeader(parsing: try file.read(RecordBatchHeader.byteCount, at: 0)) {
            firstTimestamp = first.maxTimestamp
        }
        if try scan(to: length, checksums: false) == nil { return true }
        forget()
        return false
    }

    /// Knows nothing about the file any more.
    private func forget() {
        (size, nextOffset, bytesSinceIndexEntry, indexEntryCount) = (0, baseOffset, 0, 0)
        offsetIndex = GrowingIndex()
        timeIndex = GrowingIndex()
        greatest = TimeIndexEntry(timestamp: -1, relativeOffset: 0)
    }

    /// Reads the file from its first byte, cuts it at the first batch that is torn or fails its CRC,
    /// makes the indexes anew, and makes what is left durable.
    ///
    /// Nothing is cut below `recoveryPoint`, which was on disk: damage there is no crash's doing.
    /// Returns how many bytes were cut, and why.
    func recover(from recoveryPoint: Offset) throws(LogError) -> (cutBytes: Int64, damage: BatchError?) {
        let length = try onStorage(file.size)
        let damage = try onStorage { () throws(StorageError) in try scan(to: length, checksums: true) }
        if let damage, nextOffset < recoveryPoint {
            throw .damagedSegment(path: file.path, position: size, damage)
        }
        try onStorage { () throws(StorageError) in
            // ADR-0105: everything behind the first unsound batch goes, for good.
            if size < length { try file.truncate(to: size) }
            // What survived a kill may be in the kernel only: nobody may see it before it is on disk. It
            // is written again, because a synchronize that failed may have been what stopped the broker.
            try rewrite(from: recoveryPoint)
            try file.synchronize()
        }
        return (length - size, damage)
    }

    /// Writes everything from `recoveryPoint` on once more, in the same place.
    private func rewrite(from recoveryPoint: Offset) throws(StorageError) {
        let relative = Int32(clamping: recoveryPoint.value - baseOffset.value)
        var position = offsetIndex.view.last(atMost: relative).map { Int64($0.position) } ?? 0
        if recoveryPoint >= nextOffset { position = size }
        while position < size {
            let bytes = try file.read(Int(min(size - position, 1 << 20)), at: position)
            guard bytes.count > 0 else { return }
            try file.rewrite(bytes, at: position)
            position += Int64(bytes.count)
        }
    }

    /// Takes every batch from `size` on into account, up to the first unsound one.
    func scan(to length: Int64, checksums: Bool) throws(StorageError) -> BatchError? {
        var scanner = BatchScanner(file, from: size, to: length, checksums: checksums)
        while let step = try scanner.next() {
            switch step {
            case .damage(_, let error): return error
            case .batch(_, let header):
                guard let error = header.misplaced(behind: nextOffset, in: baseOffset) else {
                    if header.leaderEpoch > epochs.last?.epoch ?? .unknown {
                        epochs.append(LeaderEpochCache.Entry(epoch: header.leaderEpoch, startOffset: header.baseOffset))
                    }
                    note(header)
                    continue
                }
                return error
            }
        }
        return nil
    }
}

extension RecordBatchHeader {
    /// Why this batch cannot stand behind `offset` in the segment that begins at `base`: offsets
    /// never go back, and stay within reach of the base. Nil where it can.
    func misplaced(behind offset: Offset, in base: Offset) -> BatchError? {
        let (relative, overflow) = lastOffset.value.subtractingReportingOverflow(base.value)
        if baseOffset >= offset, !overflow, relative <= Int64(Int32.max) { return nil }
        return .impossibleOffsets(base: baseOffset.value, lastDelta: lastOffsetDelta)
    }
}
