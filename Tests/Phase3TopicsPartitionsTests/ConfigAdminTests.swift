import SegmentLog
import Testing
import TopicsPartitions
import WireProtocol

/// A cluster of one broker with the topic "orders", whose configs a test asks for and changes.
private struct Cluster {
    var image = MetadataImage()
    /// What the broker's file says.
    var file: [String: String] = [:]

    init(file: [String: String] = [:]) throws {
        self.file = file
        try image.apply(.topic(TopicRecord(name: "orders", topicID: Uuid(high: 1, low: 2))))
    }

    func admin() throws -> ConfigAdmin {
        let own = [("num.partitions", ConfigType.int, "1"), ("node.id", .int, "1")].map { name, type, value in
            BrokerSetting(
                name: name, type: type, defaultValue: value, value: file[name], documentation: "About \(name)")
        }
        let settings = TopicConfigKey.all.flatMap { key in
            key.synonyms.map { synonym in
                BrokerSetting(
                    name: synonym.name, type: synonym.type, defaultValue: synonym.defaultValue,
                    value: file[synonym.name], documentation: key.documentation)
            }
        }
        return ConfigAdmin(
            image: image, brokerID: 1, settings: own + settings, startedWith: try TopicConfig(brokerSettings: file))
    }

    /// Appends what a request changed.
    mutating func follow(_ changes: [MetadataRecord]) throws {
        for change in changes { try image.apply(change) }
    }

    var topicConfig: TopicConfig {
        get throws {
            let started = try TopicConfig(brokerSettings: file)
            let defaults = try image.topicDefaults(onBroker: 1, startedWith: started)
            return try image.topicConfig("orders", defaults: defaults)
        }
    }
}

extension ConfigAdmin {
    fileprivate func describe(
        _ kind: Int8, _ name: String, _ keys: [String]? = nil, synonyms: Bool = true, documentation: Bool = false
    ) throws -> DescribeConfigsResponse.Result {
        var request = DescribeConfigsRequest()
        var resource = DescribeConfigsRequest.Resource()
        resource.resourceType = kind
        resource.resourceName = name
        resource.configurationKeys = keys
        request.resources = [resource]
        request.includeSynonyms = synonyms
        request.includeDocumentation = documentation
        return try #require(describe(request).results.first)
    }

    /// Sets (0), deletes (1), appends (2), subtracts (3).
    fileprivate func change(
        _ kind: Int8, _ name: String, _ operations: [(String, Int8, String?)], validateOnly: Bool = false
    ) throws -> (AlterConfigsResult, changes: [MetadataRecord]) {
        var request = IncrementalAlterConfigsRequest()
        var resource = IncrementalAlterConfigsRequest.Resource()
        resource.resourceType = kind
        resource.resourceName = name
        resource.configs = operations.map { name, operation, value in
            var config = IncrementalAlterConfigsRequest.Config()
            config.name = name
            config.configOperation = operation
            config.value = value
            return config
        }
        request.resources = [resource]
        request.validateOnly = validateOnly
        let (response, changes) = alter(request)
        return (try #require(response.responses.first), changes)
    }

    fileprivate func replace(
        _ kind: Int8, _ name: String, _ configs: [(String, String?)], validateOnly: Bool = false
    ) throws -> (AlterConfigsResult, changes: [MetadataRecord]) {
        var request = AlterConfigsRequest()
        var resource = AlterConfigsRequest.Resource()
        resource.resourceType = kind
        resource.resourceName = name
        resource.configs = configs.map { name, value in
            var config = AlterConfigsRequest.Config()
            config.name = name
            config.value = value
            return config
        }
        request.resources = [resource]
        request.validateOnly = validateOnly
        let (response, changes) = alter(request)
        return (try #require(response.responses.first), changes)
    }
}

private let (topic, broker): (Int8, Int8) = (2, 4)

@Suite("DescribeConfigs")
struct DescribeConfigsTests {
    @Test("tells all of a topic's configs, with type and source, and the rest where it is asked for")
    func topics() throws {
        let admin = try Cluster().admin()
        let plain = try admin.describe(topic, "orders", synonyms: false)
        #expect(plain.errorCode == .none && plain.configs.map(\.name) == TopicConfigKey.all.map(\.name))
        #expect(plain.configs.allSatisfy { $0.synonyms.isEmpty && $0.documentation == nil && !$0.isReadOnly })
        #expect(plain.configs.allSatisfy { $0.configSource == 5 && !$0.isSensitive })
        let retention = try #require(plain.configs.first { $0.name == "retention.ms" })
        #expect(retention.value == "604800000" && retention.configType == 5)
        #expect(plain.configs.first { $0.name == "cleanup.policy" }?.configType == 7)
        let full = try admin.describe(topic, "orders", ["retention.ms", "no.such"], documentation: true)
        #expect(full.configs.map(\.name) == ["retention.ms"])
        #expect(full.configs[0].documentation == TopicConfigKey.named("retention.ms")?.documentation)
        #expect(try admin.describe(topic, "orders", []).configs.count == plain.configs.count)
    }

    @Test("tells where a value comes from: topic, this broker, all brokers, file, default")
    func sources() throws {
        var cluster = try Cluster(file: ["log.retention.hours": "2", "log.retention.minutes": "3"])
        func told() throws -> (String?, Int8, [String]) {
            let config = try cluster.admin().describe(topic, "orders", ["retention.ms"]).configs[0]
            #expect(
                try Int64(config.value ?? "") == cluster.topicConfig.retentionMilliseconds,
                "what is told is what counts")
            return (
                config.value, config.configSource, config.synonyms.map { "\($0.source) \($0.name)=\($0.value ?? "")" }
            )
        }
        let file = ["4 log.retention.minutes=3", "4 log.retention.hours=2", "5 log.retention.hours=168"]
        #expect(try told() == ("180000", 4, file))
        try cluster.follow(cluster.admin().change(broker, "", [("log.retention.ms", 0, "20")]).changes)
        #expect(try told() == ("20", 3, ["3 log.retention.ms=20"] + file))
        try cluster.follow(cluster.admin().change(broker, "1", [("log.retention.ms", 0, "30")]).changes)
        #expect(try told() == ("30", 2, ["2 log.retention.ms=30", "3 log.retention.ms=20"] + file))
        try cluster.follow(cluster.admin().change(topic, "orders", [("retention.ms", 0, " 40")]).changes)
        #expect(
            try told() == (
                "40", 1, ["1 retention.ms=40", "2 log.retention.ms=30", "3 log.retention.ms=20"] + file
            ))
    }

