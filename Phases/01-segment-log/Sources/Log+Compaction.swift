extension Log {
    /// Of files that a compaction is writing.
    static let cleanedSuffix = ".cleaned"
    /// Of files that a compaction has written, and that are about to take others' places.
    static let swapSuffix = ".swap"

    /// Compacts the log: of each key, only the latest record stays, at the offset that it has.
    ///
    /// The active segment is left alone, and so is everything behind `highWatermark`, and behind the
    /// first segment with a record younger than `min.compaction.lag.ms`.
    ///
    /// - Parameters:
    ///   - firstDirtyOffset: the result's of the compaction before, which is kept in Kafka's
    ///     `cleaner-offset-checkpoint` (`LogDirectory.wasCompacted`); 0 is always right, and slower.
    ///   - highWatermark: or the last stable offset, where transactions are open.
    ///   - time: now, in milliseconds since 1970.
    public func compact(
        _ policy: CompactionPolicy, from firstDirtyOffset: Offset, upTo highWatermark: Offset, at time: Int64
    ) throws(LogError) -> CompactionResult {
        let cleaner = try makeCleaner(policy, from: firstDirtyOffset, upTo: highWatermark, at: time)
        while try cleaner.step(readingAtMost: .max) {}
        return cleaner.result
    }

    /// The same in steps. One compaction at a time: another one's files would be this one's.
    public func makeCleaner(
        _ policy: CompactionPolicy, from firstDirtyOffset: Offset, upTo highWatermark: Offset, at time: Int64
    ) throws(LogError) -> LogCleaner {
        if let failure { throw failure }
        let (start, sources) = sources(policy, from: firstDirtyOffset, upTo: highWatermark, at: time)
        return LogCleaner(self, policy, Array(sources), from: start, at: time)
    }

    /// How dirty the log is: whether to `compact` it with the same arguments. Reads nothing.
    public func dirtiness(
        _ policy: CompactionPolicy, from firstDirtyOffset: Offset, upTo highWatermark: Offset, at time: Int64
    ) -> LogToClean {
        let (start, sources) = sources(policy, from: firstDirtyOffset, upTo: highWatermark, at: time)
        let dirty = sources.drop { $0.nextOffset <= start }
        // As Kafka does it, a segment that is half clean counts on both sides.
        return LogToClean(
            firstDirtyOffset: start, firstUncleanableOffset: max(start, sources.last?.nextOffset ?? start),
            cleanBytes: sealed.prefix { $0.baseOffset < start }.reduce(0) { $0 + $1.size },
            cleanableBytes: dirty.reduce(0) { $0 + $1.size })
    }

    /// The oldest timestamp at which a sealed segment with dirty offsets begins, in milliseconds since
    /// 1970; nil where none has one. What `max.compaction.lag.ms` counts from. Reads a header per segment.
    public func oldestDirtyTimestamp(from firstDirtyOffset: Offset) throws(LogError) -> Int64? {
        var oldest: Int64?
        for segment in sealed.reversed() {
            guard segment.nextOffset > firstDirtyOffset else { break }
            let head = try onStorage { () throws(StorageError) in
                try segment.file.read(RecordBatchHeader.byteCount, at: 0)
            }
            // As for `segment.ms`: the base timestamp may be a delete horizon.
            guard let header = try? RecordBatchHeader(parsing: head), header.maxTimestamp >= 0 else { continue }
            oldest = min(oldest ?? header.maxTimestamp, header.maxTimestamp)
        }
        return oldest
    }

    /// Where a compaction begins, and the segments that it may go through.
    private func sources(
        _ policy: CompactionPolicy, from firstDirtyOffset: Offset, upTo highWatermark: Offset, at time: Int64
    ) -> (start: Offset, ArraySlice<SegmentView>) {
        // An offset that the log does not have is another log's: begin again.
        let isOurs = firstDirtyOffset >= startOffset && firstDirtyOffset <= end.offset
        let start = isOurs ? firstDirtyOffset : startOffset
        let (latest, overflow) = time.subtractingReportingOverflow(policy.minCompactionLagMilliseconds)
        let sources = sealed.prefix { segment in
            // What was compacted before is old enough, whatever the clock says by now.
            let isOld = segment.nextOffset <= start || !overflow && segment.greatestTimestamp <= latest
            return segment.nextOffset <= highWatermark && isOld
        }
        return (start, sources)
    }

    /// Puts `cleaned`, whose files are durable, in the place of the segments `group`. False where these
    /// are no longer in the log.
    ///
    /// ADR-0107: once `….log.swap` is durable, the swap will be finished, by this or by the next
    /// opening. The log's own name comes last, when every other change is durable.
    func replace(_ group: [SegmentView], with cleaned: SegmentView, at time: Int64) throws(LogError) -> Bool {
        let base = cleaned.baseOffset
        guard let first = sealed.firstIndex(where: { $0.file === group.first?.file }),
            sealed[first...].prefix(group.count).elementsEqual(group, by: { $0.file === $1.file })
        else {
            removeCleaned(base)
            return false
        }
        let indexes = [SegmentName.offsetIndex, SegmentName.timeIndex].map { SegmentName.of(base, $0) }
        let log = SegmentName.of(base, SegmentName.log)
        var renamed: [(old: String, new: String)] = []
        do throws(StorageError) {
            let rename = { (old: String, new: String) throws(StorageError) in
                try self.storage.rename(old, to: new)
                renamed.append((old, new))
            }
            let names = Set(try storage.list())
            for name in indexes + [log] { try rename(name + Self.cleanedSuffix, name + Self.swapSuffix) }
            try storage.synchronizeDirectory()
            for segment in group {
                for name in SegmentName.all(segment.baseOffset) where names.contains(name) {
                    try rename(name, name + Self.deletedSuffix)
                }
            }
            for name in indexes { try rename(name + Self.swapSuffix, name) }
            try storage.synchronizeDirectory()
            try rename(log + Self.swapSuffix, log)
            try storage.synchronizeDirectory()
        } catch {
            try takeBack(renamed, after: error)
            removeCleaned(base)
            throw .storage(error)
        }
        noteDeleted(renamed.filter { $0.new.hasSuffix(Self.deletedSuffix) }.map(\.old), at: time)
        sealed.replaceSubrange(first..<first + group.count, with: [cleaned])
        publish()
        return true
    }

    /// Gives files the names back that they had. If that fails too, or nobody knows what is on the
    /// disk, the log takes no more changes: the next opening finishes the swap.
    private func takeBack(
        _ renamed: [(old: String, new: String)], after error: StorageError
    ) throws(LogError) {
        // What had the name of a deleted file is gone, whether or not the new one stays.
        let taken = Set(renamed.map(\.new))
        deletedFiles.removeAll { taken.contains($0.name) }
        do throws(StorageError) {
            if error.isFinal { throw error }
            for (old, new) in renamed.reversed() {
                // Until the old files have their names again for sure, the swap must be found.
                if new.hasSuffix(SegmentName.log + Self.swapSuffix) { try storage.synchronizeDirectory() }
                try storage.rename(new, to: old)
            }
            if !renamed.isEmpty { try storage.synchronizeDirectory() }
        } catch {
            failure = .storage(error)
            throw .storage(error)
        }
    }

    /// Removes what a compaction has written in vain. What cannot be removed is overwritten by the
    /// next compaction, or removed when the log is opened.
    func removeCleaned(_ base: Offset) {
        guard failure == nil else { return }
        for name in SegmentName.all(base) { try? storage.remove(name + Self.cleanedSuffix) }
    }

    /// Finishes the swaps that a crash interrupted: what `….log.swap` covers goes, and it takes its place.
    /// Returns whether any file was changed.
    ///
    /// The file is read whole before anything is removed: a damaged one is refused, and nothing is
    /// changed; or set aside, where the operator says so.
    static func finishSwaps(
        _ names: [String], in storage: any Storage, _ configuration: LogConfiguration
    ) throws(LogError) -> Bool {
        var hasSwaps = false
        for name in names {
            guard let base = SegmentName.baseOffset(of: name, suffix: SegmentName.log + swapSuffix) else { continue }
            hasSwaps = true
            let (swap, damage) = try onStorage { () throws(StorageError) in
                let swap = try ActiveSegment(in: storage, at: base, configuration, creating: false, suffix: swapSuffix)
                return (swap, try swap.scan(to: try swap.file.size(), checksums: true))
            }
            if let damage {
                guard configuration.cutsDamagedSegments else {
                    throw .damagedSegment(path: swap.file.path, position: swap.size, damage)
                }
                try onStorage { () throws(StorageError) in try storage.rename(name, to: name + damagedSuffix) }
                continue
            }
            try onStorage { () throws(StorageError) in
                try finish(name, base..<swap.nextOffset, names, in: storage)
            }
        }
        return hasSwaps
    }

    /// Puts the swap `name`, which was found sound, in the place of what is named by an offset in `covered`.
    private static func finish(
        _ name: String, _ covered: Range<Offset>, _ names: [String], in storage: any Storage
    ) throws(StorageError) {
        // After a kill the kernel may be the only one to know of the swap.
        try storage.synchronizeDirectory()
        for other in names {
            let isCovered = SegmentName.kinds.contains { kind in
                SegmentName.baseOffset(of: other, suffix: kind).map(covered.contains) ?? false
            }
            // An index that is in place already goes as well: opening makes it anew.
            if isCovered { try storage.remove(other) }
        }
        for index in SegmentName.all(covered.lowerBound).dropFirst() where names.contains(index + swapSuffix) {
            try storage.rename(index + swapSuffix, to: index)
        }
        try storage.synchronizeDirectory()
        try storage.rename(name, to: String(name.dropLast(swapSuffix.count)))
        try storage.synchronizeDirectory()
    }
}
