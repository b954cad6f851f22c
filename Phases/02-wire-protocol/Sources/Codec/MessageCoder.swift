import SegmentLog

/// One direction of a message's code: it either writes a field's value or reads it.
///
/// Every message describes itself once, in a function that is generic over the direction:
///
///     mutating func code(_ c: inout some MessageCoder) throws(CodingError) {
///         try c.field(&maxWaitMilliseconds)
///         try c.field(&isolationLevel, since: 4)
///         try c.field(&topics)
///         try c.tags()
///     }
///
/// `MessageEncoder` and `MessageDecoder` are the two directions.
public protocol MessageCoder {
    /// What codes the tagged fields of this direction.
    associatedtype Tags: TagCoder

    /// The version of the message.
    var version: Int16 { get }
    /// Whether this version is flexible (KIP-482): compact lengths, and tagged fields.
    var isFlexible: Bool { get }

    /// An integer, big-endian.
    mutating func integer<Value: FixedWidthInteger & BitwiseCopyable>(_ value: inout Value) throws(CodingError)
    /// Text behind its length.
    mutating func string(_ value: inout String?, nullable: Bool) throws(CodingError)
    /// Record batches behind their length.
    mutating func records(_ value: inout Records?, nullable: Bool) throws(CodingError)
    /// Bytes that mean something to others, behind their length.
    mutating func bytes(_ value: inout Bytes?, nullable: Bool) throws(CodingError)
    /// Whether a structure that may be null is there.
    mutating func presence(_ isPresent: inout Bool) throws(CodingError)
    /// The number of an array's elements; nil for a null array.
    mutating func arrayCount(_ count: inout Int?, nullable: Bool) throws(CodingError)
    /// An array's elements: `count` new ones where the direction reads, those of `array` where it writes.
    mutating func elements<Element: Field>(_ array: inout [Element], count: Int) throws(CodingError)
    /// The tagged fields at the end of a structure; nothing in a version that is not flexible.
    mutating func tags(_ body: (inout Tags) throws(CodingError) -> Void) throws(CodingError)
}

/// A value that a message can hold: a primitive, an array, or a structure of fields.
public protocol Field: Sendable {
    /// The default value.
    init()
    /// Writes or reads the value.
    mutating func code(_ c: inout some MessageCoder) throws(CodingError)
}

/// A value that a message can hold or leave null: text, bytes and arrays have a length that says so,
/// and a structure, where it may be null in every version, has a byte before it.
public protocol NullableField: Field {
    /// Writes or reads the value or null; throws on a null that is not allowed.
    static func code(_ value: inout Self?, nullable: Bool, _ c: inout some MessageCoder) throws(CodingError)
}

extension NullableField {
    /// A structure behind its byte, or null.
    public static func code(
        _ value: inout Self?, nullable: Bool, _ c: inout some MessageCoder
    ) throws(CodingError) {
        var isPresent = value != nil
        try c.presence(&isPresent)
        guard isPresent else {
            value = nil
            return
        }
        var structure = value ?? Self()
        try structure.code(&c)
        value = structure
    }
}

extension MessageCoder {
    /// One byte: 1, or -1 for null.
    public mutating func presence(_ isPresent: inout Bool) throws(CodingError) {
        var byte: Int8 = isPresent ? 1 : -1
        try integer(&byte)
        isPresent = byte >= 0
    }

    /// A field of the versions from `first` to `last`. In any other version it keeps its value when
    /// read, and is left out when written.
    @inline(__always)
    public mutating func field(
        _ value: inout some Field, since first: Int16 = 0, until last: Int16 = .max
    ) throws(CodingError) {
        if version >= first && version <= last { try value.code(&self) }
    }

    /// A field that may be null from version `nullableSince` on.
    @inline(__always)
    public mutating func field<Value: NullableField>(
        _ value: inout Value?, since first: Int16 = 0, until last: Int16 = .max, nullableSince: Int16 = 0
    ) throws(CodingError) {
        if version >= first && version <= last {
            try Value.code(&value, nullable: version >= nullableSince, &self)
        }
    }

    /// The end of a structure that knows no tagged field.
    public mutating func tags() throws(CodingError) { try tags { _ throws(CodingError) in } }
}

/// Codes the tagged fields of one structure (KIP-482): each may be left out, and unknown ones are skipped.
public protocol TagCoder {
    /// The version of the message.
    var version: Int16 { get }
    /// A tagged field; one that has its default value is not written.
    mutating func value<Value: Field & Equatable>(
        _ tag: UInt32, _ value: inout Value, default: Value
    ) throws(CodingError)
}

extension TagCoder {
    /// The tagged field `tag` of the versions from `first` on.
    public mutating func field<Value: Field & Equatable>(
        _ tag: UInt32, _ field: inout Value, since first: Int16 = 0, default value: Value = Value()
    ) throws(CodingError) {
        if version >= first { try self.value(tag, &field, default: value) }
    }

    /// The tagged field `tag`, which is null where it is left out.
    public mutating func nullable<Value: NullableField & Equatable>(
        _ tag: UInt32, _ field: inout Value?, since first: Int16 = 0
    ) throws(CodingError) {
        guard version >= first else { return }
        var present = Present(value: field)
        try value(tag, &present, default: Present(value: nil))
        field = present.value
    }
}

/// A nullable value as the value of a tag.
private struct Present<Value: NullableField & Equatable>: Field, Equatable {
    var value: Value?

    init() {}
    init(value: Value?) { self.value = value }

    mutating func code(_ c: inout some MessageCoder) throws(CodingError) {
        try Value.code(&value, nullable: true, &c)
    }
}
