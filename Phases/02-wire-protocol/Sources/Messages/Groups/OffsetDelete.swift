import SegmentLog

/// Forgets how far a group has read in some partitions (KIP-496).
public struct OffsetDeleteRequest: Request {
    /// The body of the answer.
    public typealias Response = OffsetDeleteResponse
    /// OffsetDelete.
    public static let apiKey = ApiKey.offsetDelete

    /// The partitions of one topic.
    public typealias Topic = ByTopic<Partition>

    /// A partition whose offset is to be forgotten.
    public struct Partition: Field, Equatable {
        /// Its number.
        public var index: Int32 = 0

        /// Partition 0.
        public init() {}

        /// The fields in the order of the specification.
        public mutating func code(_ c: inout some MessageCoder) throws(CodingError) {
            try c.field(&index)
            try c.tags()
        }
    }

    /// The group.
    public var groupID = ""
    /// The topics.
    public var topics: [Topic] = []

    /// An empty request.
    public init() {}

    /// The fields in the order of the specification.
    public mutating func code(_ c: inout some MessageCoder) throws(CodingError) {
        try c.field(&groupID)
        try c.field(&topics)
        try c.tags()
    }
}

/// Which offsets were forgotten.
public struct OffsetDeleteResponse: Message {
    /// OffsetDelete.
    public static let apiKey = ApiKey.offsetDelete

    /// The answers for one topic.
    public typealias Topic = ByTopic<Partition>

    /// The answer for one partition.
    public typealias Partition = PartitionError

    /// Why all offsets stay, or none.
    public var errorCode = ErrorCode.none
    /// How long the request was held back, in milliseconds.
    public var throttleTimeMilliseconds: Int32 = 0
    /// The answers by topic.
    public var topics: [Topic] = []

    /// An empty response.
    public init() {}

    /// The fields in the order of the specification.
    public mutating func code(_ c: inout some MessageCoder) throws(CodingError) {
        try c.field(&errorCode)
        try c.field(&throttleTimeMilliseconds)
        try c.field(&topics)
        try c.tags()
    }
}
