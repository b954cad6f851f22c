import SegmentLog

/// Creates topics.
public struct CreateTopicsRequest: Request {
    /// The body of the answer.
    public typealias Response = CreateTopicsResponse
    /// CreateTopics.
    public static let apiKey = ApiKey.createTopics

    /// A topic to create.
    public struct Topic: Field, Equatable {
        /// Its name.
        public var name = ""
        /// How many partitions it gets; -1 for the broker's setting, or where `assignments` says it.
        public var partitionCount: Int32 = 0
        /// How many replicas each partition gets; -1 for the broker's setting, or where `assignments` says it.
        public var replicationFactor: Int16 = 0
        /// The brokers of each partition; empty to let the controller choose.
        public var assignments: [Assignment] = []
        /// The settings that differ from the brokers'.
        public var configs: [Config] = []

        /// A topic without a name.
        public init() {}

        /// The fields in the order of the specification.
        public mutating func code(_ c: inout some MessageCoder) throws(CodingError) {
            try c.field(&name)
            try c.field(&partitionCount)
            try c.field(&replicationFactor)
            try c.field(&assignments)
            try c.field(&configs)
            try c.tags()
        }
    }

    /// The brokers of one partition.
    public struct Assignment: Field, Equatable {
        /// The partition's number.
        public var partitionIndex: Int32 = 0
        /// Its brokers, the preferred leader first.
        public var brokerIDs: [Int32] = []

        /// Partition 0 on no broker.
        public init() {}

        /// The fields in the order of the specification.
        public mutating func code(_ c: inout some MessageCoder) throws(CodingError) {
            try c.field(&partitionIndex)
            try c.field(&brokerIDs)
            try c.tags()
        }
    }

    /// A setting.
    public struct Config: Field, Equatable {
        /// Its name, such as "retention.ms".
        public var name = ""
        /// Its value, or null.
        public var value: String?

        /// A setting without a name.
        public init() {}

        /// The fields in the order of the specification.
        public mutating func code(_ c: inout some MessageCoder) throws(CodingError) {
            try c.field(&name)
            try c.field(&value)
            try c.tags()
        }
    }

    /// The topics.
    public var topics: [Topic] = []
    /// How long to wait until the topics are there, in milliseconds.
    public var timeoutMilliseconds: Int32 = 60_000
    /// Whether only to check that the topics could be created.
    public var validateOnly = false

    /// An empty request.
    public init() {}

    /// The fields in the order of the specification.
    public mutating func code(_ c: inout some MessageCoder) throws(CodingError) {
        try c.field(&topics)
        try c.field(&timeoutMilliseconds)
        try c.field(&validateOnly, since: 1)
        try c.tags()
    }
}

/// Which topics were created.
public struct CreateTopicsResponse: Message {
    /// CreateTopics.
    public static let apiKey = ApiKey.createTopics

    /// The answer for one topic.
    public struct Topic: Field, Equatable {
        /// Its name.
        public var name = ""
        /// Its id (KIP-516).
        public var topicID = Uuid.zero
        /// Why it was not created, or none.
        public var errorCode = ErrorCode.none
        /// The reason in words, or null.
        public var errorMessage: String?
        /// Why the settings are not in the answer, or none.
        public var topicConfigErrorCode = ErrorCode.none
        /// How many partitions it has; -1 with an error (KIP-525).
        public var partitionCount: Int32 = -1
        /// How many replicas each partition has; -1 with an error.
        public var replicationFactor: Int16 = -1
        /// Its settings, or null.
        public var configs: [Config]? = []

        /// A topic without a name.
        public init() {}

        /// The fields in the order of the specification.
        public mutating func code(_ c: inout some MessageCoder) throws(CodingError) {
            try c.field(&name)
            try c.field(&topicID, since: 7)
            try c.field(&errorCode)
            try c.field(&errorMessage, since: 1)
            try c.field(&partitionCount, since: 5)
            try c.field(&replicationFactor, since: 5)
            try c.field(&configs, since: 5)
            try c.tags { t throws(CodingError) in try t.field(0, &topicConfigErrorCode, since: 5) }
        }
    }

    /// A setting of a topic.
    public struct Config: Field, Equatable {
        /// Its name.
        public var name = ""
        /// Its value; null where it is kept secret.
        public var value: String?
        /// Whether it cannot be changed.
        public var isReadOnly = false
        /// Where the value comes from, as in `DescribeConfigsResponse`.
        public var configSource: Int8 = -1
        /// Whether the value is kept secret.
        public var isSensitive = false

        /// A setting without a name.
        public init() {}

        /// The fields in the order of the specification.
        public mutating func code(_ c: inout some MessageCoder) throws(CodingError) {
            try c.field(&name)
            try c.field(&value)
            try c.field(&isReadOnly)
            try c.field(&configSource)
            try c.field(&isSensitive)
            try c.tags()
        }
    }

    /// How long the request was held back, in milliseconds.
    public var throttleTimeMilliseconds: Int32 = 0
    /// The answers by topic.
    public var topics: [Topic] = []

    /// An empty response.
    public init() {}

    /// The fields in the order of the specification.
    public mutating func code(_ c: inout some MessageCoder) throws(CodingError) {
        try c.field(&throttleTimeMilliseconds, since: 2)
        try c.field(&topics)
        try c.tags()
    }
}
