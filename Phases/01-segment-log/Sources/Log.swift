/// One partition's records: a sequence of segments in a directory, appended to at its end.
///
///     let log = try Log(in: storage)
///     let appended = try log.append(batch, leaderEpoch: LeaderEpoch(0))
///     try log.synchronize()
///     let range = try log.snapshot.read(from: appended.baseOffset, upTo: log.end, maxBytes: 1 << 20)
///
/// One owner appends. Whoever else reads, on whatever thread, reads a `LogSnapshot` through a
/// `LogReader`; what that hands out are `FileRange`s, which stay readable by themselves.
///
/// - I1.1: offsets in the log ascend, and each record has the offset that its append was answered with.
/// - I1.2: a batch's bytes are those that were appended, but for base offset, leader epoch and a
///   corrected max timestamp.
/// - I1.3: recovery keeps every batch that was synchronized, and what it keeps is a prefix.
/// - I1.4: recovery of a recovered log changes nothing.
/// - I1.5: every segment but the last is wholly durable.
/// - I1.6: a snapshot never changes, and what it holds stays readable for as long as it is held.
/// - I1.8: compaction keeps the latest record of each key at its offset, and each segment still ends
///   where the next one begins.
public final class Log {
    /// The directory that holds the segments.
    public let storage: any Storage
    /// The limits in force. New ones count from the next append on, also for the active segment.
    public var configuration: LogConfiguration { didSet { active.configuration = configuration } }
    /// What opening the log found, and did.
    public private(set) var recovery = LogRecovery()
    /// The log as it is now.
    public private(set) var snapshot: LogSnapshot
    /// Which leader epoch began where; durable before the first batch of an epoch is appended.
    public internal(set) var epochs: LeaderEpochCache

    var sealed: [SegmentView] = []
    private(set) var active: ActiveSegment
    /// Where the header of the batch in hand is written, on its way to the file.
    private let headBytes = ByteStorage(capacity: RecordBatchHeader.byteCount)
    private let published: Published<LogSnapshot>
    /// Files of deleted segments, and since when they are; see `removeDeletedFiles`.
    var deletedFiles: [(name: String, since: Int64)] = []
    /// Why the log takes no more appends, if so.
    var failure: LogError?

    /// Opens the log in `storage`. Unless it was closed cleanly, the active segment is read whole and
    /// cut at its first unsound batch. A compaction's swap that a crash interrupted is finished, or
    /// undone (ADR-0107). An empty directory becomes an empty log.
    public init(
        in storage: any Storage, configuration: LogConfiguration = LogConfiguration(),
        _ known: KnownState = KnownState()
    ) throws(LogError) {
        self.storage = storage
        self.configuration = configuration
        var names = try onStorage(storage.list)
        if try Self.finishSwaps(names, in: storage, configuration) { names = try onStorage(storage.list) }
        names = try onStorage { () throws(StorageError) in try Self.removeLeftovers(names, in: storage) }
        let offsets = names.compactMap { SegmentName.baseOffset(of: $0) }.sorted()
        var known = known
        if configuration.cutsDamagedSegments { (known.recoveryPoint, known.wasClosedCleanly) = (.zero, false) }
        var recovery = LogRecovery()
        var sealed: [SegmentView] = []
        var last = offsets.last
        for (offset, next) in zip(offsets, offsets.dropFirst()) {
            do {
                sealed.append(try Self.openSealed(at: offset, next: next, storage, configuration, known, &recovery))
            } catch {
                guard configuration.cutsDamagedSegments, error.isDamage else { throw error }
                // The operator says so: the log ends in this segment, and what follows is set aside.
                last = offset
                recovery.segmentsSetAside = try Self.setAside(offsets.filter { $0 >= next }, storage)
                break
            }
        }
        active = try Self.openActive(at: last, names, storage, configuration, known, &recovery)
        self.sealed = sealed
        self.recovery = recovery
        let first = sealed.first?.baseOffset ?? active.baseOffset
        let start = min(max(first, known.startOffset), active.nextOffset)
        epochs = try Self.openEpochs(storage, active, from: start)
        snapshot = LogSnapshot(startOffset: start, sealed: sealed, active: active.view)
        published = Published(snapshot)
    }