    @Test("tells a broker's settings with their own values, and of all brokers what was set for all")
    func brokers() throws {
        var cluster = try Cluster(file: ["num.partitions": "7", "log.retention.ms": "9"])
        try cluster.follow(cluster.admin().change(broker, "", [("message.max.bytes", 0, "5000")]).changes)
        let configs = try cluster.admin().describe(broker, "1", documentation: true).configs
        func config(_ name: String) throws -> DescribeConfigsResponse.Config {
            try #require(configs.first { $0.name == name })
        }
        #expect(try config("num.partitions").value == "7" && config("num.partitions").configSource == 4)
        #expect(try config("num.partitions").isReadOnly && !config("log.retention.ms").isReadOnly)
        #expect(try config("log.retention.hours").isReadOnly && config("log.retention.hours").value == "168")
        #expect(try config("log.retention.minutes").value == nil)
        #expect(try config("message.max.bytes").value == "5000" && config("message.max.bytes").configSource == 3)
        #expect(try config("num.partitions").documentation == "About num.partitions")
        let shared = try cluster.admin().describe(broker, "").configs
        #expect(shared.map(\.name) == ["message.max.bytes"] && shared[0].value == "5000")
        #expect(shared[0].synonyms.map(\.source) == [3])
    }

    @Test(
        "refuses what is not there, each resource for itself",
        arguments: [
            (topic, "gone", ErrorCode.unknownTopicOrPartition, "there is no topic gone"),
            (topic, "a b", .invalidTopic, "a name has letters, digits, dots, dashes and underscores only"),
            (broker, "x", .invalidRequest, "a broker is named by its number, not x"),
            (broker, "2", .invalidRequest, "this is broker 1, not 2"),
            (8, "1", .invalidRequest, "resources of type 8 have no configs here"),
            (32, "g", .invalidRequest, "resources of type 32 have no configs here"),
        ] as [(Int8, String, ErrorCode, String)])
    func refusals(kind: Int8, name: String, code: ErrorCode, message: String) throws {
        let result = try Cluster().admin().describe(kind, name)
        #expect(result.errorCode == code && result.errorMessage == message && result.configs.isEmpty)
        #expect(result.resourceType == kind && result.resourceName == name)
    }

