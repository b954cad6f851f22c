/// What compaction keeps, by Kafka's names.
public struct CompactionPolicy: Sendable {
    /// `delete.retention.ms`: how long a tombstone stays after the compaction that first saw it.
    public var deleteRetentionMilliseconds: Int64 = 86_400_000
    /// `min.compaction.lag.ms`: the age that the youngest record of a segment must have. A segment
    /// without timestamps is old enough; Kafka goes by its file's time of modification.
    public var minCompactionLagMilliseconds: Int64 = 0
    /// `min.cleanable.dirty.ratio`: the part of a log's bytes that must be dirty for a compaction to be
    /// worth it, from 0 to 1; see `LogToClean`.
    public var minCleanableDirtyRatio: Double = 0.5
    /// `log.cleaner.dedupe.buffer.size`: the memory for the map of keys. A smaller one takes more
    /// compactions to come to the same end.
    public var offsetMapBytes: Int = 128 << 20
    /// `producer.id.expiration.ms`: a producer whose last batch is older than this is not remembered.
    /// Nil where all are.
    public var producerExpirationMilliseconds: Int64?
    /// How many bytes of records a batch may inflate to.
    public var openingLimit: Int = RecordBatch.openingLimit

    /// Kafka's defaults, but every producer is remembered.
    public init() {}
}

/// How dirty a log is, by whole segments: Kafka's `LogToClean`, by which it chooses what to compact next.
public struct LogToClean: Equatable, Sendable {
    /// The first offset that no compaction has seen.
    public var firstDirtyOffset: Offset
    /// Where a compaction has to end: at the active segment, behind the high watermark, or at a
    /// segment that is too young.
    public var firstUncleanableOffset: Offset
    /// Bytes of segments that begin before the first dirty offset.
    public var cleanBytes: Int64
    /// Bytes of segments that hold dirty offsets, and may be compacted.
    public var cleanableBytes: Int64

    /// The part of the bytes that is dirty, from 0 to 1; 0 where there is nothing.
    public var dirtyRatio: Double {
        cleanableBytes == 0 ? 0 : Double(cleanableBytes) / Double(cleanBytes + cleanableBytes)
    }

    /// Whether a compaction is worth it: the ratio is greater than `min.cleanable.dirty.ratio`.
    public func shouldBeCleaned(_ policy: CompactionPolicy) -> Bool { dirtyRatio > policy.minCleanableDirtyRatio }
}

/// What a compaction did.
public struct CompactionResult: Equatable, Sendable {
    /// Some batches, the records in them, and their bytes.
    public struct Amount: Equatable, Sendable {
        /// How many batches.
        public var batches = 0
        /// How many records.
        public var records = 0
        /// How many bytes of batches.
        public var bytes: Int64 = 0

        /// Nothing.
        public init() {}

        mutating func add(_ header: RecordBatchHeader) {
            batches += 1
            records += Int(header.recordCount)
            bytes += Int64(header.byteCount)
        }
    }

    /// The first offset that the next compaction has not seen: hand it to that one.
    public var firstDirtyOffset: Offset
    /// Whether all that could be compacted has been. If not, the map was full: compact again.
    public var isComplete = false
    /// The keys in the map.
    public var keys = 0
    /// What was read to be cleaned.
    public var read = Amount()
    /// What was kept of it, in the size it has now.
    public var kept = Amount()
    /// Segments that were replaced.
    public var segmentsReplaced = 0
    /// Segments that came in their place.
    public var segmentsMade = 0

    /// How many records were dropped.
    public var recordsDropped: Int { read.records - kept.records }
}

extension BatchAttributes {
    /// Bit 6: the base timestamp is the time from which on the batch's tombstones may go (KIP-534).
    public var hasDeleteHorizon: Bool { rawValue & 0b100_0000 != 0 }

    func with(deleteHorizon: Bool) -> BatchAttributes {
        BatchAttributes(rawValue: deleteHorizon ? rawValue | 0b100_0000 : rawValue & ~0b100_0000)
    }
}

extension RecordBatchHeader {
    /// The time in milliseconds since 1970 from which on the batch's tombstones may go; nil where no
    /// compaction has seen them yet (KIP-534).
    public var deleteHorizon: Int64? { attributes.hasDeleteHorizon ? baseTimestamp : nil }
}

/// Decides which records stay, and rewrites the batches that lose some. Pure: bytes in, bytes out.
///
/// A record goes when a later one of its key is in the map, when it has no key, or when it is a
/// tombstone whose batch's delete horizon has come. A batch keeps its place: base offset, last offset,
/// leader epoch, producer, sequence and codec stay, whatever it loses.
///
/// Whether a transaction was aborted is not known here. So records of a transaction are not in the map,
/// and go only when a record outside of transactions comes after them. Control batches stay.
struct RecordFilter {
    /// The latest offset of each key.
    let map: OffsetMap
    /// The map holds the keys before this offset, or an earlier compaction's did.
    let mapEnd: Offset
    /// Now, in milliseconds since 1970.
    let time: Int64
    let policy: CompactionPolicy

    /// What becomes of a batch.
    enum Outcome {
        /// Its bytes stay as they are.
        case untouched
        /// It has lost records, or got a delete horizon.
        case rewritten(RecordBatch)
        /// It holds no records any more.
        case emptied
    }