    /// Gives segments a name by which no log takes them for its own; nothing is removed.
    private static func setAside(_ offsets: [Offset], _ storage: any Storage) throws(LogError) -> Int {
        try onStorage { () throws(StorageError) in
            for offset in offsets.reversed() {
                let name = SegmentName.of(offset, SegmentName.log)
                try storage.rename(name, to: name + damagedSuffix)
            }
            try storage.synchronizeDirectory()
        }
        return offsets.count
    }

    /// The leader epochs of the checkpoint, without those that the log no longer reaches at either end,
    /// and with those that only the active segment's batches know of.
    private static func openEpochs(
        _ storage: any Storage, _ active: ActiveSegment, from start: Offset
    ) throws(LogError) -> LeaderEpochCache {
        try onStorage { () throws(StorageError) in
            let stored = try LeaderEpochCache(in: storage)
            var epochs = stored
            epochs.truncate(from: active.nextOffset)
            for entry in active.epochs { epochs.assign(entry.epoch, at: entry.startOffset) }
            epochs.truncate(before: start)
            // Of a log that is empty nothing stays, as at the next opening.
            epochs.truncate(from: active.nextOffset)
            if epochs != stored { try epochs.write(in: storage) }
            return epochs
        }
    }

    private static func openActive(
        at offset: Offset?, _ names: [String], _ storage: any Storage, _ configuration: LogConfiguration,
        _ known: KnownState, _ recovery: inout LogRecovery
    ) throws(LogError) -> ActiveSegment {
        let active = try onStorage { () throws(StorageError) in
            try ActiveSegment(in: storage, at: offset ?? .zero, configuration, creating: offset == nil)
        }
        let isResumed = known.wasClosedCleanly ? try onStorage(active.resume) : false
        // A file that was just made holds nothing to recover.
        if !isResumed && offset != nil {
            recovery.scannedBytes = try onStorage(active.file.size)
            (recovery.cutBytes, recovery.damage) = try active.recover(from: known.recoveryPoint)
        }
        guard active.nextOffset >= known.recoveryPoint else {
            throw .missingRecords(path: active.file.path, end: active.nextOffset, known: known.recoveryPoint)
        }
        if isResumed { return active }
        try onStorage { () throws(StorageError) in
            // What index files the active segment has are of an earlier run: sealing makes new ones.
            for name in SegmentName.all(active.baseOffset).dropFirst() where names.contains(name) {
                try storage.remove(name)
            }
            // A kill may have come between the file's creation and this.
            try storage.synchronizeDirectory()
        }
        return active
    }

    /// Opens a segment that another one follows. It must end where that one begins: compaction keeps a
    /// segment's last batch, if need be without its records, so that a segment that is missing, or too
    /// short, is seen. What is missing *inside* a segment is not: its offsets may have gaps. In a log that
    /// was compacted the segment may also end before: another Kafka keeps no such batch (ADR-0107).
    private static func openSealed(
        at offset: Offset, next: Offset, _ storage: any Storage, _ configuration: LogConfiguration,
        _ known: KnownState, _ recovery: inout LogRecovery
    ) throws(LogError) -> SegmentView {
        let view: SegmentView
        let ends = known.wasCompacted ? offset...next : next...next
        switch try onStorage({ () throws(StorageError) in
            try SegmentView.open(in: storage, at: offset, endingIn: ends, configuration)
        }
        ) {
        case .damaged(let path, let position, let error): throw .damagedSegment(path: path, position: position, error)
        case .rebuilt(let rebuilt):
            recovery.rebuiltIndexes += 1
            view = rebuilt
        case .indexed(let indexed): view = indexed
        }
        guard ends.contains(view.nextOffset) else {
            throw .segmentsDoNotMeet(path: view.file.path, end: view.nextOffset, next: next)
        }
        if view.nextOffset < next { recovery.gaps.append(view.nextOffset..<next) }
        return view
    }

