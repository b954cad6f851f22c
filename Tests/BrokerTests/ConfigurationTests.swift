import Broker
import Testing
import TopicsPartitions
import WireProtocol

@Suite("Configuration")
struct ConfigurationTests {
    @Test(
        "takes listeners as host:port and as Kafka writes them",
        arguments: [
            ("127.0.0.1:9092", "127.0.0.1", 9092), ("PLAINTEXT://localhost:0", "localhost", 0),
            ("[::1]:19092", "::1", 19092), ("plaintext://[::]:1", "::", 1),
        ] as [(String, String, UInt16)])
    func listeners(text: String, host: String, port: UInt16) throws {
        var configuration = Configuration()
        try configuration.set("listeners", to: text)
        #expect(
            configuration.listeners == [Listener(name: "PLAINTEXT", address: SocketAddress(host: host, port: port))])
    }

    @Test(
        "refuses what does not fit, and says the name",
        arguments: [
            ("listeners", "nowhere"), ("listeners", "SSL://a:1"), ("listeners", "a:65536"), ("listeners", ""),
            ("num.partitions", "0"), ("num.partitions", "x"), ("log.segment.bytes", "2147483648"),
            ("flush.messages", "0"), ("log.dirs", "a,b"), ("auto.create.topics.enable", "yes"), ("no.such", "1"),
            ("message.max.bytes", "99999999999999999999"),
        ])
    func refuses(name: String, value: String) {
        var configuration = Configuration()
        let error = #expect(throws: ConfigurationError.self) { try configuration.set(name, to: value) }
        #expect(error?.description.contains(name) == true)
    }

    @Test("reads a file of settings, with comments, spaces and Windows line ends")
    func file() throws {
        var configuration = Configuration()
        let unknown = try configuration.setAll(
            in:
                "# a comment\r\n\r\nnum.partitions = 3\r\n flush.messages=10\n!x\nlog.dirs=/tmp/a=b\nzookeeper.connect=x"
        )
        #expect(configuration.partitionCount == 3)
        #expect(unknown == ["zookeeper.connect"])
        #expect(configuration.flushMessages == 10)
        #expect(configuration.logDirectory == "/tmp/a=b")
        #expect(throws: ConfigurationError.self) { try configuration.setAll(in: "num.partitions") }
    }

    @Test("has topics' defaults from Kafka's settings, the finest unit first, in whatever order they come")
    func topicDefaults() throws {
        var configuration = Configuration()
        for (name, value, expected) in [
            ("log.retention.hours", "1", 3_600_000), ("log.retention.ms", "7", 7), ("log.retention.minutes", "1", 7),
        ] as [(String, String, Int64)] {
            try configuration.set(name, to: value)
            #expect(configuration.topicDefaults.retentionMilliseconds == expected)
        }
        try configuration.set("retention.ms", to: "-1")
        #expect(configuration.topicDefaults.retentionMilliseconds == nil)
        #expect(configuration.given["log.retention.ms"] == "-1")
        try configuration.set("log.cleanup.policy", to: "compact")
        try configuration.set("log.cleaner.dedupe.buffer.size", to: "2000000")
        #expect(configuration.topicDefaults.cleanupPolicy == .compact)
        #expect(configuration.topicDefaults.compaction.offsetMapBytes == 2_000_000)
    }

    @Test("keeps what it had where a value is refused")
    func keeps() throws {
        var configuration = Configuration()
        try configuration.set("log.retention.ms", to: "7")
        let error = #expect(throws: ConfigurationError.self) { try configuration.set("retention.ms", to: "x") }
        #expect(error?.description == "retention.ms=x: must be a number of type long")
        #expect(configuration.given == ["log.retention.ms": "7"])
        #expect(configuration.topicDefaults.retentionMilliseconds == 7)
        for (name, value) in [("compression.type", "gzip"), ("default.replication.factor", "3")] {
            let error = #expect(throws: ConfigurationError.self) { try configuration.set(name, to: value) }
            #expect(error?.description.contains("is supported: ") == true)
        }
        try configuration.set("log.cleaner.min.compaction.lag.ms", to: "9")
        try configuration.check()
        try configuration.set("log.cleaner.max.compaction.lag.ms", to: "8")
        #expect(throws: ConfigurationError.self) { try configuration.check() }
    }

    @Test("has each setting's name once, and takes each default")
    func settings() throws {
        let names = Setting.all.flatMap(\.names)
        #expect(Set(names).count == names.count)
        for setting in Setting.all {
            guard let value = setting.defaultValue else { continue }
            var configuration = Configuration()
            try configuration.set(setting.names[0], to: value)
            #expect("\(configuration.topicDefaults)" == "\(TopicConfig())", "\(setting.names[0])")
            #expect(try setting.type.canonical(value) == value, "\(setting.names[0])")
        }
    }

    @Test("starts with the settings of the file that comes with Kafka")
    func serverProperties() throws {
        var configuration = Configuration()
        let unknown = try configuration.setAll(
            in: """
                process.roles=broker,controller
                node.id=1
                controller.quorum.bootstrap.servers=localhost:9093
                listeners=PLAINTEXT://:9092
                advertised.listeners=PLAINTEXT://localhost:9092
                num.network.threads=3
                log.dirs=/tmp/kraft-combined-logs
                num.partitions=1
                num.recovery.threads.per.data.dir=1
                offsets.topic.replication.factor=1
                log.retention.hours=168
                log.segment.bytes=1073741824
                log.retention.check.interval.ms=300000
                """)
        try configuration.check()
        #expect(unknown.count == 4 && !unknown.contains { $0.hasPrefix("log.") })
    }

    @Test("wants advertised.listeners where it listens everywhere")
    func wildcard() throws {
        var configuration = Configuration()
        try configuration.set("listeners", to: "0.0.0.0:9092")
        #expect(throws: ConfigurationError.self) { try configuration.check() }
        for useless in ["0.0.0.0:9092", "broker.example:0", ":9092"] {
            try configuration.set("advertised.listeners", to: useless)
            #expect(throws: ConfigurationError.self) { try configuration.check() }
        }
        try configuration.set("advertised.listeners", to: "broker.example:9092")
        try configuration.check()
    }

    @Test("takes listeners by name, each with an advertised address of its own")
    func named() throws {
        var configuration = Configuration()
        try configuration.set("listeners", to: "PLAINTEXT://:9092, internal://[::1]:9093")
        try configuration.set("listener.security.protocol.map", to: "PLAINTEXT:PLAINTEXT, INTERNAL:plaintext")
        try configuration.set("advertised.listeners", to: "PLAINTEXT://broker.example:9092")
        try configuration.check()
        let advertised = configuration.advertised(for: configuration.listeners)
        #expect(advertised.map(\.description) == ["PLAINTEXT://broker.example:9092", "INTERNAL://[::1]:9093"])
    }

    @Test(
        "refuses listeners that do not fit together, and says what to do",
        arguments: [
            ("A://a:1", "PLAINTEXT:PLAINTEXT", "add A:PLAINTEXT"), ("a:1,a:2", "PLAINTEXT:PLAINTEXT", "different name"),
            ("A://a:1", "A:SASL_SSL", "only PLAINTEXT"), ("A://:1", "A:PLAINTEXT", "set advertised.listeners"),
        ])
    func misfit(listeners: String, protocols: String, remedy: String) throws {
        var configuration = Configuration()
        try configuration.set("listeners", to: listeners)
        try configuration.set("listener.security.protocol.map", to: protocols)
        let error = #expect(throws: ConfigurationError.self) { try configuration.check() }
        #expect(error?.description.contains(remedy) == true)
    }

    @Test("has limits with Kafka's meaning of -1")
    func limits() throws {
        var configuration = Configuration()
        try configuration.set("queued.max.request.bytes", to: "1000")
        #expect(throws: ConfigurationError.self) { try configuration.check() }
        try configuration.set("socket.request.max.bytes", to: "1024")
        try configuration.set("queued.max.request.bytes", to: "1024")
        try configuration.check()
        #expect(configuration.reactor.maxQueuedRequestBytes == 1024)
        try configuration.set("queued.max.request.bytes", to: "-1")
        try configuration.set("connections.max.idle.ms", to: "-1")
        try configuration.check()
        #expect(configuration.reactor.maxQueuedRequestBytes == .max && configuration.reactor.maxIdleMilliseconds == nil)
        for name in ["queued.max.request.bytes", "connections.max.idle.ms", "max.connections.per.ip"] {
            #expect(throws: ConfigurationError.self) { try configuration.set(name, to: "0") }
        }
    }
}
