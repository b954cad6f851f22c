import SegmentLog
import WireProtocol

extension LogMaintenance {
    /// Where compaction stands.
    enum Compaction {
        /// Nothing was dirty: nothing is looked at before then.
        case idle(until: Instant)
        /// The partitions from a key on are still to be looked at. Of those before, this is the dirtiest.
        case choosing(from: Int, dirtiest: (key: Int, ratio: Double)?)
        /// A log is being compacted.
        case cleaning(Cleaning)

        /// When there is something to do.
        func due(_ now: Instant) -> Instant {
            switch self {
            case .idle(let until): until
            case .choosing: now
            case .cleaning(let cleaning): cleaning.resumeAt
            }
        }

        /// The key of the partition that is being compacted.
        var key: Int? {
            if case .cleaning(let cleaning) = self { cleaning.key } else { nil }
        }
    }

    /// A compaction on its way.
    struct Cleaning {
        let key: Int
        let log: Log
        let cleaner: LogCleaner
        let firstDirtyOffset: Offset
        let startedAt: Instant
        /// When `log.cleaner.io.max.bytes.per.second` lets it go on.
        var resumeAt: Instant
    }

    /// Chooses a log, or takes the one that was chosen a step further.
    mutating func compact(_ time: Time, _ topics: Topics, _ effects: inout Effects) throws(LogError) {
        switch compaction {
        case .idle: try choose(from: .min, nil, time, topics, &effects)
        case .choosing(let key, let dirtiest): try choose(from: key, dirtiest, time, topics, &effects)
        case .cleaning(let cleaning): try step(cleaning, time, topics, &effects)
        }
    }

    // MARK: Choosing

    /// Looks at some partitions for a log that is dirtier than `dirtiest`; behind the last one, begins to
    /// compact what was found.
    private mutating func choose(
        from key: Int, _ dirtiest: (key: Int, ratio: Double)?, _ time: Time, _ topics: Topics,
        _ effects: inout Effects
    ) throws(LogError) {
        var (key, dirtiest) = (key, dirtiest)
        for _ in 0..<settings.partitionsPerTurn {
            guard let partition = topics.firstPartition(from: key) else {
                return try begin(dirtiest?.key, time, topics, &effects)
            }
            key = partition.key + 1
            do throws(LogError) {
                if partition.opened == nil, try open(partition, time) { break }
                if let ratio = try ratio(of: partition, time), ratio > dirtiest?.ratio ?? -1 {
                    dirtiest = (partition.key, ratio)
                }
            } catch {
                try setAside(partition, error, &effects)
            }
        }
        compaction = .choosing(from: key, dirtiest: dirtiest)
    }

    /// Opens a log that may be dirty, and will be looked at when the next one is chosen.
    private mutating func open(_ partition: Partition, _ time: Time) throws(LogError) -> Bool {
        guard isCandidate(partition), try shouldOpen(partition, time) else { return false }
        _ = try partition.log()
        return true
    }

    private func isCandidate(_ partition: Partition) -> Bool {
        partition.config.cleanupPolicy.contains(.compact) && watched[partition.key]?.isSetAside != true
    }

    /// How dirty a log is, if it is worth compacting: as in Kafka, because of its dirty ratio, or because
    /// a dirty record is older than `max.compaction.lag.ms`.
    private func ratio(of partition: Partition, _ time: Time) throws(LogError) -> Double? {
        guard isCandidate(partition), let log = partition.opened else { return nil }
        let config = partition.config
        let toClean = log.dirtiness(
            config.compaction, from: firstDirtyOffset(of: partition), upTo: partition.highWatermark.offset,
            at: time.wallClock)
        guard toClean.cleanableBytes > 0 else { return nil }
        if toClean.shouldBeCleaned(config.compaction) { return toClean.dirtyRatio }
        guard config.maxCompactionLagMilliseconds < .max,
            let oldest = try log.oldestDirtyTimestamp(from: toClean.firstDirtyOffset),
            time.age(of: oldest) > config.maxCompactionLagMilliseconds
        else { return nil }
        return toClean.dirtyRatio
    }

    private func firstDirtyOffset(of partition: Partition) -> Offset {
        directory.firstDirtyOffset(partition.name) ?? .zero
    }

