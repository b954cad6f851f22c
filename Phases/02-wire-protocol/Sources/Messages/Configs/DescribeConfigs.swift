import SegmentLog

/// Asks for the settings of topics and brokers (KIP-133).
public struct DescribeConfigsRequest: Request {
    /// The body of the answer.
    public typealias Response = DescribeConfigsResponse
    /// DescribeConfigs.
    public static let apiKey = ApiKey.describeConfigs

    /// What has settings.
    public struct Resource: Field, Equatable {
        /// Its kind: 2 for a topic, 4 for a broker, 8 for a broker's loggers, 32 for a group.
        public var resourceType: Int8 = 0
        /// The topic's name, or the broker's id in digits; empty for what all brokers share.
        public var resourceName = ""
        /// The settings that are asked for, or null for all.
        public var configurationKeys: [String]?

        /// A resource without a name.
        public init() {}

        /// The fields in the order of the specification.
        public mutating func code(_ c: inout some MessageCoder) throws(CodingError) {
            try c.field(&resourceType)
            try c.field(&resourceName)
            try c.field(&configurationKeys)
            try c.tags()
        }
    }

    /// The resources.
    public var resources: [Resource] = []
    /// Whether to tell the other places where each value could come from (KIP-226).
    public var includeSynonyms = false
    /// Whether to explain each setting (KIP-569).
    public var includeDocumentation = false

    /// An empty request.
    public init() {}

    /// The fields in the order of the specification.
    public mutating func code(_ c: inout some MessageCoder) throws(CodingError) {
        try c.field(&resources)
        try c.field(&includeSynonyms, since: 1)
        try c.field(&includeDocumentation, since: 3)
        try c.tags()
    }
}

/// The settings of topics and brokers.
public struct DescribeConfigsResponse: Message {
    /// DescribeConfigs.
    public static let apiKey = ApiKey.describeConfigs

    /// The answer for one resource.
    public struct Result: Field, Equatable {
        /// Why its settings are not known, or none.
        public var errorCode = ErrorCode.none
        /// The reason in words, or null.
        public var errorMessage: String?
        /// Its kind.
        public var resourceType: Int8 = 0
        /// Its name.
        public var resourceName = ""
        /// Its settings.
        public var configs: [Config] = []

        /// A resource without a name.
        public init() {}

        /// The fields in the order of the specification.
        public mutating func code(_ c: inout some MessageCoder) throws(CodingError) {
            try c.field(&errorCode)
            try c.field(&errorMessage)
            try c.field(&resourceType)
            try c.field(&resourceName)
            try c.field(&configs)
            try c.tags()
        }
    }

    /// A setting.
    public struct Config: Field, Equatable {
        /// Its name, such as "retention.ms".
        public var name = ""
        /// Its value; null where it is kept secret.
        public var value: String?
        /// Whether it cannot be changed while the broker runs.
        public var isReadOnly = false
        /// Where the value comes from: 1 the topic, 2 the broker, 3 all brokers, 4 the broker's file, 5 the
        /// default; 0 or -1 for unknown.
        public var configSource: Int8 = -1
        /// Whether the value is kept secret.
        public var isSensitive = false
        /// The places where the value could come from, the one that counts first.
        public var synonyms: [Synonym] = []
        /// The type of the value: 1 boolean, 2 string, 3 int, 4 short, 5 long, 6 double, 7 list, 8 class, 9
        /// password; 0 for unknown.
        public var configType: Int8 = 0
        /// What the setting does, or null.
        public var documentation: String?

        /// A setting without a name.
        public init() {}

        /// The fields in the order of the specification.
        public mutating func code(_ c: inout some MessageCoder) throws(CodingError) {
            try c.field(&name)
            try c.field(&value)
            try c.field(&isReadOnly)
            try c.field(&configSource, since: 1)
            try c.field(&isSensitive)
            try c.field(&synonyms, since: 1)
            try c.field(&configType, since: 3)
            try c.field(&documentation, since: 3)
            try c.tags()
        }
    }

    /// A place where a value could come from.
    public struct Synonym: Field, Equatable {
        /// The setting's name there.
        public var name = ""
        /// Its value there; null where it is kept secret.
        public var value: String?
        /// The place, as in `configSource`.
        public var source: Int8 = 0

        /// A setting without a name.
        public init() {}

        /// The fields in the order of the specification.
        public mutating func code(_ c: inout some MessageCoder) throws(CodingError) {
            try c.field(&name)
            try c.field(&value)
            try c.field(&source)
            try c.tags()
        }
    }

    /// How long the request was held back, in milliseconds.
    public var throttleTimeMilliseconds: Int32 = 0
    /// The answers by resource.
    public var results: [Result] = []

    /// An empty response.
    public init() {}

    /// The fields in the order of the specification.
    public mutating func code(_ c: inout some MessageCoder) throws(CodingError) {
        try c.field(&throttleTimeMilliseconds)
        try c.field(&results)
        try c.tags()
    }
}
