import SegmentLog
import WireProtocol

/// Checks what a producer sends, as Kafka's LogValidator does.
struct BatchValidator {
    private let config: TopicConfig

    init(_ config: TopicConfig) { self.config = config }

    /// Checks a batch as Kafka's LogValidator does. Returns it, and the greatest timestamp of its
    /// records where they can be read.
    func check(_ records: Records?, version: Int16) throws(Refusal) -> (RecordBatch, maxTimestamp: Int64?) {
        guard case .bytes(let bytes)? = records, bytes.count > 0 else {
            throw Refusal(code: .invalidRecord, reason: "the request holds no record batch for this partition")
        }
        guard bytes.count <= config.maxMessageBytes else {
            throw Refusal(
                code: .messageTooLarge,
                reason:
                    "the batch has \(bytes.count) bytes, more than max.message.bytes (\(config.maxMessageBytes))"
            )
        }
        let batch: RecordBatch
        do {
            batch = try RecordBatch(checking: bytes)
        } catch {
            if case .unsupportedMagic = error { throw Refusal(code: .invalidRecord, reason: error.description) }
            throw Refusal(code: .corruptMessage, reason: error.description)
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
        if let invalid { throw Refusal(code: .invalidRecord, reason: invalid) }
        if header.attributes.isLogAppendTime {
            throw Refusal(code: .invalidTimestamp, reason: "a producer may not set the timestamp type to LogAppendTime")
        }
        guard let codec = header.attributes.codec, codec != .zstd || version >= 7 else {
            throw Refusal(code: .unsupportedCompressionType, reason: "this codec needs a later version of Produce")
        }
        return (batch, try checkRecords(of: batch))
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
            case .tooLarge: throw Refusal(code: .messageTooLarge, reason: error.description)
            default: throw Refusal(code: .invalidRecord, reason: error.description)
            }
        }
        do {
            return try opened.checkRecords()
        } catch {
            throw Refusal(code: .invalidRecord, reason: error.description)
        }
    }
}
