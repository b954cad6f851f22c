import WireProtocol

extension PartitionServer {
    /// Describes topics in the order of their names, from the cursor on, until there are as many partitions as
    /// asked for; then the cursor says where to go on (KIP-966).
    public func describeTopicPartitions(
        _ request: DescribeTopicPartitionsRequest, of view: ClusterView
    ) -> DescribeTopicPartitionsResponse {
        var response = DescribeTopicPartitionsResponse()
        let cursor = request.cursor
        let isForAll = request.topics.isEmpty
        let asked = Set(request.topics.map(\.name))
        if let cursor, cursor.partitionIndex < 0 || !isForAll && !asked.contains(cursor.topicName) {
            response.topics = asked.sorted().map { DescribeTopicPartitionsResponse.Topic($0, .invalidRequest) }
            return response
        }
        var rest = max(0, min(Int(request.responsePartitionLimit), settings.maxDescribedPartitions))
        for name in isForAll ? topics.names : asked.sorted() where name >= cursor?.topicName ?? "" {
            let first = name == cursor?.topicName ? Int(cursor?.partitionIndex ?? 0) : 0
            guard rest > 0 else {
                response.nextCursor = TopicPartitionCursor(name, 0)
                break
            }
            guard let topic = topics[name], let records = topics.image.topics[name]?.partitions else {
                let code: ErrorCode = TopicName.whyInvalid(name) == nil ? .unknownTopicOrPartition : .invalidTopic
                response.topics.append(DescribeTopicPartitionsResponse.Topic(name, code))
                continue
            }
            var answer = DescribeTopicPartitionsResponse.Topic(name, .none)
            answer.topicID = topic.id
            answer.authorizedOperations = ClusterView.topicOperations
            let page = records.dropFirst(first).prefix(rest)
            answer.partitions = page.map { DescribeTopicPartitionsResponse.Partition($0, of: view) }
            response.topics.append(answer)
            rest -= page.count
            if page.endIndex < records.count {
                response.nextCursor = TopicPartitionCursor(name, Int32(page.endIndex))
                break
            }
        }
        return response
    }
}

extension TopicPartitionCursor {
    fileprivate init(_ topic: String, _ partition: Int32) {
        self.init()
        (topicName, partitionIndex) = (topic, partition)
    }
}

extension DescribeTopicPartitionsResponse.Topic {
    fileprivate init(_ name: String, _ code: ErrorCode) {
        self.init()
        (self.name, errorCode) = (name, code)
        isInternal = TopicName.internalNames.contains(name)
    }
}

extension DescribeTopicPartitionsResponse.Partition {
    fileprivate init(_ record: PartitionRecord, of view: ClusterView) {
        self.init()
        index = record.index
        leaderID = view.isAlive(record.leader) ? record.leader : -1
        leaderEpoch = record.leaderEpoch
        replicaNodes = record.replicas
        inSyncReplicaNodes = record.inSyncReplicas
        eligibleLeaderReplicas = []
        lastKnownEligibleLeaders = []
        offlineReplicas = record.replicas.filter { !view.isAlive($0) }
    }
}
