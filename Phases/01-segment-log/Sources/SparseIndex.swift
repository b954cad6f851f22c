/// An index of a segment: one entry every `index.interval.bytes`, sorted, searched by halving.
///
/// Two kinds of entries make Kafka's two index files: `OffsetIndex` and `TimeIndex`.
public struct SparseIndex<Entry: IndexEntry>: Sendable {
    /// The entries in ascending order of their keys.
    public private(set) var entries: [Entry] = []

    /// An index without entries.
    public init() {}

    /// Appends an entry; one whose key is not greater than the last one's is left out.
    public mutating func append(_ entry: Entry) {
        if let last = entries.last, entry.key <= last.key { return }
        entries.append(entry)
    }

    /// The last entry whose key is at most `key`, or nil where all are greater.
    public func last(atMost key: Entry.Key) -> Entry? {
        var low = 0
        var high = entries.count
        while low < high {
            let middle = low + (high - low) / 2
            if entries[middle].key <= key { low = middle + 1 } else { high = middle }
        }
        return low == 0 ? nil : entries[low - 1]
    }

    /// The entries in the layout of the index file.
    public func encoded() -> Bytes {
        var writer = ByteWriter(capacity: max(1, entries.count * Entry.byteCount))
        for entry in entries { entry.write(to: &writer) }
        return writer.finish()
    }

    /// Reads an index file. Nil where it cannot be one: a partial entry, or keys out of order.
    public init?(decoding bytes: Bytes) {
        guard bytes.count % Entry.byteCount == 0 else { return nil }
        var reader = ByteReader(bytes)
        entries.reserveCapacity(bytes.count / Entry.byteCount)
        while reader.remaining > 0 {
            guard let entry = try? Entry(from: &reader) else { return nil }
            if let last = entries.last, entry.key <= last.key { return nil }
            entries.append(entry)
        }
    }
}

/// An entry of a sparse index: a key to search by, and a layout.
public protocol IndexEntry: Equatable, Sendable {
    /// What the entries are sorted and searched by.
    associatedtype Key: Comparable
    /// Bytes of an entry in its file.
    static var byteCount: Int { get }
    /// The sort key.
    var key: Key { get }
    /// Reads the layout of the file.
    init(from reader: inout ByteReader) throws(CodingError)
    /// Writes the layout of the file.
    func write(to writer: inout ByteWriter)
}

/// An entry of a `.index` file: at `position` begins a batch whose last offset is
/// `relativeOffset` behind the segment's base offset.
public struct OffsetIndexEntry: IndexEntry {
    /// The batch's last offset, less the segment's base offset.
    public var relativeOffset: Int32
    /// Where the batch begins in the `.log` file, in bytes.
    public var position: Int32

    /// An entry with these fields.
    public init(relativeOffset: Int32, position: Int32) {
        self.relativeOffset = relativeOffset
        self.position = position
    }

    /// 4 bytes of offset and 4 of position.
    public static var byteCount: Int { 8 }
    /// The relative offset.
    public var key: Int32 { relativeOffset }

    /// Reads an entry.
    public init(from reader: inout ByteReader) throws(CodingError) {
        relativeOffset = try reader.integer()
        position = try reader.integer()
    }

    /// Writes the entry.
    public func write(to writer: inout ByteWriter) {
        writer.integer(relativeOffset)
        writer.integer(position)
    }
}

/// An entry of a `.timeindex` file: no record up to `relativeOffset` has a timestamp greater than
/// `timestamp`.
public struct TimeIndexEntry: IndexEntry {
    /// The greatest timestamp so far, in milliseconds since 1970.
    public var timestamp: Int64
    /// The last offset of the batch that has it, less the segment's base offset.
    public var relativeOffset: Int32

    /// An entry with these fields.
    public init(timestamp: Int64, relativeOffset: Int32) {
        self.timestamp = timestamp
        self.relativeOffset = relativeOffset
    }

    /// 8 bytes of timestamp and 4 of offset.
    public static var byteCount: Int { 12 }
    /// The timestamp.
    public var key: Int64 { timestamp }

    /// Reads an entry.
    public init(from reader: inout ByteReader) throws(CodingError) {
        timestamp = try reader.integer()
        relativeOffset = try reader.integer()
    }

    /// Writes the entry.
    public func write(to writer: inout ByteWriter) {
        writer.integer(timestamp)
        writer.integer(relativeOffset)
    }
}

/// Finds the place of an offset.
public typealias OffsetIndex = SparseIndex<OffsetIndexEntry>
/// Finds the first offset of a time.
public typealias TimeIndex = SparseIndex<TimeIndexEntry>