    /// The first offset that can be read.
    public var startOffset: Offset { snapshot.startOffset }
    /// The place behind the last record: its offset is the log end offset.
    public var end: LogPosition { snapshot.end }
    /// The greatest timestamp of the active segment's first batch, from which `segment.ms` counts; nil
    /// where there is none.
    public var firstTimestampOfActive: Int64? {
        active.size > 0 && active.firstTimestamp >= 0 ? active.firstTimestamp : nil
    }
    /// The file that appends go to; synchronizing it makes everything appended so far durable.
    public var activeFile: any File { active.file }

    /// A reader for another thread.
    public func makeReader() -> LogReader { LogReader(published) }

    /// Appends a batch behind the last record.
    ///
    /// The batch gets its offsets and `leaderEpoch`; everything else stays as it came. Where the
    /// records' greatest timestamp is not the header's, `maxTimestamp` corrects it. With `appendTime`, in
    /// milliseconds since 1970, that is the time of every record instead (KIP-32).
    public func append(
        _ batch: RecordBatch, leaderEpoch: LeaderEpoch, maxTimestamp: Int64? = nil, appendTime: Int64? = nil
    ) throws(LogError) -> Appended {
        if let failure { throw failure }
        var header = batch.header
        guard header.byteCount <= configuration.segmentBytes else {
            throw .batchTooLarge(bytes: header.byteCount, limit: configuration.segmentBytes)
        }
        guard end.offset.value < Int64.max - Int64(Int32.max) else { throw .offsetsExhausted(path: storage.path) }
        let body = batch.bytes.dropFirst(RecordBatchHeader.byteCount)
        header.baseOffset = end.offset
        header.leaderEpoch = leaderEpoch
        if appendTime != nil { header.attributes.isLogAppendTime = true }
        if let maxTimestamp = appendTime ?? maxTimestamp, appendTime != nil || maxTimestamp != header.maxTimestamp {
            header.maxTimestamp = maxTimestamp
            header.checksum = header.checksum(over: body)
        }
        if !active.hasRoom(for: header) { try roll() }
        if leaderEpoch > epochs.latest { try begin(leaderEpoch) }
        var head = ByteWriter(into: headBytes, at: 0)
        header.write(to: &head)
        do {
            try active.append(header, head: head.finish(), body: body)
        } catch {
            try takeBack(error)
        }
        let end = publish(snapshot.replacingActive(with: active.view))
        return Appended(baseOffset: header.baseOffset, lastOffset: header.lastOffset, end: end)
    }

    /// Records that `epoch` begins at the log's end.
    private func begin(_ epoch: LeaderEpoch) throws(LogError) {
        var next = epochs
        next.assign(epoch, at: end.offset)
        try lasting { () throws(StorageError) in try next.write(in: storage) }
        epochs = next
    }

    /// Writes. After an error that is final (a failed synchronize) the log takes no more: nobody knows
    /// what is on disk.
    func lasting<Result>(_ body: () throws(StorageError) -> Result) throws(LogError) -> Result {
        do {
            return try onStorage(body)
        } catch {
            if error.isFinal { failure = error }
            throw error
        }
    }

    /// The log's directory has another name by now, and maybe another log has this one: from here on
    /// nothing is written. What was read, and who reads, goes on.
    func wasRemoved() { failure = .removed(path: storage.path) }

    /// Lets readers see the log as it is now.
    func publish(startOffset: Offset? = nil) {
        _ = publish(LogSnapshot(startOffset: startOffset ?? self.startOffset, sealed: sealed, active: active.view))
    }

    /// Returns where the log ends.
    private func publish(_ next: LogSnapshot) -> LogPosition {
        snapshot = next
        published.publish(next)
        return next.end
    }