    /// What becomes of `batch`, whose CRC was checked.
    func outcome(of batch: RecordBatch) throws(CompactionError) -> Outcome {
        let header = batch.header
        if header.attributes.isControl || header.baseOffset >= mapEnd { return .untouched }
        if header.recordCount == 0 { return .emptied }
        let opened = try batch.opened(policy)
        var kept: [Range<Int>] = []
        var keepsTombstone = false
        var maxTimestamp: Int64 = -1
        try opened.walk { record, place in
            guard keeps(record, of: opened) else { return true }
            kept.append(place)
            if record.value == nil { keepsTombstone = true }
            maxTimestamp = max(maxTimestamp, opened.timestamp(of: record))
            return true
        }
        if kept.isEmpty { return .emptied }
        var cleaned = header
        // A batch that is not wholly in the map yet gets its horizon next time: the delay begins when
        // what the tombstone deletes is gone.
        if keepsTombstone, header.deleteHorizon == nil, header.lastOffset < mapEnd, !header.attributes.isTransactional {
            let (horizon, overflow) = time.addingReportingOverflow(policy.deleteRetentionMilliseconds)
            cleaned.baseTimestamp = overflow ? Int64.max : horizon
            cleaned.attributes = header.attributes.with(deleteHorizon: true)
        } else if kept.count == Int(header.recordCount) {
            return .untouched
        }
        cleaned.recordCount = Int32(truncatingIfNeeded: kept.count)
        // Where the broker set the time, the header's is that of all records.
        if !header.attributes.isLogAppendTime { cleaned.maxTimestamp = maxTimestamp }
        let records = opened.copy(kept, baseTimestamp: cleaned.baseTimestamp)
        do {
            return .rewritten(cleaned.sealing(try (header.attributes.codec ?? .none).compress(records)))
        } catch {
            throw .compression(error)
        }
    }

    private func keeps(_ record: Record, of batch: RecordBatch) -> Bool {
        let offset = batch.offset(of: record)
        guard offset < mapEnd else { return true }
        guard let key = batch.bytes(record.key) else { return false }
        if let latest = map.latest(of: key), latest > offset { return false }
        if record.value != nil || batch.header.attributes.isTransactional { return true }
        return batch.header.deleteHorizon.map { time < $0 } ?? true
    }
}

/// Why a batch could not be compacted.
enum CompactionError: Error {
    /// Its records are not what the header says.
    case records(BatchError)
    /// It could not be opened, or closed again.
    case compression(CompressionError)
}

extension RecordBatch {
    /// The batch without its records: what remembers a producer's sequence, or where a segment ends.
    ///
    /// It keeps its greatest timestamp, so that retention knows its age. There is nothing to compress.
    func emptied() -> RecordBatch {
        if header.recordCount == 0 { return self }
        var empty = header
        empty.attributes = header.attributes.with(.none).with(deleteHorizon: false)
        empty.baseTimestamp = header.maxTimestamp
        empty.recordCount = 0
        return empty.sealing(Bytes())
    }

    func opened(_ policy: CompactionPolicy) throws(CompactionError) -> RecordBatch {
        do { return try opened(limit: policy.openingLimit) } catch { throw .compression(error) }
    }

    /// Calls `body` with each record of an uncompressed batch and the place of its bytes, until it
    /// returns false. Checks that offsets ascend within the batch, and that the count is right.
    func walk(_ body: (Record, Range<Int>) -> Bool) throws(CompactionError) {
        var reader = records()
        var start = reader.reader.position
        var found = 0
        var lastDelta: Int32 = -1
        while true {
            let next: Record?
            do { next = try reader.next() } catch { throw .records(error) }
            guard let record = next else { break }
            guard record.offsetDelta > lastDelta, record.offsetDelta <= header.lastOffsetDelta else {
                throw .records(.wrongOffsetDelta(index: found, found: record.offsetDelta))
            }
            guard body(record, start..<reader.reader.position) else { return }
            start = reader.reader.position
            lastDelta = record.offsetDelta
            found += 1
        }
        guard found == Int(header.recordCount) else {
            throw .records(.wrongRecordCount(claimed: header.recordCount, found: found))
        }
    }

    /// The records at `places`, with timestamps relative to another base.
    fileprivate func copy(_ places: [Range<Int>], baseTimestamp: Int64) -> Bytes {
        var writer = ByteWriter(capacity: bytes.count)
        let shift = header.baseTimestamp &- baseTimestamp
        for place in places {
            let record = bytes.slice(place)
            guard shift != 0 else {
                writer.append(record)
                continue
            }
            var reader = ByteReader(record)
            guard (try? reader.varint32()) != nil, let attributes = try? reader.integer(UInt8.self),
                let delta = try? reader.varint64()
            else { preconditionFailure("RecordBatch.copy: a record that was walked parses") }
            let rest = reader.rest()
            writer.varint(Int64(1 + Varint.size(of: delta &+ shift) + rest.count))
            writer.integer(attributes)
            writer.varint(delta &+ shift)
            writer.append(rest)
        }
        return writer.finish()
    }
}
