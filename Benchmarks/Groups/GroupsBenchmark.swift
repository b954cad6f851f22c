import BenchmarkSupport
import Foundation
import SegmentLog
import WireProtocol

/// `bench-groups [--quick] [--only classic|KIP-848] [--write FILE]`: 1,000 groups with 10,000 members on one broker, and one group with 1,000
/// members, of both kinds: memory, rebalances, heartbeats, commits, and a restart.
///
/// The broker is a process of its own; each member has a connection. What the broker uses of the processor for a
/// request is also shown as a ratio to an ApiVersions request in the same run. With `--quick` it is short, writes
/// nothing, and fails only where a figure is far off.
@main
struct GroupsBenchmark {
    static func main() throws {
        #if os(Linux)
            let arguments = Array(CommandLine.arguments.dropFirst())
            let scale = arguments.contains("--quick") ? Scale.quick : Scale.full
            let root = FileManager.default.currentDirectoryPath + "/.build/bench-groups"
            try? FileManager.default.removeItem(atPath: root)
            try FileManager.default.createDirectory(atPath: root, withIntermediateDirectories: true)
            defer { try? FileManager.default.removeItem(atPath: root) }
            try checkDescriptorLimit(for: scale.groupCount * scale.groupSize)

            let only = value(of: "--only", in: arguments)
            var columns: [(kind: String, figures: Figures)] = []
            if only ?? ClassicMember.kind == ClassicMember.kind {
                columns.append((ClassicMember.kind, try Run<ClassicMember>(scale, in: root + "/classic").measured()))
            }
            if only ?? ConsumerMember.kind == ConsumerMember.kind {
                columns.append((ConsumerMember.kind, try Run<ConsumerMember>(scale, in: root + "/consumer").measured()))
            }
            let table = Figures.table(columns, scale)
            print(table)
            if let path = value(of: "--write", in: arguments), !scale.isQuick, only == nil {
                let cores = ProcessInfo.processInfo.activeProcessorCount
                try Report.replace(
                    "bench-groups", in: path, with: "\(processor()), \(cores) cores.\n\n\(table)")
            }
            let strange = columns.flatMap(\.figures.farOff)
            for one in strange { print("far off: \(one)") }
            if scale.isQuick && !strange.isEmpty {
                try? FileManager.default.removeItem(atPath: root)
                exit(1)
            }
        #else
            print("bench-groups uses epoll and /proc, which only Linux has")
        #endif
    }

    private static func value(of flag: String, in arguments: [String]) -> String? {
        guard let place = arguments.firstIndex(of: flag), place + 1 < arguments.count else { return nil }
        return arguments[place + 1]
    }

    #if os(Linux)
        /// Each connection takes a descriptor here, and one in the broker, which needs some more for its files.
        private static func checkDescriptorLimit(for connections: Int) throws {
            var limit = rlimit()
            let kind = __rlimit_resource_t(RLIMIT_NOFILE.rawValue)
            guard unsafe getrlimit(kind, &limit) == 0 else { return }
            limit.rlim_cur = limit.rlim_max
            _ = unsafe setrlimit(kind, &limit)
            guard limit.rlim_max < rlim_t(connections + 2_000) else { return }
            throw BenchmarkFailure(
                "\(connections) members need as many connections, and a process may have only \(limit.rlim_max) "
                    + "descriptors: raise the hard limit (ulimit -Hn), or use --quick")
        }
    #endif
}

/// How much is done.
struct Scale {
    var isQuick: Bool
    /// Many groups.
    var groupCount: Int
    var groupSize: Int
    /// The members of the one large group.
    var largeSize: Int
    /// Partitions of the topic that many groups read; the large group reads one with a partition for each member.
    var partitionCount: Int32
    var rounds: Int
    /// How long a round lasts.
    var seconds: Seconds
    /// How many rebalances are measured.
    var rebalances: Int

    static let full = Scale(
        isQuick: false, groupCount: 1_000, groupSize: 10, largeSize: 1_000, partitionCount: 100, rounds: 5,
        seconds: 1, rebalances: 100)
    static let quick = Scale(
        isQuick: true, groupCount: 50, groupSize: 10, largeSize: 100, partitionCount: 100, rounds: 3,
        seconds: 0.3, rebalances: 10)
}
