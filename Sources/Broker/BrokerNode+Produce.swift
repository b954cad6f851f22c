import SegmentLog
import WireProtocol

extension BrokerNode {
    /// A produce whose appends are not all acknowledged yet.
    struct WaitingProduce {
        var call: Call
        var response: ProduceResponse
        /// How many of its appends are still to be acknowledged.
        var missing: Int
    }

    /// What became of one batch.
    private enum Outcome {
        case appended(Partition, startOffset: Offset, Appended, byteCount: Int)
        case refused(ErrorCode, String)
    }

    /// Appends the batches, and answers when they are as durable as the setting promises.
    mutating func produce(_ request: ProduceRequest, _ call: Call, _ effects: inout Effects) {
        let id = ProduceID(value: nextProduce)
        nextProduce += 1
        var waiting = WaitingProduce(call: call, response: ProduceResponse(), missing: 0)
        var isRefused = false
        var changed: [Partition] = []
        for topic in request.topics {
            var answers = ProduceResponse.Topic()
            answers.name = topic.name
            for batch in topic.partitions {
                var answer = ProduceResponse.Partition()
                answer.index = batch.index
                switch append(batch, topic: topic.name, request, call, &effects) {
                case .refused(let code, let reason):
                    answer.errorCode = code
                    answer.errorMessage = reason
                    isRefused = true
                case .appended(let partition, let startOffset, let appended, let byteCount):
                    answer.baseOffset = appended.baseOffset.value
                    answer.logStartOffset = startOffset.value
                    partition.appended(Partition.Append(end: appended.end, byteCount: byteCount, produce: id))
                    waiting.missing += 1
                    changed.append(partition)
                }
                answers.partitions.append(answer)
            }
            waiting.response.topics.append(answers)
        }
        if request.acks == 0 {
            // Nobody waits for an answer. A client that must know of an error sees its connection
            // end, as with Kafka.
            pipeline.finish(call.id, with: nil, &effects)
            if isRefused { close(call.id.connection, &effects) }
        } else if waiting.missing == 0 {
            answer(call, with: waiting.response, &effects)
        } else {
            produces[id] = waiting
        }
        for partition in changed { commit(partition, &effects) }
    }

    private mutating func append(
        _ data: ProduceRequest.Partition, topic: String, _ request: ProduceRequest, _ call: Call,
        _ effects: inout Effects
    ) -> Outcome {
        guard [-1, 0, 1].contains(request.acks) else {
            return .refused(.invalidRequiredAcks, "acks must be -1, 0 or 1")
        }
        guard call.version >= 3 else {
            return .refused(
                .unsupportedForMessageFormat, "only record batches of magic 2 are supported (Produce version 3)")
        }
        guard let partition = registry[topic]?.partition(data.index) else {
            return .refused(.unknownTopicOrPartition, "this broker has no partition \(topic)-\(data.index)")
        }
        let batch: RecordBatch
        let maxTimestamp: Int64?
        do {
            (batch, maxTimestamp) = try check(data.records, version: call.version)
        } catch {
            return .refused(error.code, error.reason)
        }
        do {
            let log = try partition.log()
            let appended = try log.append(batch, leaderEpoch: partition.leaderEpoch, maxTimestamp: maxTimestamp)
            return .appended(
                partition, startOffset: log.startOffset, appended, byteCount: batch.header.byteCount)
        } catch {
            if case .batchTooLarge = error { return .refused(.recordListTooLarge, error.description) }
            storageFailed(error, &effects)
            return .refused(.storageError, "\(error)")
        }
    }

    private struct Refusal: Error {
        var code: ErrorCode
        var reason: String
    }

    /// Checks a batch as Kafka's LogValidator does. Returns it, and the greatest timestamp of its
    /// records where they can be read.
    private func check(_ records: Records?, version: Int16) throws(Refusal) -> (RecordBatch, maxTimestamp: Int64?) {
        guard case .bytes(let bytes)? = records, bytes.count > 0 else {
            throw Refusal(code: .invalidRecord, reason: "the request holds no record batch for this partition")
        }
        guard bytes.count <= configuration.maxMessageBytes else {
            throw Refusal(
                code: .messageTooLarge,
                reason:
                    "the batch has \(bytes.count) bytes, more than message.max.bytes (\(configuration.maxMessageBytes))"
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

    // MARK: Committing

    /// Moves a partition's high watermark, and asks for a synchronize where the promise needs one.
    mutating func commit(_ partition: Partition, _ effects: inout Effects) {
        let progress = partition.advanceHighWatermark(flushMessages: configuration.flushMessages)
        for id in progress.produces { acknowledge(id, &effects) }
        if progress.byteCount > 0 { wakeFetches(on: partition, byteCount: progress.byteCount, &effects) }
        if partition.needsSynchronize(flushMessages: configuration.flushMessages),
            let (file, end) = partition.unsynchronized
        {
            synchronizes.add(partition.key, file: file, end: end)
            synchronizes.start(&effects)
        }
    }

    /// One more append of a produce is acknowledged; the last one sends the answer.
    private mutating func acknowledge(_ id: ProduceID, _ effects: inout Effects) {
        guard var waiting = produces.removeValue(forKey: id) else { return }
        waiting.missing -= 1
        if waiting.missing == 0 {
            answer(waiting.call, with: waiting.response, &effects)
        } else {
            produces[id] = waiting
        }
    }

    /// A synchronize is done: everything that it covered is on disk.
    mutating func synchronized(_ ticket: SynchronizeTicket, _ effects: inout Effects) {
        for entry in synchronizes.finish(ticket) {
            let partition = registry.partitions[entry.key]
            partition.becameDurable(upTo: entry.end)
            hasNewDurable = true
            commit(partition, &effects)
        }
        synchronizes.start(&effects)
    }
}
