/// What groups are configured to: Kafka's `group.*` and `offsets.*` settings of a broker. Times are in milliseconds.
public struct GroupSettings: Sendable {
    /// The shortest session that a member of a classic group may ask for: `group.min.session.timeout.ms`.
    public var minSessionTimeoutMilliseconds: Int32 = 6_000
    /// The longest: `group.max.session.timeout.ms`.
    public var maxSessionTimeoutMilliseconds: Int32 = 1_800_000
    /// How long an empty classic group waits for more members: `group.initial.rebalance.delay.ms`.
    public var initialRebalanceDelayMilliseconds: Int32 = 3_000
    /// The most members of a classic group: `group.max.size`.
    public var maxSize = Int(Int32.max)
    /// The session of a member of a group of KIP-848: `group.consumer.session.timeout.ms`.
    public var consumerSessionTimeoutMilliseconds: Int32 = 45_000
    /// How often such a member is to send a heartbeat: `group.consumer.heartbeat.interval.ms`.
    public var consumerHeartbeatIntervalMilliseconds: Int32 = 5_000
    /// How long after a target of such a group the next one is made at the earliest, for members that come or go and for
    /// topics that change (KIP-1263): `group.consumer.assignment.interval.ms`. 0, at once; Kafka's default is 1000.
    public var consumerAssignmentIntervalMilliseconds: Int32 = 0
    /// The most members of such a group: `group.consumer.max.size`.
    public var consumerMaxSize = Int(Int32.max)
    /// The assignors that such a group may use, the default first: `group.consumer.assignors`.
    public var consumerAssignors = ["uniform", "range"]
    /// How many partitions `__consumer_offsets` gets: `offsets.topic.num.partitions`.
    public var offsetsPartitionCount: Int32 = 50
    /// The size of its segments, in bytes: `offsets.topic.segment.bytes`.
    public var offsetsSegmentBytes: Int64 = 104_857_600
    /// The largest batch that is written to it, in bytes, where its segments are not smaller. Kafka's is the broker's
    /// `message.max.bytes`, and its groups can be no larger.
    public var offsetsMaxBatchBytes: Int64 = 16 << 20
    /// How long offsets are kept for a group without members, or a topic that nobody subscribes to:
    /// `offsets.retention.minutes`.
    public var offsetsRetentionMilliseconds: Int64 = 604_800_000
    /// How often it is looked for such: `offsets.retention.check.interval.ms`.
    public var offsetsRetentionCheckIntervalMilliseconds: Int64 = 600_000
    /// The longest metadata of a commit, in bytes: `offset.metadata.max.bytes`.
    public var offsetMetadataMaxBytes = 4_096

    /// The most bytes that may be written together.
    var maxBatchBytes: Int { Int(clamping: min(offsetsMaxBatchBytes, offsetsSegmentBytes)) }

    /// Kafka's defaults, but for the interval of assignments.
    public init() {}
}
