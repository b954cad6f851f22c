import SegmentLog

/// Changes some settings of topics and brokers, and leaves the others (KIP-339).
public struct IncrementalAlterConfigsRequest: Request {
    /// The body of the answer.
    public typealias Response = IncrementalAlterConfigsResponse
    /// IncrementalAlterConfigs.
    public static let apiKey = ApiKey.incrementalAlterConfigs

    /// What has settings to change.
    public struct Resource: Field, Equatable {
        /// Its kind, as in `DescribeConfigsRequest`.
        public var resourceType: Int8 = 0
        /// Its name.
        public var resourceName = ""
        /// The settings to change.
        public var configs: [Config] = []

        /// A resource without a name.
        public init() {}

        /// The fields in the order of the specification.
        public mutating func code(_ c: inout some MessageCoder) throws(CodingError) {
            try c.field(&resourceType)
            try c.field(&resourceName)
            try c.field(&configs)
            try c.tags()
        }
    }

    /// A change of a setting.
    public struct Config: Field, Equatable {
        /// Its name.
        public var name = ""
        /// What to do: 0 set it, 1 go back to its default, 2 append to its list, 3 remove from its list.
        public var configOperation: Int8 = 0
        /// The value, or null.
        public var value: String?

        /// A setting without a name.
        public init() {}

        /// The fields in the order of the specification.
        public mutating func code(_ c: inout some MessageCoder) throws(CodingError) {
            try c.field(&name)
            try c.field(&configOperation)
            try c.field(&value)
            try c.tags()
        }
    }

    /// The resources.
    public var resources: [Resource] = []
    /// Whether only to check that the settings could be changed.
    public var validateOnly = false

    /// An empty request.
    public init() {}

    /// The fields in the order of the specification.
    public mutating func code(_ c: inout some MessageCoder) throws(CodingError) {
        try c.field(&resources)
        try c.field(&validateOnly)
        try c.tags()
    }
}

/// Which settings were changed.
public struct IncrementalAlterConfigsResponse: Message {
    /// IncrementalAlterConfigs.
    public static let apiKey = ApiKey.incrementalAlterConfigs

    /// How long the request was held back, in milliseconds.
    public var throttleTimeMilliseconds: Int32 = 0
    /// The answers by resource.
    public var responses: [AlterConfigsResult] = []

    /// An empty response.
    public init() {}

    /// The fields in the order of the specification.
    public mutating func code(_ c: inout some MessageCoder) throws(CodingError) {
        try c.field(&throttleTimeMilliseconds)
        try c.field(&responses)
        try c.tags()
    }
}