    /// Cuts off what a failed append may have written. If that fails too, the log takes no more.
    private func takeBack(_ error: StorageError) throws(LogError) -> Never {
        do {
            try active.file.truncate(to: active.size)
        } catch {
            failure = .storage(error)
        }
        throw .storage(error)
    }

    /// Seals the active segment and begins the next one; does nothing where it is empty: the next one
    /// would have its name. Throws `failure` where there is one.
    public func roll() throws(LogError) {
        if let failure { throw failure }
        if active.size == 0 { return }
        // What else fails than a synchronize can be tried again with the next append.
        try lasting { () throws(StorageError) in
            // ADR-0105: the next segment may hold a byte only when this one is durable, so that
            // after a crash only the last segment can be torn.
            let view = try active.seal()
            let next = try ActiveSegment(in: storage, at: end.offset, configuration, creating: true)
            try storage.synchronizeDirectory()
            sealed.append(view)
            active = next
        }
        publish()
    }

    /// Makes everything appended so far durable.
    public func synchronize() throws(LogError) {
        try lasting { () throws(StorageError) in try active.file.synchronize() }
    }

    /// Makes everything durable, and writes the active segment's indexes. Nothing may be appended
    /// afterwards.
    public func close() throws(LogError) {
        if let failure { throw failure }
        try onStorage { () throws(StorageError) in
            _ = try active.seal()
            try storage.synchronizeDirectory()
        }
    }
}

/// The limits of a log, by Kafka's names.
public struct LogConfiguration: Sendable {
    /// `segment.bytes`: the size at which a new segment begins.
    public var segmentBytes: Int = 1 << 30
    /// `segment.ms`: a new segment begins when its first batch is this much older than the one that
    /// comes, in milliseconds by the records' timestamps. Where the first batch has none, the segment
    /// has no age: Kafka then takes the clock's time since it opened the segment, and a log has no clock.
    /// Who has one can `roll`.
    public var segmentMilliseconds: Int64 = 7 * 24 * 3_600_000
    /// `segment.index.bytes`: the size of an index file at which a new segment begins.
    public var segmentIndexBytes: Int = 10 << 20
    /// `index.interval.bytes`: the bytes of batches between two index entries.
    public var indexIntervalBytes: Int = 4096
    /// Whether a log with damage that no crash explains is cut there, instead of being refused. Segments
    /// behind the damage are set aside under another name. For an operator who has no other copy.
    public var cutsDamagedSegments = false

    /// Kafka's defaults.
    public init() {}
}

/// What is known about a log from outside, before it is opened.
public struct KnownState: Sendable {
    /// The first offset that can be read, where it is not that of the first segment: the last value
    /// given to `advanceStart`.
    public var startOffset = Offset.zero
    /// Everything before this offset is on disk. Damage there is reported, and never cut.
    public var recoveryPoint = Offset.zero
    /// Whether `close` was the last thing done to it: then nothing needs to be read.
    public var wasClosedCleanly = false
    /// Whether it was ever compacted, maybe by another Kafka: then a segment may begin behind the end
    /// of the one before (ADR-0107).
    public var wasCompacted = false

    /// Nothing is known.
    public init() {}
}

/// Where an appended batch went.
public struct Appended: Sendable {
    /// The offset of its first record.
    public var baseOffset: Offset
    /// The offset of its last record.
    public var lastOffset: Offset
    /// The place behind it.
    public var end: LogPosition
}

/// What opening a log found, and did.
public struct LogRecovery: Sendable {
    /// Bytes that were read and whose CRCs were checked.
    public var scannedBytes: Int64 = 0
    /// Bytes that were cut from the end.
    public var cutBytes: Int64 = 0
    /// What was wrong with the first batch that was cut.
    public var damage: BatchError?
    /// Segments behind damage that were set aside, because the operator said so.
    public var segmentsSetAside = 0
    /// Offsets between segments that no segment holds, in a log that was compacted. In one that only
    /// Logbook has compacted, a segment is missing.
    public var gaps: [Range<Offset>] = []
    /// Sealed segments whose index files were made anew.
    public var rebuiltIndexes = 0
}
