import SegmentLog

extension Uuid: CustomStringConvertible {
    private static let digits = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_".utf8)

    /// A random id (RFC 9562, version 4), never one of Kafka's reserved ones, and none whose text
    /// begins with a dash, which a command line would take for a flag.
    public static func random(using generator: inout some RandomNumberGenerator) -> Uuid {
        while true {
            let high = generator.next() & 0xFFFF_FFFF_FFFF_0FFF | 0x4000
            let low = generator.next() & 0x3FFF_FFFF_FFFF_FFFF | 0x8000_0000_0000_0000
            let uuid = Uuid(high: high, low: low)
            if !uuid.description.hasPrefix("-") { return uuid }
        }
    }

    /// Kafka's text: the 16 bytes in URL-safe base64, 22 characters without padding.
    public var description: String {
        let bytes =
            (0..<8).map { UInt8(truncatingIfNeeded: high >> (56 - 8 * $0)) }
            + (0..<8).map { UInt8(truncatingIfNeeded: low >> (56 - 8 * $0)) }
        var text: [UInt8] = []
        for start in stride(from: 0, to: 16, by: 3) {
            let group = (0..<3).reduce(UInt32(0)) { $0 << 8 | UInt32(start + $1 < 16 ? bytes[start + $1] : 0) }
            for shift in [18, 12, 6, 0] { text.append(Self.digits[Int(group >> UInt32(shift) & 63)]) }
        }
        return String(decoding: text.prefix(22), as: UTF8.self)
    }

    /// Reads Kafka's text; nil for anything else.
    public init?(_ text: String) {
        guard text.utf8.count == 22 else { return nil }
        var bits: (high: UInt64, low: UInt64) = (0, 0)
        for (index, character) in text.utf8.enumerated() {
            guard let digit = Self.digits.firstIndex(of: character) else { return nil }
            // The last character carries two bits of the id and four of padding, which are zero.
            if index == 21 && digit & 15 != 0 { return nil }
            let (value, width): (UInt64, UInt64) = index == 21 ? (UInt64(digit) >> 4, 2) : (UInt64(digit), 6)
            bits.high = bits.high << width | bits.low >> (64 - width)
            bits.low = bits.low << width | value
        }
        self.init(high: bits.high, low: bits.low)
    }
}
