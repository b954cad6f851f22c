import SegmentLog

/// Asks where the records of a leader epoch end: where a log that was cut off parts from the leader's (KIP-101,
/// KIP-320).
public struct OffsetForLeaderEpochRequest: Request {
    /// The body of the answer.
    public typealias Response = OffsetForLeaderEpochResponse
    /// OffsetForLeaderEpoch.
    public static let apiKey = ApiKey.offsetForLeaderEpoch

    /// The partitions of one topic.
    public typealias Topic = ByTopic<Partition>

    /// A partition and an epoch.
    public struct Partition: Field, Equatable {
        /// Its number.
        public var index: Int32 = 0
        /// The leader epoch that the client knows; -1 for none.
        public var currentLeaderEpoch: Int32 = -1
        /// The epoch whose end is asked for.
        public var leaderEpoch: Int32 = 0

        /// Partition 0 in epoch 0.
        public init() {}

        /// The fields in the order of the specification.
        public mutating func code(_ c: inout some MessageCoder) throws(CodingError) {
            try c.field(&index)
            try c.field(&currentLeaderEpoch, since: 2)
            try c.field(&leaderEpoch)
            try c.tags()
        }
    }

    /// The follower that asks; -1 for a consumer, -2 for a debugging tool.
    public var replicaID: Int32 = -2
    /// The topics.
    public var topics: [Topic] = []

    /// An empty request.
    public init() {}

    /// The fields in the order of the specification.
    public mutating func code(_ c: inout some MessageCoder) throws(CodingError) {
        try c.field(&replicaID, since: 3)
        try c.field(&topics)
        try c.tags()
    }
}

/// Where the epochs end.
public struct OffsetForLeaderEpochResponse: Message {
    /// OffsetForLeaderEpoch.
    public static let apiKey = ApiKey.offsetForLeaderEpoch

    /// The answers for one topic.
    public typealias Topic = ByTopic<Partition>

    /// The answer for one partition.
    public struct Partition: Field, Equatable {
        /// Why the end is not known, or none.
        public var errorCode = ErrorCode.none
        /// Its number.
        public var index: Int32 = 0
        /// The largest epoch up to the one asked for; -1 for none.
        public var leaderEpoch: Int32 = -1
        /// The offset behind its last record; -1 for none.
        public var endOffset: Int64 = -1

        /// Partition 0 without an offset.
        public init() {}

        /// The fields in the order of the specification.
        public mutating func code(_ c: inout some MessageCoder) throws(CodingError) {
            try c.field(&errorCode)
            try c.field(&index)
            try c.field(&leaderEpoch, since: 1)
            try c.field(&endOffset)
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
