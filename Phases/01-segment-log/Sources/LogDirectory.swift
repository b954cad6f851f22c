/// A directory of many logs, one for each partition, with what is known about them between runs.
///
/// Each log has a subdirectory `topic-number`. Beside these lie Kafka's checkpoint files, and a
/// marker that is there only after a clean stop. After one, no log is opened before it is asked
/// for, and none is read; after a crash every log is opened, and recovered, at once.
///
///     let directory = try LogDirectory(storage)
///     try directory.recover { done, total in print("\(done) of \(total)") }
///     let log = try directory.log("orders-0")
///     …
///     try directory.close()
public final class LogDirectory {
    /// The file in a partition's directory that holds its topic's id.
    public static let metadataName = "partition.metadata"
    /// Kafka's name for the marker of a clean stop.
    public static let cleanMarker = ".kafka_cleanshutdown"

    /// The directory.
    public let storage: any Storage
    /// The limits of every log.
    public let configuration: LogConfiguration
    /// Whether the last run ended with `close`.
    public let wasClosedCleanly: Bool
    /// The names of all logs, sorted.
    public var names: [String] { known.sorted() }
    /// What was found in each log that had to be recovered, in the order of names.
    public private(set) var recovered: [(name: String, recovery: LogRecovery)] = []

    /// Logs that stand in a checkpoint and have no directory: lost, or removed just before a crash. Sorted.
    public internal(set) var missing: [String] = []

    var known: Set<String>
    var logs: [String: Log] = [:]
    /// What was detached, and is still to be removed, in the order of detachment.
    var detached: [Detached]
    /// No detached directory had this number yet.
    var nextDetached: Int
    private var recoveryPoints: OffsetCheckpoint
    private var startOffsets: OffsetCheckpoint
    private var cleanerOffsets: OffsetCheckpoint
    /// Whether there are logs whose names may not be durable.
    private var hasNewNames = false

    /// Reads the checkpoints and the names of the logs. Nothing is opened yet.
    ///
    /// - Parameters:
    ///   - configuration: the limits of logs that are opened without their own.
    ///   - excluding: the names of directories that are somebody else's, though they look like a partition's.
    public init(
        _ storage: any Storage, configuration: LogConfiguration = LogConfiguration(), excluding: Set<String> = []
    ) throws(LogError) {
        self.storage = storage
        self.configuration = configuration
        let subdirectories = try onStorage(storage.subdirectories)
        known = try onStorage { () throws(StorageError) in try Self.logs(subdirectories, in: storage) }
            .subtracting(excluding)
        // Removals that a crash or a stop has interrupted go on when `removeDetached` is called.
        detached = subdirectories.filter(Self.isDetached).map { Detached(name: $0, since: .min) }
        nextDetached = Self.number(after: detached)
        wasClosedCleanly = try onStorage(storage.list).contains(Self.cleanMarker)
        (recoveryPoints, startOffsets, cleanerOffsets) = try onStorage { () throws(StorageError) in
            (
                try OffsetCheckpoint(OffsetCheckpoint.recoveryPoints, in: storage),
                try OffsetCheckpoint(OffsetCheckpoint.logStartOffsets, in: storage),
                try OffsetCheckpoint(OffsetCheckpoint.cleanerOffsets, in: storage)
            )
        }
        let named = Set([recoveryPoints, startOffsets, cleanerOffsets].flatMap(\.offsets.keys))
        missing = named.subtracting(known).subtracting(excluding).sorted()
        if wasClosedCleanly {
            // From here on it is not clean any more, whatever happens.
            try onStorage { () throws(StorageError) in
                try storage.remove(Self.cleanMarker)
                try storage.synchronizeDirectory()
            }
        }
    }

    /// The subdirectories that are named like a partition's and hold something of a log. Whatever else
    /// lies in the directory is somebody else's, and left alone.
    private static func logs(_ subdirectories: [String], in storage: any Storage) throws(StorageError) -> Set<String> {
        var found: Set<String> = []
        for name in subdirectories where partition(name) != nil {
            let isLog = try storage.directory(name).list().contains { file in
                file.hasPrefix(metadataName) || SegmentName.baseOffset(of: file) != nil
            }
            if isLog { found.insert(name) }
        }
        return found
    }

    /// After a crash, opens and recovers every log; after a clean stop, does nothing.
    ///
    /// - Parameters:
    ///   - progress: told how many logs of how many have been recovered.
    ///   - configured: the limits of a log, by its name, if it has its own.
    public func recover(
        progress: (_ done: Int, _ total: Int) -> Void = { _, _ in },
        configured: (_ name: String) -> LogConfiguration? = { _ in nil }
    ) throws(LogError) {
        if wasClosedCleanly { return }
        let names = names
        for (done, name) in names.enumerated() {
            let log = try log(name, configured(name))
            recovered.append((name, log.recovery))
            progress(done + 1, names.count)
        }
        // A kill may have come between a log's creation and this.
        try onStorage(storage.synchronizeDirectory)
    }

    /// A partition directory's topic and number; nil for any other name.
    public static func partition(_ directory: String) -> (topic: String, number: Int)? {
        guard let dash = directory.lastIndex(of: "-"), let number = Int32(directory[directory.index(after: dash)...])
        else { return nil }
        let topic = String(directory[..<dash])
        // "t-01" and "t-+1" are numbers too, but not the way that a directory is named.
        return !topic.isEmpty && number >= 0 && directory == "\(topic)-\(number)" ? (topic, Int(number)) : nil
    }

    /// Whether there is a log of this name, open or not.
    public func contains(_ name: String) -> Bool { known.contains(name) }

