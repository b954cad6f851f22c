import SegmentLog
import WireProtocol

/// The records of one answer to a fetch, read one after another. Keys and values share the answer's
/// memory, or that of a batch that was compressed.
struct FetchedRecords: Sendable {
    let topicPartition: TopicPartition
    /// Offsets below this have been returned, or hold nothing for a reader.
    private(set) var position: Int64
    private let checksCRCs: Bool
    /// The batches that are not open yet.
    private var rest: Bytes
    private var header = RecordBatchHeader(baseTimestamp: 0)
    private var bytes = Bytes()
    private var reader: RecordReader?
    private var readCount: Int32 = 0

    /// The records in `batches` from offset `position` on.
    init(of topicPartition: TopicPartition, in batches: Bytes, from position: Int64, checksCRCs: Bool) {
        self.topicPartition = topicPartition
        self.position = position
        self.checksCRCs = checksCRCs
        rest = batches
    }

    /// The next record, or nil behind the last one. After an error `position` is the first offset
    /// that could not be read.
    mutating func next() throws(ClientError) -> ConsumerRecord? {
        do {
            while true {
                while let record = try reader?.next() {
                    readCount &+= 1
                    guard record.offsetDelta >= 0, record.offsetDelta <= header.lastOffsetDelta else {
                        throw BatchError.wrongOffsetDelta(index: Int(readCount) - 1, found: record.offsetDelta)
                    }
                    let offset = header.baseOffset.value + Int64(record.offsetDelta)
                    // A batch comes whole even where the reader begins in its middle.
                    if offset < position { continue }
                    let found = try self.record(record, at: offset)
                    position = offset + 1
                    return found
                }
                if reader != nil { try finishBatch() }
                guard rest.count > 0 else { return nil }
                try openBatch()
            }
        } catch {
            throw .unreadable(what: "\(topicPartition) at offset \(position): \(error)")
        }
    }

    /// Passes over what comes before `offset`.
    mutating func skip(to offset: Int64) { position = max(position, offset) }

    private func record(_ record: Record, at offset: Int64) throws(BatchError) -> ConsumerRecord {
        var headers: [RecordHeader] = []
        if record.headerCount > 0 { headers = try RecordBatch(unchecked: bytes).headers(of: record) }
        return ConsumerRecord(
            topicPartition: topicPartition, offset: offset, leaderEpoch: header.leaderEpoch.value,
            timestamp: header.attributes.isLogAppendTime
                ? header.maxTimestamp : header.baseTimestamp &+ record.timestampDelta,
            key: record.key.map { bytes.slice($0) }, value: record.value.map { bytes.slice($0) }, headers: headers)
    }

    private mutating func openBatch() throws {
        let found = try RecordBatch(unchecked: rest)
        if found.header.nextOffset.value > position {
            let checked = try checksCRCs ? RecordBatch(checking: rest) : found
            if found.header.attributes.isControl {
                // The broker's own markers of transactions are not for readers.
                position = found.header.nextOffset.value
            } else {
                let batch = try checked.opened()
                header = batch.header
                bytes = batch.bytes
                reader = batch.records()
                readCount = 0
            }
        }
        rest = rest.dropFirst(found.header.byteCount)
    }

    private mutating func finishBatch() throws(BatchError) {
        guard readCount == header.recordCount else {
            throw .wrongRecordCount(claimed: header.recordCount, found: Int(readCount))
        }
        // Compaction keeps a batch's last offset even where it removes the last record.
        position = max(position, header.nextOffset.value)
        reader = nil
        bytes = Bytes()
    }
}
