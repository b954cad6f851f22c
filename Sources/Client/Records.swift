import ConsumerGroups
import SegmentLog
import WireProtocol

/// A run of bytes: keys, values, headers. Cheap to copy and to cut.
public typealias Bytes = SegmentLog.Bytes
/// A record's header: a key that is text, and a value that may be null.
public typealias RecordHeader = SegmentLog.RecordHeader
/// What went wrong, and whether trying again may help.
public typealias ClientError = WireProtocol.ClientError
/// A host and a port.
public typealias SocketAddress = WireProtocol.SocketAddress
/// Divides a group's partitions between its members.
public typealias ConsumerPartitionAssignor = ConsumerGroups.ConsumerPartitionAssignor
/// "range": of each topic, each member gets a run of partitions.
public typealias RangeAssignor = ConsumerGroups.RangeAssignor
/// "roundrobin": all partitions in turn.
public typealias RoundRobinAssignor = ConsumerGroups.RoundRobinAssignor
/// "sticky": balanced, and as few partitions as possible move.
public typealias StickyAssignor = ConsumerGroups.StickyAssignor
/// "cooperative-sticky": the same, and what does not move is read on during the rebalance (KIP-429).
public typealias CooperativeStickyAssignor = ConsumerGroups.CooperativeStickyAssignor

/// A topic's partition.
public struct TopicPartition: Hashable, Sendable, CustomStringConvertible {
    /// The topic's name.
    public var topic: String
    /// The partition's index, from 0.
    public var partition: Int32

    /// The partition `partition` of `topic`.
    public init(_ topic: String, _ partition: Int32) {
        self.topic = topic
        self.partition = partition
    }

    /// "orders-3".
    public var description: String { "\(topic)-\(partition)" }
}

/// A record to be sent.
public struct ProducerRecord: Sendable {
    /// The topic that it goes to.
    public var topic: String
    /// The partition; nil lets the key choose, or the client where there is no key.
    public var partition: Int32?
    /// The key, or null.
    public var key: Bytes?
    /// The value, or null: on a compacted topic that deletes the key.
    public var value: Bytes?
    /// Headers, in order.
    public var headers: [RecordHeader] = []
    /// Milliseconds since 1970; nil for the time at which it is handed in.
    public var timestamp: Int64?

    /// A record for `topic`.
    public init(topic: String, partition: Int32? = nil, key: Bytes? = nil, value: Bytes?) {
        self.topic = topic
        self.partition = partition
        self.key = key
        self.value = value
    }

    /// A record of text for `topic`.
    public init(topic: String, partition: Int32? = nil, key: String? = nil, value: String?) {
        self.init(
            topic: topic, partition: partition, key: key.map(Bytes.init(utf8:)), value: value.map(Bytes.init(utf8:)))
    }
}

/// Where a record went.
public struct RecordMetadata: Equatable, Sendable {
    /// The partition that it is in.
    public var topicPartition: TopicPartition
    /// Its offset; -1 where `acks` is 0, and the broker never said.
    public var offset: Int64
    /// Its timestamp in milliseconds since 1970: the record's own, or the broker's where the topic says so.
    public var timestamp: Int64
}

/// A record that was read.
public struct ConsumerRecord: Sendable {
    /// Where it was read from.
    public var topicPartition: TopicPartition
    /// Its offset.
    public var offset: Int64
    /// The epoch of the leader that wrote it; -1 where that is not known.
    public var leaderEpoch: Int32
    /// Milliseconds since 1970; -1 for none.
    public var timestamp: Int64
    /// The key, or null.
    public var key: Bytes?
    /// The value, or null.
    public var value: Bytes?
    /// Headers, in order.
    public var headers: [RecordHeader]
}

/// How far a group has read a partition.
public struct OffsetAndMetadata: Equatable, Sendable {
    /// The offset of the next record to read, 0 or more.
    public var offset: Int64
    /// The leader epoch of the last record that was read; -1 where that is not known (KIP-320).
    public var leaderEpoch: Int32
    /// What is kept beside the offset.
    public var metadata: String

    /// An offset to commit.
    public init(_ offset: Int64, leaderEpoch: Int32 = -1, metadata: String = "") {
        self.offset = offset
        self.leaderEpoch = leaderEpoch
        self.metadata = metadata
    }
}
