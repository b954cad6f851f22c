import SegmentLog
import Testing
import WireProtocol

/// Pins every version of every message to Kafka's own schemas: a version rule that is off by one, a
/// field too many or in the wrong place changes the size or the checksum.
@Suite("A message's layout")
struct MessageLayoutTests {
    /// The bodies of one message, one for each version: how many bytes, and their CRC-32C.
    struct Layouts: Sendable, CustomTestStringConvertible {
        let type: any Message.Type
        let bodies: [(count: Int, checksum: UInt32)]
        var testDescription: String { "\(type)" }

        init(_ type: any Message.Type, _ bodies: [(Int, UInt32)]) {
            self.type = type
            self.bodies = bodies.map { (count: $0.0, checksum: $0.1) }
        }
    }

    @Test("is that of Kafka's schema, in every version", arguments: layouts)
    func everyVersion(of layouts: Layouts) throws {
        func check<Body: Message>(_: Body.Type) throws {
            #expect(layouts.bodies.count == Body.apiKey.versions.count)
            for (version, expected) in zip(Body.apiKey.versions, layouts.bodies) {
                var body = Body()
                var filler = OneOfEach(version: version, isFlexible: Body.apiKey.isFlexible(version))
                try body.code(&filler)
                let bytes = try body.encoded(version: version).bytes()
                #expect(bytes.count == expected.count, "version \(version)")
                #expect(CRC32C.checksum(bytes) == expected.checksum, "version \(version): \(bytes.array)")
            }
        }
        try check(layouts.type)
    }

