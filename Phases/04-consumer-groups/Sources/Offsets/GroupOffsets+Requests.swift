import SegmentLog
import TopicsPartitions
import WireProtocol

extension GroupOffsets {
    /// Stores offsets. That the member may commit has been checked.
    ///
    /// An offset with metadata that is too long, or of a partition that there is not, is refused alone, as in Kafka;
    /// the others are in the records, in the request's order.
    ///
    /// - Parameters:
    ///   - time: in milliseconds since 1970.
    ///   - metadataMaxBytes: `offset.metadata.max.bytes`; as in Kafka it counts UTF-16 units.
    ///   - maxBytes: the largest batch that may be written. Where the records do not fit, none of them is.
    public mutating func commit(
        _ request: OffsetCommitRequest, at time: Int64, in image: MetadataImage, metadataMaxBytes: Int,
        maxBytes: Int = .max
    ) -> (response: OffsetCommitResponse, records: [GroupRecord]) {
        var response = OffsetCommitResponse()
        var accepted: [(place: Place, value: OffsetCommitValue, record: GroupRecord)] = []
        for topic in request.topics {
            let known = image.topics[topic.name]
            response.topics.append(
                topic.map { asked in
                    guard let known, known.partitions.indices.contains(Int(asked.index)) else {
                        return PartitionError(asked.index, .unknownTopicOrPartition)
                    }
                    guard (asked.committedMetadata ?? "").utf16.count <= metadataMaxBytes else {
                        return PartitionError(asked.index, .offsetMetadataTooLarge)
                    }
                    var value = OffsetCommitValue(asked, at: time, of: known.id)
                    value.expireTimestamp = Self.expiry(request.retentionTimeMilliseconds, from: time)
                    let place = Place(topic: topic.name, partition: asked.index)
                    do {
                        accepted.append((place, value, try record(value, of: request.groupID, at: place)))
                        return PartitionError(asked.index, .none)
                    } catch {
                        // A group's name of more than 32,767 bytes fits a request, and no key.
                        return PartitionError(asked.index, .unknownServerError)
                    }
                })
        }
        if RecordBatchBuilder.byteCount(atMost: accepted.map(\.record)) > maxBytes {
            response.refuse(.unknownServerError)
            return (response, [])
        }
        for (place, value, _) in accepted { note(value, of: request.groupID, at: place) }
        return (response, accepted.map(\.record))
    }

    /// When an offset with this retention expires; -1 where the client leaves that to the broker.
    private static func expiry(_ retention: Int64, from time: Int64) -> Int64 {
        guard retention != -1 else { return -1 }
        let (sum, overflow) = time.addingReportingOverflow(retention)
        return overflow ? .max : sum
    }

    /// How far a group has read: -1, and no error, where it has no offset. That the member may ask has been checked.
    ///
    /// - Parameter requiresStable: KIP-447. The answer then has the latest offsets, and must wait until all that was
    ///   appended to the group's partition before it is durable, as Kafka's waits.
    public func fetch(
        _ asked: OffsetFetchRequest.Group, requiresStable: Bool, in image: MetadataImage
    ) -> OffsetFetchResponse.Group {
        var response = OffsetFetchResponse.Group()
        response.groupID = asked.groupID
        let group = byGroup[asked.groupID]
        func shown(_ value: OffsetCommitValue?, of topic: String) -> OffsetCommitValue? {
            guard let value, let known = image.topics[topic], value.topicID != .zero else { return value }
            return value.topicID == known.id ? value : nil
        }
        guard let topics = asked.topics else {
            for (place, value) in group?.all(isLatest: requiresStable) ?? [] {
                guard let value = shown(value, of: place.topic) else { continue }
                if response.topics.last?.name != place.topic {
                    response.topics.append(OffsetFetchResponse.Topic())
                    response.topics[response.topics.count - 1].name = place.topic
                }
                response.topics[response.topics.count - 1].partitions.append(.init(place.partition, value))
            }
            return response
        }
        var seen: Set<Place> = []
        response.topics = topics.map { topic in
            var answers = OffsetFetchResponse.Topic()
            answers.name = topic.name
            answers.partitions = topic.partitionIndexes.map { index in
                let place = Place(topic: topic.name, partition: index)
                // The same again would make a long answer of a short request.
                guard seen.insert(place).inserted else { return .init(index, refusing: .invalidRequest) }
                let value = requiresStable ? group?.latest(place) : group?.durable[place]
                return .init(index, shown(value, of: topic.name))
            }
            return answers
        }
        return response
    }

    /// Forgets offsets (KIP-496). That there is the group, and that it may lose offsets, has been checked.
    ///
    /// - Parameter isSubscribed: whether a member reads a topic: its offsets stay.
    public mutating func delete(
        _ request: OffsetDeleteRequest, in image: MetadataImage, isSubscribed: (String) -> Bool
    ) -> (response: OffsetDeleteResponse, records: [GroupRecord]) {
        var response = OffsetDeleteResponse()
        var records: [GroupRecord] = []
        for topic in request.topics {
            let known = image.topics[topic.name]
            response.topics.append(
                topic.map { asked in
                    guard let known, known.partitions.indices.contains(Int(asked.index)) else {
                        return PartitionError(asked.index, .unknownTopicOrPartition)
                    }
                    guard !isSubscribed(topic.name) else {
                        return PartitionError(asked.index, .groupSubscribedToTopic)
                    }
                    let place = Place(topic: topic.name, partition: asked.index)
                    if byGroup[request.groupID]?.latest(place) != nil, let record = remove(place, of: request.groupID) {
                        records.append(record)
                    }
                    return PartitionError(asked.index, .none)
                })
        }
        return (response, records)
    }
}

extension OffsetCommitValue {
    /// The offset that a client commits.
    init(_ asked: OffsetCommitRequest.Partition, at time: Int64, of topic: Uuid) {
        self.init()
        offset = asked.committedOffset
        leaderEpoch = asked.committedLeaderEpoch
        metadata = asked.committedMetadata ?? ""
        commitTimestamp = time
        topicID = topic
    }
}

extension PartitionError {
    fileprivate init(_ index: Int32, _ code: ErrorCode) {
        self.init()
        self.index = index
        errorCode = code
    }
}
