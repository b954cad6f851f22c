import SegmentLog

/// Stores how far a group has read, for when the transaction commits (KIP-98, KIP-447).
public struct TxnOffsetCommitRequest: Request {
    /// The body of the answer.
    public typealias Response = TxnOffsetCommitResponse
    /// TxnOffsetCommit.
    public static let apiKey = ApiKey.txnOffsetCommit

    /// The offsets of one topic.
    public typealias Topic = ByTopic<Partition>

    /// The offset of one partition.
    public struct Partition: Field, Equatable {
        /// Its number.
        public var index: Int32 = 0
        /// The offset of the next record to read.
        public var committedOffset: Int64 = 0
        /// The leader epoch of the last record that was read; -1 for unknown.
        public var committedLeaderEpoch: Int32 = -1
        /// What the client wants to keep beside the offset, or null.
        public var committedMetadata: String?

        /// Partition 0 at its beginning.
        public init() {}

        /// The fields in the order of the specification.
        public mutating func code(_ c: inout some MessageCoder) throws(CodingError) {
            try c.field(&index)
            try c.field(&committedOffset)
            try c.field(&committedLeaderEpoch, since: 2)
            try c.field(&committedMetadata)
            try c.tags()
        }
    }

    /// The transactional id.
    public var transactionalID = ""
    /// The group.
    public var groupID = ""
    /// The producer's id.
    public var producerID: Int64 = 0
    /// Its epoch.
    public var producerEpoch: Int16 = 0
    /// The consumer's generation; -1 from a client that is no member.
    public var generationID: Int32 = -1
    /// The consumer's member id; empty from a client that is none.
    public var memberID = ""
    /// The id of a static member, or null.
    public var groupInstanceID: String?
    /// The offsets by topic.
    public var topics: [Topic] = []

    /// An empty request.
    public init() {}

    /// The fields in the order of the specification.
    public mutating func code(_ c: inout some MessageCoder) throws(CodingError) {
        try c.field(&transactionalID)
        try c.field(&groupID)
        try c.field(&producerID)
        try c.field(&producerEpoch)
        try c.field(&generationID, since: 3)
        try c.field(&memberID, since: 3)
        try c.field(&groupInstanceID, since: 3)
        try c.field(&topics)
        try c.tags()
    }
}

/// Which offsets were taken.
public struct TxnOffsetCommitResponse: Message {
    /// TxnOffsetCommit.
    public static let apiKey = ApiKey.txnOffsetCommit

    /// The answers for one topic.
    public typealias Topic = ByTopic<Partition>

    /// The answer for one partition.
    public typealias Partition = PartitionError

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
