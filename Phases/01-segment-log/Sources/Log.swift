/// One partition's records: a sequence of segments in a directory, appended to at its end.
///
///     let log = try Log(in: storage)
///     let appended = try log.append(batch, leaderEpoch: LeaderEpoch(0))
///     try log.synchronize()
///     let range = try log.read(from: appended.baseOffset, upTo: log.end, maxBytes: 1 << 20)
///
/// One owner appends; what it hands out are `FileRange`s, which stay readable by themselves.
///
/// - I1.1: offsets in the log ascend, and each record has the offset that its append was answered with.
/// - I1.2: a batch's bytes are those that were appended, but for base offset, leader epoch and a
///   corrected max timestamp.
/// - I1.3: recovery keeps every batch that was synchronized, and what it keeps is a prefix.
/// - I1.4: recovery of a recovered log changes nothing.
/// - I1.5: every segment but the last is wholly durable.
public final class Log {
    /// The directory that holds the segments.
    public let storage: any Storage
    /// The limits in force.
    public let configuration: LogConfiguration
    /// What opening the log found, and did.
    public private(set) var recovery = LogRecovery()

    /// In ascending order; never empty. The last one is active.
    var segments: [Segment] = []
    /// Why the log takes no more appends, if so.
    private var failure: LogError?

    /// Opens the log in `storage`, and recovers it: the active segment is read whole and cut at
    /// its first unsound batch. An empty directory becomes an empty log.
    public init(in storage: any Storage, configuration: LogConfiguration = LogConfiguration()) throws(LogError) {
        self.storage = storage
        self.configuration = configuration
        try openSegments()
    }

    /// The first offset that can be read.
    public var startOffset: Offset { segments[0].baseOffset }
    /// The place behind the last record: its offset is the log end offset.
    public var end: LogPosition { active.end }
    /// The file that appends go to; synchronizing it makes everything appended so far durable.
    public var activeFile: any File { active.file }
    /// How many segments there are.
    public var segmentCount: Int { segments.count }
    /// Bytes of batches in all segments.
    public var byteCount: Int64 { segments.reduce(0) { $0 + $1.size } }

    var active: Segment { segments[segments.count - 1] }

    /// Appends a batch behind the last record.
    ///
    /// The batch gets its offsets and `leaderEpoch`; everything else stays as it came. Where the
    /// records' greatest timestamp is not the header's, `maxTimestamp` corrects it.
    public func append(
        _ batch: RecordBatch, leaderEpoch: LeaderEpoch, maxTimestamp: Int64? = nil
    ) throws(LogError) -> Appended {
        if let failure { throw failure }
        var header = batch.header
        guard header.byteCount <= configuration.segmentBytes else {
            throw .batchTooLarge(bytes: header.byteCount, limit: configuration.segmentBytes)
        }
        let body = batch.bytes.dropFirst(RecordBatchHeader.byteCount)
        header.baseOffset = end.offset
        header.leaderEpoch = leaderEpoch
        guard end.offset.value < Int64.max - Int64(Int32.max) else { throw .offsetsExhausted(path: storage.path) }
        if let maxTimestamp, maxTimestamp != header.maxTimestamp {
            header.maxTimestamp = maxTimestamp
            header.checksum = header.checksum(over: body)
        }
        if !active.hasRoom(for: header, segmentBytes: configuration.segmentBytes) { try roll() }
        var head = ByteWriter(capacity: RecordBatchHeader.byteCount)
        header.write(to: &head)
        do {
            try active.append(header, head: head.finish(), body: body)
        } catch {
            try takeBack(error)
        }
        return Appended(baseOffset: header.baseOffset, lastOffset: header.lastOffset, end: end)
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

    /// Seals the active segment and begins the next one.
    func roll() throws(LogError) {
        do {
            // ADR-0105: the next segment may hold a byte only when this one is durable, so that
            // after a crash only the last segment can be torn.
            try active.seal(in: storage)
            let next = try makeSegment(at: end.offset)
            segments.append(next)
        } catch {
            failure = .storage(error)
            throw .storage(error)
        }
    }

    func makeSegment(at offset: Offset) throws(StorageError) -> Segment {
        let segment = try Segment(
            storage, baseOffset: offset, indexIntervalBytes: configuration.indexIntervalBytes, creating: true)
        try storage.synchronizeDirectory()
        return segment
    }

    private func openSegments() throws(LogError) {
        let names = try onStorage(storage.list)
        segments = try onStorage { () throws(StorageError) in try storedSegments(names) }
        for index in segments.indices.dropLast() {
            try load(segments[index], next: segments[index + 1].baseOffset)
        }
        try onStorage { () throws(StorageError) in
            recovery.scannedBytes = try active.file.size()
            (recovery.cutBytes, recovery.damage) = try active.recover()
            // What index files the active segment has are of an earlier run: sealing makes new ones.
            for name in active.indexNames where names.contains(name) { try storage.remove(name) }
            // A kill may have come between a segment's creation and this.
            try storage.synchronizeDirectory()
        }
    }

    private func storedSegments(_ names: [String]) throws(StorageError) -> [Segment] {
        let offsets = names.compactMap(Segment.baseOffset(ofLogFile:)).sorted()
        if offsets.isEmpty { return [try makeSegment(at: .zero)] }
        var opened: [Segment] = []
        for offset in offsets {
            opened.append(
                try Segment(
                    storage, baseOffset: offset, indexIntervalBytes: configuration.indexIntervalBytes, creating: false))
        }
        return opened
    }

    private func load(_ segment: Segment, next: Offset) throws(LogError) {
        switch try onStorage({ () throws(StorageError) in try segment.load(from: storage) }) {
        case .damaged(let error): throw .damagedSegment(path: segment.file.path, position: segment.size, error)
        case .rebuilt: recovery.rebuiltIndexes += 1
        case .indexed: break
        }
        guard segment.nextOffset == next else {
            throw .segmentsDoNotMeet(path: segment.file.path, end: segment.nextOffset, next: next)
        }
    }

    /// Makes everything appended so far durable.
    public func synchronize() throws(LogError) {
        try onStorage { () throws(StorageError) in try active.file.synchronize() }
    }

    /// Makes everything durable, and writes the active segment's indexes.
    public func close() throws(LogError) {
        try onStorage { () throws(StorageError) in try active.seal(in: storage) }
    }
}

/// The limits of a log, by Kafka's names.
public struct LogConfiguration: Sendable {
    /// `segment.bytes`: the size at which a new segment begins. At least one batch header.
    public var segmentBytes: Int = 1 << 30
    /// `index.interval.bytes`: the bytes of batches between two index entries.
    public var indexIntervalBytes: Int = 4096

    /// Kafka's defaults.
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
    /// Sealed segments whose index files were made anew.
    public var rebuiltIndexes = 0
}
