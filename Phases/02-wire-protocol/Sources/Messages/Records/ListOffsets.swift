import SegmentLog

/// Asks for the ends of partitions, or for the first offset of a time.
public struct ListOffsetsRequest: Request {
    /// The body of the answer.
    public typealias Response = ListOffsetsResponse
    /// ListOffsets.
    public static let apiKey = ApiKey.listOffsets

    /// The offset behind the last record, as a timestamp to ask for.
    public static let latest: Int64 = -1
    /// The first offset, as a timestamp to ask for.
    public static let earliest: Int64 = -2
    /// The record with the greatest timestamp (KIP-734), as a timestamp to ask for.
    public static let maxTimestamp: Int64 = -3
    /// The first offset on this broker's disk (KIP-405), as a timestamp to ask for.
    public static let earliestLocal: Int64 = -4
    /// The last offset in remote storage (KIP-1005), as a timestamp to ask for.
    public static let latestTiered: Int64 = -5

    /// A topic to ask about.
    public typealias Topic = ByTopic<Partition>

    /// A partition to ask about.
    public struct Partition: Field, Equatable {
        /// Its number.
        public var index: Int32 = 0
        /// The leader epoch that the client knows; -1 for none.
        public var currentLeaderEpoch: Int32 = -1
        /// The time in milliseconds since 1970, or one of the negative values above.
        public var timestamp: Int64 = 0

        /// Partition 0 at time 0.
        public init() {}

        /// The fields in the order of the specification.
        public mutating func code(_ c: inout some MessageCoder) throws(CodingError) {
            try c.field(&index)
            try c.field(&currentLeaderEpoch, since: 4)
            try c.field(&timestamp)
            try c.tags()
        }
    }

    /// The follower that asks; -1 for a client.
    public var replicaID: Int32 = 0
    /// 0 to see everything, 1 to see only what is committed.
    public var isolationLevel: Int8 = 0
    /// What to ask about.
    public var topics: [Topic] = []
    /// How long remote storage may take, in milliseconds.
    public var timeoutMilliseconds: Int32 = 0

    /// An empty request.
    public init() {}

    /// The fields in the order of the specification.
    public mutating func code(_ c: inout some MessageCoder) throws(CodingError) {
        try c.field(&replicaID)
        try c.field(&isolationLevel, since: 2)
        try c.field(&topics)
        try c.field(&timeoutMilliseconds, since: 10)
        try c.tags()
    }
}

/// The offsets that were found.
public struct ListOffsetsResponse: Message {
    /// ListOffsets.
    public static let apiKey = ApiKey.listOffsets

    /// The answers for one topic.
    public typealias Topic = ByTopic<Partition>

    /// The answer for one partition.
    public struct Partition: Field, Equatable {
        /// Its number.
        public var index: Int32 = 0
        /// Why nothing was found, or none.
        public var errorCode = ErrorCode.none
        /// The timestamp of the record that was found; -1 for an end of the log, or for none.
        public var timestamp: Int64 = -1
        /// Its offset; -1 for none.
        public var offset: Int64 = -1
        /// The leader epoch in which it was appended; -1 for unknown.
        public var leaderEpoch: Int32 = -1

        /// Partition 0 without an offset.
        public init() {}

        /// The fields in the order of the specification.
        public mutating func code(_ c: inout some MessageCoder) throws(CodingError) {
            try c.field(&index)
            try c.field(&errorCode)
            try c.field(&timestamp)
            try c.field(&offset)
            try c.field(&leaderEpoch, since: 4)
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
