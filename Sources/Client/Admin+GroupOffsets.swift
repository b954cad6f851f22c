import WireProtocol

extension Admin {
    /// How far a group has read these partitions, or all that it has offsets of for nil. A partition without an offset
    /// is not in the answer.
    public func listConsumerGroupOffsets(
        _ group: String, _ partitions: [TopicPartition]? = nil
    ) async throws(ClientError) -> [TopicPartition: OffsetAndMetadata] {
        try await askCoordinator(of: group, "listing the offsets of group \(group)") {
            OffsetFetchRequest(partitions?.sorted(), group: group)
        } read: { answer throws(ClientError) in
            let response = try answer.decoded(as: OffsetFetchResponse.self)
            let found = response.byPartition
            let failure = found.keys.sorted().compactMap { found[$0]?.errorCode }.first { $0 != .none }
            return AdminAnswer(
                errorCode: response.groupError == .none ? failure ?? .none : response.groupError,
                value: found.compactMapValues(\.offsetAndMetadata))
        }
    }

    /// Sets how far a group has read. A group with members refuses it with UNKNOWN_MEMBER_ID.
    ///
    ///     try await admin.alterConsumerGroupOffsets("billing", [TopicPartition("orders", 0): OffsetAndMetadata(42)])
    public func alterConsumerGroupOffsets(
        _ group: String, _ offsets: [TopicPartition: OffsetAndMetadata]
    ) async throws(ClientError) -> [TopicPartition: Result<Void, ClientError>] {
        for (name, offset) in offsets where offset.offset < 0 {
            throw .refused("\(name) has no offset \(offset.offset)")
        }
        if offsets.isEmpty { return [:] }
        return try await askCoordinator(of: group, "altering the offsets of group \(group)") {
            OffsetCommitRequest(offsets, group: group, member: nil)
        } read: { answer throws(ClientError) in
            Self.outcomes(of: try answer.decoded(as: OffsetCommitResponse.self).topics)
        }
    }

    /// Forgets how far a group has read these partitions. A topic that a member is subscribed to refuses it with
    /// GROUP_SUBSCRIBED_TO_TOPIC.
    public func deleteConsumerGroupOffsets(
        _ group: String, _ partitions: [TopicPartition]
    ) async throws(ClientError) -> [TopicPartition: Result<Void, ClientError>] {
        if partitions.isEmpty { return [:] }
        return try await askCoordinator(of: group, "deleting offsets of group \(group)") {
            var request = OffsetDeleteRequest()
            request.groupID = group
            request.topics = partitions.byTopic { name in
                var partition = OffsetDeleteRequest.Partition()
                partition.index = name.partition
                return partition
            }
            return request
        } read: { answer throws(ClientError) in
            let response = try answer.decoded(as: OffsetDeleteResponse.self)
            var outcomes = Self.outcomes(of: response.topics)
            outcomes.errorCode = response.errorCode == .none ? outcomes.errorCode : response.errorCode
            return outcomes
        }
    }

    /// What became of each partition. Where the coordinator is another one, that is said of all of them.
    private static func outcomes(
        of topics: [ByTopic<PartitionError>]
    ) -> AdminAnswer<[TopicPartition: Result<Void, ClientError>]> {
        var answer = AdminAnswer(value: [TopicPartition: Result<Void, ClientError>]())
        for topic in topics {
            for partition in topic.partitions {
                let (name, code) = (TopicPartition(topic.name, partition.index), partition.errorCode)
                answer.value[name] = code == .none ? .success(()) : .failure(.broker(code, what: "\(name)"))
                if code.concernsCoordinator { answer.errorCode = code }
            }
        }
        return answer
    }

    private func askCoordinator<Value: Sendable>(
        of group: String, _ what: String, request: @escaping @Sendable () -> any Request,
        read: @escaping @Sendable (Answer) throws(ClientError) -> AdminAnswer<Value>
    ) async throws(ClientError) -> Value {
        let outcomes = try await ask(
            what, [group], target: AdminTarget.coordinator, isRetried: \.concernsCoordinator
        ) { _ in
            request()
        } read: { answer throws(ClientError) in
            [group: try read(answer)]
        }
        guard let outcome = outcomes[group] else { throw .closed }
        return try outcome.get()
    }
}
