import SegmentLog
import TestSupport
import Testing
import WireProtocol

@Suite("A malformed message")
struct MalformedMessageTests {
    static let seeds: [UInt64] = [11, 12, 13, 14]

    /// Whether a body is refused; anything but a CodingError is passed on.
    private func isRefused(_ body: Bytes, _ message: MessageCase) throws -> Bool { try error(body, message) != nil }

    private func error(_ body: Bytes, _ message: MessageCase) throws -> CodingError? {
        do {
            _ = try message.reencoded(body)
            return nil
        } catch let error as CodingError {
            return error
        }
    }

    @Test("is refused wherever it is cut off", arguments: MessageCase.all, seeds)
    func truncation(of message: MessageCase, seed: UInt64) throws {
        let body = Bytes(try message.layout(seed: seed).bytes)
        #expect(try !isRefused(body, message))
        let accepted = try (0..<body.count).filter { try !isRefused(body.slice(0..<$0), message) }
        #expect(accepted.isEmpty)
    }

    @Test("with bytes behind its end is refused", arguments: MessageCase.all, seeds)
    func trailingBytes(of message: MessageCase, seed: UInt64) throws {
        let body = try message.layout(seed: seed).bytes
        for extra in [[0], [0xFF], [0, 0, 0, 0, 0]] as [[UInt8]] {
            let expected = CodingError.trailingBytes(at: body.count, count: extra.count)
            #expect(try error(Bytes(body + extra), message) == expected)
        }
    }

