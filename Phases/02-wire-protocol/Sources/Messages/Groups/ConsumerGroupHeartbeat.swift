import SegmentLog

/// Joins a group of KIP-848, stays in it, or leaves it. What has not changed since the last one is null.
public struct ConsumerGroupHeartbeatRequest: Request {
    /// The body of the answer.
    public typealias Response = ConsumerGroupHeartbeatResponse
    /// ConsumerGroupHeartbeat.
    public static let apiKey = ApiKey.consumerGroupHeartbeat

    /// Partitions of one topic.
    public struct TopicPartitions: Field, Equatable {
        /// The topic.
        public var topicID = Uuid.zero
        /// The partitions.
        public var partitions: [Int32] = []

        /// A topic without partitions.
        public init() {}

        /// The fields in the order of the specification.
        public mutating func code(_ c: inout some MessageCoder) throws(CodingError) {
            try c.field(&topicID)
            try c.field(&partitions)
            try c.tags()
        }
    }

    /// The group.
    public var groupID = ""
    /// The member; empty in version 0 to be given an id, chosen by the client from version 1 on.
    public var memberID = ""
    /// The member's epoch: 0 to join, -1 to leave, -2 to leave for a while as a static member.
    public var memberEpoch: Int32 = 0
    /// The id of a static member, or null.
    public var instanceID: String?
    /// The consumer's rack, or null.
    public var rackID: String?
    /// How long the member may take to give partitions up, in milliseconds; -1 for no change.
    public var rebalanceTimeoutMilliseconds: Int32 = -1
    /// The topics that the member wants, or null.
    public var subscribedTopicNames: [String]?
    /// The topics that it wants, as a regular expression of RE2; null for no change, empty for none.
    public var subscribedTopicRegex: String?
    /// The coordinator's assignor that it wants, or null.
    public var serverAssignor: String?
    /// The partitions that it has, or null.
    public var topicPartitions: [TopicPartitions]?

    /// An empty request.
    public init() {}

    /// The fields in the order of the specification.
    public mutating func code(_ c: inout some MessageCoder) throws(CodingError) {
        try c.field(&groupID)
        try c.field(&memberID)
        try c.field(&memberEpoch)
        try c.field(&instanceID)
        try c.field(&rackID)
        try c.field(&rebalanceTimeoutMilliseconds)
        try c.field(&subscribedTopicNames)
        try c.field(&subscribedTopicRegex, since: 1)
        try c.field(&serverAssignor)
        try c.field(&topicPartitions)
        try c.tags()
    }
}

/// The member's epoch, and what it is to have.
public struct ConsumerGroupHeartbeatResponse: Message {
    /// ConsumerGroupHeartbeat.
    public static let apiKey = ApiKey.consumerGroupHeartbeat

    /// What a member is to have.
    public struct Assignment: NullableField, Equatable {
        /// The partitions by topic.
        public var topicPartitions: [TopicPartitions] = []

        /// An assignment of nothing.
        public init() {}

        /// The fields in the order of the specification.
        public mutating func code(_ c: inout some MessageCoder) throws(CodingError) {
            try c.field(&topicPartitions)
            try c.tags()
        }
    }

    /// Partitions of one topic.
    public struct TopicPartitions: Field, Equatable {
        /// The topic.
        public var topicID = Uuid.zero
        /// The partitions.
        public var partitions: [Int32] = []

        /// A topic without partitions.
        public init() {}

        /// The fields in the order of the specification.
        public mutating func code(_ c: inout some MessageCoder) throws(CodingError) {
            try c.field(&topicID)
            try c.field(&partitions)
            try c.tags()
        }
    }

    /// How long the request was held back, in milliseconds.
    public var throttleTimeMilliseconds: Int32 = 0
    /// Why the member may not go on, or none.
    public var errorCode = ErrorCode.none
    /// The reason in words, or null.
    public var errorMessage: String?
    /// The member's id where the coordinator chose it, else null.
    public var memberID: String?
    /// The member's epoch.
    public var memberEpoch: Int32 = 0
    /// How long to wait before the next heartbeat, in milliseconds.
    public var heartbeatIntervalMilliseconds: Int32 = 0
    /// What the member is to have, or null for no change.
    public var assignment: Assignment?

    /// An empty response.
    public init() {}

    /// The fields in the order of the specification.
    public mutating func code(_ c: inout some MessageCoder) throws(CodingError) {
        try c.field(&throttleTimeMilliseconds)
        try c.field(&errorCode)
        try c.field(&errorMessage)
        try c.field(&memberID)
        try c.field(&memberEpoch)
        try c.field(&heartbeatIntervalMilliseconds)
        try c.field(&assignment)
        try c.tags()
    }
}
