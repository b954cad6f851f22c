import SegmentLog
import WireProtocol

extension PartitionServer {
    /// Moves the beginnings of partitions forward, or says why not. What was deleted stays deleted after a crash
    /// from the moment of return.
    public mutating func deleteRecords(
        _ request: DeleteRecordsRequest, at now: Instant, _ effects: inout Effects
    ) -> DeleteRecordsResponse {
        var response = DeleteRecordsResponse()
        var hasMoved = false
        response.topics = request.topics.map { topic in
            topic.map { asked in
                var answer = DeleteRecordsResponse.Partition()
                answer.index = asked.index
                do throws(Refusal) {
                    answer.lowWatermark = try moveStart(topic.name, asked, at: now, &hasMoved, &effects)
                } catch { answer.errorCode = error.code }
                return answer
            }
        }
        guard hasMoved else { return response }
        do { try topics.directory.writeStartOffsets() } catch {
            storageFailed(error, &effects)
            for topic in response.topics.indices {
                for place in response.topics[topic].partitions.indices
                where response.topics[topic].partitions[place].errorCode == .none {
                    response.topics[topic].partitions[place].lowWatermark = -1
                    response.topics[topic].partitions[place].errorCode = .storageError
                }
            }
        }
        return response
    }

    /// Moves the beginning of one partition to the offset asked for. Returns where it begins.
    private mutating func moveStart(
        _ topic: String, _ asked: DeleteRecordsRequest.Partition, at now: Instant, _ hasMoved: inout Bool,
        _ effects: inout Effects
    ) throws(Refusal) -> Int64 {
        guard let partition = topics[topic]?.partition(asked.index) else {
            throw Refusal(.unknownTopicOrPartition, "there is no such topic or partition")
        }
        guard !TopicName.internalNames.contains(topic) else {
            throw Refusal(.invalidTopic, "\(topic) is internal: its records cannot be deleted")
        }
        guard partition.config.cleanupPolicy.contains(.delete) else {
            throw Refusal(
                .policyViolation,
                "cleanup.policy of \(partition.name) is compact: only topics that delete can have records deleted")
        }
        do throws(LogError) {
            let log = try partition.log()
            let highWatermark = partition.highWatermark.offset
            let offset = asked.offset == -1 ? highWatermark : Offset(asked.offset)
            guard offset >= .zero, offset <= highWatermark else {
                throw .offsetOutOfRange(offset, start: log.startOffset, end: highWatermark)
            }
            guard offset > log.startOffset else { return log.startOffset.value }
            hasMoved = true
            try log.advanceStart(to: offset, at: clock.milliseconds(at: now))
            effects.log(.info, "records_deleted", ["partition": partition.name, "start": "\(log.startOffset)"])
            return log.startOffset.value
        } catch {
            if case .offsetOutOfRange = error { throw Refusal(.offsetOutOfRange, error.description) }
            storageFailed(error, &effects)
            throw Refusal(.storageError, error.description)
        }
    }
}
