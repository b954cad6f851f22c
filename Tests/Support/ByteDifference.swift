import SegmentLog

/// Two runs of bytes, field by field up to the first byte that differs, with a caret under it:
///
///        0  00 00 00 00 00 00 00 00  base offset
///        8  00 00 00 46              batch length
///     found 00 00 00 45
///                    ^^ byte 11
///
/// For the comments of expectations: `#expect(found == wanted, "\(ByteDifference(found, wanted, .batch))")`.
public struct ByteDifference: CustomStringConvertible {
    /// What the bytes are, from the first on; what no field covers is shown eight bytes to a line.
    public struct Layout: Sendable {
        var fields: [(name: String, count: Int)]

        /// Fields in order, each with its size in bytes.
        public init(_ fields: [(String, Int)]) { self.fields = fields.map { (name: $0.0, count: $0.1) } }

        /// Bytes of which nothing is known.
        public static let none = Layout([])

        /// The header of a record batch, with its records behind it.
        public static let batch = Layout([
            ("base offset", 8), ("batch length", 4), ("partition leader epoch", 4), ("magic", 1), ("CRC-32C", 4),
            ("attributes", 2), ("last offset delta", 4), ("base timestamp", 8), ("max timestamp", 8),
            ("producer id", 8), ("producer epoch", 2), ("base sequence", 4), ("number of records", 4),
        ])

        /// A request's frame, with a client id of `clientID` bytes.
        public static func request(clientID: Int) -> Layout {
            Layout([
                ("length", 4), ("API key", 2), ("API version", 2), ("correlation id", 4), ("client id's length", 2),
                ("client id", clientID),
            ])
        }

        /// A response's frame.
        public static let response = Layout([("length", 4), ("correlation id", 4)])

        /// `count` entries of a `.index` file.
        public static func offsetIndex(_ count: Int) -> Layout {
            Layout((0..<count).flatMap { [("entry \($0): relative offset", 4), ("entry \($0): position", 4)] })
        }
    }

    private let found: [UInt8]
    private let wanted: [UInt8]
    private let layout: Layout

    /// The difference of what was found from what was wanted.
    public init(_ found: some Sequence<UInt8>, _ wanted: some Sequence<UInt8>, _ layout: Layout = .none) {
        self.found = Array(found)
        self.wanted = Array(wanted)
        self.layout = layout
    }

    /// The same of bytes as logs and messages hold them.
    public init(_ found: Bytes, _ wanted: Bytes, _ layout: Layout = .none) {
        self.init(found.array, wanted.array, layout)
    }

    /// The fields up to the one that differs, and both its values.
    public var description: String {
        let same = zip(found, wanted).prefix { $0 == $1 }.count
        if same == found.count && same == wanted.count { return "the bytes are the same" }
        var lines = [""]
        for field in rows where field.start <= same {
            let range = field.start..<(field.start + field.count)
            lines.append("\(pad(field.start, 4))  \(hex(wanted, range, as: field.name))")
            guard range.contains(same) else { continue }
            let caret = String(repeating: " ", count: 6 + 3 * (same - field.start)) + "^^"
            lines.append("found \(hex(found, range, as: same < found.count ? "" : "it ends here"))")
            lines.append("\(caret) byte \(same)")
        }
        if same == wanted.count {
            lines.append("found \(found.count - same) bytes more than the \(same) that were wanted")
        }
        return lines.joined(separator: "\n")
    }

    /// Every field, and what is behind the last one in eights.
    private var rows: [(start: Int, count: Int, name: String)] {
        var rows: [(Int, Int, String)] = []
        var start = 0
        for field in layout.fields where field.count > 0 && start < wanted.count {
            rows.append((start, field.count, field.name))
            start += field.count
        }
        while start < wanted.count {
            rows.append((start, min(8, wanted.count - start), ""))
            start += 8
        }
        return rows
    }

    private func hex(_ bytes: [UInt8], _ range: Range<Int>, as name: String) -> String {
        let shown = bytes[min(range.lowerBound, bytes.count)..<min(range.upperBound, bytes.count)].map { byte in
            (byte < 16 ? "0" : "") + String(byte, radix: 16)
        }
        let text = shown.joined(separator: " ")
        return name.isEmpty ? text : text + String(repeating: " ", count: max(0, 25 - text.count)) + name
    }

    private func pad(_ number: Int, _ width: Int) -> String {
        let text = String(number)
        return String(repeating: " ", count: max(0, width - text.count)) + text
    }
}
