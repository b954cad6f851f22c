import SegmentLog

/// Stores how far a group has read.
public struct OffsetCommitRequest: Request {
    /// The body of the answer.
    public typealias Response = OffsetCommitResponse
    /// OffsetCommit.
    public static let apiKey = ApiKey.offsetCommit

    /// The offsets of one topic.
    public typealias Topic = ByTopic<Partition>

    /// The offset of one partition.
    public struct Partition: Field, Equatable {
        /// Its number.
        public var index: Int32 = 0
        /// The offset of the next record to read.
        public var committedOffset: Int64 = 0
        /// The leader epoch of the last record that was read; -1 for unknown (KIP-320).
        public var committedLeaderEpoch: Int32 = -1
        /// What the client wants to keep beside the offset, or null.
        public var committedMetadata: String?

        /// Partition 0 at its beginning.
        public init() {}

        /// The fields in the order of the specification.
        public mutating func code(_ c: inout some MessageCoder) throws(CodingError) {
            try c.field(&index)
            try c.field(&committedOffset)
            try c.field(&committedLeaderEpoch, since: 6)
            try c.field(&committedMetadata)
            try c.tags()
        }
    }

    /// The group.
    public var groupID = ""
    /// The member's generation, or its epoch in a group of KIP-848; -1 from a client that is no member.
    public var generationIDOrMemberEpoch: Int32 = -1
    /// The member; empty from a client that is none.
    public var memberID = ""
    /// The id of a static member, or null.
    public var groupInstanceID: String?
    /// How long to keep the offsets, in milliseconds; -1 for the broker's setting.
    public var retentionTimeMilliseconds: Int64 = -1
    /// The offsets by topic.
    public var topics: [Topic] = []

    /// An empty request.
    public init() {}

    /// The fields in the order of the specification.
    public mutating func code(_ c: inout some MessageCoder) throws(CodingError) {
        try c.field(&groupID)
        try c.field(&generationIDOrMemberEpoch, since: 1)
        try c.field(&memberID, since: 1)
        try c.field(&groupInstanceID, since: 7)
        try c.field(&retentionTimeMilliseconds, since: 2, until: 4)
        try c.field(&topics)
        try c.tags()
    }
}

/// Which offsets were stored.
public struct OffsetCommitResponse: Message {
    /// OffsetCommit.
    public static let apiKey = ApiKey.offsetCommit

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
        try c.field(&throttleTimeMilliseconds, since: 3)
        try c.field(&topics)
        try c.tags()
    }
}
