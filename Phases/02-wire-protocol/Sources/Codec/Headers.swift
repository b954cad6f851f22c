import SegmentLog

/// What stands before every request's body.
public struct RequestHeader: Equatable, Sendable {
    /// Which API is asked, as it was sent: it may be one that nobody knows.
    public var apiKey: Int16
    /// Which version of it.
    public var apiVersion: Int16
    /// The number that the response will carry.
    public var correlationID: Int32
    /// What the client calls itself.
    public var clientID: String?

    /// A header of these fields.
    public init(apiKey: Int16, apiVersion: Int16, correlationID: Int32, clientID: String?) {
        self.apiKey = apiKey
        self.apiVersion = apiVersion
        self.correlationID = correlationID
        self.clientID = clientID
    }

    /// The bytes that stand before any request, whatever its API: key, version, correlation id.
    public static let fixedByteCount = 8

    /// Reads the fixed part of a header.
    public init(fixedPartOf frame: Bytes) throws(CodingError) {
        var reader = ByteReader(frame)
        apiKey = try reader.integer()
        apiVersion = try reader.integer()
        correlationID = try reader.integer()
        clientID = nil
    }

    /// Reads the rest of a header whose API and version are known, and returns the body.
    public mutating func readRest(of frame: Bytes, as api: ApiKey) throws(CodingError) -> Bytes {
        var reader = ByteReader(frame, at: Self.fixedByteCount)
        // The client id kept its two-byte length when the header became flexible.
        let length = try reader.integer(Int16.self)
        if length >= 0 {
            clientID = try reader.slice(Int(length)).text
        }
        if api.isFlexible(apiVersion) {
            try reader.skipTags()
        }
        return reader.rest()
    }

    /// The header's bytes.
    public func encoded(as api: ApiKey) throws(CodingError) -> Payload {
        var encoder = MessageEncoder(version: apiVersion, isFlexible: false)
        encoder.write(apiKey)
        encoder.write(apiVersion)
        encoder.write(correlationID)
        var name = clientID
        try encoder.string(&name, nullable: true)
        if api.isFlexible(apiVersion) { encoder.write(UInt8(0)) }
        return encoder.finish()
    }
}

/// What stands before every response's body.
public enum ResponseHeader {
    /// The header's bytes for a response to `api` in `version`. Flexible versions end it with tags,
    /// except ApiVersions: its client does not yet know what the broker speaks (KIP-511).
    public static func encoded(correlationID: Int32, api: ApiKey, version: Int16) -> Payload {
        var encoder = MessageEncoder(version: version, isFlexible: false)
        encoder.write(correlationID)
        if hasTags(api, version) { encoder.write(UInt8(0)) }
        return encoder.finish()
    }

    /// Whether the header ends with tags.
    public static func hasTags(_ api: ApiKey, _ version: Int16) -> Bool {
        api != .apiVersions && api.isFlexible(version)
    }
}

extension Request {
    /// The whole frame of this request.
    public func frame(version: Int16, correlationID: Int32, clientID: String?) throws(CodingError) -> Payload {
        let header = RequestHeader(
            apiKey: Self.apiKey.rawValue, apiVersion: version, correlationID: correlationID, clientID: clientID)
        return try encoded(version: version).prefixed(by: try header.encoded(as: Self.apiKey)).framed()
    }
}

extension Message {
    /// The whole frame of this response.
    public func responseFrame(version: Int16, correlationID: Int32) throws(CodingError) -> Payload {
        let header = ResponseHeader.encoded(correlationID: correlationID, api: Self.apiKey, version: version)
        return try encoded(version: version).prefixed(by: header).framed()
    }

    /// Reads a response frame without its length; returns the correlation id and the body.
    public static func decodeResponse(
        _ frame: Bytes, version: Int16
    ) throws(CodingError) -> (correlationID: Int32, body: Self) {
        var reader = ByteReader(frame)
        let correlationID = try reader.integer(Int32.self)
        if ResponseHeader.hasTags(apiKey, version) {
            try reader.skipTags()
        }
        return (correlationID, try Self(decoding: reader.rest(), version: version))
    }
}
