import SegmentLog

/// A JSON value (RFC 8259) that comes back as it went in: a number keeps its text, and an object the order of
/// its members, of which several may have the same name. Only whitespace and the choice of escapes are lost.
///
///     let message = try JSON(parsing: Bytes(utf8: #"{"price": 1.50, "tags": ["a"]}"#))
///     message["price"]       // .number("1.50")
///     message.encoded        // the bytes of {"price":1.50,"tags":["a"]}
public enum JSON: Equatable, Sendable {
    /// `null`.
    case null
    /// `true` or `false`.
    case bool(Bool)
    /// A number, by its text: 1e400 is one, and 1.0 is not 1.
    case number(String)
    /// A string, without its escapes.
    case string(String)
    /// Values in order.
    case array([JSON])
    /// Members in order.
    case object([Member])

    /// A name and a value in an object.
    public struct Member: Equatable, Sendable {
        /// Its name; "" is one, too.
        public var name: String
        /// Its value.
        public var value: JSON

        /// The member of this name and value.
        public init(_ name: String, _ value: JSON) {
            self.name = name
            self.value = value
        }
    }

    /// A number without fraction or exponent.
    public static func integer(_ value: some BinaryInteger) -> JSON { .number(String(value)) }

    /// The value of the last member of this name; nil where there is none, or where this is no object.
    public subscript(name: String) -> JSON? {
        guard case .object(let members) = self else { return nil }
        return members.last { $0.name == name }?.value
    }

    /// The value as text in UTF-8, without whitespace or a line break.
    public var encoded: Bytes { Bytes(utf8) }

    /// The value as text, without whitespace or a line break.
    public var text: String { String(decoding: utf8, as: UTF8.self) }

    private var utf8: [UInt8] {
        var bytes: [UInt8] = []
        write(to: &bytes)
        return bytes
    }

    private func write(to bytes: inout [UInt8]) {
        switch self {
        case .null: bytes += "null".utf8
        case .bool(let value): bytes += (value ? "true" : "false").utf8
        case .number(let text): bytes += text.utf8
        case .string(let text): Self.write(text, to: &bytes)
        case .array(let values):
            bytes.append(UInt8(ascii: "["))
            for (index, value) in values.enumerated() {
                if index > 0 { bytes.append(UInt8(ascii: ",")) }
                value.write(to: &bytes)
            }
            bytes.append(UInt8(ascii: "]"))
        case .object(let members):
            bytes.append(UInt8(ascii: "{"))
            for (index, member) in members.enumerated() {
                if index > 0 { bytes.append(UInt8(ascii: ",")) }
                Self.write(member.name, to: &bytes)
                bytes.append(UInt8(ascii: ":"))
                member.value.write(to: &bytes)
            }
            bytes.append(UInt8(ascii: "}"))
        }
    }

    /// What must be escaped is, in its shortest form; everything else stands for itself.
    private static func write(_ text: String, to bytes: inout [UInt8]) {
        bytes.append(UInt8(ascii: "\""))
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: "\""), UInt8(ascii: "\\"): bytes += [UInt8(ascii: "\\"), byte]
            case UInt8(ascii: "\n"): bytes += "\\n".utf8
            case UInt8(ascii: "\r"): bytes += "\\r".utf8
            case UInt8(ascii: "\t"): bytes += "\\t".utf8
            case 0..<0x20: bytes += ((byte < 0x10 ? "\\u000" : "\\u00") + String(byte, radix: 16)).utf8
            default: bytes.append(byte)
            }
        }
        bytes.append(UInt8(ascii: "\""))
    }
}

/// Why a text is not JSON, and where.
public struct JSONError: Error, Equatable, Sendable, CustomStringConvertible {
    /// The place in the text, in bytes from 0.
    public var position: Int
    /// What is wrong there.
    public var reason: String

    /// "byte 17: a string does not end".
    public var description: String { "byte \(position): \(reason)" }
}
