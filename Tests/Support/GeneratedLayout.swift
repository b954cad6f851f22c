import SegmentLog
import WireProtocol

/// An encoder written apart from the real one, which also notes where each length stands, so that
/// a test can put another one there.
package struct LayoutEncoder: MessageCoder {
    package typealias Tags = LayoutTags

    /// What a length is the length of.
    package enum Kind: Equatable { case string, records, bytes, array, tagCount, tagSize }

    /// A length, and what it counts.
    package struct Mark {
        /// What it is the length of.
        package var kind: Kind
        /// The bytes of the length itself.
        package var range: Range<Int>
        /// The bytes that it counts; for an array, nothing.
        package var content: Range<Int>
        /// The length; nil for null.
        package var value: Int?
        /// Whether null is allowed.
        package var isNullable: Bool
        /// Inside a tagged field, whose size would have to change with it.
        package var isInTag = false
    }

    /// The version being written.
    package let version: Int16
    /// Whether lengths are compact and structures end with tags.
    package let isFlexible: Bool
    /// What has been written.
    package private(set) var bytes: [UInt8] = []
    /// Every length, in the order in which it was written.
    package private(set) var marks: [Mark] = []

    /// An encoder of one version.
    package init(version: Int16, isFlexible: Bool) {
        self.version = version
        self.isFlexible = isFlexible
    }

    /// The body with `replacement` in the place of a length.
    package func replacing(_ mark: Mark, with replacement: [UInt8]) -> Bytes {
        Bytes(bytes[..<mark.range.lowerBound] + replacement + bytes[mark.range.upperBound...])
    }

    /// A varint, made longer than it must be if `width` says so.
    package static func varint(_ value: UInt64, width: Int = 1) -> [UInt8] {
        var bytes: [UInt8] = []
        var rest = value
        while rest >= 0x80 || bytes.count + 1 < width {
            bytes.append(UInt8(rest & 0x7F) | 0x80)
            rest >>= 7
        }
        return bytes + [UInt8(rest)]
    }

    /// The bytes of an integer.
    package static func bigEndian<Value: FixedWidthInteger>(_ value: Value) -> [UInt8] {
        stride(from: Value.bitWidth - 8, through: 0, by: -8).map { UInt8(truncatingIfNeeded: value >> Value($0)) }
    }

    package mutating func integer<Value: FixedWidthInteger & BitwiseCopyable>(_ value: inout Value) throws(CodingError)
    {
        bytes += Self.bigEndian(value)
    }

    private mutating func mark(_ kind: Kind, _ length: Int?, nullable: Bool, content: [UInt8] = []) {
        let start = bytes.count
        if isFlexible {
            bytes += Self.varint(UInt64((length ?? -1) + 1))
        } else if kind == .string {
            bytes += Self.bigEndian(Int16(length ?? -1))
        } else {
            bytes += Self.bigEndian(Int32(length ?? -1))
        }
        let range = start..<bytes.count
        bytes += content
        marks.append(
            Mark(
                kind: kind, range: range, content: range.upperBound..<bytes.count, value: length, isNullable: nullable))
    }

    package mutating func string(_ value: inout String?, nullable: Bool) throws(CodingError) {
        let content = value.map { Array($0.utf8) }
        mark(.string, content?.count, nullable: nullable, content: content ?? [])
    }

    package mutating func records(_ value: inout Records?, nullable: Bool) throws(CodingError) {
        guard case .bytes(let batches)? = value else { return mark(.records, nil, nullable: nullable) }
        mark(.records, batches.count, nullable: nullable, content: batches.array)
    }

    package mutating func bytes(_ value: inout Bytes?, nullable: Bool) throws(CodingError) {
        mark(.bytes, value?.count, nullable: nullable, content: value?.array ?? [])
    }

    package mutating func arrayCount(_ count: inout Int?, nullable: Bool) throws(CodingError) {
        mark(.array, count, nullable: nullable)
    }

    package mutating func elements<Element: Field>(_ array: inout [Element], count: Int) throws(CodingError) {
        for index in array.indices { try array[index].code(&self) }
    }

    package mutating func tags(_ body: (inout LayoutTags) throws(CodingError) -> Void) throws(CodingError) {
        guard isFlexible else { return }
        var tags = LayoutTags(version: version)
        try body(&tags)
        let start = bytes.count
        bytes += Self.varint(UInt64(tags.fields.count))
        let range = start..<bytes.count
        for (tag, field) in tags.fields {
            bytes += Self.varint(UInt64(tag))
            let sizeStart = bytes.count
            bytes += Self.varint(UInt64(field.bytes.count))
            let base = bytes.count
            bytes += field.bytes
            marks.append(
                Mark(
                    kind: .tagSize, range: sizeStart..<base, content: base..<bytes.count, value: field.bytes.count,
                    isNullable: false))
            for var inner in field.marks {
                inner.range = (inner.range.lowerBound + base)..<(inner.range.upperBound + base)
                inner.content = (inner.content.lowerBound + base)..<(inner.content.upperBound + base)
                inner.isInTag = true
                marks.append(inner)
            }
        }
        marks.append(
            Mark(
                kind: .tagCount, range: range, content: range.upperBound..<bytes.count, value: tags.fields.count,
                isNullable: false))
    }
}

/// The tagged fields of one structure, each with its own layout.
package struct LayoutTags: TagCoder {
    package let version: Int16
    fileprivate var fields: [(tag: UInt32, layout: LayoutEncoder)] = []

    package init(version: Int16) { self.version = version }

    package mutating func value<Value: Field & Equatable>(
        _ tag: UInt32, _ value: inout Value, default: Value
    ) throws(CodingError) {
        guard value != `default` else { return }
        var layout = LayoutEncoder(version: version, isFlexible: true)
        try value.code(&layout)
        fields.append((tag, layout))
    }
}
