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

extension Message {
    /// The body's bytes in `version`.
    public func encoded(version: Int16) throws(CodingError) -> Payload {
        var encoder = MessageEncoder(version: version, isFlexible: Self.apiKey.isFlexible(version))
        var copy = self
        try copy.encode(to: &encoder)
        return encoder.finish()
    }

    /// Reads a body of `version`; every byte must belong to it, unless what is left over is to be passed over.
    public init(decoding bytes: Bytes, version: Int16, passingOverRest: Bool = false) throws(CodingError) {
        var decoder = MessageDecoder(bytes, version: version, isFlexible: Self.apiKey.isFlexible(version))
        self.init()
        try decode(from: &decoder)
        if !passingOverRest { try decoder.finish() }
    }
}
