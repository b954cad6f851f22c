/// A compaction on its way, in steps as small as the caller likes: Kafka's `Cleaner`.
///
///     let cleaner = try log.makeCleaner(policy, from: firstDirty, upTo: highWatermark, at: now)
///     while try cleaner.step(readingAtMost: 1 << 20) {}
///     firstDirty = cleaner.result.firstDirtyOffset
///
/// It goes through the sealed segments twice. First it notes the offset of each key's latest record,
/// from the first dirty offset on, until the map is full. Then it copies what stays, segment after
/// segment, and puts each copy in the place of its sources (`Log.replace`, ADR-0107). Between two
/// steps the log may be appended to, read, and shortened.
///
/// What is copied from several small segments becomes one, as long as it is sure to fit
/// `segment.bytes`, `segment.index.bytes` and 32 bits of relative offset. The copy of a single segment
/// can be larger than it was by what delete horizons add: a few bytes for each record of a batch with
/// tombstones.
public final class LogCleaner {
    private enum Phase { case mapping, copying, done }

    private let log: Log
    private let policy: CompactionPolicy
    private let time: Int64
    private let sources: [SegmentView]
    private let start: Offset
    private var phase = Phase.mapping
    /// The source that is being read.
    private var source = 0
    private var scanner: BatchScanner
    private var map: OffsetMap
    /// Which batch is the last one of each producer. Looked up, never iterated.
    private var lastOffsets: [Int64: Offset] = [:]
    private var filter: RecordFilter?
    /// What is being written, and of which sources.
    private var cleaned: ActiveSegment?
    private var firstOfGroup = 0
    private var isChanged = false
    /// What was done so far.
    public private(set) var result: CompactionResult
    /// Bytes of batches that were read, in both passes, and written: what a limit on input and output counts.
    public private(set) var byteCount: Int64 = 0

    /// `sources` are sealed segments one behind another; `start` is the first offset that is dirty.
    init(_ log: Log, _ policy: CompactionPolicy, _ sources: [SegmentView], from start: Offset, at time: Int64) {
        self.log = log
        self.policy = policy
        self.sources = sources
        self.start = start
        self.time = time
        let dirty = (sources.last?.nextOffset ?? start).value - start.value
        map = OffsetMap(byteBudget: policy.offsetMapBytes, keysMax: Int(clamping: max(dirty, 0)))
        result = CompactionResult(firstDirtyOffset: start)
        scanner = BatchScanner(log.activeFile, from: 0, to: 0, checksums: true)
        begin(0)
    }

    /// Reads about `bytes` more, at least one batch. Returns whether there is more to do.
    ///
    /// What a step writes it also synchronizes: so none has to wait for what all steps before it wrote.
    ///
    /// An error ends the compaction. The log stays as it is, with those segments replaced that
    /// already were.
    public func step(readingAtMost bytes: Int) throws(LogError) -> Bool {
        var left = max(bytes, 1)
        do throws(LogError) {
            if let failure = log.failure { throw failure }
            while left > 0, phase != .done {
                let next = try onStorage { () throws(StorageError) in try scanner.next() }
                switch next {
                case nil: try endSource()
                case .damage(let position, let error)?:
                    throw .damagedSegment(path: sources[source].file.path, position: position, error)
                case .batch(let position, let header)?:
                    left -= header.byteCount
                    byteCount += Int64(header.byteCount)
                    try take(header, at: position)
                }
            }
            try onStorage { () throws(StorageError) in try cleaned?.file.synchronize() }
        } catch {
            if error.isFinal { log.failure = error }
            abandon()
            throw error
        }
        return phase != .done
    }

    /// Ends the compaction before its end. What was replaced stays replaced; the next compaction
    /// begins where this one began.
    public func abandon() {
        guard phase != .done else { return }
        phase = .done
        result.firstDirtyOffset = start
        result.isComplete = false
        guard let cleaned else { return }
        self.cleaned = nil
        log.removeCleaned(cleaned.baseOffset)
    }

    private func begin(_ index: Int) {
        source = index
        guard index < sources.count else { return }
        let segment = sources[index]
        // Batches that are only looked at for their producers are not read whole.
        let isRead = phase == .copying || segment.nextOffset > start
        scanner = BatchScanner(
            segment.file, from: 0, to: segment.size, checksums: isRead, windowBytes: isRead ? 1 << 20 : 1 << 14)
    }

    private func take(_ header: RecordBatchHeader, at position: Int64) throws(LogError) {
        let isDirty = header.nextOffset > start
        if phase == .mapping, !isDirty || header.attributes.isControl { return noteProducer(of: header) }
        let bytes = try onStorage { () throws(StorageError) in try scanner.bytes(at: position, header) }
        let batch: RecordBatch
        do { batch = try RecordBatch(unchecked: bytes) } catch {
            throw .damagedSegment(path: sources[source].file.path, position: position, error)
        }
        if phase == .mapping { try note(batch) } else { try copy(batch, endsAt: position + Int64(header.byteCount)) }
    }

    private func endSource() throws(LogError) {
        if phase == .mapping {
            if source < sources.count { result.firstDirtyOffset = max(start, sources[source].nextOffset) }
            if source + 1 < sources.count { begin(source + 1) } else { endMapping(isComplete: true) }
        } else {
            if source < sources.count, !nextSourceJoins { try endGroup() }
            if source + 1 < sources.count, sources[source + 1].baseOffset < result.firstDirtyOffset {
                begin(source + 1)
            } else {
                phase = .done
            }
        }
    }

    // MARK: Noting keys

