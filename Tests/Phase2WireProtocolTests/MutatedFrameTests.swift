import SegmentLog
import Testing
import WireProtocol

/// Frames that were sound until somebody changed them at random: more than 100,000 of them.
@Suite("A frame changed at random")
struct MutatedFrameTests {
    static let framesPerCase = 260

    @Test("there are at least 100,000 of them")
    func isMany() { #expect(MessageCase.all.count * Self.framesPerCase >= 100_000) }

    @Test("is refused, or is a message that encodes again, and never traps", arguments: MessageCase.all)
    func mutations(of message: MessageCase) throws {
        var random = SplitMix64(seed: UInt64(message.version) &+ UInt64(message.isRequest ? 1000 : 2000))
        var refused = 0
        var understood = 0
        var sound: [UInt8] = []
        for round in 0..<Self.framesPerCase {
            if round % 10 == 0 { sound = try frame(of: message, seed: random.next()) }
            var bytes = sound
            for _ in 0...random.below(3) { mutate(&bytes, &random) }
            do {
                if message.isRequest {
                    try readRequest(Bytes(bytes))
                } else {
                    try readResponse(message, Bytes(bytes))
                }
                understood += 1
            } catch is CodingError {
                refused += 1
            }
        }
        #expect(refused > 0 && understood > 0, "\(refused) refused, \(understood) understood")
    }

    private func frame(of message: MessageCase, seed: UInt64) throws -> [UInt8] {
        let api = message.type.apiKey
        let body = try message.layout(seed: seed).bytes
        if message.isRequest {
            let header = RequestHeader(
                apiKey: api.rawValue, apiVersion: message.version, correlationID: 7, clientID: "client")
            return try header.encoded(as: api).bytes().array + body
        }
        let header = ResponseHeader.encoded(correlationID: 7, api: api, version: message.version)
        return try header.bytes().array + body
    }

    /// Reads a request as a broker does: by the key and the version that its header claims.
    private func readRequest(_ frame: Bytes) throws {
        var header = try RequestHeader(fixedPartOf: frame)
        guard let api = ApiKey(rawValue: header.apiKey), api.versions.contains(header.apiVersion) else {
            throw CodingError.invalidLength(at: 0, Int(header.apiKey))
        }
        try readBody(try header.readRest(of: frame, as: api), as: api.requestType, version: header.apiVersion)
    }

    private func readResponse(_ message: MessageCase, _ frame: Bytes) throws {
        func read<Body: Message>(_: Body.Type) throws {
            let (_, body) = try Body.decodeResponse(frame, version: message.version)
            try checkEncodes(body, version: message.version)
        }
        try read(message.type)
    }

    private func readBody<Body: Message>(_ bytes: Bytes, as _: Body.Type, version: Int16) throws {
        try checkEncodes(try Body(decoding: bytes, version: version), version: version)
    }

    private func checkEncodes<Body: Message>(_ body: Body, version: Int16) throws {
        let bytes = try #require(try? body.encoded(version: version).bytes(), "what was decoded does not encode")
        #expect(try Body(decoding: bytes, version: version) == body)
    }

    private func mutate(_ bytes: inout [UInt8], _ random: inout SplitMix64) {
        let place = random.below(bytes.count)
        let end = min(bytes.count, place + 1 + random.below(8))
        switch random.below(8) {
        case 0 where !bytes.isEmpty: bytes[place] ^= 1 << UInt8(random.below(8))
        case 1 where !bytes.isEmpty: bytes[place] = [0, 1, 0x7F, 0x80, 0xFE, 0xFF][random.below(6)]
        case 2: bytes.removeSubrange(place..<end)
        case 3: bytes.insert(contentsOf: (0..<random.below(9)).map { _ in UInt8(random.below(256)) }, at: place)
        case 4: bytes.removeLast(bytes.count - place)
        case 5: bytes.insert(contentsOf: bytes[place..<end], at: place)
        case 6 where place + 4 <= bytes.count:
            let value = ([.max, .min, -1, -2, 1 << 24, 0, 65_535] as [Int32])[random.below(7)]
            bytes.replaceSubrange(place..<(place + 4), with: LayoutEncoder.bigEndian(value))
        default:
            let value = ([1 << 31, 1 << 32 - 1, 1 << 32, .max, 300] as [UInt64])[random.below(5)]
            bytes.replaceSubrange(place..<end, with: LayoutEncoder.varint(value))
        }
    }
}
