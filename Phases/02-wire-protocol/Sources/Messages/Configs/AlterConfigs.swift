import SegmentLog

/// Replaces all settings of topics and brokers (KIP-133).
public struct AlterConfigsRequest: Request {
    /// The body of the answer.
    public typealias Response = AlterConfigsResponse
    /// AlterConfigs.
    public static let apiKey = ApiKey.alterConfigs

    /// What gets new settings.
    public struct Resource: Field, Equatable {
        /// Its kind, as in `DescribeConfigsRequest`.
        public var resourceType: Int8 = 0
        /// Its name.
        public var resourceName = ""
        /// All its settings: those that are not here go back to their defaults.
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

    /// A setting.
    public struct Config: Field, Equatable {
        /// Its name.
        public var name = ""
        /// Its value, or null.
        public var value: String?

        /// A setting without a name.
        public init() {}

        /// The fields in the order of the specification.
        public mutating func code(_ c: inout some MessageCoder) throws(CodingError) {
            try c.field(&name)
            try c.field(&value)
            try c.tags()
        }
    }

    /// The resources.
    public var resources: [Resource] = []
    /// Whether only to check that the settings could be made.
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

/// Which settings were made.
public struct AlterConfigsResponse: Message {
    /// AlterConfigs.
    public static let apiKey = ApiKey.alterConfigs

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

/// The answer for one resource.
public struct AlterConfigsResult: Field, Equatable {
    /// Why its settings stay as they are, or none.
    public var errorCode = ErrorCode.none
    /// The reason in words, or null.
    public var errorMessage: String?
    /// Its kind.
    public var resourceType: Int8 = 0
    /// Its name.
    public var resourceName = ""

    /// A resource without a name.
    public init() {}

    /// The fields in the order of the specification.
    public mutating func code(_ c: inout some MessageCoder) throws(CodingError) {
        try c.field(&errorCode)
        try c.field(&errorMessage)
        try c.field(&resourceType)
        try c.field(&resourceName)
        try c.tags()
    }
}
