import WireProtocol

/// The answers to the requests about configs: a request and what is known, to a response and the changes
/// to write. It changes nothing itself.
///
///     let admin = ConfigAdmin(image: metadata.image, brokerID: 1, settings: settings, startedWith: defaults)
///     let (response, changes) = admin.alter(request)
///     try metadata.append(changes, at: now)
///
/// A topic's config comes from the first of these that sets it: the topic, this broker and then all
/// brokers by request (KIP-226), the broker's file, the default. DescribeConfigs tells them in this order.
public struct ConfigAdmin {
    /// Where a value comes from, by its number in DescribeConfigs.
    enum Source: Int8 {
        case topic = 1
        case broker = 2
        case allBrokers = 3
        case file = 4
        case defaultValue = 5
    }

    /// What is written down.
    let image: MetadataImage
    /// The broker that answers.
    let brokerID: Int32
    /// Its settings, in the order in which they are told.
    let settings: [BrokerSetting]
    /// What topics that set nothing had when the broker was started.
    let startedWith: TopicConfig
    private let places: [String: Int]

    /// The answers of a broker that was started with `settings`, each name once, which make its topics'
    /// defaults `startedWith`.
    public init(image: MetadataImage, brokerID: Int32, settings: [BrokerSetting], startedWith: TopicConfig) {
        self.image = image
        self.brokerID = brokerID
        self.settings = settings
        self.startedWith = startedWith
        places = Dictionary(settings.enumerated().map { ($1.name, $0) }) { first, _ in first }
    }

    /// The setting of this name, if the broker has one.
    func setting(_ name: String) -> BrokerSetting? { places[name].map { settings[$0] } }

    /// Answers DescribeConfigs.
    ///
    /// A resource that is named twice is refused, where Kafka describes it twice: so a response has no more
    /// in it than there is to tell, however long the request.
    public func describe(_ request: DescribeConfigsRequest) -> DescribeConfigsResponse {
        var seen: Set<MetadataImage.Resource> = []
        var response = DescribeConfigsResponse()
        response.results = request.resources.map { asked in
            var result = DescribeConfigsResponse.Result()
            result.resourceType = asked.resourceType
            result.resourceName = asked.resourceName
            let resource = MetadataImage.Resource(kind: asked.resourceType, name: asked.resourceName)
            do throws(Refusal) {
                guard seen.insert(resource).inserted else {
                    throw Refusal(.invalidRequest, "the request names this resource more than once")
                }
                result.configs = try describe(resource, asked, request)
            } catch {
                result.refuse(error)
            }
            return result
        }
        return response
    }

    /// What the configs of a topic are that sets `overrides`: what CreateTopics tells of a new one.
    public func describeTopic(overrides: [String: String]) -> [DescribeConfigsResponse.Config] {
        TopicConfigKey.all.map { describe($0, overrides: overrides) }
    }

    private func describe(
        _ resource: MetadataImage.Resource, _ asked: DescribeConfigsRequest.Resource, _ request: DescribeConfigsRequest
    ) throws(Refusal) -> [DescribeConfigsResponse.Config] {
        var configs: [DescribeConfigsResponse.Config]
        if resource.isTopic {
            try checkTopicName(resource.name)
            guard image.topics[resource.name] != nil else { throw unknownTopic(resource.name) }
            configs = describeTopic(overrides: image.configs[resource] ?? [:])
        } else if resource.isBroker {
            configs = try describeBroker(resource.name)
        } else {
            throw Refusal(.invalidRequest, "resources of type \(resource.kind) have no configs here")
        }
        if let names = asked.configurationKeys.map(Set.init), !names.isEmpty {
            configs.removeAll { !names.contains($0.name) }
        }
        for place in configs.indices {
            if !request.includeSynonyms { configs[place].synonyms = [] }
            if !request.includeDocumentation { configs[place].documentation = nil }
        }
        return configs
    }

    // MARK: Topics

    func unknownTopic(_ name: String) -> Refusal {
        Refusal(.unknownTopicOrPartition, "there is no topic \(name)")
    }

