import TopicsPartitions
import WireProtocol

/// One setting: its names, its default, what it means, and how a value is taken.
public struct Setting: Sendable {
    /// Kafka's name for brokers, then the names it also has.
    public var names: [String]
    /// The type of its value.
    public var type = ConfigType.string
    /// The default as text; nil where there is none.
    public var defaultValue: String?
    /// What it does, in a line.
    public var summary: String
    /// Takes a value.
    let apply: @Sendable (inout Configuration, String) throws(ConfigurationError) -> Void

    /// Every setting there is: the broker's own, and what its topics are configured to.
    public static let all = ofTheBroker + ofGroups + ofTopics

    private static let ofTheBroker: [Setting] = [
        integer(["node.id", "broker.id"], "1", 0...Int64(Int32.max), "this broker's id") { $0.nodeID = Int32($1) },
        Setting(
            names: ["listeners"], defaultValue: "PLAINTEXT://127.0.0.1:9092",
            summary: "where to listen: NAME://host:port, separated by commas; no host is every address, IPv4 and IPv6; "
                + "port 0 picks a free one"
        ) { configuration, value throws(ConfigurationError) in
            configuration.listeners = try Listener.list(value)
        },
        Setting(
            names: ["advertised.listeners"], defaultValue: nil,
            summary: "where clients are told to connect, by the name of the listener that they came in by; one that "
                + "is not named is advertised where it listens"
        ) { configuration, value throws(ConfigurationError) in
            configuration.advertisedListeners = try Listener.list(value)
        },
        Setting(
            names: ["listener.security.protocol.map"], defaultValue: "PLAINTEXT:PLAINTEXT",
            summary: "the protocol of each listener name: NAME:PLAINTEXT, separated by commas"
        ) { configuration, value throws(ConfigurationError) in
            configuration.listenerProtocols = try Listener.protocols(value)
        },
        Setting(
            names: ["log.level"], defaultValue: "info",
            summary: "what is written to standard error: error, warn, info or debug (not a setting of Kafka)"
        ) { configuration, value throws(ConfigurationError) in
            guard let level = LogLevel(named: value) else {
                throw ConfigurationError("must be error, warn, info or debug")
            }
            configuration.logLevel = level
        },
        Setting(
            names: ["log.dirs", "log.dir"], defaultValue: "./data", summary: "the directory of the logs"
        ) { configuration, value throws(ConfigurationError) in
            guard !value.isEmpty, !value.contains(",") else {
                throw ConfigurationError("exactly one directory is supported")
            }
            configuration.logDirectory = value
        },
        integer(["num.partitions"], "1", 1...10_000, "partitions of a topic that is created on first use") {
            $0.partitionCount = Int($1)
        },
        Setting(
            names: ["default.replication.factor"], type: .int, defaultValue: "1",
            summary: "replicas of a topic that is created on first use: only 1, there is no replication"
        ) { _, value throws(ConfigurationError) in
            guard value == "1" else { throw ConfigurationError("only 1 is supported: there is no replication") }
        },
        flag("auto.create.topics.enable", true, "create topics on first use") { $0.createsTopics = $1 },
        flag("delete.topic.enable", true, "delete topics by request") { $0.deletesTopics = $1 },
        integer(
            ["log.retention.check.interval.ms"], "300000", 1...Int64.max,
            "how often it is looked which old segments are to be deleted"
        ) { $0.maintenance.checkIntervalMilliseconds = $1 },
        flag("log.cleaner.enable", true, "compact logs whose cleanup.policy says so") { $0.maintenance.compacts = $1 },
        integer(
            ["log.cleaner.backoff.ms"], "15000", 0...Int64.max, "how long compaction rests when there is nothing to do"
        ) { $0.maintenance.cleanerBackoffMilliseconds = $1 },
        integer(
            ["log.cleaner.dedupe.buffer.size"], "134217728", (1 << 20) + 1...Int64(Int32.max),
            "the memory in which compaction notes the keys that it has seen"
        ) { $0.topicDefaults.compaction.offsetMapBytes = Int($1) },
        Setting(
            names: ["log.cleaner.io.max.bytes.per.second"], type: .double,
            defaultValue: "\(Double.greatestFiniteMagnitude)",
            summary: "how many bytes compaction reads and writes in a second, at most"
        ) { configuration, value throws(ConfigurationError) in
            guard let number = Double(value), number >= 1 else {
                throw ConfigurationError("must be a number from 1 on")
            }
            configuration.maintenance.cleanerMaxBytesPerSecond = number < .greatestFiniteMagnitude ? number : nil
        },
        integer(
            ["log.flush.offset.checkpoint.interval.ms"], "60000", 0...Int64(Int32.max),
            "how often the recovery points are written"
        ) { $0.checkpointIntervalMilliseconds = $1 },
        flag(
            "log.recovery.cut.damaged", false,
            "cut a log where its segments are damaged, instead of refusing to start (not a setting of Kafka)"
        ) { $0.log.cutsDamagedSegments = $1 },
        integer(["fetch.max.bytes"], "57671680", 1024...Int64(Int32.max), "the most bytes that one fetch returns") {
            $0.maxFetchBytes = Int($1)
        },
        integer(
            ["socket.request.max.bytes"], "104857600", 1024...Int64(Int32.max), "the largest request that is read"
        ) { $0.reactor.maxRequestBytes = Int($1) },
        limit(
            ["queued.max.request.bytes"], "-1",
            "bytes of requests that are being received or not answered yet, over all connections, at which nobody new "
                + "is read from; -1: no limit"
        ) { $0.reactor.maxQueuedRequestBytes = $1.map { Int($0) } ?? Int.max },
        limit(
            ["connections.max.idle.ms"], "600000",
            "a connection on which nothing happens for this long is closed; -1: never"
        ) { $0.reactor.maxIdleMilliseconds = $1 },
        integer(
            ["max.connections"], "2147483647", 0...Int64(Int32.max),
            "at this many connections no further one is accepted until one ends"
        ) { $0.reactor.maxConnections = Int($1) },
        integer(
            ["max.connections.per.ip"], "2147483647", 1...Int64(Int32.max),
            "further connections from the same address are closed at once"
        ) { $0.reactor.maxConnectionsPerHost = Int($1) },
        integer(
            ["max.in.flight.requests.per.connection"], "100", 1...1_000_000,
            "requests of one connection that are worked on at once"
        ) { $0.maxInFlightPerConnection = Int($1) },
    ]

