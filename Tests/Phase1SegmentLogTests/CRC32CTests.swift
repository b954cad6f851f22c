import SegmentLog
import Testing

@Suite("CRC-32C")
struct CRC32CTests {
    @Test("has the check value of its specification")
    func checkValue() {
        // RFC 3720, appendix B.4, and the catalogue's "123456789".
        #expect(CRC32C.checksum(Bytes(utf8: "123456789")) == 0xE306_9283)
        #expect(CRC32C.checksum(Bytes([UInt8](repeating: 0, count: 32))) == 0x8A91_36AA)
        #expect(CRC32C.checksum(Bytes([UInt8](repeating: 0xFF, count: 32))) == 0x62A8_AB43)
        #expect(CRC32C.checksum(Bytes((0..<32).map { UInt8($0) })) == 0x46DD_794E)
    }

    @Test("is the same from the instruction and from tables, at every length and alignment")
    func hardwareAgreesWithTables() {
        var random = SplitMix64(seed: 1)
        let bytes = Bytes((0..<20_000).map { _ in UInt8(truncatingIfNeeded: random.next()) })
        for length in Array(0...1100) + [2047, 6143, 6144, 6145, 12_288, 19_990] {
            let part = bytes.slice((length % 9)..<(length % 9 + length))
            #expect(CRC32C.checksum(part) == CRC32C.portableChecksum(part), "length \(length)")
        }
    }

    @Test("of a whole is the checksum of its parts continued")
    func continues() {
        let bytes = Bytes((0..<5000).map { UInt8(truncatingIfNeeded: $0 * 7) })
        for cut in [0, 1, 7, 300, 4999, 5000] {
            let first = CRC32C.checksum(bytes.slice(0..<cut))
            #expect(CRC32C.checksum(bytes.dropFirst(cut), continuing: first) == CRC32C.checksum(bytes))
        }
    }
}
