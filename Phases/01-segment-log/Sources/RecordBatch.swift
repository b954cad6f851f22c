/// A record batch (magic 2): the unit that producers send, logs store and consumers fetch.
///
/// The bytes are kept as they came. Records are read from them one after another, without copying:
///
///     let batch = try RecordBatch(checking: bytes)
///     var records = batch.records()
///     while let record = try records.next() {
///         print(batch.offset(of: record), batch.bytes(record.value))
///     }
@frozen
public struct RecordBatch: Sendable {
    /// The header, parsed.
    public let header: RecordBatchHeader
    /// The whole batch, header included.
    public let bytes: Bytes

    /// The batch at the beginning of `bytes`, with its header and its CRC checked. What follows the
    /// batch in `bytes` is left alone.
    public init(checking bytes: Bytes) throws(BatchError) {
        try self.init(unchecked: bytes)
        let computed = CRC32C.checksum(self.bytes.dropFirst(RecordBatchHeader.checksumStart))
        guard computed == header.checksum else {
            throw .checksumMismatch(stored: header.checksum, computed: computed)
        }
    }

    /// The same without the CRC, for bytes that were checked before.
    package init(unchecked bytes: Bytes) throws(BatchError) {
        header = try RecordBatchHeader(parsing: bytes)
        guard bytes.count >= header.byteCount else {
            throw .truncated(needed: header.byteCount, available: bytes.count)
        }
        self.bytes = bytes.slice(0..<header.byteCount)
    }

    /// Reads the records in order. Only for a batch whose codec is `none`: `opened` makes one of any other.
    public func records() -> RecordReader {
        RecordReader(bytes, at: RecordBatchHeader.byteCount)
    }

    /// Reads every record of an uncompressed batch, and checks that each is whole, that their
    /// offsets are 0, 1, 2, …, and that there are as many as the header says.
    ///
    /// Returns the greatest timestamp found: Kafka trusts the records more than the header.
    public func checkRecords() throws(BatchError) -> Int64 {
        var reader = records()
        var maxTimestamp: Int64 = -1
        var index = 0
        while let record = try reader.next() {
            guard Int(record.offsetDelta) == index else {
                throw .wrongOffsetDelta(index: index, found: record.offsetDelta)
            }
            maxTimestamp = max(maxTimestamp, timestamp(of: record))
            index += 1
        }
        guard index == Int(header.recordCount) else {
            throw .wrongRecordCount(claimed: header.recordCount, found: index)
        }
        return maxTimestamp
    }

    /// The record's offset in the partition.
    @inlinable
    public func offset(of record: Record) -> Offset {
        Offset(header.baseOffset.value &+ Int64(record.offsetDelta))
    }

    /// The record's timestamp in milliseconds since 1970.
    @inlinable
    public func timestamp(of record: Record) -> Int64 {
        header.attributes.isLogAppendTime
            ? header.maxTimestamp : header.baseTimestamp &+ record.timestampDelta
    }

    /// The bytes of a key or a value, or nil for null.
    @inlinable
    public func bytes(_ range: Range<Int>?) -> Bytes? { range.map { bytes.slice($0) } }

    /// The record's headers (KIP-82), in order.
    public func headers(of record: Record) throws(BatchError) -> [RecordHeader] {
        var reader = ByteReader(bytes.slice(record.headers))
        var headers: [RecordHeader] = []
        do {
            // Each header takes at least two bytes, so the count was checked against the bytes.
            for _ in 0..<record.headerCount {
                let key = try reader.slice(Int(try reader.varint32()))
                let length = try reader.varint32()
                let value = length < 0 ? nil : try reader.slice(Int(length))
                headers.append(RecordHeader(key: key, value: value))
            }
        } catch {
            throw .malformedRecord(index: Int(record.offsetDelta), error)
        }
        return headers
    }
}

/// Where one record's parts lie in its batch's bytes. Plain numbers: nothing is copied or retained.
@frozen
public struct Record: Equatable, Sendable {
    /// The record's timestamp, less the batch's base timestamp, in milliseconds.
    public var timestampDelta: Int64
    /// The record's offset, less the batch's base offset.
    public var offsetDelta: Int32
    /// Where the key lies; nil for a null key.
    public var key: Range<Int>?
    /// Where the value lies; nil for a null value (a tombstone).
    public var value: Range<Int>?
    /// How many headers follow.
    public var headerCount: Int
    /// Where they lie.
    public var headers: Range<Int>

    @inlinable
    init(
        timestampDelta: Int64, offsetDelta: Int32, key: Range<Int>?, value: Range<Int>?,
        headerCount: Int, headers: Range<Int>
    ) {
        self.timestampDelta = timestampDelta
        self.offsetDelta = offsetDelta
        self.key = key
        self.value = value
        self.headerCount = headerCount
        self.headers = headers
    }
}

/// One name and value attached to a record.
public struct RecordHeader: Equatable, Sendable {
    /// The name, usually UTF-8.
    public var key: Bytes
    /// The value, or null.
    public var value: Bytes?

    /// A header with this name and value.
    public init(key: Bytes, value: Bytes?) {
        self.key = key
        self.value = value
    }
}

/// Walks the records of a batch, one at a time.
@frozen
public struct RecordReader: Sendable {
    @usableFromInline var reader: ByteReader
    @usableFromInline var index = 0

    @inlinable
    init(_ bytes: Bytes, at position: Int) { reader = ByteReader(bytes, at: position) }

    /// The next record, or nil behind the last one.
    @inlinable
    public mutating func next() throws(BatchError) -> Record? {
        guard reader.remaining > 0 else { return nil }
        do {
            let record = try parse()
            index &+= 1
            return record
        } catch {
            throw .malformedRecord(index: index, error)
        }
    }

    @inlinable
    mutating func parse() throws(CodingError) -> Record {
        let length = Int(try reader.varint32())
        let start = reader.position
        guard length >= 0 && length <= reader.remaining else { throw .invalidLength(at: start, length) }
        let end = start &+ length
        _ = try reader.skip(1)  // attributes: unused by every version so far
        let timestampDelta = try reader.varint64()
        let offsetDelta = try reader.varint32()
        let key = try nullable()
        let value = try nullable()
        let count = Int(try reader.varint32())
        let headersStart = reader.position
        guard headersStart <= end, count >= 0, count &* 2 <= end &- headersStart else {
            throw .invalidLength(at: headersStart, count)
        }
        if count == 0 {
            guard headersStart == end else { throw .trailingBytes(at: headersStart, count: end &- headersStart) }
        } else {
            try skipHeaders(count, end: end)
        }
        return Record(
            timestampDelta: timestampDelta, offsetDelta: offsetDelta, key: key, value: value,
            headerCount: count, headers: headersStart..<end)
    }

    @inlinable
    @inline(__always)
    mutating func nullable() throws(CodingError) -> Range<Int>? {
        let length = try reader.varint32()
        return length < 0 ? nil : try reader.skip(Int(length))
    }

    @inlinable
    mutating func skipHeaders(_ count: Int, end: Int) throws(CodingError) {
        for _ in 0..<count {
            let keyLength = try reader.varint32()
            guard keyLength >= 0 else { throw .unexpectedNull(at: reader.position) }
            _ = try reader.skip(Int(keyLength))
            _ = try nullable()
        }
        guard reader.position == end else {
            throw .trailingBytes(at: reader.position, count: end &- reader.position)
        }
    }
}