    @Test("describes a resource that is named twice once")
    func twice() throws {
        var request = DescribeConfigsRequest()
        var resource = DescribeConfigsRequest.Resource()
        resource.resourceType = topic
        resource.resourceName = "orders"
        request.resources = [resource, resource]
        #expect(try Cluster().admin().describe(request).results.map(\.errorCode) == [.none, .invalidRequest])
    }

    @Test("fits into every version")
    func versions() throws {
        for version in DescribeConfigsRequest.apiKey.versions {
            var request = DescribeConfigsRequest()
            request.resources = [broker, topic].map { kind in
                var resource = DescribeConfigsRequest.Resource()
                resource.resourceType = kind
                resource.resourceName = kind == topic ? "orders" : "1"
                return resource
            }
            request.includeDocumentation = true
            let response = try Cluster().admin().describe(request)
            #expect(try response.encoded(version: version).count > 1000)
        }
    }
}

@Suite("AlterConfigs and IncrementalAlterConfigs")
struct AlterConfigsTests {
    @Test("an incremental change leaves what it does not name")
    func incremental() throws {
        var cluster = try Cluster()
        let (result, changes) = try cluster.admin().change(
            topic, "orders", [("retention.ms", 0, "5"), ("segment.bytes", 0, "2048"), ("flush.ms", 1, nil)])
        #expect(result.errorCode == .none && result.resourceName == "orders" && result.resourceType == topic)
        #expect(changes.count == 2, "what was not set is not taken back")
        try cluster.follow(changes)
        try cluster.follow(cluster.admin().change(topic, "orders", [("retention.ms", 1, nil)]).changes)
        #expect(cluster.image.configs == [.topic("orders"): ["segment.bytes": "2048"]])
        #expect(try cluster.topicConfig.log.segmentBytes == 2048)
        #expect(try cluster.admin().change(topic, "orders", [("segment.bytes", 0, "2048")]).changes.isEmpty)
    }

    @Test("a replacement takes back what it does not name")
    func replacement() throws {
        var cluster = try Cluster()
        try cluster.follow(
            cluster.admin().replace(topic, "orders", [("retention.ms", "5"), ("segment.ms", "6")]).changes)
        try cluster.follow(cluster.admin().replace(topic, "orders", [("segment.ms", "7")]).changes)
        #expect(cluster.image.configs == [.topic("orders"): ["segment.ms": "7"]])
        try cluster.follow(cluster.admin().replace(topic, "orders", []).changes)
        #expect(cluster.image.configs.isEmpty)
    }

    @Test("a list is appended to and subtracted from; unset, it begins with the default")
    func lists() throws {
        var cluster = try Cluster()
        for (operation, value, expected) in [
            (2, "compact", "delete,compact"), (2, "delete, compact", "delete,compact"), (3, "delete", "compact"),
            (3, "compact", ""), (2, "delete", "delete"),
        ] as [(Int8, String, String)] {
            try cluster.follow(cluster.admin().change(topic, "orders", [("cleanup.policy", operation, value)]).changes)
            #expect(cluster.image.configs[.topic("orders")]?["cleanup.policy"] == expected)
        }
        let (result, _) = try cluster.admin().change(broker, "1", [("log.cleanup.policy", 2, "compact")])
        #expect(result.errorCode == .none)
    }

    @Test("nothing is written where it was only to be checked")
    func validateOnly() throws {
        let admin = try Cluster().admin()
        let good = try admin.change(topic, "orders", [("retention.ms", 0, "5")], validateOnly: true)
        #expect(good.0.errorCode == .none && good.changes.isEmpty)
        #expect(try admin.change(topic, "orders", [("x", 0, "5")], validateOnly: true).0.errorCode == .invalidConfig)
        #expect(try admin.replace(topic, "orders", [("retention.ms", "5")], validateOnly: true).changes.isEmpty)
    }

