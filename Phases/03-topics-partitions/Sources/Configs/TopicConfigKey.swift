/// A config that a topic can have: its name and type, where its value comes from if the topic does not
/// set it, what values there are, and where one goes.
///
/// `TopicConfigKey.all` is the one description of them: topics, the broker's settings, DescribeConfigs
/// and the broker's help read it.
public struct TopicConfigKey: Sendable {
    /// A broker's setting from which topics get a config that they do not set.
    public struct Synonym: Sendable {
        /// Kafka's name of the setting.
        public var name: String
        /// The type of the setting's value.
        public var type: ConfigType
        /// How many of the config's units are one of the setting's: 3,600,000 milliseconds are an hour.
        public var factor: Int64
        /// The setting's default; nil where a later synonym, or nothing, has one.
        public var defaultValue: String?

        /// A value of the setting as one of the config. Below zero there are no units: -1 says "no limit"
        /// in hours, too. Throws where the text is no value of the setting.
        func value(_ text: String) throws(ConfigError) -> String {
            let text = try type.canonical(text)
            guard factor != 1, let number = Int64(text), number > 0 else { return text }
            let (product, isTooLarge) = number.multipliedReportingOverflow(by: factor)
            guard !isTooLarge else { throw ConfigError("Value is too large") }
            return "\(product)"
        }
    }

    /// The name, such as "retention.ms".
    public var name: String
    /// The type of its value.
    public var type: ConfigType
    /// The default. It is Kafka's, but for `flush.messages`.
    public var defaultValue: String
    /// The broker's settings behind it. The first one that is set counts; the first one alone can be
    /// changed while the broker runs.
    public var synonyms: [Synonym]
    /// What it does, in a sentence or two.
    public var documentation: String
    /// Checks a value in its canonical form, and puts it where it belongs.
    private let take: @Sendable (inout TopicConfig, String) throws(ConfigError) -> Void

    /// The config of this name, if there is one.
    public static func named(_ name: String) -> TopicConfigKey? { all.first { $0.name == name } }

    /// The config whose value comes from this setting of the broker, if there is one.
    public static func behind(setting name: String) -> TopicConfigKey? {
        all.first { key in key.synonyms.contains { $0.name == name } }
    }

    /// Gives a topic's config the value of a text. Throws, and changes nothing, where it does not fit.
    public func set(_ config: inout TopicConfig, to text: String) throws(ConfigError) {
        do {
            try take(&config, try type.canonical(text))
        } catch {
            throw error.of(name, text)
        }
    }

    /// Gives a topic's config the value of the first of its synonyms that `settings` has, if one is there.
    /// Throws, and changes nothing, where the value does not fit.
    public func set(_ config: inout TopicConfig, from settings: [String: String]) throws(ConfigError) {
        for synonym in synonyms {
            guard let text = settings[synonym.name] else { continue }
            do {
                return try take(&config, try type.canonical(try synonym.value(text)))
            } catch {
                throw error.of(synonym.name, text)
            }
        }
    }
}

// MARK: - Kinds of configs

extension TopicConfigKey {
    /// A whole number in a range; the type is `int` where the range fits into 32 bits.
    static func number(
        _ name: String, _ defaultValue: Int64, _ range: ClosedRange<Int64>, from settings: [(String, Int64)],
        _ documentation: String, _ store: @escaping @Sendable (inout TopicConfig, Int64) -> Void
    ) -> TopicConfigKey {
        let type: ConfigType = range.upperBound > Int64(Int32.max) ? .long : .int
        return TopicConfigKey(
            name: name, type: type, defaultValue: "\(defaultValue)",
            synonyms: settings.enumerated().map { place, setting in
                let (name, factor) = setting
                return Synonym(
                    name: name, type: factor == 1 ? type : .int, factor: factor,
                    defaultValue: place == settings.count - 1 ? "\(defaultValue / factor)" : nil)
            }, documentation: documentation
        ) { config, text throws(ConfigError) in
            guard let number = Int64(text), number >= range.lowerBound else {
                throw ConfigError("must be at least \(range.lowerBound)")
            }
            guard number <= range.upperBound else {
                throw ConfigError("must be at most \(range.upperBound)")
            }
            store(&config, number)
        }
    }

    /// A number from 0 to 1.
    static func ratio(
        _ name: String, _ defaultValue: Double, from setting: String, _ documentation: String,
        _ store: @escaping @Sendable (inout TopicConfig, Double) -> Void
    ) -> TopicConfigKey {
        TopicConfigKey(
            name: name, type: .double, defaultValue: "\(defaultValue)",
            synonyms: [Synonym(name: setting, type: .double, factor: 1, defaultValue: "\(defaultValue)")],
            documentation: documentation
        ) { config, text throws(ConfigError) in
            guard let number = Double(text), number >= 0 else { throw ConfigError("must be at least 0") }
            guard number <= 1 else { throw ConfigError("must be at most 1") }
            store(&config, number)
        }
    }

    /// One of several texts, or with the type `list` any of them, each once.
    static func choice(
        _ name: String, _ type: ConfigType, _ defaultValue: String, of texts: [String], from setting: String,
        _ documentation: String, _ store: @escaping @Sendable (inout TopicConfig, [String]) -> Void
    ) -> TopicConfigKey {
        TopicConfigKey(
            name: name, type: type, defaultValue: defaultValue,
            synonyms: [Synonym(name: setting, type: type, factor: 1, defaultValue: defaultValue)],
            documentation: documentation
        ) { config, text throws(ConfigError) in
            let chosen = type == .list ? ConfigType.parts(of: text) : [text]
            guard chosen.allSatisfy(texts.contains) else {
                throw ConfigError("must be made of: \(texts.joined(separator: ", "))")
            }
            guard Set(chosen).count == chosen.count else { throw ConfigError("values must not be duplicated") }
            store(&config, chosen)
        }
    }

    /// A config of which only the default is done, because of a reason in words.
    static func only(
        _ name: String, _ type: ConfigType, _ value: String, from settings: [String], because reason: String
    ) -> TopicConfigKey {
        let shown = value.isEmpty ? "the empty list" : value
        return TopicConfigKey(
            name: name, type: type, defaultValue: value,
            synonyms: settings.map { setting in
                Synonym(
                    name: setting, type: setting.hasSuffix(".hours") ? .int : type, factor: 1,
                    defaultValue: setting == settings.last ? value : nil)
            }, documentation: "Only \(shown): \(reason)."
        ) { _, text throws(ConfigError) in
            guard text == value else { throw ConfigError("Only \(shown) is supported: \(reason)") }
        }
    }
}
