import SegmentLog

/// Adds partitions to topics (KIP-195).
public struct CreatePartitionsRequest: Request {
    /// The body of the answer.
    public typealias Response = CreatePartitionsResponse
    /// CreatePartitions.
    public static let apiKey = ApiKey.createPartitions

    /// A topic that gets more partitions.
    public struct Topic: Field, Equatable {
        /// Its name.
        public var name = ""
        /// How many partitions it is to have in all.
        public var count: Int32 = 0
        /// The brokers of each new partition, or null to let the controller choose.
        public var assignments: [Assignment]?

        /// A topic without a name.
        public init() {}

        /// The fields in the order of the specification.
        public mutating func code(_ c: inout some MessageCoder) throws(CodingError) {
            try c.field(&name)
            try c.field(&count)
            try c.field(&assignments)
            try c.tags()
        }
    }

    /// The brokers of one partition.
    public struct Assignment: Field, Equatable {
        /// Its brokers, the preferred leader first.
        public var brokerIDs: [Int32] = []

        /// A partition on no broker.
        public init() {}

        /// The fields in the order of the specification.
        public mutating func code(_ c: inout some MessageCoder) throws(CodingError) {
            try c.field(&brokerIDs)
            try c.tags()
        }
    }

    /// The topics.
    public var topics: [Topic] = []
    /// How long to wait until the partitions are there, in milliseconds.
    public var timeoutMilliseconds: Int32 = 0
    /// Whether only to check that the partitions could be added.
    public var validateOnly = false

    /// An empty request.
    public init() {}

    /// The fields in the order of the specification.
    public mutating func code(_ c: inout some MessageCoder) throws(CodingError) {
        try c.field(&topics)
        try c.field(&timeoutMilliseconds)
        try c.field(&validateOnly)
        try c.tags()
    }
}

/// Which topics got their partitions.
public struct CreatePartitionsResponse: Message {
    /// CreatePartitions.
    public static let apiKey = ApiKey.createPartitions

    /// The answer for one topic.
    public struct Result: Field, Equatable {
        /// Its name.
        public var name = ""
        /// Why it got none, or none.
        public var errorCode = ErrorCode.none
        /// The reason in words, or null.
        public var errorMessage: String?

        /// A topic without a name.
        public init() {}

        /// The fields in the order of the specification.
        public mutating func code(_ c: inout some MessageCoder) throws(CodingError) {
            try c.field(&name)
            try c.field(&errorCode)
            try c.field(&errorMessage)
            try c.tags()
        }
    }

    /// How long the request was held back, in milliseconds.
    public var throttleTimeMilliseconds: Int32 = 0
    /// The answers by topic.
    public var results: [Result] = []

    /// An empty response.
    public init() {}

    /// The fields in the order of the specification.
    public mutating func code(_ c: inout some MessageCoder) throws(CodingError) {
        try c.field(&throttleTimeMilliseconds)
        try c.field(&results)
        try c.tags()
    }
}
