import WireProtocol

extension OffsetFetchRequest {
    /// The groups that are asked for, whatever the version: up to 7 it is one (KIP-709).
    public func groups(version: Int16) -> [Group] {
        guard version < 8 else { return groups }
        var group = Group()
        group.groupID = groupID
        group.topics = topics
        return [group]
    }
}

extension OffsetFetchResponse {
    /// The answer for the groups that were asked for, in their order, as this version has it.
    public init(_ answers: [Group], version: Int16) {
        self.init()
        guard version < 8 else {
            groups = answers
            return
        }
        topics = answers.first?.topics ?? []
        errorCode = answers.first?.errorCode ?? .none
    }
}

extension OffsetFetchResponse.Group {
    /// No offsets of a group, and why. Version 1 has no place for the reason but at each partition.
    public init(refusing asked: OffsetFetchRequest.Group, _ code: ErrorCode, version: Int16) {
        self.init()
        groupID = asked.groupID
        errorCode = code
        guard version < 2 else { return }
        topics = (asked.topics ?? []).map { topic in
            var answers = OffsetFetchResponse.Topic()
            answers.name = topic.name
            answers.partitions = topic.partitionIndexes.map { index in
                OffsetFetchResponse.Partition(index, refusing: code)
            }
            return answers
        }
    }
}

extension OffsetFetchResponse.Partition {
    /// What is told of a partition with this offset: -1 where there is none, and no error.
    init(_ index: Int32, _ committed: OffsetCommitValue?) {
        self.init()
        self.index = index
        committedOffset = committed?.offset ?? -1
        committedLeaderEpoch = committed?.leaderEpoch ?? -1
        metadata = committed?.metadata ?? ""
    }

    /// No offset, and why.
    init(_ index: Int32, refusing code: ErrorCode) {
        self.init(index, nil)
        errorCode = code
    }
}
