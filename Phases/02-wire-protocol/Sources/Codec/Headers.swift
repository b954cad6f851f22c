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

    /// Writes the header.
    package func encode(as api: ApiKey, to encoder: inout MessageEncoder) throws(CodingError) {
        encoder.write(apiKey)
        encoder.write(apiVersion)
        encoder.write(correlationID)
        // The client id kept its two-byte length when the header became flexible.
        guard let length = Int16(exactly: clientID?.utf8.count ?? -1) else {
            throw .invalidLength(at: 8, clientID?.utf8.count ?? -1)
        }
        encoder.write(length)
        for byte in (clientID ?? "").utf8 { encoder.write(byte) }
        if api.isFlexible(apiVersion) { encoder.write(UInt8(0)) }
    }
}

/// What stands before every response's body.
public enum ResponseHeader {
    /// Writes the header of a response to `api` in `version`.
    package static func encode(correlationID: Int32, api: ApiKey, version: Int16, to encoder: inout MessageEncoder) {
        encoder.write(correlationID)
        if hasTags(api, version) { encoder.write(UInt8(0)) }
    }

    /// Whether the header ends with tags. Flexible versions do, except ApiVersions: its client does not
    /// yet know what the broker speaks (KIP-511).
    public static func hasTags(_ api: ApiKey, _ version: Int16) -> Bool {
        api != .apiVersions && api.isFlexible(version)
    }
}

extension Request {
    /// The whole frame of this request.
    public func frame(version: Int16, correlationID: Int32, clientID: String?) throws(CodingError) -> Payload {
        let header = RequestHeader(
            apiKey: Self.apiKey.rawValue, apiVersion: version, correlationID: correlationID, clientID: clientID)
        var encoder = MessageEncoder(version: version, isFlexible: Self.apiKey.isFlexible(version))
        try header.encode(as: Self.apiKey, to: &encoder)
        var copy = self
        try copy.encode(to: &encoder)
        return encoder.finish().framed()
    }
}

extension Message {
    /// The whole frame of this response.
    public func responseFrame(version: Int16, correlationID: Int32) throws(CodingError) -> Payload {
        var encoder = MessageEncoder(version: version, isFlexible: Self.apiKey.isFlexible(version))
        ResponseHeader.encode(correlationID: correlationID, api: Self.apiKey, version: version, to: &encoder)
        var copy = self
        try copy.encode(to: &encoder)
        return encoder.finish().framed()
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
