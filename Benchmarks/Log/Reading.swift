import BenchmarkSupport
#if canImport(Darwin)
    import Darwin
#else
    import Glibc
#endif
import SegmentLog
import WireProtocol

/// Reads of a log of several segments: all of it, and at random places.
enum Reading {
    static func run(_ scope: Scope) throws -> [Comparison] {
        try scope.withDirectory { storage in
            let batch = try Workload.batch()
            let segmentBytes = scope.isQuick ? 8 << 20 : 32 << 20
            let log = try Workload.log(
                in: storage, filledWith: batch, byteCount: 4 * segmentBytes, segmentBytes: segmentBytes)
            guard log.snapshot.segmentCount == 4 else {
                throw BenchmarkFailure("\(log.snapshot.segmentCount) segments")
            }
            return [
                try mapped(log, scope), try sent(log, batch, scope), try found(log, scope),
            ]
        }
    }

    /// Sealed segments through a mapping: on both sides the file is mapped, and the same CRCs are computed.
    private static func mapped(_ log: Log, _ scope: Scope) throws -> Comparison {
        var result = Comparison(
            "read sealed segments: map, walk, check every batch", "GB/s",
            against: "map, CRC-32C of the same bytes", goal: .ratio(0.95))
        let sealed = try log.snapshot.segments().dropLast()
        let byteCount = sealed.reduce(0) { $0 + $1.count }
        for _ in 0..<scope.rounds(21) {
            try result.round(of: Double(byteCount) / 1e9) {
                var crc: UInt32 = 0
                for range in sealed { crc = checksum(try range.file.mapped(range.count), continuing: crc) }
                guard crc != 0 else { throw BenchmarkFailure("a CRC of 0") }
            } log: {
                var batches = 0
                for range in sealed {
                    var rest = try range.file.mapped(range.count)
                    while rest.count > 0 {
                        rest = rest.dropFirst(try RecordBatch(checking: rest).bytes.count)
                        batches += 1
                    }
                }
                guard batches == byteCount / Workload.batchBytes else { throw BenchmarkFailure("\(batches) batches") }
            }
        }
        return result
    }

    /// What recovery and readers compute, without looking at any header: the CRC-32C of each batch's covered part.
    static func checksum(_ bytes: Bytes, continuing initial: UInt32 = 0) -> UInt32 {
        var crc = initial
        for start in stride(from: 0, to: bytes.count, by: Workload.batchBytes) {
            let covered = (start + RecordBatchHeader.checksumStart)..<(start + Workload.batchBytes)
            crc = CRC32C.checksum(bytes.slice(covered), continuing: crc)
        }
        return crc
    }

    /// The whole log, 1 MiB at a time, into a loopback socket whose other end discards what comes.
    private static func sent(_ log: Log, _ batch: RecordBatch, _ scope: Scope) throws -> Comparison {
        var result = Comparison(
            "send the whole log: read, sendfile(2)", "GB/s", against: "sendfile(2) of the same files",
            goal: .ratio(0.95))
        let chunk = 1 << 20
        let snapshot = log.snapshot
        let segments = try snapshot.segments()
        let byteCount = Int(snapshot.byteCount)
        // So many even where it must be quick: a few rounds tell more of the socket's buffers than of either side.
        let rounds = max(scope.rounds(31), 15)
        let listeners = try Listeners(bindingTo: [SocketAddress(host: "127.0.0.1", port: 0)])
        let address = listeners.addresses[0]
        try startThread { try? BlockingConnection(to: address).discard((2 * rounds + 1) * byteCount) }
        guard let writer = try listeners.acceptBlocking() else { throw BenchmarkFailure("nobody connected") }
        defer { close(writer) }
        let records = Int64(batch.header.recordCount)
        let bare = {
            for range in segments {
                guard sendFile(range.file, from: range.position, count: range.count, chunk: chunk, to: writer)
                else { throw BenchmarkFailure("sendfile: \(errno)") }
            }
        }
        // The first bytes only fill the socket's buffers.
        try bare()
        for _ in 0..<rounds {
            try result.round(of: Double(byteCount) / 1e9, bare: bare) {
                var offset = snapshot.startOffset
                while let range = try snapshot.read(from: offset, upTo: snapshot.end, maxBytes: chunk) {
                    guard sendFile(range.file, from: range.position, count: range.count, chunk: chunk, to: writer)
                    else { throw BenchmarkFailure("sendfile: \(errno)") }
                    // All batches have the same size, so a consumer's next offset is known without parsing.
                    offset = Offset(offset.value + Int64(range.count / Workload.batchBytes) * records)
                }
                guard offset == snapshot.end.offset else { throw BenchmarkFailure("read up to \(offset)") }
            }
        }
        return result
    }

    /// Reads at random offsets, against the one read(2) that none of them can do without.
    private static func found(_ log: Log, _ scope: Scope) throws -> Comparison {
        var result = Comparison("find a random offset", "lookups/s", against: "pread(2) of 8 KiB at a random place")
        let snapshot = log.snapshot
        let segments = try snapshot.segments()
        let count = scope.isQuick ? 5_000 : 30_000
        var random = SplitMix64(seed: 1)
        for _ in 0..<scope.rounds(15) {
            let offsets = (0..<count).map { _ in Offset(Int64(random.below(Int(snapshot.end.offset.value)))) }
            let places = (0..<count).map { _ in random.below(segments[0].count - 8192) }
            try result.round(of: Double(count)) {
                try unsafe withUnsafeTemporaryAllocation(byteCount: 8192, alignment: 16) { buffer in
                    for (index, place) in places.enumerated() {
                        let file = segments[index % segments.count].file
                        guard let number = file.descriptor,
                            unsafe pread(number, buffer.baseAddress, 8192, off_t(place)) == 8192
                        else { throw BenchmarkFailure("pread: \(errno)") }
                    }
                }
            } log: {
                for offset in offsets {
                    guard try snapshot.read(from: offset, upTo: snapshot.end, maxBytes: 1 << 20) != nil else {
                        throw BenchmarkFailure("nothing at \(offset)")
                    }
                }
            }
        }
        return result
    }
}
