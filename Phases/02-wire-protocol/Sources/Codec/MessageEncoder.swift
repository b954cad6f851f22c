import SegmentLog

/// Writes a message. Batches are not copied: they become parts of their own between the bytes.
public struct MessageEncoder: MessageCoder {
    /// The version being written.
    public let version: Int16
    /// Whether lengths are compact and structures end with tags.
    public let isFlexible: Bool
    /// All that is in memory, one after the other, so that a message takes few heap blocks.
    private var bytes: [UInt8] = []
    /// Batches, and the place in `bytes` that they go before.
    private var batches: [(position: Int, part: Payload.Part)] = []

    /// An encoder of one version.
    public init(version: Int16, isFlexible: Bool) {
        self.version = version
        self.isFlexible = isFlexible
        bytes.reserveCapacity(128)
    }

    /// What was written.
    public consuming func finish() -> Payload {
        let all = Bytes(bytes)
        guard !batches.isEmpty else { return Payload(all) }
        var parts: [Payload.Part] = []
        var start = 0
        for (position, batch) in batches {
            if position > start { parts.append(.bytes(all.slice(start..<position))) }
            parts.append(batch)
            start = position
        }
        if start < all.count { parts.append(.bytes(all.dropFirst(start))) }
        return Payload(parts: parts)
    }

    mutating func write<Value: FixedWidthInteger & BitwiseCopyable>(_ value: Value) {
        unsafe withUnsafeBytes(of: value.bigEndian) { unsafe bytes.append(contentsOf: $0) }
    }

    mutating func writeVarint(_ value: Int) {
        var rest = UInt64(value)
        while rest >= 0x80 {
            bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
            rest >>= 7
        }
        bytes.append(UInt8(rest))
    }

    /// An integer, big-endian.
    @inline(__always)
    public mutating func integer<Value: FixedWidthInteger & BitwiseCopyable>(
        _ value: inout Value
    ) throws(CodingError) {
        write(value)
    }

    /// A length of `fixed` width, or compact: one more than the length, and 0 for null.
    private mutating func writeLength<Width: FixedWidthInteger & BitwiseCopyable>(
        _ length: Int?, _ fixed: Width.Type, nullable: Bool
    ) throws(CodingError) {
        guard length != nil || nullable else { throw .unexpectedNull(at: bytes.count) }
        if isFlexible {
            writeVarint(length.map { $0 + 1 } ?? 0)
        } else {
            guard let narrow = Width(exactly: length ?? -1) else {
                throw .invalidLength(at: bytes.count, length ?? -1)
            }
            write(narrow)
        }
    }

    /// Text behind its length.
    public mutating func string(_ value: inout String?, nullable: Bool) throws(CodingError) {
        try writeLength(value.map { $0.utf8.count }, Int16.self, nullable: nullable)
        if let value { bytes.append(contentsOf: value.utf8) }
    }

    /// Batches behind their length, as a part of their own.
    public mutating func records(_ value: inout Records?, nullable: Bool) throws(CodingError) {
        try writeLength(value?.count, Int32.self, nullable: nullable)
        guard let value, value.count > 0 else { return }
        switch value {
        case .bytes(let records): batches.append((bytes.count, .bytes(records)))
        case .file(let range): batches.append((bytes.count, .file(range)))
        }
    }

    /// Bytes behind their length. They are few, so they are copied.
    public mutating func bytes(_ value: inout Bytes?, nullable: Bool) throws(CodingError) {
        try writeLength(value?.count, Int32.self, nullable: nullable)
        if let value { unsafe value.withUnsafeBytes { unsafe bytes.append(contentsOf: $0) } }
    }

    /// The number of elements.
    public mutating func arrayCount(_ count: inout Int?, nullable: Bool) throws(CodingError) {
        try writeLength(count, Int32.self, nullable: nullable)
    }

    /// The elements.
    public mutating func elements<Element: Field>(_ array: inout [Element], count: Int) throws(CodingError) {
        for index in array.indices { try array[index].code(&self) }
    }

    /// The tagged fields that differ from their defaults.
    public mutating func tags(_ body: (inout TagEncoder) throws(CodingError) -> Void) throws(CodingError) {
        guard isFlexible else { return }
        var tags = TagEncoder(version: version)
        try body(&tags)
        writeVarint(tags.fields.count)
        for (tag, value) in tags.fields {
            writeVarint(Int(tag))
            writeVarint(value.count)
            bytes.append(contentsOf: value.array)
        }
    }
}

/// Gathers the tagged fields of one structure.
public struct TagEncoder: TagCoder {
    /// The version being written.
    public let version: Int16
    fileprivate var fields: [(tag: UInt32, value: Bytes)] = []

    init(version: Int16) { self.version = version }

    /// Writes the field unless it has its default value.
    public mutating func value<Value: Field & Equatable>(
        _ tag: UInt32, _ value: inout Value, default: Value
    ) throws(CodingError) {
        guard value != `default` else { return }
        var encoder = MessageEncoder(version: version, isFlexible: true)
        try value.code(&encoder)
        fields.append((tag, encoder.finish().inMemoryBytes))
    }
}

extension Field {
    /// The bytes of a structure that stands alone, outside any message: two bytes that tell its kind or its version,
    /// and its fields.
    public func encoded(behind prefix: Int16, version: Int16, isFlexible: Bool) throws(CodingError) -> Bytes {
        var encoder = MessageEncoder(version: version, isFlexible: isFlexible)
        encoder.write(prefix)
        var copy = self
        try copy.code(&encoder)
        return encoder.finish().inMemoryBytes
    }
}
