import SegmentLog

/// The body of a request or a response.
public protocol Message: Field, Equatable {
    /// The API that it belongs to.
    static var apiKey: ApiKey { get }

    // Requirements, though nobody writes them: so the compiler makes both directions of each message for
    // themselves, where a function that is generic over messages would look up every field at run time.
    /// Writes the body: `code` in this direction.
    mutating func encode(to encoder: inout MessageEncoder) throws(CodingError)
    /// Reads the body: `code` in this direction.
    mutating func decode(from decoder: inout MessageDecoder) throws(CodingError)
}

extension Message {
    /// Writes the body.
    public mutating func encode(to encoder: inout MessageEncoder) throws(CodingError) { try code(&encoder) }
    /// Reads the body.
    public mutating func decode(from decoder: inout MessageDecoder) throws(CodingError) { try code(&decoder) }
}

/// The body of a request.
public protocol Request: Message {
    /// The body of its response.
    associatedtype Response: Message
}

/// The APIs that are described here, by Kafka's numbers.
public enum ApiKey: Int16, CaseIterable, Sendable {
    /// Appends batches.
    case produce = 0
    /// Reads batches.
    case fetch = 1
    /// Finds offsets by time, and the ends of a log.
    case listOffsets = 2
    /// Names the brokers, topics and partitions.
    case metadata = 3
    /// Names the broker that coordinates a group or a transaction.
    case findCoordinator = 10
    /// Names the APIs and versions that a broker serves.
    case apiVersions = 18

    /// The versions that are described.
    public var versions: ClosedRange<Int16> {
        switch self {
        // Versions 0 to 2 carry message formats that no broker takes any more. They are offered
        // because librdkafka before 2.11.1 compresses only for a broker that offers version 0.
        case .produce: 0...11
        case .fetch: 4...16
        case .listOffsets: 1...10
        case .metadata: 0...13
        case .findCoordinator: 0...6
        case .apiVersions: 0...4
        }
    }

    /// The first flexible version (KIP-482).
    public var firstFlexibleVersion: Int16 {
        switch self {
        case .produce: 9
        case .fetch: 12
        case .listOffsets: 6
        case .metadata: 9
        case .findCoordinator: 3
        case .apiVersions: 3
        }
    }

    /// Whether `version` has compact lengths and tags.
    public func isFlexible(_ version: Int16) -> Bool { version >= firstFlexibleVersion }
}

extension Message {
    /// The body's bytes in `version`.
    public func encoded(version: Int16) throws(CodingError) -> Payload {
        var encoder = MessageEncoder(version: version, isFlexible: Self.apiKey.isFlexible(version))
        var copy = self
        try copy.encode(to: &encoder)
        return encoder.finish()
    }

    /// Reads a body of `version`; every byte must belong to it.
    public init(decoding bytes: Bytes, version: Int16) throws(CodingError) {
        var decoder = MessageDecoder(bytes, version: version, isFlexible: Self.apiKey.isFlexible(version))
        self.init()
        try decode(from: &decoder)
        try decoder.finish()
    }
}
