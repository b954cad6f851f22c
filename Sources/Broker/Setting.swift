import SegmentLog
import WireProtocol

/// One setting: its names, its default, what it means, and how a value is taken.
public struct Setting: Sendable {
    /// Kafka's name for brokers, then the names it also has.
    public var names: [String]
    /// The default as text.
    public var defaultValue: String
    /// What it does, in a line.
    public var summary: String
    /// Takes a value.
    let apply: @Sendable (inout Configuration, String) throws(ConfigurationError) -> Void

    /// Every setting there is.
    public static let all: [Setting] = [
        integer(["node.id", "broker.id"], "1", 0...Int64(Int32.max), "this broker's id") { $0.nodeID = Int32($1) },
        Setting(
            names: ["listeners"], defaultValue: "PLAINTEXT://127.0.0.1:9092",
            summary: "where to listen: NAME://host:port, separated by commas; no host is every address, IPv4 and IPv6; "
                + "port 0 picks a free one"
        ) { configuration, value throws(ConfigurationError) in
            configuration.listeners = try Listener.list(value)
        },
        Setting(
            names: ["advertised.listeners"], defaultValue: "the listeners",
            summary: "where clients are told to connect, by the name of the listener that they came in by"
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
            names: ["auto.create.topics.enable"], defaultValue: "true", summary: "create topics on first use"
        ) { configuration, value throws(ConfigurationError) in
            guard let flag = Bool(value) else { throw ConfigurationError("must be true or false") }
            configuration.createsTopics = flag
        },
        integer(
            ["log.flush.interval.messages", "flush.messages"], "1", 1...Int64.max,
            "synchronize before this many records are acknowledged but not on disk; 1: none ever is"
        ) { $0.flushMessages = $1 },
        integer(
            ["log.segment.bytes", "segment.bytes"], "1073741824", 1024...Int64(Int32.max),
            "the size at which a log begins a new segment"
        ) { $0.log.segmentBytes = Int($1) },
        integer(
            ["log.index.interval.bytes", "index.interval.bytes"], "4096", 0...Int64(Int32.max),
            "bytes of batches between two index entries"
        ) { $0.log.indexIntervalBytes = Int($1) },
        integer(
            ["message.max.bytes", "max.message.bytes"], "1048588", 0...Int64(Int32.max),
            "the largest batch that is taken"
        ) { $0.maxMessageBytes = Int($1) },
        integer(
            ["log.flush.offset.checkpoint.interval.ms"], "60000", 0...Int64(Int32.max),
            "how often the recovery points are written"
        ) { $0.checkpointIntervalMilliseconds = $1 },
        integer(
            ["log.roll.ms", "segment.ms"], "604800000", 1...Int64.max, "the age at which a log begins a new segment"
        ) {
            $0.log.segmentMilliseconds = $1
        },
        integer(
            ["log.index.size.max.bytes", "segment.index.bytes"], "10485760", 12...Int64(Int32.max),
            "the size of an index at which a log begins a new segment"
        ) { $0.log.segmentIndexBytes = Int($1) },
        Setting(
            names: ["log.recovery.cut.damaged"], defaultValue: "false",
            summary: "cut a log where its segments are damaged, instead of refusing to start (not a setting of Kafka)"
        ) { configuration, value throws(ConfigurationError) in
            guard let flag = Bool(value) else { throw ConfigurationError("must be true or false") }
            configuration.log.cutsDamagedSegments = flag
        },
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

    /// The setting that has this name, if any.
    static func named(_ name: String) -> Setting? { all.first { $0.names.contains(name) } }

    private static func integer(
        _ names: [String], _ defaultValue: String, _ range: ClosedRange<Int64>, _ summary: String,
        _ store: @escaping @Sendable (inout Configuration, Int64) -> Void
    ) -> Setting {
        Setting(names: names, defaultValue: defaultValue, summary: summary) {
            configuration, value throws(ConfigurationError) in
            guard let number = Int64(value), range.contains(number) else {
                throw ConfigurationError("must be a whole number from \(range.lowerBound) to \(range.upperBound)")
            }
            store(&configuration, number)
        }
    }

    /// A number from 1 on, or -1 for none.
    private static func limit(
        _ names: [String], _ defaultValue: String, _ summary: String,
        _ store: @escaping @Sendable (inout Configuration, Int64?) -> Void
    ) -> Setting {
        Setting(names: names, defaultValue: defaultValue, summary: summary) {
            configuration, value throws(ConfigurationError) in
            guard let number = Int64(value), number == -1 || number >= 1 else {
                throw ConfigurationError("must be a whole number from 1 on, or -1")
            }
            store(&configuration, number == -1 ? nil : number)
        }
    }
}
