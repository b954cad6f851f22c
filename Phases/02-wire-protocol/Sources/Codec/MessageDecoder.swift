import SegmentLog

/// Reads a message. Batches are not copied: they are slices of the frame.
public struct MessageDecoder: MessageCoder {
    /// The version being read.
    public let version: Int16
    /// Whether lengths are compact and structures end with tags.
    public let isFlexible: Bool
    private var reader: ByteReader
    private var elementsLeft = MessageDecoder.maxElements

    /// How many array elements one message may have in all. Two bytes on the wire can become a
    /// hundred in memory, so the bytes of a frame alone are no bound.
    public static let maxElements = 250_000

    /// A decoder of one version.
    public init(_ bytes: Bytes, version: Int16, isFlexible: Bool) {
        reader = ByteReader(bytes)
        self.version = version
        self.isFlexible = isFlexible
    }

    /// Throws where bytes are left over: then this was not the message that it was taken for.
    public func finish() throws(CodingError) {
        guard reader.remaining == 0 else { throw .trailingBytes(at: reader.position, count: reader.remaining) }
    }

    /// An integer, big-endian.
    @inline(__always)
    public mutating func integer<Value: FixedWidthInteger & BitwiseCopyable>(
        _ value: inout Value
    ) throws(CodingError) {
        value = try reader.integer()
    }

    /// A length that lies within the bytes left, or nil for null. Errors tell where the length begins.
    private mutating func readLength<Width: FixedWidthInteger & BitwiseCopyable>(
        _ fixed: Width.Type, nullable: Bool
    ) throws(CodingError) -> Int? {
        let start = reader.position
        let length = isFlexible ? Int(try reader.unsignedVarint32()) - 1 : Int(try reader.integer(Width.self))
        if length == -1 {
            guard nullable else { throw .unexpectedNull(at: start) }
            return nil
        }
        guard length >= 0, length <= reader.remaining else { throw .invalidLength(at: start, length) }
        return length
    }

    /// Text behind its length.
    public mutating func string(_ value: inout String?, nullable: Bool) throws(CodingError) {
        guard let length = try readLength(Int16.self, nullable: nullable) else {
            value = nil
            return
        }
        value = try reader.slice(length).text
    }

    /// Batches behind their length, as a slice.
    public mutating func records(_ value: inout Records?, nullable: Bool) throws(CodingError) {
        guard let length = try readLength(Int32.self, nullable: nullable) else {
            value = nil
            return
        }
        value = .bytes(try reader.slice(length))
    }

    /// Bytes behind their length, as a slice.
    public mutating func bytes(_ value: inout Bytes?, nullable: Bool) throws(CodingError) {
        guard let length = try readLength(Int32.self, nullable: nullable) else {
            value = nil
            return
        }
        value = try reader.slice(length)
    }

    /// The number of elements. Each takes a byte at least, so it is checked against what is left.
    public mutating func arrayCount(_ count: inout Int?, nullable: Bool) throws(CodingError) {
        count = try readLength(Int32.self, nullable: nullable)
    }

    /// The elements. Memory is taken as they are read, not for a number that somebody claims.
    public mutating func elements<Element: Field>(_ array: inout [Element], count: Int) throws(CodingError) {
        guard count <= elementsLeft else { throw .invalidLength(at: reader.position, count) }
        elementsLeft -= count
        array = []
        array.reserveCapacity(min(count, 64))
        for _ in 0..<count {
            var element = Element()
            try element.code(&self)
            array.append(element)
        }
    }

    /// Reads all tagged fields, hands those that are known to `body`, and skips the others.
    public mutating func tags(_ body: (inout TagDecoder) throws(CodingError) -> Void) throws(CodingError) {
        guard isFlexible else { return }
        let count = try reader.unsignedVarint32()
        var tags = TagDecoder(version: version)
        for _ in 0..<count {
            let tag = try reader.unsignedVarint32()
            let value = try reader.slice(Int(try reader.unsignedVarint32()))
            // Every tag that Kafka has is smaller; the others are unknown, and not kept.
            if tag < 32 && tags.fields.count < 64 { tags.fields.append((tag, value)) }
        }
        try body(&tags)
    }
}

/// The tagged fields of one structure, as they were found.
public struct TagDecoder: TagCoder {
    /// The version being read.
    public let version: Int16
    fileprivate var fields: [(tag: UInt32, value: Bytes)] = []

    init(version: Int16) { self.version = version }

    /// Reads the field if it was sent.
    public mutating func value<Value: Field & Equatable>(
        _ tag: UInt32, _ value: inout Value, default: Value
    ) throws(CodingError) {
        guard let field = fields.last(where: { $0.tag == tag }) else {
            value = `default`
            return
        }
        var decoder = MessageDecoder(field.value, version: version, isFlexible: true)
        try value.code(&decoder)
        try decoder.finish()
    }
}