    /// Computed from Kafka's JSON schemas by a program that knows nothing of this one, for the body
    /// that `OneOfEach` fills. Metadata 13 is that of KIP-1102.
    static let layouts: [Layouts] = [
        Layouts(
            ProduceRequest.self,
            [
                (26, 0xC55C_AF17), (26, 0xC55C_AF17), (26, 0xC55C_AF17), (29, 0xD9DA_2F06), (29, 0xD9DA_2F06),
                (29, 0xD9DA_2F06), (29, 0xD9DA_2F06), (29, 0xD9DA_2F06), (29, 0xD9DA_2F06), (21, 0x3AC8_0462),
                (21, 0x3AC8_0462), (21, 0x3AC8_0462),
            ]),
        Layouts(
            FetchRequest.self,
            [
                (44, 0xAA26_F851), (52, 0xFE36_BAF7), (52, 0xFE36_BAF7), (75, 0x6E9F_5054), (75, 0x6E9F_5054),
                (79, 0x8AD7_8335), (79, 0x8AD7_8335), (82, 0xEAC3_509F), (79, 0x72A0_8A9D), (107, 0x4198_3FC4),
                (107, 0x4198_3FC4), (118, 0x0F31_C6C0), (118, 0x0F31_C6C0),
            ]),
        Layouts(
            ListOffsetsRequest.self,
            [
                (27, 0xF5A8_056A), (28, 0x1E50_1E56), (28, 0x1E50_1E56), (32, 0x2869_5838), (32, 0x2869_5838),
                (28, 0x750A_C4B1), (28, 0x750A_C4B1), (28, 0x750A_C4B1), (28, 0x750A_C4B1), (32, 0x393B_B98E),
            ]),
        Layouts(
            MetadataRequest.self,
            [
                (7, 0x8E98_5460), (7, 0x8E98_5460), (7, 0x8E98_5460), (7, 0x8E98_5460), (8, 0xC15E_DB64),
                (8, 0xC15E_DB64), (8, 0xC15E_DB64), (8, 0xC15E_DB64), (10, 0x94E4_A3B2), (8, 0x8E0A_D4A2),
                (24, 0xCE15_3817), (23, 0x01F6_533D), (23, 0x01F6_533D), (23, 0x01F6_533D),
            ]),
        Layouts(
            FindCoordinatorRequest.self,
            [
                (3, 0x8887_37CF), (4, 0x3D00_4D85), (4, 0x3D00_4D85), (4, 0x8A70_C8B3), (5, 0xAF26_7F2A),
                (5, 0xAF26_7F2A), (5, 0xAF26_7F2A),
            ]),
        Layouts(
            ApiVersionsRequest.self,
            [
                (0, 0x0000_0000), (0, 0x0000_0000), (0, 0x0000_0000), (5, 0x3BD1_75E8), (5, 0x3BD1_75E8),
            ]),
        Layouts(
            ProduceResponse.self,
            [
                (25, 0xD400_2837), (29, 0xCE96_86F4), (37, 0x1028_D81D), (37, 0x1028_D81D), (37, 0x1028_D81D),
                (45, 0x6FF2_E80A), (45, 0x6FF2_E80A), (45, 0x6FF2_E80A), (59, 0x966B_0C8F), (51, 0xCDA2_B53E),
                (78, 0x59C8_69A4), (78, 0x59C8_69A4),
            ]),
        Layouts(
            FetchResponse.self,
            [
                (62, 0xE1A7_4686), (70, 0x4C7E_086B), (70, 0x4C7E_086B), (76, 0xD4B4_644B), (76, 0xD4B4_644B),
                (76, 0xD4B4_644B), (76, 0xD4B4_644B), (80, 0x0BEF_4E1F), (112, 0xC622_BA87), (126, 0x7473_17EA),
                (126, 0x7473_17EA), (126, 0x7473_17EA), (142, 0x982B_2558),
            ]),
        Layouts(
            ListOffsetsResponse.self,
            [
                (33, 0x0044_688D), (37, 0x2EA4_AF6A), (37, 0x2EA4_AF6A), (41, 0x4798_8D56), (41, 0x4798_8D56),
                (37, 0x25EC_581D), (37, 0x25EC_581D), (37, 0x25EC_581D), (37, 0x25EC_581D), (37, 0x25EC_581D),
            ]),
        Layouts(
            MetadataResponse.self,
            [
                (54, 0x7F8A_019F), (62, 0x5B26_41F4), (65, 0x1209_BF49), (69, 0x6E05_F1A6), (69, 0x6E05_F1A6),
                (77, 0xE98F_4635), (77, 0xE98F_4635), (81, 0xED1C_C470), (89, 0xF495_59D4), (71, 0xE19C_1333),
                (87, 0xFEB5_B4B3), (83, 0x0490_7597), (83, 0x0490_7597), (85, 0xF2E7_776C),
            ]),
        Layouts(
            FindCoordinatorResponse.self,
            [
                (13, 0x5C69_BDD3), (20, 0x7E57_E116), (20, 0x7E57_E116), (19, 0xFF6D_66C2), (23, 0x5BEF_6C3A),
                (23, 0x5BEF_6C3A), (23, 0x5BEF_6C3A),
            ]),
        Layouts(
            ApiVersionsResponse.self,
            [
                (12, 0x4FD1_7A76), (16, 0xFA82_FD60), (16, 0xFA82_FD60), (48, 0xDC37_15B1), (48, 0xDC37_15B1),
            ]),
    ]
}

/// Fills every field of a version: the nth integer with bytes of n, texts with "x", batches with
/// one byte, arrays with one element, and every tagged field.
private struct OneOfEach: MessageCoder, TagCoder {
    typealias Tags = OneOfEach

    let version: Int16
    let isFlexible: Bool
    private var integers: UInt8 = 0

    init(version: Int16, isFlexible: Bool) {
        self.version = version
        self.isFlexible = isFlexible
    }

    mutating func integer<Value: FixedWidthInteger & BitwiseCopyable>(_ value: inout Value) throws(CodingError) {
        integers += 1
        value = (0..<Value.bitWidth / 8).reduce(0) { bytes, _ in bytes << 8 | Value(integers) }
    }

    mutating func string(_ value: inout String?, nullable: Bool) throws(CodingError) { value = "x" }
    mutating func records(_ value: inout Records?, nullable: Bool) throws(CodingError) { value = .bytes([0x72]) }
    mutating func arrayCount(_ count: inout Int?, nullable: Bool) throws(CodingError) { count = 1 }

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
