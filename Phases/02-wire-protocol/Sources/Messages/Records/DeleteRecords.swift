import SegmentLog

/// Deletes the beginning of partitions (KIP-107).
public struct DeleteRecordsRequest: Request {
    /// The body of the answer.
    public typealias Response = DeleteRecordsResponse
    /// DeleteRecords.
    public static let apiKey = ApiKey.deleteRecords

    /// The partitions of one topic.
    public typealias Topic = ByTopic<Partition>

    /// A partition whose beginning is to be deleted.
    public struct Partition: Field, Equatable {
        /// Its number.
        public var index: Int32 = 0
        /// The first offset to keep; -1 for the high watermark.
        public var offset: Int64 = 0

        /// Partition 0, and nothing to delete.
        public init() {}

        /// The fields in the order of the specification.
        public mutating func code(_ c: inout some MessageCoder) throws(CodingError) {
            try c.field(&index)
            try c.field(&offset)
            try c.tags()
        }
    }

    /// The topics.
    public var topics: [Topic] = []
    /// How long to wait until the replicas have done it too, in milliseconds.
    public var timeoutMilliseconds: Int32 = 0

    /// An empty request.
    public init() {}

    /// The fields in the order of the specification.
    public mutating func code(_ c: inout some MessageCoder) throws(CodingError) {
        try c.field(&topics)
        try c.field(&timeoutMilliseconds)
        try c.tags()
    }
}

/// Where the partitions begin.
public struct DeleteRecordsResponse: Message {
    /// DeleteRecords.
    public static let apiKey = ApiKey.deleteRecords

    /// The answers for one topic.
    public typealias Topic = ByTopic<Partition>

    /// The answer for one partition.
    public struct Partition: Field, Equatable {
        /// Its number.
        public var index: Int32 = 0
        /// The first offset that any replica still has; -1 with an error.
        public var lowWatermark: Int64 = -1
        /// Why nothing was deleted, or none.
        public var errorCode = ErrorCode.none

        /// Partition 0 without an offset.
        public init() {}

        /// The fields in the order of the specification.
        public mutating func code(_ c: inout some MessageCoder) throws(CodingError) {
            try c.field(&index)
            try c.field(&lowWatermark)
            try c.field(&errorCode)
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
        try c.field(&throttleTimeMilliseconds)
        try c.field(&topics)
        try c.tags()
    }
}
