import SegmentLog

extension Int8: Field {
    /// One byte.
    public mutating func code(_ c: inout some MessageCoder) throws(CodingError) { try c.integer(&self) }
}

extension Int16: Field {
    /// Two bytes.
    public mutating func code(_ c: inout some MessageCoder) throws(CodingError) { try c.integer(&self) }
}

extension Int32: Field {
    /// Four bytes.
    public mutating func code(_ c: inout some MessageCoder) throws(CodingError) { try c.integer(&self) }
}

extension Int64: Field {
    /// Eight bytes.
    public mutating func code(_ c: inout some MessageCoder) throws(CodingError) { try c.integer(&self) }
}

extension Bool: Field {
    /// One byte; anything but 0 is true.
    public mutating func code(_ c: inout some MessageCoder) throws(CodingError) {
        var byte: UInt8 = self ? 1 : 0
        try c.integer(&byte)
        self = byte != 0
    }
}

extension Offset: Field {
    /// Offset 0.
    public init() { self.init(0) }
    /// Eight bytes.
    public mutating func code(_ c: inout some MessageCoder) throws(CodingError) { try c.integer(&value) }
}

extension String: NullableField {
    /// The text behind its length.
    public mutating func code(_ c: inout some MessageCoder) throws(CodingError) {
        var value: String? = self
        try c.string(&value, nullable: false)
        self = value ?? ""
    }

    /// The text or null.
    public static func code(
        _ value: inout String?, nullable: Bool, _ c: inout some MessageCoder
    ) throws(CodingError) {
        try c.string(&value, nullable: nullable)
    }
}

extension Array: Field, NullableField where Element: Field {
    /// The number of elements, then each of them.
    public mutating func code(_ c: inout some MessageCoder) throws(CodingError) {
        var count: Int? = self.count
        try c.arrayCount(&count, nullable: false)
        try c.elements(&self, count: count ?? 0)
    }

    /// The array or null.
    public static func code(
        _ value: inout [Element]?, nullable: Bool, _ c: inout some MessageCoder
    ) throws(CodingError) {
        var count = value?.count
        try c.arrayCount(&count, nullable: nullable)
        guard let count else {
            value = nil
            return
        }
        var array = value ?? []
        try c.elements(&array, count: count)
        value = array
    }
}

extension Bytes: NullableField {
    /// The bytes behind their length.
    public mutating func code(_ c: inout some MessageCoder) throws(CodingError) {
        var value: Bytes? = self
        try c.bytes(&value, nullable: false)
        self = value ?? Bytes()
    }

    /// The bytes or null.
    public static func code(
        _ value: inout Bytes?, nullable: Bool, _ c: inout some MessageCoder
    ) throws(CodingError) {
        try c.bytes(&value, nullable: nullable)
    }
}

/// What a message's `records` field carries: bytes in memory, or a part of a file that the
/// reactor sends without reading it.
public enum Records: Sendable {
    /// Batches in memory.
    case bytes(Bytes)
    /// Batches in a segment.
    case file(FileRange)

    /// How many bytes of batches there are.
    public var count: Int {
        switch self {
        case .bytes(let bytes): bytes.count
        case .file(let range): range.count
        }
    }
}

extension Records: NullableField, Equatable {
    /// No batches.
    public init() { self = .bytes(Bytes()) }

    /// The batches behind their length.
    public mutating func code(_ c: inout some MessageCoder) throws(CodingError) {
        var value: Records? = self
        try c.records(&value, nullable: false)
        self = value ?? Records()
    }

    /// The batches or null.
    public static func code(
        _ value: inout Records?, nullable: Bool, _ c: inout some MessageCoder
    ) throws(CodingError) {
        try c.records(&value, nullable: nullable)
    }

    /// Whether both are the same bytes in memory, or the same part of the same file.
    public static func == (left: Records, right: Records) -> Bool {
        switch (left, right) {
        case (.bytes(let l), .bytes(let r)): l == r
        case (.file(let l), .file(let r)): l.file === r.file && l.position == r.position && l.count == r.count
        default: false
        }
    }
}

/// A topic's id, or another identifier of 128 bits (KIP-516).
public struct Uuid: Hashable, Sendable, Field {
    /// The first eight bytes.
    public var high: UInt64
    /// The last eight bytes.
    public var low: UInt64

    /// The id of these bytes.
    public init(high: UInt64, low: UInt64) {
        self.high = high
        self.low = low
    }

    /// The id that stands for none: all zeros.
    public init() { self.init(high: 0, low: 0) }

    /// The id that stands for none.
    public static let zero = Uuid()

    /// Sixteen bytes.
    public mutating func code(_ c: inout some MessageCoder) throws(CodingError) {
        try c.integer(&high)
        try c.integer(&low)
    }
}