    /// Puts the keys of a dirty batch into the map.
    private func note(_ batch: RecordBatch) throws(LogError) {
        let header = batch.header
        noteProducer(of: header)
        // A transaction may turn out to be aborted: its records take no other's place.
        if header.attributes.isTransactional || header.recordCount == 0 { return }
        var full: Offset?
        try compacting(header) { () throws(CompactionError) in
            let opened = try batch.opened(policy)
            try opened.walk { record, _ in
                let offset = opened.offset(of: record)
                guard offset >= start, let key = opened.bytes(record.key), !map.put(key, offset) else { return true }
                full = offset
                return false
            }
        }
        guard let full else { return }
        result.firstDirtyOffset = full
        endMapping(isComplete: false)
    }

    private func noteProducer(of header: RecordBatchHeader) {
        // Markers carry no sequence: the last batch of data is what a producer's state is made of.
        guard header.producerID >= 0, !header.attributes.isControl else { return }
        if let limit = policy.producerExpirationMilliseconds {
            let (age, overflow) = time.subtractingReportingOverflow(header.maxTimestamp)
            if overflow || age >= limit {
                lastOffsets[header.producerID] = nil
                return
            }
        }
        lastOffsets[header.producerID] = header.lastOffset
    }

    private func endMapping(isComplete: Bool) {
        result.isComplete = isComplete
        result.keys = map.count
        filter = RecordFilter(map: map, mapEnd: result.firstDirtyOffset, time: time, policy: policy)
        phase = sources.isEmpty ? .done : .copying
        begin(0)
    }

    // MARK: Copying what stays

    /// Copies what stays of a batch, which ends at `end` in its segment.
    private func copy(_ batch: RecordBatch, endsAt end: Int64) throws(LogError) {
        guard let filter else { preconditionFailure("LogCleaner: copying comes after mapping") }
        result.read.add(batch.header)
        let outcome = try compacting(batch.header) { () throws(CompactionError) in try filter.outcome(of: batch) }
        switch outcome {
        case .untouched: try append(batch)
        case .rewritten(let rewritten):
            isChanged = true
            try append(rewritten)
        case .emptied:
            let isLastOfProducer = lastOffsets[batch.header.producerID] == batch.header.lastOffset
            // The last batch says where the segment ends: so each one ends where the next begins.
            let endsSegment = end == sources[source].size && !nextSourceJoins
            let stays = isLastOfProducer || endsSegment
            if !stays || batch.header.recordCount > 0 { isChanged = true }
            if stays { try append(batch.emptied()) }
        }
    }

    private func append(_ batch: RecordBatch) throws(LogError) {
        result.kept.add(batch.header)
        byteCount += Int64(batch.header.byteCount)
        let header = batch.header
        try onStorage { () throws(StorageError) in
            try openCleaned().append(
                header, head: batch.bytes.slice(0..<RecordBatchHeader.byteCount),
                body: batch.bytes.dropFirst(RecordBatchHeader.byteCount))
        }
    }

    /// The segment that is being written, made where there is none.
    private func openCleaned() throws(StorageError) -> ActiveSegment {
        if let cleaned { return cleaned }
        let made = try ActiveSegment(
            in: log.storage, at: sources[firstOfGroup].baseOffset, log.configuration, creating: true,
            suffix: Log.cleanedSuffix)
        cleaned = made
        try made.file.truncate(to: 0)
        return made
    }

    /// How many segments go into one copy at most: all of them change their names in one step.
    private static let groupMax = 64

    /// Whether the segment after the one that is being read goes into the same copy.
    private var nextSourceJoins: Bool {
        guard source + 1 < sources.count, source + 1 - firstOfGroup < Self.groupMax else { return false }
        let next = sources[source + 1]
        // ADR-0102: index entries hold offsets relative to the base in 32 bits.
        guard next.baseOffset < result.firstDirtyOffset,
            next.nextOffset.value - 1 - sources[firstOfGroup].baseOffset.value <= Int64(Int32.max)
        else { return false }
        guard let cleaned else { return true }
        // A horizon makes timestamp deltas longer, by nine bytes at most; also the length's own.
        let growth = next.nextOffset > start ? 12 * (next.nextOffset.value - next.baseOffset.value) : 0
        let entries = cleaned.indexEntryCount + max(next.offsetIndex.count, next.timeIndex.count) + 1
        return cleaned.size + next.size + growth <= Int64(log.configuration.segmentBytes)
            && entries <= log.configuration.segmentIndexBytes / TimeIndexEntry.byteCount
    }

    /// Puts what was written in the place of what was read, if that is any different.
    private func endGroup() throws(LogError) {
        let group = Array(sources[firstOfGroup...source])
        firstOfGroup = source + 1
        let isSame = group.count == 1 && !isChanged
        isChanged = false
        guard let written = cleaned else { return }
        guard !isSame else {
            cleaned = nil
            return log.removeCleaned(written.baseOffset)
        }
        let sealed = try onStorage { () throws(StorageError) in try written.seal() }
        cleaned = nil
        guard try log.replace(group, with: sealed, at: time) else { return abandon() }
        result.segmentsReplaced += group.count
        result.segmentsMade += 1
    }

    private func compacting<Result>(
        _ header: RecordBatchHeader, _ body: () throws(CompactionError) -> Result
    ) throws(LogError) -> Result {
        do {
            return try body()
        } catch {
            let reason =
                switch error {
                case .records(let error): error.description
                case .compression(let error): error.description
                }
            throw .notCompactable(path: sources[source].file.path, batch: header.baseOffset, reason: reason)
        }
    }
}
