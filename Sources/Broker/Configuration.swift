import ConsumerGroups
import SegmentLog
import TopicsPartitions
import WireProtocol

/// What an operator can set, by Kafka's names.
public struct Configuration: Sendable {
    /// This broker's id in its cluster.
    public var nodeID: Int32 = 1
    /// Where to listen.
    public var listeners = [Listener(name: "PLAINTEXT", address: SocketAddress(host: "127.0.0.1", port: 9092))]
    /// Where the clients of each listener are told to connect. A listener that is not named here is
    /// advertised where it listens.
    public var advertisedListeners: [Listener] = []
    /// The security protocol of each listener name.
    public var listenerProtocols = ["PLAINTEXT": "PLAINTEXT"]
    /// Lines that matter less are not written.
    public var logLevel = LogLevel.info
    /// The directory of the logs.
    public var logDirectory = "./data"
    /// How many partitions a topic gets that is created on first use.
    public var partitionCount = 1
    /// Whether topics are created on first use.
    public var createsTopics = true
    /// Whether topics may be deleted.
    public var deletesTopics = true
    /// What a topic is configured to that sets nothing itself.
    public var topicDefaults = TopicConfig()
    /// How often logs are looked at, and how much is deleted and compacted at once.
    public var maintenance = LogMaintenance.Settings()
    /// What groups are configured to.
    public var groups = GroupSettings()
    /// The most bytes that one fetch returns.
    public var maxFetchBytes = 55 << 20
    /// How many requests of one connection are worked on at once.
    public var maxInFlightPerConnection = 100
    /// How long after something became durable the checkpoints are written, in milliseconds.
    public var checkpointIntervalMilliseconds: Int64 = 60_000
    /// The limits of the reactor.
    public var reactor = ReactorLimits()
    /// What was set by `set`, by the settings' first names.
    public private(set) var given: [String: String] = [:]

    /// What clients may do with topics, and what a topic gets where nobody says.
    var adminSettings: AdminSettings {
        var settings = AdminSettings()
        settings.createsTopicsOnFirstUse = createsTopics
        settings.deletesTopics = deletesTopics
        settings.partitionCount = partitionCount
        settings.broker = brokerSettings
        return settings
    }

    /// The defaults.
    public init() {}

    /// How many records may be acknowledged and not yet on disk, plus one, where a topic does not say.
    public var flushMessages: Int64 {
        get { topicDefaults.flushMessages }
        set { topicDefaults.flushMessages = newValue }
    }
    /// The limits of a log where its topic does not say.
    public var log: LogConfiguration {
        get { topicDefaults.log }
        set { topicDefaults.log = newValue }
    }
    /// The largest batch that is taken where a topic does not say.
    public var maxMessageBytes: Int {
        get { topicDefaults.maxMessageBytes }
        set { topicDefaults.maxMessageBytes = newValue }
    }

    /// Every setting as DescribeConfigs shows it.
    public var brokerSettings: [BrokerSetting] {
        Setting.all.map { setting in
            BrokerSetting(
                name: setting.names[0], type: setting.type, defaultValue: setting.defaultValue,
                value: given[setting.names[0]], documentation: setting.summary)
        }
    }

    /// Sets one setting by its name. Throws where the name is unknown or the value does not fit.
    public mutating func set(_ name: String, to value: String) throws(ConfigurationError) {
        guard let setting = Setting.named(name) else {
            throw ConfigurationError("unknown setting \(name); `logbook broker --help` lists the settings")
        }
        let before = self
        given[setting.names[0]] = value
        do {
            try setting.apply(&self, value)
        } catch {
            self = before
            throw ConfigurationError("\(name)=\(value): \(error.description)")
        }
    }

    /// Sets everything in a file of `name=value` lines. Returns the names that are not known here:
    /// a `server.properties` of Kafka has many, and they are passed over, as Kafka does.
    public mutating func setAll(in text: String) throws(ConfigurationError) -> [String] {
        let properties: [(name: String, value: String)]
        do { properties = try Properties.parse(text) } catch { throw ConfigurationError(error.description) }
        var unknown: [String] = []
        for (name, value) in properties {
            if Setting.named(name) == nil { unknown.append(name) } else { try set(name, to: value) }
        }
        return unknown
    }

    /// Checks what no single setting can.
    public func check() throws(ConfigurationError) {
        try checkListeners()
        do { try topicDefaults.checkTogether() } catch { throw ConfigurationError(error.description) }
        guard reactor.maxQueuedRequestBytes >= reactor.maxRequestBytes else {
            throw ConfigurationError(
                """
                queued.max.request.bytes (\(reactor.maxQueuedRequestBytes)) must be at least \
                socket.request.max.bytes (\(reactor.maxRequestBytes)), or -1 for no limit
                """)
        }
    }

    /// Where the clients of each listener are told to connect, for listeners whose real ports are known.
    public func advertised(for bound: [Listener]) -> [Listener] {
        bound.map { listener in advertisedListeners.first { $0.name == listener.name } ?? listener }
    }
}

/// A setting that cannot be used, and what to do about it.
public struct ConfigurationError: Error, Equatable, CustomStringConvertible {
    /// The reason in words.
    public var description: String

    /// An error with this text.
    public init(_ description: String) { self.description = description }
}