    /// What a topic is configured to that does not say: one setting for each synonym. The first one of a
    /// config also has the config's own name.
    private static let ofTopics: [Setting] = TopicConfigKey.all.flatMap { key in
        key.synonyms.enumerated().map { place, synonym in
            let stronger = key.synonyms[..<place].map(\.name)
            let alias = place == 0 && synonym.name != key.name ? [key.name] : []
            return Setting(
                names: [synonym.name] + alias, type: synonym.type, defaultValue: synonym.defaultValue,
                summary: place == 0
                    ? key.documentation
                    : "as \(stronger[0]); it counts only without \(stronger.joined(separator: " and "))"
            ) { configuration, _ throws(ConfigurationError) in
                do throws(ConfigError) {
                    try key.set(&configuration.topicDefaults, from: configuration.given)
                } catch {
                    throw ConfigurationError(error.reason)
                }
            }
        }
    }

    /// The setting that has this name, if any.
    static func named(_ name: String) -> Setting? { all.first { $0.names.contains(name) } }

    static func integer(
        _ names: [String], _ defaultValue: String, _ range: ClosedRange<Int64>, _ summary: String,
        _ store: @escaping @Sendable (inout Configuration, Int64) -> Void
    ) -> Setting {
        let type: ConfigType = range.upperBound > Int64(Int32.max) ? .long : .int
        return Setting(names: names, type: type, defaultValue: defaultValue, summary: summary) {
            configuration, value throws(ConfigurationError) in
            guard let number = Int64(value), range.contains(number) else {
                throw ConfigurationError("must be a whole number from \(range.lowerBound) to \(range.upperBound)")
            }
            store(&configuration, number)
        }
    }

    private static func flag(
        _ name: String, _ defaultValue: Bool, _ summary: String,
        _ store: @escaping @Sendable (inout Configuration, Bool) -> Void
    ) -> Setting {
        Setting(names: [name], type: .boolean, defaultValue: "\(defaultValue)", summary: summary) {
            configuration, value throws(ConfigurationError) in
            guard let flag = Bool(value) else { throw ConfigurationError("must be true or false") }
            store(&configuration, flag)
        }
    }

    /// A number from 1 on, or -1 for none.
    private static func limit(
        _ names: [String], _ defaultValue: String, _ summary: String,
        _ store: @escaping @Sendable (inout Configuration, Int64?) -> Void
    ) -> Setting {
        Setting(names: names, type: .long, defaultValue: defaultValue, summary: summary) {
            configuration, value throws(ConfigurationError) in
            guard let number = Int64(value), number == -1 || number >= 1 else {
                throw ConfigurationError("must be a whole number from 1 on, or -1")
            }
            store(&configuration, number == -1 ? nil : number)
        }
    }
}
