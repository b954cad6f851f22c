import SegmentLog
import TestSupport
import Testing

@Suite("ByteReader and ByteWriter")
struct ByteReaderTests {
    @Test("integers are big-endian and come back as they went in")
    func integers() throws {
        var writer = ByteWriter(capacity: 1)
        writer.integer(Int8(-2))
        writer.integer(Int16(0x0102))
        writer.integer(Int32(-1))
        writer.integer(UInt32(0xDEAD_BEEF))
        writer.integer(Int64.min)
        let bytes = writer.finish()
        #expect(bytes.array.prefix(3) == [0xFE, 0x01, 0x02])
        var reader = ByteReader(bytes)
        #expect(try reader.integer(Int8.self) == -2)
        #expect(try reader.integer(Int16.self) == 0x0102)
        #expect(try reader.integer(Int32.self) == -1)
        #expect(try reader.integer(UInt32.self) == 0xDEAD_BEEF)
        #expect(try reader.integer(Int64.self) == .min)
        #expect(throws: CodingError.truncated(at: 19, needed: 1)) { try reader.integer(UInt8.self) }
    }

    @Test(
        "varints have the bytes of Protocol Buffers' sint64",
        arguments: [
            (0, [0x00]), (-1, [0x01]), (1, [0x02]), (63, [0x7E]), (-64, [0x7F]), (64, [0x80, 0x01]),
            (8191, [0xFE, 0x7F]), (8192, [0x80, 0x80, 0x01]), (Int64(Int32.max), [0xFE, 0xFF, 0xFF, 0xFF, 0x0F]),
            (Int64(Int32.min), [0xFF, 0xFF, 0xFF, 0xFF, 0x0F]),
            (.max, [0xFE, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x01]),
            (.min, [0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x01]),
        ] as [(Int64, [UInt8])])
    func varints(value: Int64, expected: [UInt8]) throws {
        var writer = ByteWriter()
        writer.varint(value)
        let bytes = writer.finish()
        #expect(bytes.array == expected, "\(value) as a varint: \(ByteDifference(bytes.array, expected))")
        #expect(Varint.size(of: value) == expected.count)
        var reader = ByteReader(bytes)
        #expect(try reader.varint64() == value)
        if let narrow = Int32(exactly: value) {
            var reader = ByteReader(bytes)
            #expect(try reader.varint32() == narrow)
        }
    }

    @Test("a varint that does not end, or does not fit, is refused at every length")
    func endlessVarints() {
        for length in 0...12 {
            let endless = Bytes([UInt8](repeating: 0x80, count: length))
            #expect(throws: CodingError.self) {
                var r = ByteReader(endless); _ = try r.varint64()
            }
            #expect(throws: CodingError.self) {
                var r = ByteReader(endless); _ = try r.varint32()
            }
        }
        let beyond32 = Bytes([0xFF, 0xFF, 0xFF, 0xFF, 0x1F])
        #expect(throws: CodingError.varintTooLong(at: 0)) {
            var r = ByteReader(beyond32); _ = try r.unsignedVarint32()
        }
        let beyond64 = Bytes([UInt8](repeating: 0xFF, count: 9) + [0x02])
        #expect(throws: CodingError.varintTooLong(at: 0)) {
            var r = ByteReader(beyond64); _ = try r.unsignedVarint64()
        }
    }

    @Test("random values of every width come back, and leave nothing over")
    func randomValues() throws {
        var random = SplitMix64(seed: 2)
        for _ in 0..<2000 {
            let value = Int64(bitPattern: random.next() >> UInt64(random.below(64)))
            var writer = ByteWriter(capacity: 1)
            writer.varint(value)
            writer.unsignedVarint(UInt64(bitPattern: value))
            writer.integer(value)
            var reader = ByteReader(writer.finish())
            #expect(try reader.varint64() == value)
            #expect(try reader.unsignedVarint64() == UInt64(bitPattern: value))
            #expect(try reader.integer(Int64.self) == value)
            #expect(reader.remaining == 0)
        }
    }

    @Test("slices share the memory, and lengths beyond the end are refused")
    func slices() throws {
        var reader = ByteReader([1, 2, 3, 4])
        #expect(throws: CodingError.truncated(at: 0, needed: 5)) { try reader.slice(5) }
        #expect(throws: CodingError.truncated(at: 0, needed: -1)) { try reader.slice(-1) }
        #expect(try reader.slice(3) == [1, 2, 3])
        #expect(try reader.skip(1) == 3..<4)
        #expect(reader.rest() == [])
    }
}