    @Test(
        "a wrong change is refused as a whole, with the reason",
        arguments: [
            (topic, "orders", [("no.such", 0, "1")], .invalidConfig, "topics have no config no.such"),
            (topic, "orders", [("retention.ms", 0, "x")], .invalidConfig, "must be a number of type long"),
            (topic, "orders", [("retention.ms", 2, "1")], .invalidConfig, "retention.ms is no list: APPEND"),
            (topic, "orders", [("no.such", 3, "1")], .invalidConfig, "no.such is no list: SUBTRACT"),
            (topic, "orders", [("cleanup.policy", 2, "x")], .invalidConfig, "must be made of"),
            (
                topic, "orders", [("max.compaction.lag.ms", 0, "1"), ("min.compaction.lag.ms", 0, "2")], .invalidConfig,
                "is longer than max.compaction.lag.ms"
            ),
            (
                topic, "orders", [("retention.ms", 0, nil), ("segment.ms", 0, nil)], .invalidRequest,
                "these have no value: retention.ms, segment.ms"
            ),
            (
                topic, "orders", [("segment.ms", 0, "1"), ("segment.ms", 1, nil)], .invalidRequest,
                "names a config more than once"
            ),
            (topic, "orders", [("segment.ms", 4, "1")], .invalidRequest, "there is no operation 4"),
            (topic, "gone", [("segment.ms", 0, "1")], .unknownTopicOrPartition, "there is no topic gone"),
            (topic, "", [("segment.ms", 0, "1")], .invalidRequest, "a topic has a name"),
            (topic, "a/b", [("segment.ms", 0, "1")], .invalidTopic, "letters"),
            (broker, "x", [], .invalidRequest, "a broker is named by its number, not x"),
            (broker, "2", [], .invalidRequest, "this is broker 1, not 2"),
            (
                broker, "", [("num.partitions", 0, "2"), ("node.id", 0, "2"), ("log.retention.ms", 0, "3")],
                .invalidRequest, "these are set at the start only: node.id, num.partitions"
            ),
            (
                broker, "1", [("log.retention.hours", 0, "2")], .invalidRequest,
                "these are set at the start only"
            ),
            (
                broker, "1", [("log.retention.ms", 0, "-7")], .invalidRequest,
                "log.retention.ms=-7: must be at least -1"
            ),
            (broker, "1", [("retention.ms", 0, "7")], .invalidConfig, "there is no config retention.ms"),
            (
                broker, "",
                [("log.cleaner.min.compaction.lag.ms", 0, "9"), ("log.cleaner.max.compaction.lag.ms", 0, "8")],
                .invalidRequest, "is longer than max.compaction.lag.ms"
            ),
            (8, "1", [], .invalidRequest, "resources of type 8"),
        ] as [(Int8, String, [(String, Int8, String?)], ErrorCode, String)])
    func refusals(
        kind: Int8, name: String, operations: [(String, Int8, String?)], code: ErrorCode, message: String
    ) throws {
        let (result, changes) = try Cluster().admin().change(kind, name, operations)
        #expect(result.errorCode == code)
        #expect(result.errorMessage?.contains(message) == true, "\(result.errorMessage ?? "")")
        #expect(changes.isEmpty)
    }

    @Test("a replacement is refused by the same rules")
    func replacementRefused() throws {
        let admin = try Cluster().admin()
        #expect(try admin.replace(topic, "orders", [("x", "1")]).0.errorCode == .invalidConfig)
        #expect(try admin.replace(topic, "orders", [("segment.ms", nil)]).0.errorCode == .invalidRequest)
        #expect(try admin.replace(topic, "gone", []).0.errorCode == .unknownTopicOrPartition)
        #expect(try admin.replace(broker, "1", [("node.id", "1")]).0.errorCode == .invalidRequest)
    }

    @Test("a resource that is named twice is refused both times, and another one is not")
    func twice() throws {
        var request = AlterConfigsRequest()
        request.resources = [(topic, "orders"), (broker, "1"), (topic, "orders")].map { kind, name in
            var resource = AlterConfigsRequest.Resource()
            resource.resourceType = kind
            resource.resourceName = name
            var config = AlterConfigsRequest.Config()
            config.name = kind == topic ? "retention.ms" : "log.retention.ms"
            config.value = "5"
            resource.configs = [config]
            return resource
        }
        let (response, changes) = try Cluster().admin().alter(request)
        #expect(response.responses.map(\.errorCode) == [.invalidRequest, .none, .invalidRequest])
        #expect(changes.count == 1)
    }

    @Test("what is set for a broker counts for it alone, and over what is set for all")
    func otherBrokers() throws {
        var cluster = try Cluster()
        try cluster.follow(cluster.admin().change(broker, "", [("log.segment.bytes", 0, "4000")]).changes)
        try cluster.follow(cluster.admin().change(broker, "1", [("log.segment.bytes", 0, "5000")]).changes)
        #expect(try cluster.topicConfig.log.segmentBytes == 5000)
        let other = try cluster.image.topicDefaults(onBroker: 2, startedWith: TopicConfig())
        #expect(other.log.segmentBytes == 4000)
        try cluster.follow(cluster.admin().change(broker, "1", [("log.segment.bytes", 1, nil)]).changes)
        #expect(try cluster.topicConfig.log.segmentBytes == 4000)
    }
}
