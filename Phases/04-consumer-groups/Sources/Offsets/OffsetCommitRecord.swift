import SegmentLog
import WireProtocol

/// Says of which group and partition a record tells how far that group has read.
public struct OffsetCommitKey: GroupRecordKey {
    /// What it is the key of.
    public typealias Value = OffsetCommitValue
    /// The kind that is written.
    public static let kind: Int16 = 1
    /// The kinds that stand for a committed offset; their fields are the same.
    public static let kinds: ClosedRange<Int16> = 0...1

    /// The group.
    public var group = ""
    /// The topic's name.
    public var topic = ""
    /// The partition's number.
    public var partition: Int32 = 0

    /// Partition 0 of no topic.
    public init() {}

    /// The key of a group's offset of a partition.
    public init(group: String, topic: String, partition: Int32) {
        self.group = group
        self.topic = topic
        self.partition = partition
    }

    /// The fields in the order of the specification.
    public mutating func code(_ c: inout some MessageCoder) throws(CodingError) {
        try c.field(&group)
        try c.field(&topic)
        try c.field(&partition)
    }
}

/// How far a group has read in a partition.
public struct OffsetCommitValue: GroupRecordValue {
    /// The versions that can be read.
    public static let versions: ClosedRange<Int16> = 0...4
    /// The version that is written where the offset has no time of expiry of its own.
    public static let written: Int16 = 4
    /// The first version with compact lengths and tags.
    public static let firstFlexible: Int16 = 4
    /// The only version that has a time of expiry, wherever an offset has one.
    public var writtenVersion: Int16 { expireTimestamp == -1 ? Self.written : 1 }

    /// The offset of the next record to read.
    public var offset: Int64 = 0
    /// The leader epoch of the last record that was read; -1 for unknown (KIP-320).
    public var leaderEpoch: Int32 = -1
    /// What the client wanted to keep beside the offset.
    public var metadata = ""
    /// When it was committed, in milliseconds since 1970.
    public var commitTimestamp: Int64 = 0
    /// When it expires, in milliseconds since 1970, where the client said so (OffsetCommit 2 to 4); -1 where
    /// `offsets.retention.minutes` says it (KIP-211).
    public var expireTimestamp: Int64 = -1
    /// The topic's id; zero where it was not known.
    public var topicID = Uuid.zero

    /// Offset 0.
    public init() {}

    /// The fields in the order of the specification.
    public mutating func code(_ c: inout some MessageCoder) throws(CodingError) {
        try c.field(&offset)
        try c.field(&leaderEpoch, since: 3)
        try c.field(&metadata)
        try c.field(&commitTimestamp)
        try c.field(&expireTimestamp, since: 1, until: 1)
        try c.tags { tags throws(CodingError) in try tags.field(0, &topicID) }
    }
}
