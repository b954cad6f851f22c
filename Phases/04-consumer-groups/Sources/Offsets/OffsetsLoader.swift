import SegmentLog
import TopicsPartitions
import WireProtocol

/// Reads a partition of `__consumer_offsets` from its beginning to its end, a bounded step at a time, so that requests
/// are served in between.
///
///     var loader = OffsetsLoader(partition)
///     while try loader.step(maxBytes: 1 << 20, &effects, { record in try offsets.replay(record) }) == .more {}
///
/// Records that are not durable yet are not handed over before they are. What cannot be read is passed over, with one
/// line for the operator for each kind: a record of a kind to come must not keep the groups of an older broker away.
public struct OffsetsLoader {
    /// What is to be done next.
    public enum Progress: Equatable, Sendable {
        /// There is more: another step, when others have had their turn.
        case more
        /// All that is durable has been read, but not all that was appended: another step when the partition advances.
        case waitsForDisk
        /// Everything has been read.
        case done
    }

    private let partition: Partition
    /// What is read next; nil before the first step.
    private var next: Offset?
    private var reported = Set<String>()
    /// How many records were handed over and taken.
    public private(set) var recordCount = 0
    /// How many were passed over.
    public private(set) var skippedCount = 0

    /// Begins at the log's start.
    public init(_ partition: Partition) { self.partition = partition }

    /// Reads about `maxBytes` bytes of batches, at least one batch, and hands over each record.
    ///
    /// - Parameter take: returns false for a record of a kind that it does not know; throws where it cannot be read.
    /// - Throws: where the log cannot be read.
    public mutating func step(
        maxBytes: Int, _ effects: inout Effects, _ take: (GroupRecord) throws(CodingError) -> Bool
    ) throws(LogError) -> Progress {
        let log = try partition.log()
        let limit = partition.highWatermark
        // Records may be deleted below what was read last.
        var offset = max(next ?? log.startOffset, log.startOffset)
        defer { next = offset }
        guard offset < limit.offset else { return limit.offset == log.end.offset ? .done : .waitsForDisk }
        guard let range = try log.snapshot.read(from: offset, upTo: limit, maxBytes: maxBytes) else {
            // Compaction has taken away everything up to there.
            offset = limit.offset
            return .more
        }
        var rest = try onStorage { () throws(StorageError) in try range.read() }
        let start = offset
        while let header = try? RecordBatchHeader(parsing: rest), header.byteCount <= rest.count,
            header.baseOffset < limit.offset
        {
            read(rest.slice(0..<header.byteCount), from: start, &effects, take)
            rest = rest.dropFirst(header.byteCount)
            offset = header.nextOffset
        }
        guard offset > start, offset <= limit.offset else {
            throw .storage(
                StorageError("load groups from", partition.name, .other("no batch leads on from offset \(start)")))
        }
        return .more
    }

    /// Hands over the records of a batch from an offset on.
    private mutating func read(
        _ bytes: Bytes, from start: Offset, _ effects: inout Effects, _ take: (GroupRecord) throws(CodingError) -> Bool
    ) {
        do {
            let batch = try RecordBatch(checking: bytes)
            // Control records end transactions, which groups do not take part in, nor do records in them.
            if batch.header.attributes.isControl || batch.header.attributes.isTransactional {
                return skip("transaction", at: batch.header.baseOffset, "it belongs to a transaction", &effects)
            }
            let opened = try batch.opened()
            var records = opened.records()
            while let record = try records.next() {
                if opened.offset(of: record) >= start { hand(record, of: opened, &effects, take) }
            }
        } catch {
            skip("batch", at: start, "\(error)", &effects)
        }
    }

    private mutating func hand(
        _ record: Record, of batch: RecordBatch, _ effects: inout Effects,
        _ take: (GroupRecord) throws(CodingError) -> Bool
    ) {
        let offset = batch.offset(of: record)
        guard let key = batch.bytes(record.key) else { return skip("no key", at: offset, "it has no key", &effects) }
        let record = GroupRecord(key: key, value: batch.bytes(record.value))
        do {
            let kind = try record.kind
            do {
                if try take(record) {
                    recordCount += 1
                } else {
                    skip("kind \(kind)", at: offset, "it is of an unknown kind", &effects)
                }
            } catch {
                skip("unreadable \(kind)", at: offset, "\(error)", &effects)
            }
        } catch {
            skip("short key", at: offset, "\(error)", &effects)
        }
    }

    private mutating func skip(_ kind: String, at offset: Offset, _ reason: String, _ effects: inout Effects) {
        skippedCount += 1
        guard reported.insert(kind).inserted else { return }
        effects.log(
            .warn, "group_record_skipped",
            ["partition": partition.name, "offset": "\(offset)", "what": kind, "reason": reason])
    }
}
