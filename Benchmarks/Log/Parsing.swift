import BenchmarkSupport
import CAllocations
import SegmentLog

/// What happens to bytes in memory: checksums, and records.
enum Parsing {
    static func run(_ scope: Scope) throws -> [Comparison] {
        let sizes = [(1 << 10, "1 KiB"), (16 << 10, "16 KiB"), (1 << 20, "1 MiB")]
        return try sizes.map { try checksums(byteCount: $0, name: $1, scope) } + records(scope)
    }

    /// Each call continues the one before, so that none can be left out.
    private static func checksums(byteCount: Int, name: String, _ scope: Scope) throws -> Comparison {
        let hasGoal = CRC32C.isHardware && byteCount >= 16 << 10
        var result = Comparison(
            "CRC-32C of \(name)", "GB/s", against: "a sum of the same memory", goal: hasGoal ? .atLeast(15) : nil)
        var random = SplitMix64(seed: UInt64(byteCount))
        let bytes = Bytes((0..<byteCount).map { _ in UInt8(truncatingIfNeeded: random.next()) })
        let repeats = (scope.isQuick ? 32 << 20 : 128 << 20) / byteCount
        for _ in 0..<scope.rounds(15) {
            try result.round(of: Double(repeats * byteCount) / 1e9) {
                var total: UInt64 = 0
                for _ in 0..<repeats { total = sum(bytes, continuing: total) }
                guard total != 1 else { throw BenchmarkFailure("a sum of 1") }
            } log: {
                var crc: UInt32 = 1
                for _ in 0..<repeats { crc = CRC32C.checksum(bytes, continuing: crc) }
                guard crc != 1 else { throw BenchmarkFailure("a CRC of 1") }
            }
        }
        return result
    }

    /// The sum of all 64-bit words.
    @inline(never)
    private static func sum(_ bytes: Bytes, continuing initial: UInt64) -> UInt64 {
        unsafe bytes.withUnsafeBytes { buffer in
            var total = initial
            let words = unsafe buffer.bindMemory(to: UInt64.self)
            for index in words.indices { unsafe total &+= words[index] }
            return total
        }
    }

    /// A batch's header is parsed, and all of its records.
    private static func records(_ scope: Scope) throws -> [Comparison] {
        let bytes = try Workload.batch().bytes
        let perBatch = Int(try RecordBatch(checking: bytes).header.recordCount)
        var speed = Comparison(
            "parse a header and iterate its records of 100 bytes", "million records/s",
            against: "a pointer that trusts the bytes", goal: .atLeast(30))
        var allocations = Comparison("heap blocks taken by a record", "blocks", goal: .atMost(0))
        let repeats = scope.isQuick ? 2_000 : 8_000
        let expected = trustingWalk(bytes, continuing: 0)
        for _ in 0..<scope.rounds(21) {
            var taken: Int64 = 0
            try speed.round(of: Double(repeats * perBatch) / 1e6) {
                var total: UInt64 = 0
                for _ in 0..<repeats { total = trustingWalk(bytes, continuing: total) }
                guard total == expected &* UInt64(repeats) else { throw BenchmarkFailure("another sum") }
            } log: {
                let before = callocations_count()
                var total: UInt64 = 0
                for _ in 0..<repeats { total = try walk(bytes, continuing: total) }
                taken = callocations_count() - before
                guard total == expected &* UInt64(repeats) else { throw BenchmarkFailure("another sum") }
            }
            allocations.add(log: Double(taken) / Double(repeats * perBatch))
        }
        return callocations_count() < 0 ? [speed] : [speed, allocations]
    }

    /// The sum of the records' offset deltas and the lengths of their values.
    @inline(never)
    private static func walk(_ bytes: Bytes, continuing initial: UInt64) throws -> UInt64 {
        let batch = try RecordBatch(unchecked: bytes)
        var records = batch.records()
        var total = initial
        while let record = try records.next() {
            total &+= UInt64(UInt32(bitPattern: record.offsetDelta)) &+ UInt64(record.value?.count ?? 0)
        }
        return total
    }

    /// The same by a pointer that looks at neither lengths nor the end of anything.
    @inline(never)
    private static func trustingWalk(_ bytes: Bytes, continuing initial: UInt64) -> UInt64 {
        unsafe bytes.withUnsafeBytes { buffer in
            guard var next = buffer.baseAddress else { return initial }
            let end = unsafe next + buffer.count
            unsafe next += RecordBatchHeader.byteCount
            var total = initial
            while unsafe next < end {
                _ = unsafe trustingVarint(&next)
                unsafe next += 1
                _ = unsafe trustingVarint(&next)
                total &+= UInt64(bitPattern: unsafe trustingVarint(&next))
                let keyCount = unsafe trustingVarint(&next)
                unsafe next += Int(max(keyCount, 0))
                let valueCount = unsafe trustingVarint(&next)
                unsafe next += Int(max(valueCount, 0))
                total &+= UInt64(bitPattern: max(valueCount, 0))
                _ = unsafe trustingVarint(&next)
            }
            return total
        }
    }

    @inline(__always)
    private static func trustingVarint(_ next: inout UnsafeRawPointer) -> Int64 {
        var value: UInt64 = 0
        var shift: UInt64 = 0
        while true {
            let byte = unsafe next.load(as: UInt8.self)
            unsafe next += 1
            value |= UInt64(byte & 0x7F) &<< shift
            if byte < 0x80 { return Varint.unzigzag(value) }
            shift &+= 7
        }
    }
}
