import SegmentLog

/// Asks for topics and their partitions, a page at a time (KIP-966).
public struct DescribeTopicPartitionsRequest: Request {
    /// The body of the answer.
    public typealias Response = DescribeTopicPartitionsResponse
    /// DescribeTopicPartitions.
    public static let apiKey = ApiKey.describeTopicPartitions

    /// A topic that is asked for.
    public struct Topic: Field, Equatable {
        /// Its name.
        public var name = ""

        /// A topic without a name.
        public init() {}

        /// The fields in the order of the specification.
        public mutating func code(_ c: inout some MessageCoder) throws(CodingError) {
            try c.field(&name)
            try c.tags()
        }
    }

    /// The topics; empty for all of them.
    public var topics: [Topic] = []
    /// The most partitions that one answer may have.
    public var responsePartitionLimit: Int32 = 2000
    /// Where to go on, or null to begin.
    public var cursor: TopicPartitionCursor?

    /// A request for all topics.
    public init() {}

    /// The fields in the order of the specification.
    public mutating func code(_ c: inout some MessageCoder) throws(CodingError) {
        try c.field(&topics)
        try c.field(&responsePartitionLimit)
        try c.field(&cursor)
        try c.tags()
    }
}

/// A page of topics and their partitions.
public struct DescribeTopicPartitionsResponse: Message {
    /// DescribeTopicPartitions.
    public static let apiKey = ApiKey.describeTopicPartitions

    /// A topic, or why there is none.
    public struct Topic: Field, Equatable {
        /// Why the topic is not described, or none.
        public var errorCode = ErrorCode.none
        /// Its name, or null.
        public var name: String?
        /// Its id.
        public var topicID = Uuid.zero
        /// Whether brokers keep their own records in it.
        public var isInternal = false
        /// Its partitions, as far as the page goes.
        public var partitions: [Partition] = []
        /// What the client may do with it, a bit for each operation; `Int32.min` for unknown.
        public var authorizedOperations = Int32.min

        /// A topic without a name.
        public init() {}

        /// The fields in the order of the specification.
        public mutating func code(_ c: inout some MessageCoder) throws(CodingError) {
            try c.field(&errorCode)
            try c.field(&name)
            try c.field(&topicID)
            try c.field(&isInternal)
            try c.field(&partitions)
            try c.field(&authorizedOperations)
            try c.tags()
        }
    }

    /// A partition and who has it.
    public struct Partition: Field, Equatable {
        /// Why the partition cannot be used, or none.
        public var errorCode = ErrorCode.none
        /// Its number.
        public var index: Int32 = 0
        /// The broker that leads it; -1 for none.
        public var leaderID: Int32 = 0
        /// The epoch of that leader; -1 for unknown.
        public var leaderEpoch: Int32 = -1
        /// All brokers that hold it.
        public var replicaNodes: [Int32] = []
        /// Those of them that are in sync.
        public var inSyncReplicaNodes: [Int32] = []
        /// Those out of sync that still have everything that is committed, or null.
        public var eligibleLeaderReplicas: [Int32]?
        /// Those that were the last to be eligible, or null.
        public var lastKnownEligibleLeaders: [Int32]?
        /// Those that are offline.
        public var offlineReplicas: [Int32] = []

        /// An entry of zeros.
        public init() {}

        /// The fields in the order of the specification.
        public mutating func code(_ c: inout some MessageCoder) throws(CodingError) {
            try c.field(&errorCode)
            try c.field(&index)
            try c.field(&leaderID)
            try c.field(&leaderEpoch)
            try c.field(&replicaNodes)
            try c.field(&inSyncReplicaNodes)
            try c.field(&eligibleLeaderReplicas)
            try c.field(&lastKnownEligibleLeaders)
            try c.field(&offlineReplicas)
            try c.tags()
        }
    }

    /// How long the request was held back, in milliseconds.
    public var throttleTimeMilliseconds: Int32 = 0
    /// The topics.
    public var topics: [Topic] = []
    /// Where the next page begins, or null at the end.
    public var nextCursor: TopicPartitionCursor?

    /// An empty response.
    public init() {}

    /// The fields in the order of the specification.
    public mutating func code(_ c: inout some MessageCoder) throws(CodingError) {
        try c.field(&throttleTimeMilliseconds)
        try c.field(&topics)
        try c.field(&nextCursor)
        try c.tags()
    }
}

/// Where a page of `DescribeTopicPartitionsResponse` begins.
public struct TopicPartitionCursor: NullableField, Equatable {
    /// The topic.
    public var topicName = ""
    /// The partition.
    public var partitionIndex: Int32 = 0

    /// The first partition of all.
    public init() {}

    /// The fields in the order of the specification.
    public mutating func code(_ c: inout some MessageCoder) throws(CodingError) {
        try c.field(&topicName)
        try c.field(&partitionIndex)
        try c.tags()
    }
}
