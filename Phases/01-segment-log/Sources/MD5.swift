/// The MD5 digest (RFC 1321): 128 bits that stand for a key in an `OffsetMap`, as in Kafka.
///
/// Nobody should sign anything with it: two inputs of the same digest can be made. That somebody
/// finds a second input for a *given* key's digest is still out of reach, and that is what matters here.
package struct MD5Digest: Hashable, Sendable {
    /// The first eight bytes, least significant first.
    package var low: UInt64
    /// The last eight bytes, least significant first.
    package var high: UInt64

    /// The digest of `bytes`.
    package init(of bytes: Bytes) {
        var state: SIMD4<UInt32> = [0x6745_2301, 0xEFCD_AB89, 0x98BA_DCFE, 0x1032_5476]
        var words = [UInt32](repeating: 0, count: 16)
        unsafe bytes.withUnsafeBytes { input in
            let whole = input.count / 64 * 64
            for start in stride(from: 0, to: whole, by: 64) {
                for index in 0..<16 {
                    // SAFETY: 64 bytes lie behind `start`.
                    let word = unsafe input.loadUnaligned(fromByteOffset: start + 4 * index, as: UInt32.self)
                    words[index] = UInt32(littleEndian: word)
                }
                Self.mix(&state, words)
            }
            // What is left, a bit that is set, zeros, and the length in bits: one block or two.
            let rest = input.count - whole
            for block in 0..<(rest < 56 ? 1 : 2) {
                for index in 0..<16 {
                    words[index] = (0..<4).reduce(0) { word, byte in
                        let place = block * 64 + index * 4 + byte
                        let value: UInt8 = unsafe place < rest ? input[whole + place] : place == rest ? 0x80 : 0
                        return word | UInt32(value) << UInt32(8 * byte)
                    }
                }
                if block == (rest < 56 ? 0 : 1) {
                    let bits = UInt64(input.count) &* 8
                    words[14] = UInt32(truncatingIfNeeded: bits)
                    words[15] = UInt32(truncatingIfNeeded: bits >> 32)
                }
                Self.mix(&state, words)
            }
        }
        low = UInt64(state[0]) | UInt64(state[1]) << 32
        high = UInt64(state[2]) | UInt64(state[3]) << 32
    }

    /// Takes one block of 64 bytes into the state.
    private static func mix(_ state: inout SIMD4<UInt32>, _ words: [UInt32]) {
        var (a, b, c, d) = (state[0], state[1], state[2], state[3])
        for step in 0..<64 {
            let (mixed, word): (UInt32, Int) =
                switch step / 16 {
                case 0: (b & c | ~b & d, step)
                case 1: (d & b | ~d & c, (5 * step + 1) % 16)
                case 2: (b ^ c ^ d, (3 * step + 5) % 16)
                default: (c ^ (b | ~d), 7 * step % 16)
                }
            let sum = a &+ mixed &+ sines[step] &+ words[word]
            let turn = turns[step / 16 * 4 + step % 4]
            (a, d, c) = (d, c, b)
            b = b &+ (sum << turn | sum >> (32 - turn))
        }
        state = state &+ [a, b, c, d]
    }

    /// How far each step rotates: four numbers for each of the four rounds.
    private static let turns: [UInt32] = [7, 12, 17, 22, 5, 9, 14, 20, 4, 11, 16, 23, 6, 10, 15, 21]

    /// The first 32 bits behind the point of |sin(1)|, |sin(2)|, …
    private static let sines: [UInt32] = [
        0xD76A_A478, 0xE8C7_B756, 0x2420_70DB, 0xC1BD_CEEE, 0xF57C_0FAF, 0x4787_C62A, 0xA830_4613, 0xFD46_9501,
        0x6980_98D8, 0x8B44_F7AF, 0xFFFF_5BB1, 0x895C_D7BE, 0x6B90_1122, 0xFD98_7193, 0xA679_438E, 0x49B4_0821,
        0xF61E_2562, 0xC040_B340, 0x265E_5A51, 0xE9B6_C7AA, 0xD62F_105D, 0x0244_1453, 0xD8A1_E681, 0xE7D3_FBC8,
        0x21E1_CDE6, 0xC337_07D6, 0xF4D5_0D87, 0x455A_14ED, 0xA9E3_E905, 0xFCEF_A3F8, 0x676F_02D9, 0x8D2A_4C8A,
        0xFFFA_3942, 0x8771_F681, 0x6D9D_6122, 0xFDE5_380C, 0xA4BE_EA44, 0x4BDE_CFA9, 0xF6BB_4B60, 0xBEBF_BC70,
        0x289B_7EC6, 0xEAA1_27FA, 0xD4EF_3085, 0x0488_1D05, 0xD9D4_D039, 0xE6DB_99E5, 0x1FA2_7CF8, 0xC4AC_5665,
        0xF429_2244, 0x432A_FF97, 0xAB94_23A7, 0xFC93_A039, 0x655B_59C3, 0x8F0C_CC92, 0xFFEF_F47D, 0x8584_5DD1,
        0x6FA8_7E4F, 0xFE2C_E6E0, 0xA301_4314, 0x4E08_11A1, 0xF753_7E82, 0xBD3A_F235, 0x2AD7_D2BB, 0xEB86_D391,
    ]
}
