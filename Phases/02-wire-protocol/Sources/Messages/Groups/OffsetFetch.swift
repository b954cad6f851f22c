import SegmentLog

/// Asks how far groups have read.
public struct OffsetFetchRequest: Request {
    /// The body of the answer.
    public typealias Response = OffsetFetchResponse
    /// OffsetFetch.
    public static let apiKey = ApiKey.offsetFetch

    /// A group, and the partitions in question (KIP-709).
    public struct Group: Field, Equatable {
        /// The group.
        public var groupID = ""
        /// The member that asks, in a group of KIP-848, or null.
        public var memberID: String?
        /// Its epoch; -1 for none.
        public var memberEpoch: Int32 = -1
        /// The topics, or null for all that the group has offsets of.
        public var topics: [Topic]?

        /// A group without a name.
        public init() {}

        /// The fields in the order of the specification.
        public mutating func code(_ c: inout some MessageCoder) throws(CodingError) {
            try c.field(&groupID)
            try c.field(&memberID, since: 9)
            try c.field(&memberEpoch, since: 9)
            try c.field(&topics)
            try c.tags()
        }
    }

    /// The partitions of one topic.
    public struct Topic: Field, Equatable {
        /// Its name.
        public var name = ""
        /// The partitions.
        public var partitionIndexes: [Int32] = []

        /// A topic without partitions.
        public init() {}

        /// The fields in the order of the specification.
        public mutating func code(_ c: inout some MessageCoder) throws(CodingError) {
            try c.field(&name)
            try c.field(&partitionIndexes)
            try c.tags()
        }
    }

    /// The group, up to version 7.
    public var groupID = ""
    /// The topics, up to version 7, or null for all that the group has offsets of.
    public var topics: [Topic]?
    /// The groups, from version 8 on.
    public var groups: [Group] = []
    /// Whether offsets that an open transaction may change are refused with UNSTABLE_OFFSET_COMMIT (KIP-447).
    public var requireStable = false

    /// An empty request.
    public init() {}

    /// The fields in the order of the specification.
    public mutating func code(_ c: inout some MessageCoder) throws(CodingError) {
        try c.field(&groupID, until: 7)
        try c.field(&topics, until: 7, nullableSince: 2)
        try c.field(&groups, since: 8)
        try c.field(&requireStable, since: 7)
        try c.tags()
    }
}

/// How far the groups have read.
public struct OffsetFetchResponse: Message {
    /// OffsetFetch.
    public static let apiKey = ApiKey.offsetFetch

    /// The answer for one group.
    public struct Group: Field, Equatable {
        /// The group.
        public var groupID = ""
        /// The offsets by topic.
        public var topics: [Topic] = []
        /// Why there is no answer for the group, or none.
        public var errorCode = ErrorCode.none

        /// A group without offsets.
        public init() {}

        /// The fields in the order of the specification.
        public mutating func code(_ c: inout some MessageCoder) throws(CodingError) {
            try c.field(&groupID)
            try c.field(&topics)
            try c.field(&errorCode)
            try c.tags()
        }
    }

    /// The offsets of one topic.
    public typealias Topic = ByTopic<Partition>

    /// The offset of one partition.
    public struct Partition: Field, Equatable {
        /// Its number.
        public var index: Int32 = 0
        /// The offset of the next record to read; -1 for none.
        public var committedOffset: Int64 = -1
        /// The leader epoch of the last record that was read; -1 for unknown.
        public var committedLeaderEpoch: Int32 = -1
        /// What the client kept beside the offset, or null.
        public var metadata: String?
        /// Why the offset is not known, or none.
        public var errorCode = ErrorCode.none

        /// Partition 0 without an offset.
        public init() {}

        /// The fields in the order of the specification.
        public mutating func code(_ c: inout some MessageCoder) throws(CodingError) {
            try c.field(&index)
            try c.field(&committedOffset)
            try c.field(&committedLeaderEpoch, since: 5)
            try c.field(&metadata)
            try c.field(&errorCode)
            try c.tags()
        }
    }

    /// How long the request was held back, in milliseconds.
    public var throttleTimeMilliseconds: Int32 = 0
    /// The offsets by topic, up to version 7.
    public var topics: [Topic] = []
    /// Why there is no answer, or none, up to version 7.
    public var errorCode = ErrorCode.none
    /// The answers by group, from version 8 on.
    public var groups: [Group] = []

    /// An empty response.
    public init() {}

    /// The fields in the order of the specification.
    public mutating func code(_ c: inout some MessageCoder) throws(CodingError) {
        try c.field(&throttleTimeMilliseconds, since: 3)
        try c.field(&topics, until: 7)
        try c.field(&errorCode, since: 2, until: 7)
        try c.field(&groups, since: 8)
        try c.tags()
    }
}
