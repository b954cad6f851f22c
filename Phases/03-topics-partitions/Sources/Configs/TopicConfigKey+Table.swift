extension TopicConfigKey {
    private static let minute: Int64 = 60_000
    private static let hour: Int64 = 3_600_000
    private static let notTiered = "there is no tiered storage"
    private static let notRecompressed = "batches are stored as the producer compressed them"
    private static let notThrottled = "replication is not throttled"

    /// Every topic config of Kafka 4, but for the lags of tiered storage.
    ///
    /// The defaults and ranges are Kafka's with three exceptions. `flush.messages` is 1, for what is
    /// acknowledged is on disk (ADR-0206). `segment.bytes` may be as small as 1024, where Kafka 4 wants a
    /// mebibyte, so that a test or a demonstration sees segments begin and go. An entry of a time
    /// index takes 12 bytes, and so does the smallest `segment.index.bytes`.
    public static let all: [TopicConfigKey] = segments + flushes + cleaning + records + notDone

    private static let segments: [TopicConfigKey] = [
        number(
            "segment.bytes", 1 << 30, 1024...Int64(Int32.max), from: [("log.segment.bytes", 1)],
            "The size in bytes at which a log begins a new segment. Old records go by whole segments."
        ) { $0.log.segmentBytes = Int($1) },
        number(
            "segment.ms", 168 * hour, 1...Int64.max, from: [("log.roll.ms", 1), ("log.roll.hours", hour)],
            "The age in milliseconds at which a log begins a new segment, by the timestamps of its records."
        ) { $0.log.segmentMilliseconds = $1 },
        number(
            "segment.index.bytes", 10 << 20, 12...Int64(Int32.max), from: [("log.index.size.max.bytes", 1)],
            "The size in bytes of an index at which a log begins a new segment."
        ) { $0.log.segmentIndexBytes = Int($1) },
        number(
            "index.interval.bytes", 4096, 0...Int64(Int32.max), from: [("log.index.interval.bytes", 1)],
            "The bytes of batches between two entries of an index."
        ) { $0.log.indexIntervalBytes = Int($1) },
        number(
            "file.delete.delay.ms", minute, 0...Int64.max, from: [("log.segment.delete.delay.ms", 1)],
            "How long the files of a deleted segment stay, in milliseconds, for those who still read them."
        ) { $0.fileDeleteDelayMilliseconds = $1 },
    ]

    private static let flushes: [TopicConfigKey] = [
        number(
            "flush.messages", 1, 1...Int64.max, from: [("log.flush.interval.messages", 1)],
            """
            A log is synchronized before this many records are acknowledged and not on disk. With 1, the default, none \
            ever is; Kafka's default is 9223372036854775807.
            """
        ) { $0.flushMessages = $1 },
        only(
            "flush.ms", .long, "\(Int64.max)", from: ["log.flush.interval.ms", "log.flush.scheduler.interval.ms"],
            because: "logs are synchronized by flush.messages, and not by time"),
    ]

    private static let cleaning: [TopicConfigKey] = [
        choice(
            "cleanup.policy", .list, "delete", of: ["compact", "delete"], from: "log.cleanup.policy",
            """
            What becomes of old records: delete takes old segments away, compact keeps the latest record of each key, \
            and both do both. With an empty list everything stays.
            """
        ) { config, policies in
            config.cleanupPolicy = []
            if policies.contains("delete") { config.cleanupPolicy.insert(.delete) }
            if policies.contains("compact") { config.cleanupPolicy.insert(.compact) }
        },
        number(
            "retention.ms", 168 * hour, -1...Int64.max,
            from: [("log.retention.ms", 1), ("log.retention.minutes", minute), ("log.retention.hours", hour)],
            "How long records stay, in milliseconds, where old segments are deleted; -1 for ever."
        ) { $0.retentionMilliseconds = $1 < 0 ? nil : $1 },
        number(
            "retention.bytes", -1, Int64.min...Int64.max, from: [("log.retention.bytes", 1)],
            "The bytes that a partition's log may have before its oldest segments are deleted; -1 for no limit."
        ) { $0.retentionBytes = $1 < 0 ? nil : $1 },
        number(
            "delete.retention.ms", 24 * hour, 0...Int64.max, from: [("log.cleaner.delete.retention.ms", 1)],
            "How long a record without a value, which deletes its key, outlives the compaction that first saw it, in milliseconds."
        ) { $0.compaction.deleteRetentionMilliseconds = $1 },
        number(
            "min.compaction.lag.ms", 0, 0...Int64.max, from: [("log.cleaner.min.compaction.lag.ms", 1)],
            "How long a record is safe from compaction, in milliseconds."
        ) { $0.compaction.minCompactionLagMilliseconds = $1 },
        number(
            "max.compaction.lag.ms", Int64.max, 1...Int64.max, from: [("log.cleaner.max.compaction.lag.ms", 1)],
            "How long a record may wait for compaction, in milliseconds, however little of the log is dirty."
        ) { $0.maxCompactionLagMilliseconds = $1 },
        ratio(
            "min.cleanable.dirty.ratio", 0.5, from: "log.cleaner.min.cleanable.ratio",
            "The part of a log that no compaction has seen, from 0 to 1, above which it is compacted."
        ) { $0.compaction.minCleanableDirtyRatio = $1 },
    ]

    private static let records: [TopicConfigKey] = [
        number(
            "max.message.bytes", 1_048_588, 0...Int64(Int32.max), from: [("message.max.bytes", 1)],
            "The largest batch of records that is taken, in bytes, compressed if it is."
        ) { $0.maxMessageBytes = Int($1) },
        choice(
            "message.timestamp.type", .string, "CreateTime", of: ["CreateTime", "LogAppendTime"],
            from: "log.message.timestamp.type",
            "Whose time a record has: CreateTime is the producer's, LogAppendTime the broker's."
        ) { $0.usesLogAppendTime = $1 == ["LogAppendTime"] },
        number(
            "message.timestamp.before.max.ms", Int64.max, 0...Int64.max,
            from: [("log.message.timestamp.before.max.ms", 1)],
            "How far a record's timestamp may lie behind the broker's time, in milliseconds, with CreateTime."
        ) { $0.timestampBeforeMaxMilliseconds = $1 },
        number(
            "message.timestamp.after.max.ms", hour, 0...Int64.max, from: [("log.message.timestamp.after.max.ms", 1)],
            "How far a record's timestamp may lie ahead of the broker's time, in milliseconds, with CreateTime."
        ) { $0.timestampAfterMaxMilliseconds = $1 },
        number(
            "min.insync.replicas", 1, 1...Int64(Int32.max), from: [("min.insync.replicas", 1)],
            """
            How many replicas must be in sync for a produce with acks=all to be taken. The value is kept, and has no \
            effect while every partition has one replica.
            """
        ) { $0.minInSyncReplicas = Int($1) },
    ]

    private static let notDone: [TopicConfigKey] = [
        only("compression.type", .string, "producer", from: ["compression.type"], because: notRecompressed),
        only("compression.gzip.level", .int, "-1", from: ["compression.gzip.level"], because: notRecompressed),
        only("compression.lz4.level", .int, "9", from: ["compression.lz4.level"], because: notRecompressed),
        only("compression.zstd.level", .int, "3", from: ["compression.zstd.level"], because: notRecompressed),
        only(
            "segment.jitter.ms", .long, "0", from: ["log.roll.jitter.ms", "log.roll.jitter.hours"],
            because: "segments begin when their size or age is reached"),
        only(
            "preallocate", .boolean, "false", from: ["log.preallocate"],
            because: "a segment's file grows with what is in it"),
        only(
            "unclean.leader.election.enable", .boolean, "false", from: ["unclean.leader.election.enable"],
            because: "a replica that may lack acknowledged records never leads"),
        only("leader.replication.throttled.replicas", .list, "", from: [], because: notThrottled),
        only("follower.replication.throttled.replicas", .list, "", from: [], because: notThrottled),
        only("remote.storage.enable", .boolean, "false", from: [], because: notTiered),
        only("remote.log.copy.disable", .boolean, "false", from: [], because: notTiered),
        only("remote.log.delete.on.disable", .boolean, "false", from: [], because: notTiered),
        only("local.retention.ms", .long, "-2", from: ["log.local.retention.ms"], because: notTiered),
        only("local.retention.bytes", .long, "-2", from: ["log.local.retention.bytes"], because: notTiered),
    ]
}
