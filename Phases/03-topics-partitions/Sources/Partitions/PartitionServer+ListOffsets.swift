import SegmentLog
import WireProtocol

extension PartitionServer {
    /// Answers with the ends of partitions, or with the first offsets of times.
    public func listOffsets(_ request: ListOffsetsRequest, _ effects: inout Effects) -> ListOffsetsResponse {
        var response = ListOffsetsResponse()
        var seen = Set<Int>()
        response.topics = request.topics.map { topic in
            topic.map { asked in
                var answer = ListOffsetsResponse.Partition()
                answer.index = asked.index
                guard let partition = topics[topic.name]?.partition(asked.index) else {
                    answer.errorCode = .unknownTopicOrPartition
                    return answer
                }
                // Kafka answers whoever names a partition twice with this error.
                let isFirst = seen.insert(partition.key).inserted
                answer.errorCode =
                    isFirst ? checkLeaderEpoch(asked.currentLeaderEpoch, of: partition) : .invalidRequest
                if answer.errorCode == .none { find(asked.timestamp, in: partition, &answer, &effects) }
                return answer
            }
        }
        return response
    }

    private func find(
        _ timestamp: Int64, in partition: Partition, _ answer: inout ListOffsetsResponse.Partition,
        _ effects: inout Effects
    ) {
        answer.leaderEpoch = partition.leaderEpoch.value
        do {
            let log = try partition.log()
            let record: (offset: Offset, timestamp: Int64)?
            switch timestamp {
            case ListOffsetsRequest.latest: return answer.offset = partition.highWatermark.offset.value
            case ListOffsetsRequest.earliest, ListOffsetsRequest.earliestLocal:
                return answer.offset = log.startOffset.value
            case ListOffsetsRequest.maxTimestamp:
                record = try log.snapshot.recordWithGreatestTimestamp(upTo: partition.highWatermark)
            case 0...: record = try log.snapshot.record(notBefore: timestamp, upTo: partition.highWatermark)
            // There is no remote storage; and no other negative time means anything.
            default: record = nil
            }
            guard let record else { return answer.leaderEpoch = -1 }
            answer.offset = record.offset.value
            answer.timestamp = record.timestamp
        } catch {
            effects.log(
                .error, "lookup_failed",
                ["partition": partition.name, "timestamp": "\(timestamp)", "error": "\(error)"])
            answer.errorCode = .storageError
        }
    }

    /// Answers where leaders' epochs ended in this log (KIP-101, KIP-320): a client that has read further under an
    /// earlier leader must go back to there.
    public func offsetForLeaderEpoch(
        _ request: OffsetForLeaderEpochRequest, _ effects: inout Effects
    ) -> OffsetForLeaderEpochResponse {
        var response = OffsetForLeaderEpochResponse()
        response.topics = request.topics.map { topic in
            topic.map { asked in
                var answer = OffsetForLeaderEpochResponse.Partition()
                answer.index = asked.index
                guard let partition = topics[topic.name]?.partition(asked.index) else {
                    answer.errorCode = .unknownTopicOrPartition
                    return answer
                }
                answer.errorCode = checkLeaderEpoch(asked.currentLeaderEpoch, of: partition)
                if answer.errorCode == .none { find(asked.leaderEpoch, in: partition, &answer, &effects) }
                return answer
            }
        }
        return response
    }

    private func find(
        _ epoch: Int32, in partition: Partition, _ answer: inout OffsetForLeaderEpochResponse.Partition,
        _ effects: inout Effects
    ) {
        do {
            let log = try partition.log()
            guard let found = log.epochs.endOffset(of: LeaderEpoch(epoch), logEnd: log.end.offset) else { return }
            (answer.leaderEpoch, answer.endOffset) = (found.epoch.value, found.offset.value)
        } catch {
            effects.log(.error, "lookup_failed", ["partition": partition.name, "error": "\(error)"])
            answer.errorCode = .storageError
        }
    }
}
