import SegmentLog

/// Asks for the state and the members of groups of KIP-848.
public struct ConsumerGroupDescribeRequest: Request {
    /// The body of the answer.
    public typealias Response = ConsumerGroupDescribeResponse
    /// ConsumerGroupDescribe.
    public static let apiKey = ApiKey.consumerGroupDescribe

    /// The groups.
    public var groupIDs: [String] = []
    /// Whether to say what the client may do with each group.
    public var includeAuthorizedOperations = false

    /// An empty request.
    public init() {}

    /// The fields in the order of the specification.
    public mutating func code(_ c: inout some MessageCoder) throws(CodingError) {
        try c.field(&groupIDs)
        try c.field(&includeAuthorizedOperations)
        try c.tags()
    }
}

/// The state and the members of groups of KIP-848.
public struct ConsumerGroupDescribeResponse: Message {
    /// ConsumerGroupDescribe.
    public static let apiKey = ApiKey.consumerGroupDescribe

    /// One group.
    public struct Group: Field, Equatable {
        /// Why the group is not described, or none.
        public var errorCode = ErrorCode.none
        /// The reason in words, or null.
        public var errorMessage: String?
        /// The group.
        public var groupID = ""
        /// Its state, such as "Stable".
        public var groupState = ""
        /// The epoch of its members and subscriptions.
        public var groupEpoch: Int32 = 0
        /// The epoch that its assignment was made for.
        public var assignmentEpoch: Int32 = 0
        /// The assignor that made it.
        public var assignorName = ""
        /// Its members.
        public var members: [Member] = []
        /// What the client may do with it, a bit for each operation; `Int32.min` where nobody asked.
        public var authorizedOperations = Int32.min

        /// A group without a name.
        public init() {}

        /// The fields in the order of the specification.
        public mutating func code(_ c: inout some MessageCoder) throws(CodingError) {
            try c.field(&errorCode)
            try c.field(&errorMessage)
            try c.field(&groupID)
            try c.field(&groupState)
            try c.field(&groupEpoch)
            try c.field(&assignmentEpoch)
            try c.field(&assignorName)
            try c.field(&members)
            try c.field(&authorizedOperations)
            try c.tags()
        }
    }

    /// A member of a group.
    public struct Member: Field, Equatable {
        /// Its id.
        public var memberID = ""
        /// The id of a static member, or null.
        public var instanceID: String?
        /// Its rack, or null.
        public var rackID: String?
        /// Its epoch.
        public var memberEpoch: Int32 = 0
        /// What its client calls itself.
        public var clientID = ""
        /// The address that it comes from.
        public var clientHost = ""
        /// The topics that it wants.
        public var subscribedTopicNames: [String] = []
        /// The topics that it wants, as a regular expression, or null.
        public var subscribedTopicRegex: String?
        /// What it has.
        public var assignment = Assignment()
        /// What it is to have.
        public var targetAssignment = Assignment()
        /// 0 for a member of the classic protocol, 1 for one of KIP-848; -1 for unknown (KIP-1099).
        public var memberType: Int8 = -1

        /// A member without an id.
        public init() {}

        /// The fields in the order of the specification.
        public mutating func code(_ c: inout some MessageCoder) throws(CodingError) {
            try c.field(&memberID)
            try c.field(&instanceID)
            try c.field(&rackID)
            try c.field(&memberEpoch)
            try c.field(&clientID)
            try c.field(&clientHost)
            try c.field(&subscribedTopicNames)
            try c.field(&subscribedTopicRegex)
            try c.field(&assignment)
            try c.field(&targetAssignment)
            try c.field(&memberType, since: 1)
            try c.tags()
        }
    }

    /// Partitions that a member has, or is to have.
    public struct Assignment: Field, Equatable {
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
        /// Its name.
        public var topicName = ""
        /// The partitions.
        public var partitions: [Int32] = []

        /// A topic without partitions.
        public init() {}

        /// The fields in the order of the specification.
        public mutating func code(_ c: inout some MessageCoder) throws(CodingError) {
            try c.field(&topicID)
            try c.field(&topicName)
            try c.field(&partitions)
            try c.tags()
        }
    }

    /// How long the request was held back, in milliseconds.
    public var throttleTimeMilliseconds: Int32 = 0
    /// The answers by group.
    public var groups: [Group] = []

    /// An empty response.
    public init() {}

    /// The fields in the order of the specification.
    public mutating func code(_ c: inout some MessageCoder) throws(CodingError) {
        try c.field(&throttleTimeMilliseconds)
        try c.field(&groups)
        try c.tags()
    }
}
