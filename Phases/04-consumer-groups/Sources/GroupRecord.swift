import SegmentLog
import WireProtocol

/// A record of `__consumer_offsets`: a key that says what it is about, and a value, or none where that is gone.
public struct GroupRecord: Equatable, Sendable {
    /// A number in two bytes that tells the kind, and the key's fields.
    public var key: Bytes
    /// A version in two bytes, and the value's fields; nil is a tombstone.
    public var value: Bytes?

    /// A record with bytes that were read.
    public init(key: Bytes, value: Bytes?) {
        self.key = key
        self.value = value
    }

    /// A record of this key and value.
    public init<Key: GroupRecordKey>(_ key: Key, _ value: Key.Value) throws(CodingError) {
        self.key = try key.encoded()
        self.value = try value.encoded()
    }

    /// Says that what this key tells of is gone.
    public init(removing key: some GroupRecordKey) throws(CodingError) {
        self.key = try key.encoded()
        value = nil
    }

    /// The number that tells the kind of the record.
    public var kind: Int16 {
        get throws(CodingError) {
            var reader = ByteReader(key)
            return try reader.integer(Int16.self)
        }
    }
}

/// The key of one kind of record. Its fields are never flexible.
public protocol GroupRecordKey: Field, Hashable, Sendable {
    /// What it is the key of.
    associatedtype Value: GroupRecordValue
    /// Kafka's number of the kind. Where two stand for the same (offset commits: 0 and 1), the one that is written.
    static var kind: Int16 { get }
}

extension GroupRecordKey {
    /// The kind, and the fields.
    public func encoded() throws(CodingError) -> Bytes {
        try encoded(behind: Self.kind, version: Self.kind, isFlexible: false)
    }

    /// Reads the fields behind the kind, which the caller has looked at.
    ///
    /// A key with a text that is not UTF-8 is refused: nobody could write a tombstone for it.
    public init(decoding key: Bytes) throws(CodingError) {
        var reader = ByteReader(key)
        _ = try reader.integer(Int16.self)
        let fields = reader.rest()
        var decoder = MessageDecoder(fields, version: Self.kind, isFlexible: false)
        self.init()
        try code(&decoder)
        try decoder.finish()
        guard try encoded().dropFirst(2) == fields else { throw .invalidLength(at: 2, fields.count) }
    }
}

/// The value of one kind of record.
public protocol GroupRecordValue: Field, Equatable, Sendable {
    /// The versions that can be read.
    static var versions: ClosedRange<Int16> { get }
    /// The version that is written.
    static var written: Int16 { get }
    /// The same for a value that only another version can hold; `written` for all others.
    var writtenVersion: Int16 { get }
    /// The first version with compact lengths and tags.
    static var firstFlexible: Int16 { get }
}

extension GroupRecordValue {
    /// The version that is written.
    public var writtenVersion: Int16 { Self.written }

    /// The version, and the fields.
    public func encoded() throws(CodingError) -> Bytes {
        let version = writtenVersion
        return try encoded(behind: version, version: version, isFlexible: version >= Self.firstFlexible)
    }

    /// Reads the fields of the version that the bytes begin with.
    public init(decoding value: Bytes) throws(CodingError) {
        var reader = ByteReader(value)
        let version = try reader.integer(Int16.self)
        guard Self.versions.contains(version) else { throw .invalidLength(at: 0, Int(version)) }
        var decoder = MessageDecoder(reader.rest(), version: version, isFlexible: version >= Self.firstFlexible)
        self.init()
        try code(&decoder)
        try decoder.finish()
    }
}
