import SegmentLog

/// The body of a request or a response.
public protocol Message: Field, Equatable {
    /// The API that it belongs to.
    static var apiKey: ApiKey { get }
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
        try copy.code(&encoder)
        return encoder.finish()
    }

    /// Reads a body of `version`; every byte must belong to it.
    public init(decoding bytes: Bytes, version: Int16) throws(CodingError) {
        var decoder = MessageDecoder(bytes, version: version, isFlexible: Self.apiKey.isFlexible(version))
        self.init()
        try code(&decoder)
        try decoder.finish()
    }
}