    /// The log `name`, opened if this is the first time that it is asked for, with these limits or those of
    /// the directory. A new name makes a new log; with `isNameLater` that is not durable, nor anything in the log,
    /// before `synchronizeNames`.
    public func log(
        _ name: String, _ own: LogConfiguration? = nil, isNameLater: Bool = false
    ) throws(LogError) -> Log {
        if let log = logs[name] { return log }
        // What a checkpoint says of a log that is gone must not be held against a new one of its name.
        if missing.contains(name) { try forget([name]) }
        var state = KnownState()
        state.startOffset = startOffsets.offsets[name] ?? .zero
        state.recoveryPoint = recoveryPoints.offsets[name] ?? .zero
        state.wasClosedCleanly = wasClosedCleanly
        state.wasCompacted = cleanerOffsets.offsets[name] != nil
        let directory = try onStorage { () throws(StorageError) in try storage.directory(name) }
        let log = try Log(in: directory, configuration: own ?? configuration, state)
        try lowerCheckpoints(name, to: log.end.offset)
        if !known.contains(name) {
            hasNewNames = true
            if !isNameLater { try synchronizeNames() }
            known.insert(name)
        }
        logs[name] = log
        return log
    }

    /// Makes the names of new logs durable, all at once.
    public func synchronizeNames() throws(LogError) {
        guard hasNewNames else { return }
        try onStorage(storage.synchronizeDirectory)
        hasNewNames = false
    }

    /// Where the operator had the log cut, or a crash has taken what was not synchronized, what comes in the
    /// place of lost records is neither on disk nor compacted nor deleted because they were.
    private func lowerCheckpoints(_ name: String, to end: Offset) throws(LogError) {
        var isLower = false
        if let point = recoveryPoints.offsets[name], point > end {
            (recoveryPoints.offsets[name], isLower) = (end, true)
        }
        if let point = cleanerOffsets.offsets[name], point > end {
            (cleanerOffsets.offsets[name], isLower) = (end, true)
        }
        if let start = startOffsets.offsets[name], start > end {
            (startOffsets.offsets[name], isLower) = (end, true)
        }
        if isLower { try writeCheckpoints() }
    }

    /// Whether the log `name` is open: after a crash every one is.
    public func isOpen(_ name: String) -> Bool { logs[name] != nil }

    /// The logs that are open, in the order of names.
    public var openLogs: [(name: String, log: Log)] {
        logs.keys.sorted().compactMap { name in logs[name].map { (name, $0) } }
    }

    /// Gives a log's directory another name, under which it is no log any more and stays until the operator
    /// has looked at it. Returns the name; durable on return.
    public func setAside(_ name: String) throws(LogError) -> String {
        // A file's name has at most 255 bytes, and a topic's 249.
        let short = name.prefix(240)
        var aside = short + ".stray"
        try onStorage { () throws(StorageError) in
            let taken = try storage.subdirectories()
            var count = 1
            while taken.contains(String(aside)) {
                count += 1
                aside = short + ".\(count).stray"
            }
            try storage.rename(name, to: String(aside))
            try storage.synchronizeDirectory()
        }
        logs.removeValue(forKey: name)?.wasRemoved()
        known.remove(name)
        try forget([name])
        return String(aside)
    }

    /// Takes what is missing out of the checkpoints.
    public func forgetMissing() throws(LogError) {
        if !missing.isEmpty { try forget(missing) }
    }

    func forget(_ names: [String]) throws(LogError) {
        for name in names {
            recoveryPoints.offsets[name] = nil
            startOffsets.offsets[name] = nil
            cleanerOffsets.offsets[name] = nil
        }
        missing.removeAll(where: names.contains)
        try writeCheckpoints()
    }

    /// Everything in the log `name` before `offset` is on disk. Kept by the next `writeCheckpoints`.
    public func becameDurable(_ name: String, upTo offset: Offset) {
        recoveryPoints.offsets[name] = max(offset, recoveryPoints.offsets[name] ?? .zero)
    }

    /// The first offset of the log `name` that no compaction has seen: where the next one begins. Nil
    /// where the log was never compacted.
    public func firstDirtyOffset(_ name: String) -> Offset? { cleanerOffsets.offsets[name] }

    /// A compaction of the log `name` has come to its end at `firstDirtyOffset`. Written at once, and
    /// durable on return; the compaction is already.
    public func wasCompacted(_ name: String, upTo firstDirtyOffset: Offset) throws(LogError) {
        cleanerOffsets.offsets[name] = firstDirtyOffset
        try onStorage { () throws(StorageError) in
            try cleanerOffsets.write(OffsetCheckpoint.cleanerOffsets, in: storage)
        }
    }

    /// Writes all checkpoints: recovery points, log start offsets, and how far logs were compacted.
    public func writeCheckpoints() throws(LogError) {
        try writeStartOffsets()
        try onStorage { () throws(StorageError) in
            try recoveryPoints.write(OffsetCheckpoint.recoveryPoints, in: storage)
            try cleanerOffsets.write(OffsetCheckpoint.cleanerOffsets, in: storage)
        }
    }

    /// Writes where logs begin: on return, what `Log.advanceStart` has taken away stays away after a crash.
    public func writeStartOffsets() throws(LogError) {
        for (name, log) in logs where log.startOffset > .zero { startOffsets.offsets[name] = log.startOffset }
        try onStorage { () throws(StorageError) in
            try startOffsets.write(OffsetCheckpoint.logStartOffsets, in: storage)
        }
    }

    /// Makes everything durable, and leaves the marker of a clean stop. Nothing may be done afterwards.
    public func close() throws(LogError) {
        for (name, log) in openLogs {
            try log.close()
            becameDurable(name, upTo: log.end.offset)
        }
        try writeCheckpoints()
        try onStorage { () throws(StorageError) in
            try storage.replace(Self.cleanMarker, with: Bytes(utf8: "{\"version\":0}\n"))
        }
    }
}