    /// Refuses a name that no topic can have.
    func checkTopicName(_ name: String) throws(Refusal) {
        guard let reason = TopicName.whyInvalid(name) else { return }
        throw Refusal(.invalidTopic, reason)
    }

    private func describe(_ key: TopicConfigKey, overrides: [String: String]) -> DescribeConfigsResponse.Config {
        var config = DescribeConfigsResponse.Config()
        config.name = key.name
        config.value = key.defaultValue
        config.configSource = Source.defaultValue.rawValue
        config.configType = key.type.rawValue
        config.documentation = key.documentation
        let settings = synonyms(key.synonyms.map(\.name))
        if let first = settings.first, let synonym = key.synonyms.first(where: { $0.name == first.name }) {
            // The value is in the setting's unit: `log.retention.hours` says 168, and `retention.ms` is 604800000.
            config.value = shown(key.type, first.value.map { (try? synonym.value($0)) ?? $0 })
            config.configSource = first.source
        }
        config.synonyms = settings
        if let value = overrides[key.name] {
            config.value = shown(key.type, value)
            config.configSource = Source.topic.rawValue
            config.synonyms.insert(synonym(key.name, config.value, .topic), at: 0)
        }
        return config
    }

    // MARK: Brokers

    private func describeBroker(_ name: String) throws(Refusal) -> [DescribeConfigsResponse.Config] {
        if name.isEmpty {
            let set = image.configs[.allBrokers] ?? [:]
            return settings.filter { set[$0.name] != nil }.map { setting in
                var config = describe(setting)
                config.synonyms.removeAll { $0.source != Source.allBrokers.rawValue }
                config.value = set[setting.name].flatMap { shown(setting.type, $0) }
                config.configSource = Source.allBrokers.rawValue
                return config
            }
        }
        guard let id = Int32(name) else {
            throw Refusal(.invalidRequest, "a broker is named by its number, not \(name)")
        }
        guard id == brokerID else {
            throw Refusal(
                .invalidRequest, "this is broker \(brokerID), not \(name)")
        }
        return settings.map(describe)
    }

    private func describe(_ setting: BrokerSetting) -> DescribeConfigsResponse.Config {
        var config = DescribeConfigsResponse.Config()
        config.name = setting.name
        config.configType = setting.type.rawValue
        config.documentation = setting.documentation
        let key = TopicConfigKey.behind(setting: setting.name)
        config.isReadOnly = key?.synonyms.first?.name != setting.name
        // A setting is told with its own value, though a synonym before it may count.
        config.synonyms = Array(
            synonyms(key?.synonyms.map(\.name) ?? [setting.name]).drop { $0.name != setting.name })
        config.value = shown(setting.type, config.synonyms.first?.value)
        config.configSource = config.synonyms.first?.source ?? Source.defaultValue.rawValue
        return config
    }

    // MARK: Where values come from

    /// What the settings of these names are set to, the one that counts first.
    private func synonyms(_ names: [String]) -> [DescribeConfigsResponse.Synonym] {
        let broker = image.configs[.broker(brokerID)] ?? [:]
        let shared = image.configs[.allBrokers] ?? [:]
        let places: [(Source, (String) -> String?)] = [
            (.broker, { broker[$0] }), (.allBrokers, { shared[$0] }), (.file, { setting($0)?.value }),
            (.defaultValue, { setting($0)?.defaultValue }),
        ]
        return places.flatMap { source, value in
            names.compactMap { name in value(name).map { synonym(name, $0, source) } }
        }
    }

    private func synonym(_ name: String, _ value: String?, _ source: Source) -> DescribeConfigsResponse.Synonym {
        var synonym = DescribeConfigsResponse.Synonym()
        synonym.name = name
        synonym.value = value
        synonym.source = source.rawValue
        return synonym
    }

    /// A value as it is told: in its canonical form, or as it is where it has none.
    private func shown(_ type: ConfigType, _ value: String?) -> String? {
        value.map { (try? type.canonical($0)) ?? $0 }
    }
}
