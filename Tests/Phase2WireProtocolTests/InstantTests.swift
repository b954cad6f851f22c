import Testing
import WireProtocol

@Suite("Instant")
struct InstantTests {
    @Test("stops at the end of its range instead of trapping")
    func saturates() {
        #expect(Instant(nanoseconds: 5).advanced(byMilliseconds: 2).nanoseconds == 2_000_005)
        #expect(Instant(nanoseconds: 5).advanced(byMilliseconds: .max).nanoseconds == .max)
        #expect(Instant(nanoseconds: .max - 1).advanced(byMilliseconds: 1).nanoseconds == .max)
    }
}
