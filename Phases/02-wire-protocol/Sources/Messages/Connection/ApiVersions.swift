import SegmentLog

/// Asks which APIs a broker serves, in which versions (KIP-35, KIP-511).
public struct ApiVersionsRequest: Request {
    /// The body of the answer.
    public typealias Response = ApiVersionsResponse
    /// ApiVersions.
    public static let apiKey = ApiKey.apiVersions

    /// The client's name, such as "librdkafka".
    public var clientSoftwareName = ""
    /// The client's version.
    public var clientSoftwareVersion = ""

    /// An empty request.
    public init() {}

    /// The fields in the order of the specification.
    public mutating func code(_ c: inout some MessageCoder) throws(CodingError) {
        try c.field(&clientSoftwareName, since: 3)
        try c.field(&clientSoftwareVersion, since: 3)
        try c.tags()
    }
}

/// Names the APIs that a broker serves.
public struct ApiVersionsResponse: Message {
    /// ApiVersions.
    public static let apiKey = ApiKey.apiVersions

    /// One API and the versions of it that are served.
    public struct ApiVersion: Field, Equatable {
        /// The API's number.
        public var apiKey: Int16 = 0
        /// The lowest version.
        public var minVersion: Int16 = 0
        /// The highest version.
        public var maxVersion: Int16 = 0

        /// An entry of zeros.
        public init() {}

        /// The fields in the order of the specification.
        public mutating func code(_ c: inout some MessageCoder) throws(CodingError) {
            try c.field(&apiKey)
            try c.field(&minVersion)
            try c.field(&maxVersion)
            try c.tags()
        }
    }

    /// A feature that the broker could use (KIP-584).
    public struct SupportedFeature: Field, Equatable {
        /// The feature's name.
        public var name = ""
        /// The lowest level.
        public var minVersion: Int16 = 0
        /// The highest level.
        public var maxVersion: Int16 = 0

        /// An entry of zeros.
        public init() {}

        /// The fields in the order of the specification.
        public mutating func code(_ c: inout some MessageCoder) throws(CodingError) {
            try c.field(&name)
            try c.field(&minVersion)
            try c.field(&maxVersion)
            try c.tags()
        }
    }

    /// A feature that the cluster uses (KIP-584).
    public struct FinalizedFeature: Field, Equatable {
        /// The feature's name.
        public var name = ""
        /// The highest level in use.
        public var maxVersionLevel: Int16 = 0
        /// The lowest level in use.
        public var minVersionLevel: Int16 = 0

        /// An entry of zeros.
        public init() {}

        /// The fields in the order of the specification.
        public mutating func code(_ c: inout some MessageCoder) throws(CodingError) {
            try c.field(&name)
            try c.field(&maxVersionLevel)
            try c.field(&minVersionLevel)
            try c.tags()
        }
    }

    /// Why the request failed, or none.
    public var errorCode = ErrorCode.none
    /// What is served.
    public var apiKeys: [ApiVersion] = []
    /// How long the request was held back, in milliseconds.
    public var throttleTimeMilliseconds: Int32 = 0
    /// Features that the broker could use.
    public var supportedFeatures: [SupportedFeature] = []
    /// The epoch of the features in use; -1 for unknown.
    public var finalizedFeaturesEpoch: Int64 = -1
    /// Features in use.
    public var finalizedFeatures: [FinalizedFeature] = []
    /// Whether a migration from ZooKeeper could begin (KIP-866).
    public var zkMigrationReady = false

    /// An empty response.
    public init() {}

    /// The fields in the order of the specification.
    public mutating func code(_ c: inout some MessageCoder) throws(CodingError) {
        try c.field(&errorCode)
        try c.field(&apiKeys)
        try c.field(&throttleTimeMilliseconds, since: 1)
        try c.tags { t throws(CodingError) in
            try t.field(0, &supportedFeatures)
            try t.field(1, &finalizedFeaturesEpoch, default: -1)
            try t.field(2, &finalizedFeatures)
            try t.field(3, &zkMigrationReady)
        }
    }
}
