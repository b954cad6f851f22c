import BenchmarkSupport
import SegmentLog

/// What the benchmarks append and read.
enum Workload {
    static let batchBytes = 16 << 10
    static let recordBytes = 100

    /// A batch of exactly `byteCount` bytes, made of records of `recordBytes` (the last one has what is left).
    static func batch(byteCount: Int = batchBytes) throws -> RecordBatch {
        var builder = RecordBatchBuilder(baseTimestamp: 1_700_000_000_000, capacity: byteCount)
        while builder.byteCount < byteCount {
            let left = byteCount - builder.byteCount
            let size = left < 2 * recordBytes ? left : recordBytes
            let index = builder.recordCount
            guard let valueCount = (0..<size).first(where: { recordSize(valueCount: $0, index: index) == size }) else {
                throw BenchmarkFailure("no record takes \(size) bytes")
            }
            builder.append(key: nil, value: Bytes([UInt8](repeating: 0x61, count: valueCount)))
        }
        return builder.finish()
    }

    /// A batch of one record.
    static func singleRecordBatch() throws -> RecordBatch {
        try batch(byteCount: RecordBatchHeader.byteCount + recordBytes)
    }

    /// The bytes of a record without key, headers and timestamp delta.
    private static func recordSize(valueCount: Int, index: Int) -> Int {
        let rest = 4 + Varint.size(of: Int64(index)) + Varint.size(of: Int64(valueCount)) + valueCount
        return Varint.size(of: Int64(rest)) + rest
    }

    /// A log of `byteCount` bytes of `batch` in a directory of its own, all of them durable.
    static func log(
        in storage: any Storage, filledWith batch: RecordBatch, byteCount: Int, segmentBytes: Int
    ) throws -> Log {
        var configuration = LogConfiguration()
        configuration.segmentBytes = segmentBytes
        let log = try Log(in: storage, configuration: configuration)
        for _ in 0..<(byteCount / batch.bytes.count) { _ = try log.append(batch, leaderEpoch: LeaderEpoch(0)) }
        try log.synchronize()
        return log
    }
}

extension LogSnapshot {
    /// The whole log as ranges of one segment each.
    func segments() throws -> [FileRange] {
        var ranges: [FileRange] = []
        var offset = startOffset
        while let range = try read(from: offset, upTo: end, maxBytes: .max) {
            ranges.append(range)
            guard let last = try lastHeader(of: range) else { break }
            offset = last.nextOffset
        }
        return ranges
    }

    private func lastHeader(of range: FileRange) throws -> RecordBatchHeader? {
        var scanner = BatchScanner(
            range.file, from: range.position, to: range.position + Int64(range.count), checksums: false)
        var last: RecordBatchHeader?
        while case .batch(_, let header)? = try scanner.next() { last = header }
        return last
    }
}
