import SegmentLog
import WireProtocol

extension LogMaintenance {
    /// What a visit to a partition came to.
    private enum Visit {
        /// There was nothing to do.
        case idle
        /// Something was done, which is enough for a turn.
        case worked
        /// The same, and there may be more.
        case hasMore
    }

    /// Visits partitions until one has had something to do, or there were enough. Those that have more to
    /// do come after all others.
    mutating func check(_ time: Time, _ topics: Topics, _ effects: inout Effects) throws(LogError) {
        if checkFrom == nil, let due = checkAt, due <= time.now {
            checkFrom = .min
            // They are visited anyway.
            unfinished = []
            checkNumber += 1
            checkAt = time.now.advanced(byMilliseconds: settings.checkIntervalMilliseconds)
        }
        for _ in 0..<settings.partitionsPerTurn {
            guard let (partition, isFirst) = nextPartition(topics) else { return }
            let visit: Visit
            do throws(LogError) {
                visit = try self.visit(partition, isFirst, time, &effects)
            } catch {
                if error.isFinal { throw error }
                effects.log(.error, "retention_failed", ["partition": partition.name, "error": "\(error)"])
                visit = .worked
            }
            if visit == .hasMore { unfinished.append(partition.key) }
            if visit != .idle { return }
        }
    }

    /// The partition that is to be visited, and whether it is for the first time in this check.
    private mutating func nextPartition(_ topics: Topics) -> (Partition, isFirst: Bool)? {
        if let key = checkFrom {
            if let partition = topics.firstPartition(from: key) {
                checkFrom = partition.key + 1
                watched[partition.key, default: Watched()].check = checkNumber
                return (partition, true)
            }
            checkFrom = nil
            // Who was not seen is gone.
            watched = watched.filter { $0.value.check == checkNumber }
        }
        while !unfinished.isEmpty {
            if let partition = topics.partition(key: unfinished.removeFirst()) { return (partition, false) }
        }
        return nil
    }

    private mutating func visit(
        _ partition: Partition, _ isFirst: Bool, _ time: Time, _ effects: inout Effects
    ) throws(LogError) -> Visit {
        guard let log = partition.opened else {
            guard try shouldOpen(partition, time) else { return .idle }
            _ = try partition.log()
            return .hasMore
        }
        let config = partition.config
        let removed = try log.removeDeletedFiles(
            deletedUpTo: time.ago(config.fileDeleteDelayMilliseconds), atMost: settings.filesPerTurn)
        if removed == settings.filesPerTurn { return .hasMore }
        if isFirst, isActiveTooOld(partition, log, time) {
            try log.roll()
            effects.log(.info, "segment_rolled", ["partition": partition.name, "end_offset": "\(log.end.offset)"])
            return .hasMore
        }
        // What is being compacted must stay until that is done; then the partition is visited again.
        if compaction.key == partition.key { return removed > 0 ? .worked : .idle }
        return try enforceRetention(partition, log, time, &effects) ?? (removed > 0 ? .worked : .idle)
    }

    private func enforceRetention(
        _ partition: Partition, _ log: Log, _ time: Time, _ effects: inout Effects
    ) throws(LogError) -> Visit? {
        let config = partition.config
        let deletes = config.cleanupPolicy.contains(.delete)
        let before = log.snapshot.byteCount
        let count = try log.enforceRetention(
            bytes: deletes ? config.retentionBytes : nil, milliseconds: deletes ? config.retentionMilliseconds : nil,
            upTo: partition.highWatermark.offset, at: time.wallClock, atMost: settings.filesPerTurn)
        guard count > 0 else { return nil }
        effects.log(
            .info, "segments_deleted",
            [
                "partition": partition.name, "segments": "\(count)", "bytes": "\(before - log.snapshot.byteCount)",
                "log_start_offset": "\(log.startOffset)",
            ])
        return count == settings.filesPerTurn ? .hasMore : .worked
    }

    /// Whether the active segment is older than `segment.ms`. Appends see to that by their timestamps; this
    /// is for a segment whose records have none, counted from when it was first seen here, and for one that
    /// nothing was appended to since the last check.
    private mutating func isActiveTooOld(_ partition: Partition, _ log: Log, _ time: Time) -> Bool {
        let end = log.end
        let seen = watched[partition.key]?.active
        guard end.position > 0 else {
            watched[partition.key]?.active = nil
            return false
        }
        let since = seen?.base == end.segment ? seen?.since ?? time.now : time.now
        watched[partition.key]?.active = (end.segment, end.offset, since)
        let limit = partition.config.maxSegmentMilliseconds
        guard let first = log.firstTimestampOfActive else {
            return since.advanced(byMilliseconds: limit) < time.now
        }
        return seen?.end == end.offset && time.age(of: first) > limit
    }

    /// Whether there may be something to do for a log that is not open.
    mutating func shouldOpen(_ partition: Partition, _ time: Time) throws(LogError) -> Bool {
        // After a crash every log is.
        if directory.isOpen(partition.name) { return true }
        guard directory.contains(partition.name) else { return false }
        let glance: LogGlance
        if let known = watched[partition.key]?.glance {
            glance = known
        } else {
            glance = try directory.glance(at: partition.name)
            // Nothing changes while it is closed.
            watched[partition.key, default: Watched(check: checkNumber)].glance = glance
        }
        let config = partition.config
        let isOlder = { (timestamp: Int64, limit: Int64?) -> Bool in
            limit.map { timestamp >= 0 && time.age(of: timestamp) > $0 } ?? false
        }
        if !glance.isWhole { return true }
        if config.cleanupPolicy.contains(.delete) {
            if config.retentionBytes != nil, glance.segmentCount > 1 { return true }
            if isOlder(glance.firstSegmentTimestamp, config.retentionMilliseconds) { return true }
        }
        guard config.cleanupPolicy.contains(.compact) else { return false }
        let firstDirty = directory.firstDirtyOffset(partition.name) ?? .zero
        return glance.activeBaseOffset > firstDirty || isOlder(glance.activeTimestamp, config.maxSegmentMilliseconds)
    }
}

extension Topics {
    /// The partition with the least key that is `key` or greater; nil where there is none.
    func firstPartition(from key: Int) -> Partition? {
        let place = partitions.partitioningIndex { $0.key >= key }
        return place < partitions.count ? partitions[place] : nil
    }
}

extension TopicConfig {
    /// The limits of the topic's logs.
    var logLimits: LogConfiguration {
        var limits = log
        limits.segmentMilliseconds = maxSegmentMilliseconds
        return limits
    }

    /// The age at which a segment ends: `segment.ms`, or `max.compaction.lag.ms` where that is less, because
    /// what is in the active segment is not compacted (KIP-354).
    public var maxSegmentMilliseconds: Int64 {
        cleanupPolicy.contains(.compact)
            ? min(log.segmentMilliseconds, maxCompactionLagMilliseconds) : log.segmentMilliseconds
    }
}
