import SegmentLog
import WireProtocol

extension PartitionServer {
    /// A produce whose appends are not all acknowledged yet.
    struct WaitingProduce {
        var call: Call
        var response: ProduceResponse
        /// How many of its appends are still to be acknowledged.
        var missing: Int
    }

    /// Appends the batches, and answers when they are as durable as the setting promises.
    public mutating func produce(
        _ request: ProduceRequest, _ call: Call, at now: Instant, _ server: inout RequestServer,
        _ effects: inout Effects
    ) {
        let id = ProduceID(value: nextProduce)
        nextProduce += 1
        var waiting = WaitingProduce(call: call, response: ProduceResponse(), missing: 0)
        var isRefused = false
        var changed: [Partition] = []
        waiting.response.topics = request.topics.map { topic in
            topic.map { batch in
                var answer = ProduceResponse.Partition()
                answer.index = batch.index
                do throws(Refusal) {
                    changed.append(try append(batch, topic: topic.name, request, call, id, at: now, &answer, &effects))
                    waiting.missing += 1
                } catch {
                    answer.refuse(error)
                    answer.recordErrors = error.records
                    isRefused = true
                }
                return answer
            }
        }
        if request.acks == 0 {
            // Nobody waits for an answer. A client that must know of an error sees its connection
            // end, as with Kafka.
            server.finish(call, &effects)
            if isRefused { server.close(call.id.connection, &effects) }
        } else if waiting.missing == 0 {
            server.answer(call, with: waiting.response, &effects)
        } else {
            produces[id] = waiting
        }
        for partition in changed { commit(partition, &server, &effects) }
    }

    private mutating func append(
        _ data: ProduceRequest.Partition, topic: String, _ request: ProduceRequest, _ call: Call, _ id: ProduceID,
        at now: Instant, _ answer: inout ProduceResponse.Partition, _ effects: inout Effects
    ) throws(Refusal) -> Partition {
        guard [-1, 0, 1].contains(request.acks) else {
            throw Refusal(.invalidRequiredAcks, "acks must be -1, 0 or 1")
        }
        guard call.version >= 3 else {
            throw Refusal(
                .unsupportedForMessageFormat, "only record batches of magic 2 are supported (Produce version 3)")
        }
        guard let partition = topics[topic]?.partition(data.index) else {
            throw Refusal(.unknownTopicOrPartition, "this broker has no partition \(topic)-\(data.index)")
        }
        guard !TopicName.internalNames.contains(topic) || call.header.clientID == TopicName.internalClientID else {
            throw Refusal(.invalidTopic, "\(topic) is internal: only brokers write it")
        }
        let validator = BatchValidator(partition.config, at: clock.milliseconds(at: now))
        let checked = try validator.check(data.records, version: call.version)
        do {
            let log = try partition.log()
            let appended = try log.append(
                checked.batch, leaderEpoch: partition.leaderEpoch, maxTimestamp: checked.maxTimestamp,
                appendTime: checked.appendTime)
            answer.baseOffset = appended.baseOffset.value
            answer.logAppendTimeMilliseconds = checked.appendTime ?? -1
            answer.logStartOffset = log.startOffset.value
            let byteCount = checked.batch.header.byteCount
            partition.appended(Partition.Append(end: appended.end, byteCount: byteCount, produce: id))
            return partition
        } catch {
            if case .batchTooLarge = error {
                throw Refusal(.recordListTooLarge, error.description)
            }
            storageFailed(error, &effects)
            throw Refusal(.storageError, "\(error)")
        }
    }

    // MARK: Committing

    /// Moves a partition's high watermark, and asks for a synchronize where the promise needs one.
    mutating func commit(_ partition: Partition, _ server: inout RequestServer, _ effects: inout Effects) {
        let progress = partition.advanceHighWatermark(flushMessages: partition.config.flushMessages)
        for id in progress.produces { acknowledge(id, &server, &effects) }
        if progress.hasOwn, !advanced.contains(partition.key) { advanced.append(partition.key) }
        if progress.byteCount > 0 { wakeFetches(on: partition, byteCount: progress.byteCount, &server, &effects) }
        if partition.needsSynchronize(flushMessages: partition.config.flushMessages),
            let (file, end) = partition.unsynchronized
        {
            synchronizes.add(partition.key, file: file, end: end)
            startSynchronize(&effects)
        }
    }

    /// One more append of a produce is acknowledged; the last one sends the answer.
    private mutating func acknowledge(
        _ id: ProduceID, _ server: inout RequestServer, _ effects: inout Effects
    ) {
        guard var waiting = produces.removeValue(forKey: id) else { return }
        waiting.missing -= 1
        if waiting.missing == 0 {
            server.answer(waiting.call, with: waiting.response, &effects)
        } else {
            produces[id] = waiting
        }
    }

    /// A produce waits for a partition that is gone.
    mutating func fail(
        _ id: ProduceID, of partition: Partition, _ server: inout RequestServer, _ effects: inout Effects
    ) {
        guard let topic = produces[id]?.response.topics.firstIndex(where: { $0.name == partition.topic }),
            let place = produces[id]?.response.topics[topic].partitions.firstIndex(where: {
                $0.index == partition.number
            })
        else { return }
        produces[id]?.response.topics[topic].partitions[place].baseOffset = -1
        produces[id]?.response.topics[topic].partitions[place].errorCode = .unknownTopicOrPartition
        acknowledge(id, &server, &effects)
    }

    /// A synchronize is done: everything that it covered is on disk.
    public mutating func synchronized(
        _ ticket: SynchronizeTicket, _ server: inout RequestServer, _ effects: inout Effects
    ) {
        for entry in synchronizes.finish(ticket) {
            guard let partition = topics.partition(key: entry.key) else { continue }
            partition.becameDurable(upTo: entry.end)
            hasNewDurable = true
            commit(partition, &server, &effects)
        }
        startSynchronize(&effects)
    }
}
