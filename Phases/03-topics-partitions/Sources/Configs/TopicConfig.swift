import SegmentLog

/// What a topic is configured to, by Kafka's names. What a topic does not set comes from the broker.
///
///     let config = try TopicConfig(overriding: ["retention.ms": "60000"], defaults: broker)
///     config.retentionMilliseconds  // 60000; all else is the broker's
///
/// `TopicConfigKey.all` says what each name means, and which values it can have.
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
    /// `min.insync.replicas`: how many replicas must be in sync for a produce with acks=all to be taken. It
    /// has no effect while every partition has one replica.
    public var minInSyncReplicas = 1
    /// `delete.retention.ms`, `min.compaction.lag.ms`, `min.cleanable.dirty.ratio`.
    public var compaction = CompactionPolicy()
    /// `segment.bytes`, `segment.ms`, `segment.index.bytes`, `index.interval.bytes`.
    public var log = LogConfiguration()

    /// Kafka's defaults, but for `flush.messages`.
    public init() {}
}

extension TopicConfig {
    /// The config of a topic that sets `overrides`, by their names, and has all else from `defaults`.
    /// Throws where a name is unknown, or a value does not fit.
    public init(overriding overrides: [String: String], defaults: TopicConfig) throws(ConfigError) {
        self = defaults
        for (name, value) in overrides.sorted(by: { $0.key < $1.key }) { try set(name, to: value) }
    }

    /// The defaults of a broker whose settings are `settings`, by the broker's names, and `defaults` where
    /// it sets nothing. Names that no topic config comes from are passed over. Throws where a value does
    /// not fit.
    public init(brokerSettings settings: [String: String], defaults: TopicConfig = TopicConfig()) throws(ConfigError) {
        self = defaults
        for key in TopicConfigKey.all { try key.set(&self, from: settings) }
    }

    /// Whether a topic could have this config with this value. Throws why not.
    public static func validate(_ name: String, _ value: String) throws(ConfigError) {
        var config = TopicConfig()
        try config.set(name, to: value)
    }

    /// Checks what no single value can tell. Throws which do not go together.
    public func checkTogether() throws(ConfigError) {
        let shortest = compaction.minCompactionLagMilliseconds
        guard shortest <= maxCompactionLagMilliseconds else {
            throw ConfigError(
                """
                min.compaction.lag.ms (\(shortest)) is longer than \
                max.compaction.lag.ms (\(maxCompactionLagMilliseconds))
                """)
        }
    }

    private mutating func set(_ name: String, to value: String) throws(ConfigError) {
        guard let key = TopicConfigKey.named(name) else { throw ConfigError("topics have no config \(name)") }
        try key.set(&self, to: value)
    }
}
