import WireProtocol

/// Which offset of a partition is asked for.
public enum OffsetSpec: Equatable, Sendable {
    /// The first one.
    case earliest
    /// The one behind the last record that a consumer may see.
    case latest
    /// That of the record with the greatest timestamp (KIP-734).
    case maxTimestamp
    /// That of the first record with this timestamp or a later one, in milliseconds since 1970.
    case timestamp(Int64)
}

extension Admin {
    /// Offsets of partitions, from their leaders; an offset of -1 where there is no such record.
    public func listOffsets(
        _ specs: [TopicPartition: OffsetSpec]
    ) async throws(ClientError) -> [TopicPartition: Result<OffsetAndTimestamp, ClientError>] {
        for case (let partition, .timestamp(let time)) in specs where time < 0 {
            throw .refused("\(partition) has no records of the time \(time)")
        }
        return try await ask(
            "listing offsets", specs.keys.sorted(), target: AdminTarget.leader, isRetried: \.isRetriable
        ) { [requestTimeoutMilliseconds] partitions in
            var request = ListOffsetsRequest()
            request.replicaID = -1
            request.timeoutMilliseconds = requestTimeoutMilliseconds
            request.topics = partitions.byTopic { name in
                var partition = ListOffsetsRequest.Partition()
                partition.index = name.partition
                partition.timestamp = specs[name]?.wire ?? ListOffsetsRequest.latest
                return partition
            }
            return request
        } read: { answer throws(ClientError) in
            var answers: [TopicPartition: AdminAnswer<OffsetAndTimestamp>] = [:]
            for topic in try answer.decoded(as: ListOffsetsResponse.self).topics {
                for partition in topic.partitions {
                    let found = OffsetAndTimestamp(
                        offset: partition.offset, timestamp: partition.timestamp, leaderEpoch: partition.leaderEpoch)
                    answers[TopicPartition(topic.name, partition.index)] = AdminAnswer(
                        errorCode: partition.errorCode, value: found)
                }
            }
            return answers
        }
    }

    /// Deletes the beginning of partitions: each keeps its records from the given offset on, -1 for none
    /// of those that there are.
    ///
    /// - Returns: the first offset that each has then.
    public func deleteRecords(
        before offsets: [TopicPartition: Int64]
    ) async throws(ClientError) -> [TopicPartition: Result<Int64, ClientError>] {
        try await ask(
            "deleting records", offsets.keys.sorted(), target: AdminTarget.leader, isRetried: \.isRetriable
        ) { [requestTimeoutMilliseconds] partitions in
            var request = DeleteRecordsRequest()
            request.timeoutMilliseconds = requestTimeoutMilliseconds
            request.topics = partitions.byTopic { name in
                var partition = DeleteRecordsRequest.Partition()
                partition.index = name.partition
                partition.offset = offsets[name] ?? 0
                return partition
            }
            return request
        } read: { answer throws(ClientError) in
            var answers: [TopicPartition: AdminAnswer<Int64>] = [:]
            for topic in try answer.decoded(as: DeleteRecordsResponse.self).topics {
                for partition in topic.partitions {
                    answers[TopicPartition(topic.name, partition.index)] = AdminAnswer(
                        errorCode: partition.errorCode, value: partition.lowWatermark)
                }
            }
            return answers
        }
    }
}

extension OffsetSpec {
    fileprivate var wire: Int64 {
        switch self {
        case .earliest: ListOffsetsRequest.earliest
        case .latest: ListOffsetsRequest.latest
        case .maxTimestamp: ListOffsetsRequest.maxTimestamp
        case .timestamp(let time): time
        }
    }
}
