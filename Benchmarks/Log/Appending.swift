import BenchmarkSupport
import CAllocations
#if canImport(Darwin)
    import Darwin
#else
    import Glibc
#endif
import SegmentLog

/// Appends that nobody synchronizes, against write(2).
enum Appending {
    static func run(_ scope: Scope) throws -> [Comparison] {
        let bytes = "write(2) of the same bytes"
        var large = Comparison("append, batches of 16 KiB", "GB/s", against: bytes, goal: .ratio(0.9))
        var small = Comparison("append, batches of 161 bytes", "GB/s", against: bytes)
        var allocations = Comparison("heap blocks taken by an append", "blocks")
        let batches = (large: try Workload.batch(), small: try Workload.singleRecordBatch())
        for _ in 0..<scope.rounds(31) {
            let taken = try round(&large, batches.large, count: scope.isQuick ? 1024 : 4096, scope)
            if let taken { allocations.add(log: taken) }
            _ = try round(&small, batches.small, count: scope.isQuick ? 1024 : 16384, scope)
        }
        return callocations_count() < 0 ? [large, small] : [large, small, allocations]
    }

    /// Returns how many blocks an append took from the heap, where they can be counted.
    private static func round(
        _ result: inout Comparison, _ batch: RecordBatch, count: Int, _ scope: Scope
    ) throws -> Double? {
        try scope.withDirectory { storage in
            let log = try Log(in: storage)
            let descriptor = try scope.newFile("bare", in: storage)
            defer { close(descriptor) }
            var taken: Int64 = 0
            try result.round(of: Double(count * batch.bytes.count) / 1e9) {
                try writeAll(batch.bytes, count: count, to: descriptor)
            } log: {
                let before = callocations_count()
                for _ in 0..<count { _ = try log.append(batch, leaderEpoch: LeaderEpoch(0)) }
                taken = callocations_count() - before
            }
            guard log.end.position == Int64(count * batch.bytes.count) else {
                throw BenchmarkFailure("the log ends at \(log.end)")
            }
            return callocations_count() < 0 ? nil : Double(taken) / Double(count)
        }
    }

    /// write(2) of `bytes`, `count` times.
    static func writeAll(_ bytes: Bytes, count: Int, to descriptor: Int32) throws {
        try unsafe bytes.withUnsafeBytes { buffer in
            for _ in 0..<count {
                guard unsafe write(descriptor, buffer.baseAddress, buffer.count) == buffer.count else {
                    throw BenchmarkFailure("write: \(errno)")
                }
            }
        }
    }
}
