extension RecordBatch {
    /// How many bytes of records a batch may inflate to where nobody says otherwise: 64 MiB.
    public static let openingLimit = 64 << 20

    /// The same batch with its records uncompressed: itself, if they already are.
    ///
    ///     let batch = try RecordBatch(checking: bytes).opened()
    ///     var records = batch.records()
    ///
    /// What comes back is an ordinary batch of codec `none`, with its own length and CRC, so that
    /// everything that holds for a batch holds for it. Offsets, timestamps, producer and flags stay.
    /// That the records are sound is not checked: `checkRecords()` does that.
    ///
    /// - Parameter limit: the most bytes that compressed records may inflate to.
    public func opened(limit: Int = RecordBatch.openingLimit) throws(CompressionError) -> RecordBatch {
        guard let codec = header.attributes.codec else {
            throw .unknownCodec(Int(header.attributes.rawValue & 0b111))
        }
        if codec == .none { return self }
        // The records are inflated behind the place of the header, where they stay.
        var output = InflatedBytes(limit: limit, headroom: RecordBatchHeader.byteCount)
        try codec.decompress(bytes.dropFirst(RecordBatchHeader.byteCount), into: &output)
        var opened = header
        opened.attributes = header.attributes.with(.none)
        opened.byteCount = RecordBatchHeader.byteCount + output.count
        let bytes = output.finish { records in
            opened.checksum = opened.checksum(over: records)
            var writer = ByteWriter(capacity: RecordBatchHeader.byteCount)
            opened.write(to: &writer)
            return writer.finish()
        }
        return RecordBatch(header: opened, bytes: bytes)
    }
}
