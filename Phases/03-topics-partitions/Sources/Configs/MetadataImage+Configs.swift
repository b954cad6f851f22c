extension MetadataImage.Resource: CustomStringConvertible {
    private static let topicKind: Int8 = 2
    private static let brokerKind: Int8 = 4

    /// The topic of this name.
    public static func topic(_ name: String) -> Self { Self(kind: topicKind, name: name) }
    /// The broker of this id.
    public static func broker(_ id: Int32) -> Self { Self(kind: brokerKind, name: "\(id)") }
    /// What all brokers share.
    public static let allBrokers = Self(kind: brokerKind, name: "")

    /// Whether it is a topic.
    var isTopic: Bool { kind == Self.topicKind }
    /// Whether it is a broker, or all of them.
    var isBroker: Bool { kind == Self.brokerKind }

    /// The kind and the name, such as "topic orders".
    public var description: String {
        if isTopic { return "topic \(name)" }
        if isBroker { return name.isEmpty ? "all brokers" : "broker \(name)" }
        return "resource \(kind) \(name)"
    }
}

extension MetadataImage {
    /// What a topic is configured to that sets nothing itself: the settings that this broker was started
    /// with, what was set since for all brokers, and over that what was set for this one (KIP-226).
    /// Throws where the metadata log has a value that does not fit.
    public func topicDefaults(onBroker id: Int32, startedWith config: TopicConfig) throws(ConfigError) -> TopicConfig {
        let shared = try TopicConfig(brokerSettings: configs[.allBrokers] ?? [:], defaults: config)
        return try TopicConfig(brokerSettings: configs[.broker(id)] ?? [:], defaults: shared)
    }

    /// What a topic is configured to: what it sets, and the rest from `defaults`. Throws where the
    /// metadata log has a config that does not fit.
    public func topicConfig(_ topic: String, defaults: TopicConfig) throws(ConfigError) -> TopicConfig {
        try TopicConfig(overriding: configs[.topic(topic)] ?? [:], defaults: defaults)
    }
}
