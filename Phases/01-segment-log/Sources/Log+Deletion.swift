extension Log {
    static let deletedSuffix = ".deleted"
    /// Of files that were set aside, because the operator said so.
    static let damagedSuffix = ".damaged"

    /// Moves the first offset that can be read forward, as DeleteRecords does; backward is ignored.
    ///
    /// Segments that lie wholly before it are deleted. The caller keeps the offset, and hands it in
    /// when it opens the log again.
    ///
    /// - Parameter time: now, in milliseconds since 1970.
    public func advanceStart(to offset: Offset, at time: Int64) throws(LogError) {
        guard offset <= end.offset else { throw .offsetOutOfRange(offset, start: startOffset, end: end.offset) }
        guard offset > startOffset else { return }
        publish(startOffset: offset)
        try delete(sealed.prefix { $0.nextOffset <= offset }.count, at: time)
        try forgetEpochs()
    }

    /// Deletes the oldest segments as `retention.bytes` and `retention.ms` ask, but nothing that
    /// reaches behind `highWatermark`. Nil is no limit. What lies wholly before the start goes too: a
    /// crash may have left it. Returns how many segments were deleted.
    ///
    /// - Parameters:
    ///   - time: now, in milliseconds since 1970. A segment's age is that of its youngest record.
    ///   - segments: the most to delete: each takes a synchronize of the directory.
    @discardableResult
    public func enforceRetention(
        bytes: Int64?, milliseconds: Int64?, upTo highWatermark: Offset, at time: Int64, atMost segments: Int = .max
    ) throws(LogError) -> Int {
        let isOld = { (segment: SegmentView) -> Bool in
            guard let milliseconds, segment.greatestTimestamp >= 0 else { return false }
            let (age, overflow) = time.subtractingReportingOverflow(segment.greatestTimestamp)
            return !overflow && age > milliseconds
        }
        // When everything is old, the active segment is too: it is sealed, so that it can go.
        if sealed.allSatisfy(isOld), isOld(active.view), active.nextOffset <= highWatermark { try roll() }
        var surplus = bytes.map { snapshot.byteCount - $0 } ?? 0
        var count = 0
        for segment in sealed.prefix(segments) {
            let isSurplus = surplus >= segment.size && segment.size > 0
            guard segment.nextOffset <= highWatermark, segment.nextOffset <= startOffset || isOld(segment) || isSurplus
            else { break }
            surplus -= segment.size
            count += 1
        }
        try delete(count, at: time)
        try forgetEpochs()
        return count
    }

    /// Forgets the leader epochs that end before the log's start. A crash before that is durable is made
    /// good when the log is opened.
    private func forgetEpochs() throws(LogError) {
        var next = epochs
        next.truncate(before: startOffset)
        if next == epochs { return }
        if let failure { throw failure }
        try onStorage { () throws(StorageError) in try next.write(in: storage) }
        epochs = next
    }

    /// Deletes the first `count` sealed segments: their files get another name, and are removed later,
    /// so that a reader that is about to open one still finds it.
    private func delete(_ count: Int, at time: Int64) throws(LogError) {
        guard count > 0 else { return }
        if let failure { throw failure }
        let next = count < sealed.count ? sealed[count].baseOffset : active.baseOffset
        var renamed: [String] = []
        defer { noteDeleted(renamed, at: time) }
        try lasting { () throws(StorageError) in
            let names = Set(try storage.list())
            for segment in sealed.prefix(count) {
                for name in SegmentName.all(segment.baseOffset) where names.contains(name) {
                    try storage.rename(name, to: name + Self.deletedSuffix)
                    renamed.append(name)
                }
                // One after another: a crash that loses an earlier renaming and keeps a later one would
                // leave a gap.
                try storage.synchronizeDirectory()
            }
        }
        sealed.removeFirst(count)
        publish(startOffset: max(startOffset, next))
    }

    /// `names` have become deleted files. One of the same name, from an earlier compaction, has given way.
    func noteDeleted(_ names: [String], at time: Int64) {
        let deleted = names.map { $0 + Self.deletedSuffix }
        let new = Set(deleted)
        deletedFiles.removeAll { new.contains($0.name) }
        deletedFiles += deleted.map { ($0, time) }
    }

    /// Removes at most `files` files of segments that were deleted at `time` or before, in milliseconds
    /// since 1970: now, less `file.delete.delay.ms`. Whoever still reads them can go on. Returns how many.
    @discardableResult
    public func removeDeletedFiles(deletedUpTo time: Int64, atMost files: Int = .max) throws(LogError) -> Int {
        if let failure { throw failure }
        var count = 0
        defer { deletedFiles.removeFirst(count) }
        for file in deletedFiles.prefix(files) {
            guard file.since <= time else { break }
            do throws(StorageError) { try storage.remove(file.name) } catch {
                if !error.isNotFound { throw .storage(error) }
            }
            count += 1
        }
        return count
    }

    /// Removes what deletions, sealings and compactions that a crash interrupted have left. Returns the
    /// names of what stays of `names`. Swaps are finished before: what is left of others is not needed.
    static func removeLeftovers(_ names: [String], in storage: any Storage) throws(StorageError) -> [String] {
        var leftovers = names.filter { $0.hasSuffix(deletedSuffix) || $0 == LeaderEpochCache.fileName + ".tmp" }
        for kind in SegmentName.kinds {
            leftovers += names.filter { name in
                [cleanedSuffix, swapSuffix].contains { SegmentName.baseOffset(of: name, suffix: kind + $0) != nil }
            }
        }
        let logs = Set(names.compactMap { SegmentName.baseOffset(of: $0) })
        for suffix in [SegmentName.offsetIndex, SegmentName.timeIndex] {
            leftovers += names.filter { name in
                guard let base = SegmentName.baseOffset(of: name, suffix: suffix) else { return false }
                return !logs.contains(base)
            }
        }
        for name in leftovers { try storage.remove(name) }
        let removed = Set(leftovers)
        return names.filter { !removed.contains($0) }
    }
}
