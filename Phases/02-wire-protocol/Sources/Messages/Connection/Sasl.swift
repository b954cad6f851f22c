import SegmentLog

/// Names the way in which a client wants to say who it is.
public struct SaslHandshakeRequest: Request {
    /// The body of the answer.
    public typealias Response = SaslHandshakeResponse
    /// SaslHandshake.
    public static let apiKey = ApiKey.saslHandshake

    /// The SASL mechanism, such as "SCRAM-SHA-256".
    public var mechanism = ""

    /// An empty request.
    public init() {}

    /// The fields in the order of the specification.
    public mutating func code(_ c: inout some MessageCoder) throws(CodingError) {
        try c.field(&mechanism)
        try c.tags()
    }
}

/// Whether the mechanism is known here.
public struct SaslHandshakeResponse: Message {
    /// SaslHandshake.
    public static let apiKey = ApiKey.saslHandshake

    /// UNSUPPORTED_SASL_MECHANISM, or none.
    public var errorCode = ErrorCode.none
    /// The mechanisms that are known here.
    public var mechanisms: [String] = []

    /// An empty response.
    public init() {}

    /// The fields in the order of the specification.
    public mutating func code(_ c: inout some MessageCoder) throws(CodingError) {
        try c.field(&errorCode)
        try c.field(&mechanisms)
        try c.tags()
    }
}

/// One step of a client's proof of who it is (KIP-152).
public struct SaslAuthenticateRequest: Request {
    /// The body of the answer.
    public typealias Response = SaslAuthenticateResponse
    /// SaslAuthenticate.
    public static let apiKey = ApiKey.saslAuthenticate

    /// The mechanism's bytes. A slice of the frame.
    public var authBytes = Bytes()

    /// An empty request.
    public init() {}

    /// The fields in the order of the specification.
    public mutating func code(_ c: inout some MessageCoder) throws(CodingError) {
        try c.field(&authBytes)
        try c.tags()
    }
}

/// The broker's part of the step.
public struct SaslAuthenticateResponse: Message {
    /// SaslAuthenticate.
    public static let apiKey = ApiKey.saslAuthenticate

    /// SASL_AUTHENTICATION_FAILED, or none.
    public var errorCode = ErrorCode.none
    /// The reason in words, or null.
    public var errorMessage: String?
    /// The mechanism's bytes. A slice of the frame.
    public var authBytes = Bytes()
    /// How long until the client must do it again, in milliseconds; 0 for ever (KIP-368).
    public var sessionLifetimeMilliseconds: Int64 = 0

    /// An empty response.
    public init() {}

    /// The fields in the order of the specification.
    public mutating func code(_ c: inout some MessageCoder) throws(CodingError) {
        try c.field(&errorCode)
        try c.field(&errorMessage)
        try c.field(&authBytes)
        try c.field(&sessionLifetimeMilliseconds, since: 1)
        try c.tags()
    }
}
