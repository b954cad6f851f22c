/// An index of a segment: one entry every `index.interval.bytes`, sorted, searched by halving.
///
/// Two kinds of entries make Kafka's two index files: `OffsetIndex` and `TimeIndex`. The entries of
/// a sealed segment are its mapped index file; those of the active one are made by a `GrowingIndex`,
/// whose views stay valid while it grows.
public struct SparseIndex<Entry: IndexEntry>: Sendable {
    /// Entries in the layout of the file, in runs of `entriesPerRun`; the last run may be unfilled.
    private let runs: [Bytes]
    private let entriesPerRun: Int
    /// How many entries there are.
    public let count: Int

    /// An index without entries.
    public init() { self.init(runs: [], entriesPerRun: 1, count: 0) }

    fileprivate init(runs: [Bytes], entriesPerRun: Int, count: Int) {
        self.runs = runs
        self.entriesPerRun = entriesPerRun
        self.count = count
    }

    /// The contents of an index file, which are not copied. Nil where they end inside an entry, or
    /// the last key is not greater than the first: then the file is no index.
    public init?(decoding bytes: Bytes) {
        guard bytes.count % Entry.byteCount == 0 else { return nil }
        let count = bytes.count / Entry.byteCount
        self.init(runs: count == 0 ? [] : [bytes], entriesPerRun: max(count, 1), count: count)
        if let first, let last, count > 1, last.key <= first.key { return nil }
    }

    /// The entry at `position`, which must be in `0..<count`.
    public subscript(position: Int) -> Entry {
        precondition(position >= 0 && position < count, "SparseIndex: no such entry")
        var reader = ByteReader(runs[position / entriesPerRun], at: position % entriesPerRun * Entry.byteCount)
        guard let entry = try? Entry(from: &reader) else {
            preconditionFailure("SparseIndex: a run holds whole entries")
        }
        return entry
    }

    /// The first entry.
    public var first: Entry? { count == 0 ? nil : self[0] }
    /// The last entry.
    public var last: Entry? { count == 0 ? nil : self[count - 1] }
    /// All entries in ascending order.
    public var entries: [Entry] { (0..<count).map { self[$0] } }

    /// The last entry whose key is at most `key`, or nil where all are greater.
    public func last(atMost key: Entry.Key) -> Entry? {
        var low = 0
        var high = count
        while low < high {
            let middle = low + (high - low) / 2
            if self[middle].key <= key { low = middle + 1 } else { high = middle }
        }
        return low == 0 ? nil : self[low - 1]
    }

    /// The entries in the layout of the index file.
    public func encoded() -> Bytes {
        var writer = ByteWriter(capacity: max(1, count * Entry.byteCount))
        var left = count
        for run in runs {
            let taken = min(left, entriesPerRun)
            writer.append(run.slice(0..<(taken * Entry.byteCount)))
            left -= taken
        }
        return writer.finish()
    }
}

/// The index of an active segment: entries are appended, and views are taken of those so far.
///
/// An entry is written behind those that any view shows, into memory that never moves: so other
/// threads read a view while the owner appends (ADR-0106).
public struct GrowingIndex<Entry: IndexEntry>: Sendable {
    private static var entriesPerRun: Int { 512 }

    private var runs: [Bytes] = []
    private var lastRun: ByteStorage?
    private var count = 0
    /// The last entry.
    public private(set) var last: Entry?

    /// An index without entries.
    public init() {}

    /// The entries so far.
    public var view: SparseIndex<Entry> {
        SparseIndex(runs: runs, entriesPerRun: Self.entriesPerRun, count: count)
    }

    /// Appends an entry; one whose key is not greater than the last one's is left out.
    public mutating func append(_ entry: Entry) {
        if let last, entry.key <= last.key { return }
        let place = count % Self.entriesPerRun
        if place == 0 {
            let run = ByteStorage(capacity: Self.entriesPerRun * Entry.byteCount)
            runs.append(Bytes(run, count: run.capacity))
            lastRun = run
        }
        guard let lastRun else { preconditionFailure("GrowingIndex: the first entry begins a run") }
        var writer = ByteWriter(into: lastRun, at: place * Entry.byteCount)
        entry.write(to: &writer)
        count += 1
        last = entry
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
