import Testing
import TopicsPartitions

@Suite("A topic's config")
struct TopicConfigTests {
    @Test("has a default for each name that is Kafka's, and that fits")
    func defaults() throws {
        for key in TopicConfigKey.all {
            try TopicConfig.validate(key.name, key.defaultValue)
            #expect(try key.type.canonical(key.defaultValue) == key.defaultValue, "\(key.name)")
            // A default stands behind the last synonym only, in its own unit.
            #expect(key.synonyms.dropLast().allSatisfy { $0.defaultValue == nil }, "\(key.name)")
        }
        let overrides = Dictionary(uniqueKeysWithValues: TopicConfigKey.all.map { ($0.name, $0.defaultValue) })
        let written = try TopicConfig(overriding: overrides, defaults: TopicConfig())
        #expect("\(written)" == "\(TopicConfig())", "the table and the fields have the same defaults")
        let settings = TopicConfigKey.all.flatMap(\.synonyms).filter { $0.defaultValue != nil }
        let broker = try TopicConfig(
            brokerSettings: Dictionary(uniqueKeysWithValues: settings.map { ($0.name, $0.defaultValue ?? "") }))
        #expect("\(broker)" == "\(TopicConfig())")
    }

    @Test("has each name once, among topics' configs and among brokers' settings")
    func names() {
        let names = TopicConfigKey.all.map(\.name)
        #expect(Set(names).count == names.count)
        let settings = TopicConfigKey.all.flatMap { $0.synonyms.map(\.name) }
        #expect(Set(settings).count == settings.count)
        #expect(TopicConfigKey.behind(setting: "log.retention.hours")?.name == "retention.ms")
        #expect(TopicConfigKey.named("log.retention.hours") == nil)
    }

    @Test("takes what a topic sets, and the rest from the broker")
    func overrides() throws {
        var broker = TopicConfig()
        broker.maxMessageBytes = 77
        broker.retentionBytes = 5
        let config = try TopicConfig(
            overriding: [
                "cleanup.policy": "compact, delete", "retention.ms": " 0 ", "retention.bytes": "-1",
                "segment.bytes": "1024", "message.timestamp.type": "LogAppendTime", "flush.messages": "+7",
                "min.cleanable.dirty.ratio": "1", "max.compaction.lag.ms": "9", "min.insync.replicas": "2",
                "delete.retention.ms": "3", "preallocate": "False",
            ], defaults: broker)
        #expect(config.cleanupPolicy == [.compact, .delete])
        #expect(config.retentionMilliseconds == 0 && config.retentionBytes == nil)
        #expect(config.log.segmentBytes == 1024 && config.usesLogAppendTime && config.flushMessages == 7)
        #expect(config.compaction.minCleanableDirtyRatio == 1 && config.maxCompactionLagMilliseconds == 9)
        #expect(config.minInSyncReplicas == 2 && config.compaction.deleteRetentionMilliseconds == 3)
        #expect(config.maxMessageBytes == 77)
        #expect(try TopicConfig(overriding: ["cleanup.policy": ""], defaults: broker).cleanupPolicy == [])
        #expect(try TopicConfig(overriding: ["retention.ms": "-1"], defaults: broker).retentionMilliseconds == nil)
    }

    @Test(
        "refuses what Kafka refuses, with the reason",
        arguments: [
            ("no.such", "1", "topics have no config no.such"),
            ("log.retention.ms", "1", "topics have no config log.retention.ms"),
            ("retention.ms", "abc", "retention.ms=abc: must be a number of type long"),
            ("retention.ms", "-2", "retention.ms=-2: must be at least -1"),
            ("retention.ms", "9223372036854775808", "must be a number of type long"),
            ("max.message.bytes", "2147483648", "must be a number of type int"),
            ("segment.bytes", "1023", "at least 1024"),
            ("segment.ms", "0", "must be at least 1"), ("flush.messages", "0", "must be at least 1"),
            ("min.cleanable.dirty.ratio", "1.1", "at most 1"), ("min.cleanable.dirty.ratio", "nan", "at least 0"),
            ("min.cleanable.dirty.ratio", "-0.1", "at least 0"), ("min.cleanable.dirty.ratio", "x", "type double"),
            ("cleanup.policy", "delete,shred", "must be made of: compact, delete"),
            ("cleanup.policy", "delete,", "must be made of"), ("cleanup.policy", "delete,delete", "duplicated"),
            ("message.timestamp.type", "logappendtime", "must be made of: CreateTime, LogAppendTime"),
            ("preallocate", "yes", "must be true or false"), ("retention.ms", "", "must be a number"),
            ("min.insync.replicas", "0", "must be at least 1"),
        ])
    func refusals(name: String, value: String, reason: String) throws {
        let error = #expect(throws: ConfigError.self) { try TopicConfig.validate(name, value) }
        #expect(error?.description.contains(reason) == true, "\(error?.description ?? "")")
    }

    @Test(
        "refuses what is not done, and says why",
        arguments: [
            ("compression.type", "zstd"), ("compression.gzip.level", "1"), ("preallocate", "true"),
            ("unclean.leader.election.enable", "true"), ("segment.jitter.ms", "1"), ("flush.ms", "1000"),
            ("remote.storage.enable", "true"), ("local.retention.ms", "1"),
            ("leader.replication.throttled.replicas", "*"),
        ])
    func notDone(name: String, value: String) {
        let error = #expect(throws: ConfigError.self) { try TopicConfig.validate(name, value) }
        #expect(error?.description.contains("is supported: ") == true)
    }

    @Test("has of a broker's settings the first of its synonyms, in the setting's unit")
    func synonyms() throws {
        func retention(_ settings: [String: String]) throws -> Int64? {
            try TopicConfig(brokerSettings: settings).retentionMilliseconds
        }
        #expect(try retention([:]) == 604_800_000)
        #expect(try retention(["log.retention.hours": "2"]) == 7_200_000)
        #expect(try retention(["log.retention.hours": "2", "log.retention.minutes": "3"]) == 180_000)
        #expect(try retention(["log.retention.minutes": "3", "log.retention.ms": "4"]) == 4)
        #expect(try retention(["log.retention.hours": "-1"]) == nil)
        #expect(try TopicConfig(brokerSettings: ["log.roll.hours": "1"]).log.segmentMilliseconds == 3_600_000)
        #expect(try TopicConfig(brokerSettings: ["message.max.bytes": "5"]).maxMessageBytes == 5)
        let error = #expect(throws: ConfigError.self) { try retention(["log.retention.hours": "x"]) }
        #expect(
            error?.description == "log.retention.hours=x: must be a number of type int")
        #expect(throws: ConfigError.self) { try retention(["log.retention.hours": "3000000000"]) }
    }

    @Test("has lags of compaction that fit together")
    func lags() throws {
        var config = try TopicConfig(overriding: ["min.compaction.lag.ms": "9"], defaults: TopicConfig())
        config.maxCompactionLagMilliseconds = 9
        try config.checkTogether()
        config.maxCompactionLagMilliseconds = 8
        #expect(
            throws: ConfigError(
                "min.compaction.lag.ms (9) is longer than max.compaction.lag.ms (8)")
        ) { try config.checkTogether() }
    }
}
