import SegmentLog
import WireProtocol

/// One message in one version: what the codec's suites are run over.
package struct MessageCase: Sendable, CustomStringConvertible {
    /// The body's type.
    package let type: any Message.Type
    /// The version.
    package let version: Int16

    /// A message in a version that is described.
    package init(_ type: any Message.Type, version: Int16) {
        self.type = type
        self.version = version
    }

    /// Whether a client sends it.
    package var isRequest: Bool { type is any Request.Type }
    /// Whether it has compact lengths and tags.
    package var isFlexible: Bool { type.apiKey.isFlexible(version) }
    /// The type's name and the version.
    package var description: String { "\(type) v\(version)" }

    /// Every request and every response.
    package static let types: [any Message.Type] =
        ApiKey.allCases.map(\.requestType) + ApiKey.allCases.map(\.responseType)
    /// Every message in every version.
    package static let all: [MessageCase] = types.flatMap { type in
        type.apiKey.versions.map { MessageCase(type, version: $0) }
    }
    /// Those that have tags.
    package static let flexible = all.filter(\.isFlexible)

    /// Decodes a body and encodes it again.
    package func reencoded(_ body: Bytes) throws -> Bytes { try reencodedBody(self.type, body) }

    private func reencodedBody<Body: Message>(_: Body.Type, _ body: Bytes) throws -> Bytes {
        try Body(decoding: body, version: version).encoded(version: version).bytes()
    }

    /// The layout of a generated body.
    package func layout(seed: UInt64, isSmall: Bool = true) throws(CodingError) -> LayoutEncoder {
        try bodyLayout(self.type, seed: seed, isSmall: isSmall)
    }

    private func bodyLayout<Body: Message>(
        _: Body.Type, seed: UInt64, isSmall: Bool
    ) throws(CodingError) -> LayoutEncoder {
        var value = try ValueGenerator.value(of: Body.self, version: version, seed: seed, isSmall: isSmall)
        var encoder = LayoutEncoder(version: version, isFlexible: isFlexible)
        try value.code(&encoder)
        return encoder
    }
}

// MARK: Reading what others have sent

extension MessageCase {
    /// A frame without its length: the header, and `body` as it is.
    package func frame(_ body: [UInt8], correlationID: Int32 = 7) throws(CodingError) -> [UInt8] {
        var header = MessageEncoder(version: version, isFlexible: false)
        if isRequest {
            let fields = RequestHeader(
                apiKey: type.apiKey.rawValue, apiVersion: version, correlationID: correlationID, clientID: "client")
            try fields.encode(as: type.apiKey, to: &header)
        } else {
            ResponseHeader.encode(correlationID: correlationID, api: type.apiKey, version: version, to: &header)
        }
        return header.finish().parts.flatMap { part in
            if case .bytes(let bytes) = part { bytes.array } else { [UInt8]() }
        } + body
    }

    /// Reads a frame without its length: a request by the API and the version that its header claims, as
    /// a broker does; a response as the answer to this case's request, as a client does.
    package func reading(_ frame: Bytes) throws(CodingError) -> (read: MessageCase, message: any Message) {
        guard isRequest else { return (self, try response(self.type, frame, version)) }
        var header = try RequestHeader(fixedPartOf: frame)
        guard let api = ApiKey(rawValue: header.apiKey), api.versions.contains(header.apiVersion) else {
            throw .invalidLength(at: 0, Int(header.apiKey))
        }
        let claimed = MessageCase(api.requestType, version: header.apiVersion)
        return (claimed, try claimed.body(try header.readRest(of: frame, as: api)))
    }

    /// Reads a body.
    package func body(_ bytes: Bytes) throws(CodingError) -> any Message { try body(self.type, bytes, version) }

    /// Why `message`, which was read as this case, does not come back from its own bytes as it is; nil where it does.
    package func whyUnfaithful(_ message: some Message) -> String? {
        do {
            let again = try Swift.type(of: message).init(
                decoding: try message.encoded(version: version).bytes(), version: version)
            return again == message ? nil : "\(self) changes:\n\(firstDifference(between: message, and: again))"
        } catch {
            return "\(self) was decoded, but does not come back: \(error)"
        }
    }

    private func response<Body: Message>(
        _: Body.Type, _ frame: Bytes, _ version: Int16
    ) throws(CodingError) -> any Message {
        try Body.decodeResponse(frame, version: version).body
    }

    private func body<Body: Message>(
        _: Body.Type, _ bytes: Bytes, _ version: Int16
    ) throws(CodingError) -> any Message {
        try Body(decoding: bytes, version: version)
    }
}
