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

    private var known: Set<String>
    private var logs: [String: Log] = [:]
    private var recoveryPoints: OffsetCheckpoint
    private var startOffsets: OffsetCheckpoint

    /// Reads the checkpoints and the names of the logs. Nothing is opened yet.
    public init(
        _ storage: any Storage, configuration: LogConfiguration = LogConfiguration()
    ) throws(LogError) {
        self.storage = storage
        self.configuration = configuration
        known = try onStorage { () throws(StorageError) in try Self.logs(in: storage) }
        wasClosedCleanly = try onStorage(storage.list).contains(Self.cleanMarker)
        (recoveryPoints, startOffsets) = try onStorage { () throws(StorageError) in
            (
                try OffsetCheckpoint(OffsetCheckpoint.recoveryPoints, in: storage),
                try OffsetCheckpoint(OffsetCheckpoint.logStartOffsets, in: storage)
            )
        }
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
    private static func logs(in storage: any Storage) throws(StorageError) -> Set<String> {
        var found: Set<String> = []
        for name in try storage.subdirectories() where partition(name) != nil {
            let isLog = try storage.directory(name).list().contains { file in
                file.hasPrefix(metadataName) || SegmentName.baseOffset(of: file) != nil
            }
            if isLog { found.insert(name) }
        }
        return found
    }

    /// After a crash, opens and recovers every log; after a clean stop, does nothing.
    ///
    /// - Parameter progress: told how many logs of how many have been recovered.
    public func recover(progress: (_ done: Int, _ total: Int) -> Void = { _, _ in }) throws(LogError) {
        if wasClosedCleanly { return }
        let names = names
        for (done, name) in names.enumerated() {
            let log = try log(name)
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

    /// The log `name`, opened if this is the first time that it is asked for. A new name makes a new log.
    public func log(_ name: String) throws(LogError) -> Log {
        if let log = logs[name] { return log }
        var state = KnownState()
        state.startOffset = startOffsets.offsets[name] ?? .zero
        state.recoveryPoint = recoveryPoints.offsets[name] ?? .zero
        state.wasClosedCleanly = wasClosedCleanly
        let directory = try onStorage { () throws(StorageError) in try storage.directory(name) }
        let log = try Log(in: directory, configuration: configuration, state)
        if !known.contains(name) {
            try onStorage(storage.synchronizeDirectory)
            known.insert(name)
        }
        logs[name] = log
        return log
    }

    /// The logs that are open, in the order of names.
    public var openLogs: [(name: String, log: Log)] {
        logs.keys.sorted().compactMap { name in logs[name].map { (name, $0) } }
    }

    /// Removes a log and its files. The caller synchronizes the directory when it has removed all it wants to.
    public func remove(_ name: String) throws(LogError) {
        logs[name] = nil
        recoveryPoints.offsets[name] = nil
        startOffsets.offsets[name] = nil
        known.remove(name)
        try onStorage { () throws(StorageError) in
            let directory = try storage.directory(name)
            for file in try directory.list() { try directory.remove(file) }
            try storage.remove(name)
        }
    }

    /// Everything in the log `name` before `offset` is on disk. Kept by the next `writeCheckpoints`.
    public func becameDurable(_ name: String, upTo offset: Offset) {
        recoveryPoints.offsets[name] = max(offset, recoveryPoints.offsets[name] ?? .zero)
    }

    /// Writes the recovery points and the log start offsets.
    public func writeCheckpoints() throws(LogError) {
        for (name, log) in logs where log.startOffset > .zero { startOffsets.offsets[name] = log.startOffset }
        try onStorage { () throws(StorageError) in
            try recoveryPoints.write(OffsetCheckpoint.recoveryPoints, in: storage)
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
