import SegmentLog
import WireProtocol

/// Checks what a producer sends, as Kafka's LogValidator does.
struct BatchValidator {
    /// A batch that may be appended.
    struct Checked {
        var batch: RecordBatch
        /// The greatest timestamp of its records, where they can be read.
        var maxTimestamp: Int64?
        /// The broker's time, where it takes the place of the records'.
        var appendTime: Int64?
    }

    private let config: TopicConfig
    private let time: Int64

    /// Checks by a topic's config, at a time in milliseconds since 1970.
    init(_ config: TopicConfig, at time: Int64) {
        self.config = config
        self.time = time
    }

    /// Checks the bytes for one partition of a produce request of this version.
    func check(_ records: Records?, version: Int16) throws(Refusal) -> Checked {
        guard case .bytes(let bytes)? = records, bytes.count > 0 else {
            throw Refusal(.invalidRecord, "the request holds no record batch for this partition")
        }
        guard bytes.count <= config.maxMessageBytes else {
            throw Refusal(
                .messageTooLarge,
                "the batch has \(bytes.count) bytes, more than max.message.bytes (\(config.maxMessageBytes))"
            )
        }
        let batch: RecordBatch
        do {
            batch = try RecordBatch(checking: bytes)
        } catch {
            if case .unsupportedMagic = error { throw Refusal(.invalidRecord, error.description) }
            throw Refusal(.corruptMessage, error.description)
        }
        let header = batch.header
        let invalid: String? =
            if batch.bytes.count != bytes.count {
                "a produce request may hold exactly one record batch for each partition"
            } else if header.baseOffset != .zero {
                "a produced batch must have base offset 0, not \(header.baseOffset)"
            } else if header.recordCount <= 0 || Int64(header.lastOffsetDelta) + 1 != Int64(header.recordCount) {
                "last offset delta \(header.lastOffsetDelta) does not fit \(header.recordCount) records"
            } else if header.attributes.isControl {
                "clients may not write control records"
            } else if header.producerID >= 0 && header.baseSequence < 0 {
                "producer \(header.producerID) sent sequence number \(header.baseSequence)"
            } else {
                nil
            }
        if let invalid { throw Refusal(.invalidRecord, invalid) }
        if header.attributes.isLogAppendTime {
            throw Refusal(.invalidTimestamp, "a producer may not set the timestamp type to LogAppendTime")
        }
        guard let codec = header.attributes.codec, codec != .zstd || version >= 7 else {
            throw Refusal(.unsupportedCompressionType, "this codec needs a later version of Produce")
        }
        let maxTimestamp = try checkRecords(of: batch)
        return Checked(batch: batch, maxTimestamp: maxTimestamp, appendTime: config.usesLogAppendTime ? time : nil)
    }

    /// Opens the batch, and checks its records. Returns their greatest timestamp; nil where the codec's
    /// library is missing: the batch is then stored unopened.
    private func checkRecords(of batch: RecordBatch) throws(Refusal) -> Int64? {
        let opened: RecordBatch
        do {
            opened = try batch.opened()
        } catch {
            switch error {
            case .libraryMissing: return nil
            case .tooLarge: throw Refusal(.messageTooLarge, error.description)
            default: throw Refusal(.invalidRecord, error.description)
            }
        }
        let maxTimestamp: Int64
        do {
            maxTimestamp = try opened.checkRecords()
        } catch {
            throw Refusal(.invalidRecord, error.description)
        }
        try checkKeysAndTimes(of: opened, maxTimestamp: maxTimestamp)
        return maxTimestamp
    }

    /// What a topic's config asks of each record. Most batches are through before their records are looked at.
    private func checkKeysAndTimes(of batch: RecordBatch, maxTimestamp: Int64) throws(Refusal) {
        let (before, after) = (config.timestampBeforeMaxMilliseconds, config.timestampAfterMaxMilliseconds)
        let (difference, isBelowAll) = time.subtractingReportingOverflow(before)
        let (sum, isAboveAll) = time.addingReportingOverflow(after)
        let oldest = isBelowAll || before == .max ? .min : difference
        let newest = isAboveAll ? .max : sum
        let needsKeys = config.cleanupPolicy.contains(.compact)
        let isTimely = config.usesLogAppendTime || oldest == .min && maxTimestamp <= newest
        if isTimely && !needsKeys { return }

        var refusal = Refusal(.invalidRecord, "one or more records were refused")
        func refuse(_ record: Record, _ message: String) {
            var error = ProduceResponse.RecordError()
            (error.batchIndex, error.message) = (record.offsetDelta, message)
            if refusal.records.count < Self.mostErrors { refusal.records.append(error) }
        }
        var records = batch.records()
        while let record = try? records.next() {
            let timestamp = batch.timestamp(of: record)
            if needsKeys && record.key == nil {
                refuse(record, "a compacted topic takes no record without a key")
            } else if !isTimely && timestamp != -1 && !(oldest...newest).contains(timestamp) {
                refusal.code = .invalidTimestamp
                refuse(record, "its timestamp \(timestamp) is not within \(oldest) to \(newest)")
            }
        }
        if !refusal.records.isEmpty { throw refusal }
    }

    /// How many records an answer names. Kafka names all; a batch may have a million.
    private static let mostErrors = 100
}
