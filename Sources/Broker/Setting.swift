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
            summary: "where to listen: host:port, separated by commas; port 0 picks a free one"
        ) { configuration, value throws(ConfigurationError) in
            configuration.listeners = try addresses(value)
        },
        Setting(
            names: ["advertised.listeners"], defaultValue: "the listeners",
            summary: "where clients are told to connect"
        ) { configuration, value throws(ConfigurationError) in
            configuration.advertisedListeners = try addresses(value)
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
        integer(["max.connections"], "2147483647", 0...Int64(Int32.max), "further connections are closed at once") {
            $0.reactor.maxConnections = Int($1)
        },
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

    /// Reads "host:port" or "PLAINTEXT://host:port", several separated by commas.
    static func addresses(_ text: String) throws(ConfigurationError) -> [SocketAddress] {
        var addresses: [SocketAddress] = []
        for part in text.split(separator: ",") { addresses.append(try address(String(part))) }
        guard !addresses.isEmpty else { throw ConfigurationError("names no address") }
        return addresses
    }

    private static func address(_ text: String) throws(ConfigurationError) -> SocketAddress {
        var rest = text[...]
        while rest.first == " " { rest.removeFirst() }
        while rest.last == " " { rest.removeLast() }
        if let scheme = rest.range(of: "://") {
            guard rest[..<scheme.lowerBound].uppercased() == "PLAINTEXT" else {
                throw ConfigurationError("\(rest[..<scheme.lowerBound]) is not supported; use PLAINTEXT://host:port")
            }
            rest = rest[scheme.upperBound...]
        }
        guard let colon = rest.lastIndex(of: ":"), let port = UInt16(rest[rest.index(after: colon)...]) else {
            throw ConfigurationError("must be host:port, with a port from 0 to 65535")
        }
        var host = rest[..<colon]
        if host.hasPrefix("["), host.hasSuffix("]") { host = host.dropFirst().dropLast() }
        return SocketAddress(host: String(host), port: port)
    }
}

extension Substring {
    /// Where `text` first stands.
    fileprivate func range(of text: String) -> Range<Index>? {
        var start = startIndex
        while start < endIndex {
            if self[start...].hasPrefix(text) { return start..<index(start, offsetBy: text.count) }
            start = index(after: start)
        }
        return nil
    }
}
