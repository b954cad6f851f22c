import SegmentLog

/// Batches for tests.
public enum Batches {
    /// A batch of `count` records with values that say which they are.
    public static func make(_ count: Int = 1, tag: String = "r", timestamp: Int64 = 1_000, padding: Int = 0)
        -> RecordBatch
    {
        var builder = RecordBatchBuilder(baseTimestamp: timestamp)
        let pad = String(repeating: ".", count: padding)
        for index in 0..<count {
            builder.append(
                key: Bytes(utf8: "k\(index)"), value: Bytes(utf8: "\(tag)-\(index)\(pad)"), timestamp: timestamp)
        }
        return builder.finish()
    }

    /// Every record's value in the batches that `bytes` holds, by offset; a batch cut short at the
    /// end is left out.
    public static func values(in bytes: Bytes) throws -> [(offset: Int64, value: String)] {
        var values: [(Int64, String)] = []
        var rest = bytes
        while rest.count >= RecordBatchHeader.byteCount {
            let header = try RecordBatchHeader(parsing: rest)
            guard header.byteCount <= rest.count else { break }
            let batch = try RecordBatch(checking: rest)
            var records = batch.records()
            while let record = try records.next() {
                values.append((batch.offset(of: record).value, batch.bytes(record.value)?.utf8 ?? "null"))
            }
            rest = rest.dropFirst(header.byteCount)
        }
        return values
    }
}
