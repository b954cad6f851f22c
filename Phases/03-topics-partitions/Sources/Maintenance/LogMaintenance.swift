import SegmentLog
import WireProtocol

/// Deletes and compacts what topics are configured to lose: Kafka's `LogManager` and `LogCleaner`, as one
/// machine that is told the time and does a bounded step per turn.
///
///     let next = try maintenance.turn(at: now, wallClock: milliseconds, over: topics, &effects)
///     effects.append(.wake(at: next))
///
/// It does three things, in turns where more than one of them is due:
///
/// - *Checking* goes through all partitions every `log.retention.check.interval.ms`: an old active segment
///   is rolled, retention deletes segments, files that were deleted long enough ago are removed.
/// - *Compacting* chooses the dirtiest log, and takes one `LogCleaner` through it.
/// - *Removing* takes the files of deleted topics off the disk.
///
/// What it does is bounded, so that the thread that it shares with everybody's requests is never held for
/// long (ADR-0305). It opens a log only where there may be something to do.
///
/// - I3.8: nothing is deleted or compacted that is not below the high watermark.
/// - I3.9: at most one log is being compacted.
public struct LogMaintenance {
    /// How often, and how much at once, by Kafka's names where it has one.
    public struct Settings: Sendable {
        /// `log.retention.check.interval.ms`: how often each partition is checked.
        public var checkIntervalMilliseconds: Int64 = 300_000
        /// `log.segment.delete.delay.ms`: how long the files of a deleted topic stay.
        public var fileDeleteDelayMilliseconds: Int64 = 60_000
        /// `log.cleaner.enable`: whether logs are compacted whose topics say so.
        public var compacts = true
        /// `log.cleaner.backoff.ms`: how long no log is looked at after none was dirty.
        public var cleanerBackoffMilliseconds: Int64 = 15_000
        /// `log.cleaner.io.max.bytes.per.second`: what compaction may read and write; nil for no limit.
        public var cleanerMaxBytesPerSecond: Double?
        /// The most partitions that a turn looks at.
        public var partitionsPerTurn = 32
        /// About how many bytes of batches a turn of compaction reads.
        public var bytesPerTurn = 128 << 10
        /// The most files that a turn removes, and the most segments that it deletes.
        public var filesPerTurn = 4
        /// The time between two turns, so that requests have their part of it.
        public var spacingMilliseconds: Int64 = 2

        /// Kafka's defaults.
        public init() {}
    }

    /// What a turn can do.
    private enum Activity: CaseIterable { case checking, compacting, removing }

    /// What is remembered of a partition between turns.
    struct Watched {
        /// What its directory told, while its log was not open.
        var glance: LogGlance?
        /// The active segment with something in it, as the last check found it.
        var active: (base: Offset, end: Offset, since: Instant)?
        /// Whether compacting it has failed.
        var isSetAside = false
        /// The number of the check that saw it last.
        var check = 0
    }

    /// How often, and how much at once.
    public var settings: Settings
    let directory: LogDirectory
    /// Looked up by the partition's key, never iterated.
    var watched: [Int: Watched] = [:]

    /// Where the check goes on; nil where none is on its way.
    var checkFrom: Int?
    /// When the next check begins; nil before the first turn.
    var checkAt: Instant?
    var checkNumber = 0
    /// Partitions that have more to do than one turn could.
    var unfinished: [Int] = []
    var compaction = Compaction.idle(until: Instant(nanoseconds: .min))
    /// What the last turn did.
    private var last = Activity.removing

    /// Maintains the logs of `directory`.
    public init(_ directory: LogDirectory, _ settings: Settings = Settings()) {
        self.directory = directory
        self.settings = settings
    }

    /// Does one bounded step, if one is due. Returns when the next turn should be.
    ///
    /// An earlier one does no harm, and finds what has become due since: a deleted topic, another config.
    ///
    /// - Parameter wallClock: the time of day, in milliseconds since 1970.
    /// - Throws: only where a synchronize failed: the node must stop.
    public mutating func turn(
        at now: Instant, wallClock: Int64, over topics: Topics, _ effects: inout Effects
    ) throws(LogError) -> Instant {
        // As in Kafka, the first check is not held up by the start.
        let firstDelay = min(30_000, settings.checkIntervalMilliseconds)
        if checkAt == nil { checkAt = now.advanced(byMilliseconds: firstDelay) }
        let time = Time(now: now, wallClock: wallClock)
        let all = Activity.allCases
        let place = (all.firstIndex(of: last) ?? 0) + 1
        for activity in all[place...] + all[..<place] where due(activity, time) <= now {
            last = activity
            switch activity {
            case .checking: try check(time, topics, &effects)
            case .compacting: try compact(time, topics, &effects)
            case .removing: removeDirectories(time, &effects)
            }
            return max(next(time), now.advanced(byMilliseconds: settings.spacingMilliseconds))
        }
        return next(time)
    }

    /// Ends what is on its way: nothing half written stays behind. For a clean stop.
    public mutating func stop() {
        if case .cleaning(let cleaning) = compaction { cleaning.cleaner.abandon() }
        compaction = .idle(until: Instant(nanoseconds: .max))
    }

    /// One turn's time.
    struct Time {
        let now: Instant
        /// Milliseconds since 1970.
        let wallClock: Int64

        /// The time of day `milliseconds` ago.
        func ago(_ milliseconds: Int64) -> Int64 { Self.difference(wallClock, milliseconds) }

        /// Milliseconds since `timestamp`.
        func age(of timestamp: Int64) -> Int64 { Self.difference(wallClock, timestamp) }

        /// `left - right`; stops at the ends of the range.
        static func difference(_ left: Int64, _ right: Int64) -> Int64 {
            let (difference, overflow) = left.subtractingReportingOverflow(right)
            return overflow ? (right < 0 ? .max : .min) : difference
        }
    }

    private func next(_ time: Time) -> Instant {
        Activity.allCases.map { due($0, time) }.min() ?? time.now
    }

    private func due(_ activity: Activity, _ time: Time) -> Instant {
        switch activity {
        case .checking: checkFrom != nil || !unfinished.isEmpty ? time.now : checkAt ?? time.now
        case .compacting: settings.compacts ? compaction.due(time.now) : Instant(nanoseconds: .max)
        case .removing:
            directory.firstDetached.map { since in
                let left = Time.difference(settings.fileDeleteDelayMilliseconds, time.age(of: since))
                return time.now.advanced(byMilliseconds: max(left, 0))
            } ?? Instant(nanoseconds: .max)
        }
    }

    private func removeDirectories(_ time: Time, _ effects: inout Effects) {
        do {
            let removed = try directory.removeDetached(
                detachedUpTo: time.ago(settings.fileDeleteDelayMilliseconds), atMost: settings.filesPerTurn)
            for name in removed { effects.log(.info, "directory_removed", ["directory": name]) }
        } catch {
            effects.log(
                .error, "directory_not_removed", ["error": "\(error)", "consequence": "left to the next start"])
        }
    }
}
