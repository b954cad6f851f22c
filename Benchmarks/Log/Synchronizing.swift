import BenchmarkSupport
#if canImport(Darwin)
    import Darwin
#else
    import Glibc
#endif
import SegmentLog

/// Appends that are acknowledged once they are on disk, with 1, 16 and 500 writers waiting.
///
/// One thread plays all writers. Each has one batch of a single record under way, and hands in the
/// next one when it is acknowledged. *One by one* synchronizes each batch alone; *group commit*
/// appends all that wait and synchronizes once.
struct Synchronizing {
    enum Way: String, CaseIterable {
        case bare = "write(2) + fdatasync(2)"
        case oneByOne = "append + synchronize"
        case group = "group commit"
    }

    struct Acknowledgements {
        var perSecond: Double
        var milliseconds: [Double]
    }

    let writers: Int
    let batch: RecordBatch
    let requests: Int

    /// The rows of the table of latencies, and the comparisons.
    static func run(_ scope: Scope) throws -> (comparisons: [Comparison], latencies: [Latency]) {
        let batch = try Workload.singleRecordBatch()
        var comparisons: [Comparison] = []
        var latencies: [Latency] = []
        for writers in [1, 16, 500] {
            let requests = max(writers * 2, scope.isQuick ? 200 : 1000)
            let side = Synchronizing(writers: writers, batch: batch, requests: requests)
            let (compared, measured) = try side.compare(scope)
            comparisons += compared
            latencies += measured
        }
        return (comparisons, latencies)
    }

    private func compare(_ scope: Scope) throws -> ([Comparison], [Latency]) {
        let alone = Way.bare.rawValue + " of each"
        var oneByOne = Comparison("synchronized one by one, \(writers) waiting", "requests/s", against: alone)
        var group = Comparison("group commit, \(writers) waiting", "requests/s", against: alone)
        var latencies = Way.allCases.map { Latency(writers: writers, way: $0) }
        for _ in 0..<scope.rounds(5) {
            var perSecond: [Double] = []
            for (index, way) in Way.allCases.enumerated() {
                let acknowledged = try scope.withDirectory { try run(way, in: $0, scope) }
                perSecond.append(acknowledged.perSecond)
                latencies[index].add(acknowledged)
            }
            oneByOne.add(bare: perSecond[0], log: perSecond[1])
            group.add(bare: perSecond[0], log: perSecond[2])
        }
        return ([oneByOne, group], latencies)
    }

    private func run(_ way: Way, in storage: any Storage, _ scope: Scope) throws -> Acknowledgements {
        let log = try Log(in: storage)
        let descriptor = try scope.newFile("bare", in: storage)
        defer { close(descriptor) }
        let clock = ContinuousClock()
        let start = clock.now
        var submitted = [ContinuousClock.Instant](repeating: start, count: writers)
        var milliseconds: [Double] = []
        // A group is so cheap that it takes many to have something to measure.
        let total = way == .group ? requests * writers : requests
        milliseconds.reserveCapacity(total)
        while milliseconds.count < total {
            let group = way == .group ? Array(0..<writers) : [milliseconds.count % writers]
            for _ in group {
                if way == .bare {
                    try Appending.writeAll(batch.bytes, count: 1, to: descriptor)
                } else {
                    _ = try log.append(batch, leaderEpoch: LeaderEpoch(0))
                }
            }
            if way == .bare { try synchronizeData(descriptor) } else { try log.synchronize() }
            let now = clock.now
            for writer in group {
                milliseconds.append(submitted[writer].seconds(to: now) * 1e3)
                submitted[writer] = now
            }
        }
        let seconds = start.seconds(to: clock.now)
        return Acknowledgements(perSecond: Double(total) / seconds, milliseconds: milliseconds)
    }

    private func synchronizeData(_ descriptor: Int32) throws {
        #if canImport(Darwin)
            guard fcntl(descriptor, F_FULLFSYNC) != -1 else { throw BenchmarkFailure("F_FULLFSYNC: \(errno)") }
        #else
            guard fdatasync(descriptor) == 0 else { throw BenchmarkFailure("fdatasync: \(errno)") }
        #endif
    }
}

/// How long the writers of one way waited for their acknowledgements.
struct Latency {
    let writers: Int
    let way: Synchronizing.Way
    private var perSecond: [Double] = []
    private var middle: [Double] = []
    private var high: [Double] = []

    init(writers: Int, way: Synchronizing.Way) {
        self.writers = writers
        self.way = way
    }

    mutating func add(_ acknowledged: Synchronizing.Acknowledgements) {
        perSecond.append(acknowledged.perSecond)
        middle.append(percentile(0.5, of: acknowledged.milliseconds))
        high.append(percentile(0.99, of: acknowledged.milliseconds))
    }

    static let header = """
        | waiting writers | way | requests/s | p50 ms | p99 ms |
        |--:|---|--:|--:|--:|
        """

    var row: String {
        let figures = [shown(median(perSecond)), shown(median(middle)), shown(median(high))]
        return "| \(writers) | \(way.rawValue) | " + figures.joined(separator: " | ") + " |"
    }

    /// The same for programs.
    struct Encoded: Encodable {
        var writers: Int
        var way: String
        var perSecond: Double
        var p50Milliseconds: Double
        var p99Milliseconds: Double
    }

    var encoded: Encoded {
        Encoded(
            writers: writers, way: way.rawValue, perSecond: rounded(median(perSecond)),
            p50Milliseconds: rounded(median(middle)), p99Milliseconds: rounded(median(high)))
    }
}
