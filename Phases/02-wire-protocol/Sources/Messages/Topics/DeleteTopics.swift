import SegmentLog

/// Deletes topics with all their records.
public struct DeleteTopicsRequest: Request {
    /// The body of the answer.
    public typealias Response = DeleteTopicsResponse
    /// DeleteTopics.
    public static let apiKey = ApiKey.deleteTopics

    /// A topic to delete.
    public struct Topic: Field, Equatable {
        /// Its name, or null where it is named by its id.
        public var name: String?
        /// Its id, or zero where it is named by its name (KIP-516).
        public var topicID = Uuid.zero

        /// A topic without a name.
        public init() {}

        /// The fields in the order of the specification.
        public mutating func code(_ c: inout some MessageCoder) throws(CodingError) {
            try c.field(&name)
            try c.field(&topicID)
            try c.tags()
        }
    }

    /// The topics, from version 6 on.
    public var topics: [Topic] = []
    /// The names of the topics, up to version 5.
    public var topicNames: [String] = []
    /// How long to wait until the topics are gone, in milliseconds.
    public var timeoutMilliseconds: Int32 = 0

    /// An empty request.
    public init() {}

    /// The fields in the order of the specification.
    public mutating func code(_ c: inout some MessageCoder) throws(CodingError) {
        try c.field(&topics, since: 6)
        try c.field(&topicNames, until: 5)
        try c.field(&timeoutMilliseconds)
        try c.tags()
    }
}

/// Which topics were deleted.
public struct DeleteTopicsResponse: Message {
    /// DeleteTopics.
    public static let apiKey = ApiKey.deleteTopics

    /// The answer for one topic.
    public struct Topic: Field, Equatable {
        /// Its name; null where the id in the request is not known.
        public var name: String?
        /// Its id.
        public var topicID = Uuid.zero
        /// Why it was not deleted, or none.
        public var errorCode = ErrorCode.none
        /// The reason in words, or null (KIP-599).
        public var errorMessage: String?

        /// A topic without a name.
        public init() {}

        /// The fields in the order of the specification.
        public mutating func code(_ c: inout some MessageCoder) throws(CodingError) {
            try c.field(&name, nullableSince: 6)
            try c.field(&topicID, since: 6)
            try c.field(&errorCode)
            try c.field(&errorMessage, since: 5)
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
        try c.field(&throttleTimeMilliseconds, since: 1)
        try c.field(&topics)
        try c.tags()
    }
}
