import LogbookClient
import TopicsPartitions

extension JSON {
    /// A number, or null.
    init(_ number: (some BinaryInteger)?) { self = number.map { .integer($0) } ?? .null }

    /// A string, or null.
    init(_ string: String?) { self = string.map { .string($0) } ?? .null }

    /// An id, or null for zero.
    init(_ id: Uuid) { self = id == .zero ? .null : .string("\(id)") }

    /// An object with these members, in this order.
    static func members(_ members: [(String, JSON)]) -> JSON { .object(members.map { Member($0.0, $0.1) }) }

    /// A cell of a table; nil for null.
    var cell: String? {
        switch self {
        case .null: nil
        case .string(let text): text
        default: text
        }
    }

    /// The key for a column: "REPLICATION-FACTOR" is "replicationFactor".
    static func key(_ column: String) -> String {
        let words = column.split(separator: "-").map { $0.lowercased() }
        return words[0] + words.dropFirst().map { $0.prefix(1).uppercased() + $0.dropFirst() }.joined()
    }

    /// Bytes as a string, and how: UTF-8 where they are that, else base64; null for null.
    static func encoded(_ bytes: Bytes?) -> (value: JSON, encoding: JSON) {
        guard let bytes else { return (.null, .null) }
        if let text = bytes.utf8 { return (.string(text), .string("utf8")) }
        return (.string(base64(bytes.array)), .string("base64"))
    }

    /// RFC 4648, with padding.
    static func base64(_ bytes: [UInt8]) -> String {
        let digits = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)
        var text: [UInt8] = []
        for start in stride(from: 0, to: bytes.count, by: 3) {
            let group = bytes[start..<min(start + 3, bytes.count)]
            let bits = group.reduce(UInt32(0)) { $0 << 8 | UInt32($1) } << UInt32(8 * (3 - group.count))
            for place in 0..<4 {
                let digit = digits[Int(bits >> UInt32(18 - 6 * place) & 63)]
                text.append(place <= group.count ? digit : UInt8(ascii: "="))
            }
        }
        return String(decoding: text, as: UTF8.self)
    }
}
