import SegmentLog

/// What a topic is configured to, by Kafka's names. What a topic does not set comes from the broker.
public struct TopicConfig: Sendable {
    /// `cleanup.policy`: what becomes of old records.
    public struct CleanupPolicy: OptionSet, Sendable {
        /// The bits.
        public var rawValue: UInt8
        /// The policy of these bits.
        public init(rawValue: UInt8) { self.rawValue = rawValue }
        /// Old segments are deleted.
        public static let delete = CleanupPolicy(rawValue: 1)
        /// Of each key, the latest record stays.
        public static let compact = CleanupPolicy(rawValue: 2)
    }

    /// `cleanup.policy`.
    public var cleanupPolicy: CleanupPolicy = .delete
    /// `retention.bytes`; nil for no limit.
    public var retentionBytes: Int64?
    /// `retention.ms`; nil for no limit.
    public var retentionMilliseconds: Int64? = 7 * 24 * 3_600_000
    /// `file.delete.delay.ms`: how long the files of a deleted segment stay.
    public var fileDeleteDelayMilliseconds: Int64 = 60_000
    /// `max.message.bytes`: the largest batch that is taken.
    public var maxMessageBytes = 1_048_588
    /// `flush.messages`: how many records may be acknowledged and not yet on disk, plus one.
    public var flushMessages: Int64 = 1
    /// `message.timestamp.type` is `LogAppendTime`: the broker's time stands in the records, not the producer's.
    public var usesLogAppendTime = false
    /// `message.timestamp.before.max.ms`: how far a record's timestamp may lie behind the broker's time.
    public var timestampBeforeMaxMilliseconds = Int64.max
    /// `message.timestamp.after.max.ms`: how far a record's timestamp may lie before the broker's time.
    public var timestampAfterMaxMilliseconds: Int64 = 3_600_000
    /// `max.compaction.lag.ms`: a record is compacted away at the latest so long after it was written.
    public var maxCompactionLagMilliseconds = Int64.max
    /// `delete.retention.ms`, `min.compaction.lag.ms`, `min.cleanable.dirty.ratio`.
    public var compaction = CompactionPolicy()
    /// `segment.bytes`, `segment.ms`, `segment.index.bytes`, `index.interval.bytes`.
    public var log = LogConfiguration()

    /// Kafka's defaults.
    public init() {}
}
