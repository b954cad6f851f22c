/// Gathers records into a batch.
///
///     var builder = RecordBatchBuilder(baseTimestamp: 1_700_000_000_000)
///     builder.append(key: Bytes(utf8: "k"), value: Bytes(utf8: "v"))
///     let batch = builder.finish()
public struct RecordBatchBuilder: ~Copyable {
    private var header: RecordBatchHeader
    private var writer: ByteWriter

    /// The records gathered so far.
    public var recordCount: Int { Int(header.recordCount) }
    /// The size of the batch if it ended here.
    public var byteCount: Int { writer.count }

    /// A batch whose first record will have offset 0 and, unless told otherwise, `baseTimestamp`
    /// in milliseconds since 1970.
    public init(baseTimestamp: Int64, capacity: Int = 1024) {
        header = RecordBatchHeader(baseTimestamp: baseTimestamp)
        writer = ByteWriter(capacity: capacity)
        header.write(to: &writer)
    }

    /// Appends a record. Keys, values and header values may be null.
    public mutating func append(
        key: Bytes?, value: Bytes?, headers: [RecordHeader] = [], timestamp: Int64? = nil
    ) {
        let timestamp = timestamp ?? header.baseTimestamp
        let timestampDelta = timestamp &- header.baseTimestamp
        let offsetDelta = header.recordCount
        var length = 1 + Varint.size(of: timestampDelta) + Varint.size(of: Int64(offsetDelta))
        length += size(key) + size(value) + Varint.size(of: Int64(headers.count))
        for header in headers { length += size(header.key) + size(header.value) }

        writer.varint(Int64(length))
        writer.integer(UInt8(0))
        writer.varint(timestampDelta)
        writer.varint(Int64(offsetDelta))
        write(key)
        write(value)
        writer.varint(Int64(headers.count))
        for header in headers {
            write(header.key)
            write(header.value)
        }
        header.lastOffsetDelta = offsetDelta
        header.recordCount += 1
        header.maxTimestamp = max(header.maxTimestamp, timestamp)
    }

    /// Ends the batch: lengths, counts and CRC are written into its header.
    public consuming func finish() -> RecordBatch {
        header.byteCount = writer.count
        let gathered = writer.finish()
        return header.sealing(gathered.dropFirst(RecordBatchHeader.byteCount))
    }

    /// The same with the records compressed.
    public consuming func finish(codec: BatchAttributes.Codec) throws(CompressionError) -> RecordBatch {
        header.attributes = header.attributes.with(codec)
        let gathered = writer.finish()
        return header.sealing(try codec.compress(gathered.dropFirst(RecordBatchHeader.byteCount)))
    }

    private func size(_ bytes: Bytes?) -> Int {
        guard let bytes else { return 1 }
        return Varint.size(of: Int64(bytes.count)) + bytes.count
    }

    private mutating func write(_ bytes: Bytes?) {
        writer.varint(bytes.map { Int64($0.count) } ?? -1)
        if let bytes { writer.append(bytes) }
    }
}

extension RecordBatchHeader {
    /// The batch of this header and `records`, with length and CRC made to fit.
    package func sealing(_ records: Bytes) -> RecordBatch {
        var header = self
        header.byteCount = Self.byteCount + records.count
        header.checksum = header.checksum(over: records)
        var writer = ByteWriter(capacity: header.byteCount)
        header.write(to: &writer)
        writer.append(records)
        return RecordBatch(header: header, bytes: writer.finish())
    }

    /// The CRC-32C of this header's covered part followed by `records`.
    package func checksum(over records: Bytes) -> UInt32 {
        var writer = ByteWriter(capacity: Self.byteCount)
        write(to: &writer)
        let covered = CRC32C.checksum(writer.finish().dropFirst(Self.checksumStart))
        return CRC32C.checksum(records, continuing: covered)
    }
}

extension RecordBatch {
    /// A batch of parts that are known to fit together.
    init(header: RecordBatchHeader, bytes: Bytes) {
        self.header = header
        self.bytes = bytes
    }
}
