import SegmentLog
import Testing
import WireProtocol

@Suite("An id of 128 bits")
struct UuidTests {
    @Test(
        "has the text that Kafka gives it",
        arguments: [
            (Uuid.zero, "AAAAAAAAAAAAAAAAAAAAAA"),
            (Uuid(high: 0, low: 1), "AAAAAAAAAAAAAAAAAAAAAQ"),
            (Uuid(high: 0x0001_0203_0405_0607, low: 0x0809_0A0B_0C0D_0E0F), "AAECAwQFBgcICQoLDA0ODw"),
            (Uuid(high: 0x0011_2233_4455_6677, low: 0x8899_AABB_CCDD_EEFF), "ABEiM0RVZneImaq7zN3u_w"),
            (Uuid(high: 0xFBEF_BEFF_FFFF_FFFF, low: 1), "----______8AAAAAAAAAAQ"),
            (Uuid(high: .max, low: .max), "_____________________w"),
        ])
    func knownText(id: Uuid, text: String) {
        #expect(id.description == text)
        #expect(Uuid(text) == id)
    }

    @Test("comes back from its text", arguments: Array(0..<200) as [UInt64])
    func roundTrip(seed: UInt64) {
        var random = SplitMix64(seed: seed)
        for id in [Uuid(high: random.next(), low: random.next()), Uuid.random(using: &random)] {
            #expect(id.description.utf8.count == 22)
            #expect(Uuid(id.description) == id)
        }
    }

    @Test(
        "is not read from any other text",
        arguments: [
            "", "A", "AAAAAAAAAAAAAAAAAAAAA", "AAAAAAAAAAAAAAAAAAAAAAA", "AAAAAAAAAAAAAAAAAAAAAA==",
            "AAAAAAAAAAAAAAAAAAAA==", "AAAAAAAAAAAAAAAAAAAA+A", "AAAAAAAAAAAAAAAAAAAA/A",
            " AAAAAAAAAAAAAAAAAAAAA", "AAAAAAAAAAAAAAAAAAAAA\n", "AAAAAAAAAAAAAAAAAAAA\u{E9}",
            "AAAAAAAAAAAAAAAAAAAAAB", "00112233-4455-6677-8899-aabbccddeeff",
        ])
    func wrongText(text: String) { #expect(Uuid(text) == nil) }

    /// Gives out numbers that were chosen beforehand.
    private struct Scripted: RandomNumberGenerator {
        var numbers: [UInt64]
        mutating func next() -> UInt64 { numbers.removeFirst() }
    }

    @Test("drawn at random never begins with a dash")
    func noDash() {
        // 0xF8 to 0xFB begin with the six bits that are a dash.
        var scripted = Scripted(numbers: [0xF800 << 48, 1, 0xFBFF << 48, 2, 0x1234 << 48, 3])
        #expect(Uuid.random(using: &scripted) == Uuid(high: 0x1234_0000_0000_4000, low: 0x8000_0000_0000_0003))
        #expect(scripted.numbers.isEmpty)
    }

    @Test("drawn at random has version 4, the variant of RFC 9562, and differs from the others")
    func random() {
        var random = SplitMix64(seed: 5)
        let drawn = (0..<5_000).map { _ in Uuid.random(using: &random) }
        #expect(drawn.allSatisfy { $0.high >> 12 & 0xF == 4 && $0.low >> 62 == 0b10 })
        #expect(drawn.allSatisfy { !$0.description.hasPrefix("-") })
        #expect(Set(drawn).count == drawn.count)
    }
}
