import SegmentLog
import TestSupport
import Testing
import WireProtocol

@Suite("A message")
struct MessageRoundTripTests {
    static let seeds: [UInt64] = Array(0..<8)

    @Test("comes back from its bytes as it was, in every version", arguments: MessageCase.all, seeds)
    func roundTrip(of message: MessageCase, seed: UInt64) throws {
        func check<Body: Message>(_: Body.Type) throws {
            let value = try ValueGenerator.value(of: Body.self, version: message.version, seed: seed)
            let bytes = try value.encoded(version: message.version).bytes()
            let decoded = try Body(decoding: bytes, version: message.version)
            #expect(decoded == value, "\(firstDifference(between: value, and: decoded))")
            #expect(try decoded.encoded(version: message.version).bytes() == bytes)
        }
        try check(message.type)
    }

    @Test("loses only the fields that a version does not carry", arguments: MessageCase.all, seeds)
    func fieldsOfOtherVersions(of message: MessageCase, seed: UInt64) throws {
        func check<Body: Message>(_: Body.Type) throws {
            let full = try ValueGenerator.fullValue(of: Body.self, validIn: message.version, seed: seed)
            let bytes = try full.encoded(version: message.version).bytes()
            let decoded = try Body(decoding: bytes, version: message.version)
            #expect(try decoded.encoded(version: message.version).bytes() == bytes)
            // What was lost is lost once: the decoded value itself survives.
            #expect(try Body(decoding: bytes, version: message.version) == decoded)
        }
        try check(message.type)
    }

    @Test("has the bytes that an encoder written apart gives it", arguments: MessageCase.all, seeds)
    func agreesWithLayout(of message: MessageCase, seed: UInt64) throws {
        func check<Body: Message>(_: Body.Type) throws {
            let value = try ValueGenerator.value(of: Body.self, version: message.version, seed: seed, isSmall: false)
            let layout = try message.layout(seed: seed, isSmall: false)
            #expect(try value.encoded(version: message.version).bytes() == Bytes(layout.bytes))
        }
        try check(message.type)
    }

    @Test("is generated with every kind of value: null, empty, long, and tags set or not")
    func generatorIsNotQuiet() throws {
        let layouts = try MessageCase.flexible.flatMap { message in
            try Self.seeds.map { try message.layout(seed: $0, isSmall: false) }
        }
        let marks = layouts.flatMap(\.marks)
        for kind in [LayoutEncoder.Kind.string, .records, .bytes, .array] {
            let values = marks.filter { $0.kind == kind }.map(\.value)
            // No flexible message has bytes that may be null.
            #expect(values.contains(nil) || kind == .bytes)
            #expect(values.contains(0))
            #expect(values.contains { ($0 ?? 0) > 127 }, "no long \(kind)")
        }
        let tagCounts = Set(marks.filter { $0.kind == .tagCount }.compactMap(\.value))
        #expect(tagCounts.isSuperset(of: [0, 1, 2, 3]))
    }

    @Test(
        "that asks comes back from its frame with its header", arguments: MessageCase.all.filter(\.isRequest),
        [nil, "", "kcat \u{1F980}"] as [String?])
    func requestFrame(of message: MessageCase, clientID: String?) throws {
        func check<Body: Request>(_: Body.Type) throws {
            let value = try ValueGenerator.value(of: Body.self, version: message.version, seed: 7)
            let framed = try value.frame(version: message.version, correlationID: -5, clientID: clientID).bytes()
            let frame = framed.dropFirst(4)
            var header = try RequestHeader(fixedPartOf: frame)
            #expect(header.apiKey == Body.apiKey.rawValue && header.apiVersion == message.version)
            let body = try header.readRest(of: frame, as: Body.apiKey)
            #expect(header.correlationID == -5 && header.clientID == clientID)
            #expect(try Body(decoding: body, version: message.version) == value)
        }
        guard let type = message.type as? any Request.Type else { throw CodingError.unexpectedNull(at: 0) }
        try check(type)
    }

    @Test(
        "that answers comes back from its frame with its correlation id",
        arguments: MessageCase.all.filter { !$0.isRequest })
    func responseFrame(of message: MessageCase) throws {
        func check<Body: Message>(_: Body.Type) throws {
            let value = try ValueGenerator.value(of: Body.self, version: message.version, seed: 7)
            let framed = try value.responseFrame(version: message.version, correlationID: .min).bytes()
            let (correlationID, body) = try Body.decodeResponse(framed.dropFirst(4), version: message.version)
            #expect(correlationID == .min && body == value)
        }
        try check(message.type)
    }

    @Test("with a null where its version allows none is not encoded")
    func nullNotAllowed() {
        #expect(throws: CodingError.self) { _ = try MetadataRequest().encoded(version: 0) }
        var request = MetadataRequest()
        request.topics = [MetadataRequest.Topic()]
        #expect(throws: CodingError.self) { _ = try request.encoded(version: 9) }
        #expect(throws: Never.self) { _ = try request.encoded(version: 10) }
        var response = MetadataResponse()
        response.topics = [MetadataResponse.Topic()]
        #expect(throws: CodingError.self) { _ = try response.encoded(version: 11) }
        #expect(throws: Never.self) { _ = try response.encoded(version: 12) }
    }

    @Test("with text too long for its length field is not encoded, up to the last byte that fits")
    func longText() throws {
        var request = FindCoordinatorRequest()
        request.key = String(repeating: "k", count: 32_767)
        let bytes = try request.encoded(version: 2).bytes()
        #expect(try FindCoordinatorRequest(decoding: bytes, version: 2) == request)
        request.key += "k"
        #expect(throws: CodingError.self) { _ = try request.encoded(version: 2) }
    }
}
