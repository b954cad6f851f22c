import BenchmarkSupport
import Foundation
import SegmentLog

/// Opening logs: a large one after a crash, and very many small ones.
enum Opening {
    /// A log that was not closed is read whole, and every CRC compared; what is behind the recovery
    /// point is written and synchronized again.
    static func recovery(_ scope: Scope) throws -> [Comparison] {
        try scope.withDirectory { storage in
            let memory = "CRC-32C of the same bytes in memory"
            var durable = Comparison("recover a cached segment that is on disk", "GiB/s", against: memory)
            var rewritten = Comparison("recover a cached segment, and write it again", "GiB/s", against: memory)
            let byteCount = scope.isQuick ? 32 << 20 : 256 << 20
            let log = try Workload.log(
                in: storage, filledWith: try Workload.batch(), byteCount: byteCount, segmentBytes: 1 << 30)
            let bytes = try log.activeFile.read(byteCount, at: 0)
            for _ in 0..<scope.rounds(7) {
                try round(&durable, bytes, in: storage, recoveryPoint: log.end.offset)
                try round(&rewritten, bytes, in: storage, recoveryPoint: .zero)
            }
            return [durable, rewritten]
        }
    }

    private static func round(
        _ result: inout Comparison, _ bytes: Bytes, in storage: any Storage, recoveryPoint: Offset
    ) throws {
        var known = KnownState()
        known.recoveryPoint = recoveryPoint
        try result.round(of: Double(bytes.count) / Double(1 << 30)) {
            guard Reading.checksum(bytes) != 0 else { throw BenchmarkFailure("a CRC of 0") }
        } log: {
            let recovered = try Log(in: storage, known)
            guard recovered.end.position == bytes.count, recovered.recovery.scannedBytes == bytes.count else {
                throw BenchmarkFailure("recovered \(recovered.recovery)")
            }
        }
    }

    /// Opens many logs of one batch each, and holds them. Where the system does not let this process
    /// have the descriptors, it opens fewer, and the name says how many.
    static func many(_ scope: Scope) throws -> [Comparison] {
        let limit = try raisedDescriptorLimit()
        return try scope.withDirectory { storage in
            let batch = try Workload.batch(byteCount: 1024)
            let alone = try descriptorCount()
            let first = try Log(in: try storage.directory("first"))
            let each = try withExtendedLifetime(first) { try descriptorCount() } - alone
            let count = min(scope.isQuick ? 500 : 10_000, (limit - alone - 100) / each)
            for index in 0..<count {
                let log = try Log(in: try storage.directory("log-\(index)"))
                _ = try log.append(batch, leaderEpoch: LeaderEpoch(0))
            }
            // What is dirty would be written by those who open first.
            sync()
            let bare = try measure {
                for index in 0..<count {
                    let directory = try storage.directory("log-\(index)")
                    try directory.open("00000000000000000000.log", creating: false).synchronize()
                    try directory.synchronizeDirectory()
                }
            }
            let memory = residentBytes()
            let descriptors = try descriptorCount()
            var logs: [Log] = []
            let seconds = try measure {
                for index in 0..<count { logs.append(try Log(in: try storage.directory("log-\(index)"))) }
            }
            guard logs.allSatisfy({ $0.end.position == 1024 }) else { throw BenchmarkFailure("a log is not whole") }
            var speed = Comparison(
                "open \(count) logs", "logs/s",
                against: "open, fdatasync(2) and fsync(2) of the same files and directories")
            speed.add(bare: Double(count) / bare, log: Double(count) / seconds)
            var time = Comparison("open \(count) logs: all of them", "s")
            time.add(log: seconds)
            var bytes = Comparison("memory of an open log", "KiB")
            bytes.add(log: Double(residentBytes() - memory) / 1024 / Double(count))
            var files = Comparison("descriptors of an open log", "descriptors")
            files.add(log: Double(try descriptorCount() - descriptors) / Double(count))
            return [speed, time, bytes, files]
        }
    }

    /// Lets this process have as many descriptors as it may; returns how many those are.
    private static func raisedDescriptorLimit() throws -> Int {
        var limit = rlimit()
        guard unsafe getrlimit(descriptorLimit, &limit) == 0 else { throw BenchmarkFailure("getrlimit: \(errno)") }
        limit.rlim_cur = min(limit.rlim_max, 100_000)
        guard unsafe setrlimit(descriptorLimit, &limit) == 0 else { throw BenchmarkFailure("setrlimit: \(errno)") }
        return Int(limit.rlim_cur)
    }

    #if canImport(Darwin)
        private static let descriptorLimit = RLIMIT_NOFILE
    #else
        private static let descriptorLimit = __rlimit_resource_t(RLIMIT_NOFILE.rawValue)
    #endif

    /// Bytes of this process in memory (VmRSS); 0 where nobody says.
    private static func residentBytes() -> Int {
        guard let status = try? String(contentsOfFile: "/proc/self/status", encoding: .utf8),
            let found = status.firstMatch(of: #/VmRSS:\s*(\d+) kB/#)
        else { return 0 }
        return (Int(found.1) ?? 0) * 1024
    }

    /// The descriptors of this process.
    private static func descriptorCount() throws -> Int {
        try FileManager.default.contentsOfDirectory(atPath: "/dev/fd").count
    }
}