    private mutating func begin(
        _ key: Int?, _ time: Time, _ topics: Topics, _ effects: inout Effects
    ) throws(LogError) {
        guard let key else {
            compaction = .idle(until: time.now.advanced(byMilliseconds: settings.cleanerBackoffMilliseconds))
            return
        }
        compaction = .choosing(from: .min, dirtiest: nil)
        guard let partition = topics.partition(key: key), let log = partition.opened else { return }
        do throws(LogError) {
            let firstDirty = firstDirtyOffset(of: partition)
            let cleaner = try log.makeCleaner(
                partition.config.compaction, from: firstDirty, upTo: partition.highWatermark.offset,
                at: time.wallClock)
            compaction = .cleaning(
                Cleaning(
                    key: key, log: log, cleaner: cleaner, firstDirtyOffset: firstDirty, startedAt: time.now,
                    resumeAt: time.now))
        } catch {
            try setAside(partition, error, &effects)
        }
    }

    /// As in Kafka, a log that cannot be compacted is left alone until the next start.
    private mutating func setAside(
        _ partition: Partition, _ error: LogError, _ effects: inout Effects
    ) throws(LogError) {
        if error.isFinal { throw error }
        watched[partition.key, default: Watched(check: checkNumber)].isSetAside = true
        effects.log(
            .error, "compaction_failed",
            ["partition": partition.name, "error": "\(error)", "consequence": "not compacted until the next start"])
    }

    // MARK: Cleaning

    private mutating func step(
        _ cleaning: Cleaning, _ time: Time, _ topics: Topics, _ effects: inout Effects
    ) throws(LogError) {
        let partition = topics.partition(key: cleaning.key)
        guard let partition, partition.opened === cleaning.log, isCandidate(partition) else {
            cleaning.cleaner.abandon()
            compaction = .choosing(from: .min, dirtiest: nil)
            effects.log(
                .info, "compaction_abandoned",
                ["path": cleaning.log.storage.path, "reason": partition == nil ? "deleted" : "cleanup.policy"])
            return
        }
        do throws(LogError) {
            let before = cleaning.cleaner.byteCount
            if try cleaning.cleaner.step(readingAtMost: settings.bytesPerTurn) {
                var cleaning = cleaning
                cleaning.resumeAt = resumption(after: cleaning.cleaner.byteCount - before, time)
                compaction = .cleaning(cleaning)
            } else {
                try finish(cleaning, partition, time, &effects)
            }
        } catch {
            compaction = .choosing(from: .min, dirtiest: nil)
            try setAside(partition, error, &effects)
        }
    }

    private func resumption(after bytes: Int64, _ time: Time) -> Instant {
        guard let rate = settings.cleanerMaxBytesPerSecond, rate > 0 else { return time.now }
        let microseconds = Double(bytes) / rate * 1_000_000
        return time.now.advanced(byMicroseconds: Int64(min(microseconds, 1e15)))
    }

    private mutating func finish(
        _ cleaning: Cleaning, _ partition: Partition, _ time: Time, _ effects: inout Effects
    ) throws(LogError) {
        let result = cleaning.cleaner.result
        // Retention had to wait.
        unfinished.append(partition.key)
        guard result.firstDirtyOffset > cleaning.firstDirtyOffset else {
            // Its segments were deleted meanwhile: another log may need it more.
            compaction = .idle(until: time.now.advanced(byMilliseconds: settings.cleanerBackoffMilliseconds))
            return
        }
        compaction = .choosing(from: .min, dirtiest: nil)
        try directory.wasCompacted(partition.name, upTo: result.firstDirtyOffset)
        guard result.segmentsReplaced > 0 else { return }
        let nanoseconds = time.now.nanoseconds &- cleaning.startedAt.nanoseconds
        effects.log(
            .info, "log_compacted",
            [
                "partition": partition.name, "bytes_before": "\(result.read.bytes)",
                "bytes_after": "\(result.kept.bytes)", "records_dropped": "\(result.recordsDropped)",
                "segments_before": "\(result.segmentsReplaced)", "segments_after": "\(result.segmentsMade)",
                "first_dirty_offset": "\(result.firstDirtyOffset)", "milliseconds": "\(nanoseconds / 1_000_000)",
            ])
    }
}