    @Test("with a length that nothing can have is refused, wherever it stands", arguments: MessageCase.all, seeds)
    func impossibleLengths(of message: MessageCase, seed: UInt64) throws {
        let layout = try message.layout(seed: seed)
        for mark in layout.marks where mark.kind != .tagCount && mark.kind != .tagSize {
            let left = layout.bytes.count - mark.range.upperBound
            for replacement in Self.impossible(mark.kind, isFlexible: message.isFlexible, left: left) {
                let refusal = try error(layout.replacing(mark, with: replacement), message)
                #expect(refusal != nil, "\(replacement) for the \(mark.kind) at \(mark.range)")
                // Refused at the length itself, before memory is taken for what it claims.
                let start = mark.range.lowerBound
                let refusedAtOnce =
                    refusal == .varintTooLong(at: start)
                    || Self.isInvalidLength(refusal, at: start)
                #expect(
                    mark.isInTag || refusedAtOnce,
                    "the \(mark.kind) at \(mark.range) must be refused at byte \(start), not as \(refusal.map { "\($0)" } ?? "sound")"
                )
            }
        }
    }

    private static func isInvalidLength(_ error: CodingError?, at position: Int) -> Bool {
        if case .invalidLength(position, _)? = error { true } else { false }
    }

    private static func impossible(_ kind: LayoutEncoder.Kind, isFlexible: Bool, left: Int) -> [[UInt8]] {
        if isFlexible {
            // Compact lengths are one more than the length; the last three do not fit 32 bits.
            return [UInt64(left) + 2, 1 << 31 - 1, 1 << 31, 1 << 32 - 1, 1 << 32, 1 << 35, .max].map {
                LayoutEncoder.varint($0)
            } + [[UInt8](repeating: 0xFF, count: 10), [UInt8](repeating: 0x80, count: 11)]
        } else if kind == .string {
            return [-2, .min, .max, Int16(left + 1)].map { LayoutEncoder.bigEndian($0) }
        } else {
            return [-2, .min, .max, Int32(left + 1)].map { LayoutEncoder.bigEndian($0) }
        }
    }

    @Test(
        "is understood with lengths padded to five bytes, and refused with six or ten", arguments: MessageCase.flexible)
    func paddedVarints(of message: MessageCase) throws {
        let layout = try message.layout(seed: 21)
        let body = Bytes(layout.bytes)
        for mark in layout.marks where !mark.isInTag {
            let raw = LayoutEncoder.varint(Self.wireValue(of: mark))
            #expect(Array(layout.bytes[mark.range]) == raw)
            let padded = { (width: Int) in LayoutEncoder.varint(Self.wireValue(of: mark), width: width) }
            #expect(try message.reencoded(layout.replacing(mark, with: padded(5))) == body)
            #expect(try isRefused(layout.replacing(mark, with: padded(6)), message))
            #expect(try isRefused(layout.replacing(mark, with: padded(10)), message))
            // The fifth byte has room for four bits.
            var overfull = padded(5)
            overfull[4] = 0x10
            #expect(try isRefused(layout.replacing(mark, with: overfull), message))
        }
    }

    private static func wireValue(of mark: LayoutEncoder.Mark) -> UInt64 {
        switch mark.kind {
        case .tagCount, .tagSize: UInt64(mark.value ?? 0)
        case .string, .records, .bytes, .array: UInt64((mark.value ?? -1) + 1)
        }
    }

    @Test("with a null where its version allows none is refused", arguments: MessageCase.all, seeds)
    func unexpectedNull(of message: MessageCase, seed: UInt64) throws {
        let layout = try message.layout(seed: seed)
        for mark in layout.marks where !mark.isNullable && mark.kind != .tagCount && mark.kind != .tagSize {
            let null: [UInt8] = message.isFlexible ? [0] : [UInt8](repeating: 0xFF, count: mark.range.count)
            let refusal = try error(layout.replacing(mark, with: null), message)
            guard case .unexpectedNull = refusal else {
                Issue.record("the \(mark.kind) at \(mark.range): \(String(describing: refusal))")
                continue
            }
        }
    }

    @Test(
        "with text that is not UTF-8 is read, as by Kafka, with U+FFFD in its place", arguments: MessageCase.all, seeds)
    func invalidText(of message: MessageCase, seed: UInt64) throws {
        let layout = try message.layout(seed: seed)
        for mark in layout.marks where mark.kind == .string {
            for place in mark.content {
                // 0xFF stands nowhere in UTF-8.
                var bytes = layout.bytes
                bytes[place] = 0xFF
                let refusal = try error(Bytes(bytes), message)
                #expect(refusal == nil, "byte \(place)")
            }
        }
    }

    @Test(
        "with text that only looks like UTF-8 gives no text that a topic could have",
        arguments: [
            [0xC0, 0xAF], [0xED, 0xA0, 0x80], [0xF4, 0x90, 0x80, 0x80], [0x61, 0xE2, 0x82], [0x80],
        ] as [[UInt8]])
    func almostUTF8(text: [UInt8]) throws {
        // FindCoordinator 0: the key behind two bytes of length.
        let body = Bytes([0, UInt8(text.count)] + text)
        #expect(try FindCoordinatorRequest(decoding: body, version: 0).key.contains("\u{FFFD}"))
    }

    @Test("that claims more tagged fields than there are bytes is refused", arguments: MessageCase.flexible, seeds)
    func tagCounts(of message: MessageCase, seed: UInt64) throws {
        let layout = try message.layout(seed: seed)
        let counts = layout.marks.filter { $0.kind == .tagCount }
        #expect(!counts.isEmpty)
        for mark in counts {
            for count in [UInt64(layout.bytes.count), 1 << 31, 1 << 32 - 1, 1 << 32, .max] {
                let body = layout.replacing(mark, with: LayoutEncoder.varint(count))
                #expect(try isRefused(body, message), "\(count) tags at \(mark.range)")
            }
        }
    }

    @Test("with a tagged field larger than what is left is refused", arguments: MessageCase.flexible, seeds)
    func tagSizes(of message: MessageCase, seed: UInt64) throws {
        let layout = try message.layout(seed: seed)
        for mark in layout.marks where mark.kind == .tagSize {
            let left = UInt64(layout.bytes.count - mark.range.upperBound)
            for size in [left + 1, UInt64(mark.value ?? 0) + 1, 0, 1 << 31, 1 << 32 - 1, 1 << 32] as [UInt64] {
                let body = layout.replacing(mark, with: LayoutEncoder.varint(size))
                #expect(try isRefused(body, message), "a size of \(size) at \(mark.range)")
            }
        }
        for mark in layout.marks where mark.kind == .tagCount && !mark.isInTag {
            let count = LayoutEncoder.varint(UInt64(mark.value ?? 0) + 1)
            let left = UInt64(layout.bytes.count - mark.range.upperBound)
            let body = layout.replacing(mark, with: count + [77] + LayoutEncoder.varint(left + 1))
            #expect(try isRefused(body, message), "an unknown tag at \(mark.range)")
        }
    }

    @Test("is a sound one when it only has tagged fields that nobody knows", arguments: MessageCase.flexible, seeds)
    func unknownTags(of message: MessageCase, seed: UInt64) throws {
        let layout = try message.layout(seed: seed)
        for mark in layout.marks where mark.kind == .tagCount && !mark.isInTag {
            for tag in [4, 77, 1 << 31, 1 << 32 - 1] as [UInt64] {
                let unknown = LayoutEncoder.varint(tag) + [3, 0xFF, 0xFF, 0xFF] + LayoutEncoder.varint(tag) + [0]
                let count = LayoutEncoder.varint(UInt64(mark.value ?? 0) + 2)
                let body = layout.replacing(mark, with: count + unknown)
                #expect(try message.reencoded(body) == Bytes(layout.bytes), "tag \(tag) at \(mark.range)")
            }
        }
    }

    @Test("is a sound one when a tagged field is there twice", arguments: MessageCase.flexible, seeds)
    func duplicateTags(of message: MessageCase, seed: UInt64) throws {
        let layout = try message.layout(seed: seed)
        for mark in layout.marks where mark.kind == .tagCount && !mark.isInTag {
            let count = LayoutEncoder.varint(UInt64(mark.value ?? 0) * 2)
            let body = layout.replacing(mark, with: count + layout.bytes[mark.content])
            #expect(try message.reencoded(body) == Bytes(layout.bytes), "at \(mark.range)")
        }
    }

    @Test("whose tagged field is there twice has the last value")
    func lastDuplicateWins() throws {
        let epochs: [UInt8] = [1, 8, 0, 0, 0, 0, 0, 0, 0, 5] + [1, 8, 0, 0, 0, 0, 0, 0, 0, 7]
        let response = try ApiVersionsResponse(decoding: Bytes([0, 0, 1, 0, 0, 0, 0, 2] + epochs), version: 3)
        #expect(response.finalizedFeaturesEpoch == 7)
    }

    @Test(
        "is refused in its header, too",
        arguments: [
            [], [0, 18], [0, 18, 0, 3, 0, 0, 0],  // cut in the fixed part
            [0, 18, 0, 3, 0, 0, 0, 7], [0, 18, 0, 3, 0, 0, 0, 7, 0],  // no client id
            [0, 18, 0, 3, 0, 0, 0, 7, 0, 2, 0x61],  // client id cut
            [0, 18, 0, 3, 0, 0, 0, 7, 0x7F, 0xFF, 0x61],  // client id longer than the frame
            [0, 18, 0, 3, 0, 0, 0, 7, 0, 1, 0x61],  // no tags
            [0, 18, 0, 3, 0, 0, 0, 7, 0, 0, 1, 0],  // a tag without a size
            [0, 18, 0, 3, 0, 0, 0, 7, 0, 0, 1, 0, 1],  // a tag's size over the rest
            [0, 18, 0, 3, 0, 0, 0, 7, 0, 0, 1, 0, 0xFF, 0xFF, 0xFF, 0xFF, 0x0F],  // a huge size
            [0, 18, 0, 3, 0, 0, 0, 7, 0, 0, 0xFF, 0xFF, 0xFF, 0xFF, 0x0F, 0, 0],  // a huge count
            [0, 18, 0, 3, 0, 0, 0, 7, 0, 0, 0x80, 0x80, 0x80, 0x80, 0x80, 0x00],  // a varint of six bytes
        ] as [[UInt8]])
    func header(bytes: [UInt8]) {
        #expect(throws: CodingError.self) {
            let frame = Bytes(bytes)
            var header = try RequestHeader(fixedPartOf: frame)
            _ = try header.readRest(of: frame, as: .apiVersions)
        }
    }

    @Test("is not made of tags in a header that nobody knows")
    func headerTags() throws {
        let tags: [UInt8] = [2] + [9, 2, 0xFF, 0xFF] + [9, 0]
        let request = Bytes([0, 18, 0, 3, 0, 0, 0, 7, 0xFF, 0xFF] + tags + [2, 0x61, 2, 0x62, 0])
        var header = try RequestHeader(fixedPartOf: request)
        let body = try ApiVersionsRequest(decoding: try header.readRest(of: request, as: .apiVersions), version: 3)
        #expect(header.clientID == nil && body.clientSoftwareName == "a" && body.clientSoftwareVersion == "b")
        // ListOffsets 6 answers with tags in its header.
        let response = Bytes([0, 0, 0, 7] + tags + [0, 0, 0, 1, 1, 0])
        let answer = try ListOffsetsResponse.decodeResponse(response, version: 6)
        #expect(answer.correlationID == 7 && answer.body.throttleTimeMilliseconds == 1)
    }

    @Test("that is made of more elements than one message may have is refused, whatever its bytes allow")
    func tooManyElements() throws {
        // Metadata 9: a compact count, then topics of two bytes each: an empty name, no tags.
        for (count, isRefused) in [(MessageDecoder.maxElements, false), (MessageDecoder.maxElements + 1, true)] {
            var writer = ByteWriter()
            writer.unsignedVarint(UInt64(count + 1))
            for _ in 0..<count { writer.append([1, 0]) }
            writer.append([1, 0, 0, 0])
            let body = writer.finish()
            let decoded = try? MetadataRequest(decoding: body, version: 9)
            #expect((decoded == nil) == isRefused, "\(count) elements")
        }
    }

    @Test("with a million unknown tags is read without keeping them")
    func manyTags() throws {
        var writer = ByteWriter()
        writer.append([1, 1])  // no client software name, no version
        writer.unsignedVarint(1_000_000)
        for tag in 0..<1_000_000 {
            writer.unsignedVarint(UInt64(100 + tag % 100))
            writer.append([0])
        }
        #expect(try ApiVersionsRequest(decoding: writer.finish(), version: 3) == ApiVersionsRequest())
    }
}
