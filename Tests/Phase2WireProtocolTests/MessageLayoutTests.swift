import SegmentLog
import TestSupport
import Testing
import WireProtocol

/// Pins every version of every message to Kafka's own schemas: a version rule that is off by one, a
/// field too many or in the wrong place changes the size or the checksum.
@Suite("A message's layout")
struct MessageLayoutTests {
    /// Two bodies of one message for each version, with and without nulls: how many bytes, and their CRC-32C.
    struct Layouts: Sendable, CustomTestStringConvertible {
        let type: any Message.Type
        let bodies: [(count: Int, checksum: UInt32)]
        var testDescription: String { "\(type)" }

        init(_ type: any Message.Type, _ bodies: [(Int, UInt32)]) {
            self.type = type
            self.bodies = bodies.map { (count: $0.0, checksum: $0.1) }
        }
    }

    @Test("is pinned for every request and every response")
    func isComplete() {
        #expect(Self.pinned.map { "\($0.type)" } == MessageCase.types.map { "\($0)" })
    }

    @Test("is that of Kafka's schema, in every version", arguments: pinned)
    func everyVersion(of layouts: Layouts) throws {
        func check<Body: Message>(_: Body.Type) throws {
            #expect(layouts.bodies.count == Body.apiKey.versions.count)
            for (version, expected) in zip(Body.apiKey.versions, layouts.bodies) {
                let bodies = try [false, true].map { hasNulls in
                    var body = Body()
                    var filler = OneOfEach(
                        version: version, isFlexible: Body.apiKey.isFlexible(version), hasNulls: hasNulls)
                    try body.code(&filler)
                    return try body.encoded(version: version).bytes().array
                }
                let bytes = Bytes(bodies.flatMap { $0 })
                #expect(bytes.count == expected.count, "version \(version)")
                #expect(CRC32C.checksum(bytes) == expected.checksum, "version \(version): \(bytes.array)")
            }
        }
        try check(layouts.type)
    }
}

/// Fills every field of a version: the nth integer with bytes of n, texts with "x", batches and
/// bytes with one byte, arrays with one element, and every tagged field.
private struct OneOfEach: MessageCoder, TagCoder {
    typealias Tags = OneOfEach

    let version: Int16
    let isFlexible: Bool
    private let hasNulls: Bool
    private var integers: UInt8 = 0

    init(version: Int16, isFlexible: Bool, hasNulls: Bool) {
        self.version = version
        self.hasNulls = hasNulls
        self.isFlexible = isFlexible
    }

    mutating func integer<Value: FixedWidthInteger & BitwiseCopyable>(_ value: inout Value) throws(CodingError) {
        integers += 1
        value = (0..<Value.bitWidth / 8).reduce(0) { bytes, _ in bytes << 8 | Value(integers) }
    }

    mutating func string(_ value: inout String?, nullable: Bool) throws(CodingError) {
        value = nullable && hasNulls ? nil : "x"
    }

    mutating func records(_ value: inout Records?, nullable: Bool) throws(CodingError) {
        value = nullable && hasNulls ? nil : .bytes([0x72])
    }

    mutating func bytes(_ value: inout Bytes?, nullable: Bool) throws(CodingError) {
        value = nullable && hasNulls ? nil : [0x62]
    }

    mutating func presence(_ isPresent: inout Bool) throws(CodingError) { isPresent = !hasNulls }

    mutating func arrayCount(_ count: inout Int?, nullable: Bool) throws(CodingError) {
        count = nullable && hasNulls ? nil : 1
    }

    mutating func elements<Element: Field>(_ array: inout [Element], count: Int) throws(CodingError) {
        array = [Element()]
        try array[0].code(&self)
    }

    mutating func tags(_ body: (inout OneOfEach) throws(CodingError) -> Void) throws(CodingError) {
        if isFlexible { try body(&self) }
    }

    mutating func value<Value: Field & Equatable>(
        _ tag: UInt32, _ value: inout Value, default: Value
    ) throws(CodingError) {
        try value.code(&self)
    }
}
