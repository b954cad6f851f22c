/// What a log could not do, and why.
public enum LogError: Error, Equatable, Sendable {
    /// The storage failed.
    case storage(StorageError)
    /// Nothing can be read at this offset.
    case offsetOutOfRange(Offset, start: Offset, end: Offset)
    /// The batch is larger than a segment.
    case batchTooLarge(bytes: Int, limit: Int)
    /// The next offset would not fit 64 bits.
    case offsetsExhausted(path: String)
    /// A sealed segment holds something that is no sound batch.
    case damagedSegment(path: String, position: Int64, BatchError)
    /// The log ends before an offset that is known to have been on disk.
    case missingRecords(path: String, end: Offset, known: Offset)
    /// A sealed segment does not end where the next one begins.
    case segmentsDoNotMeet(path: String, end: Offset, next: Offset)
    /// The log was taken out of its directory: whatever has its name by now is another one.
    case removed(path: String)
    /// A batch could not be opened, or closed again, to compact it.
    case notCompactable(path: String, batch: Offset, reason: String)
}

extension LogError: CustomStringConvertible {
    /// Whether the log's files are not what they were: no crash explains it.
    var isDamage: Bool {
        switch self {
        case .damagedSegment, .segmentsDoNotMeet, .missingRecords: true
        default: false
        }
    }

    /// Whether a synchronize failed: then nobody knows what is on disk, and the node must stop.
    public var isFinal: Bool {
        if case .storage(let error) = self { return error.isFinal }
        return false
    }

    /// What happened, and what to do about it.
    public var description: String {
        switch self {
        case .storage(let error): error.description
        case .offsetOutOfRange(let offset, let start, let end):
            "offset \(offset) is out of range: the log holds \(start) to \(end)"
        case .batchTooLarge(let bytes, let limit):
            "a batch of \(bytes) bytes is larger than segment.bytes (\(limit))"
        case .offsetsExhausted(let path): "\(path) has used up its offsets"
        case .damagedSegment(let path, let position, let error):
            """
            \(path) is damaged at byte \(position): \(error). What stands there was on disk, so no crash \
            explains this and nothing was cut. Restore the file from a copy, move the directories of all the \
            topic's partitions away, or start once with log.recovery.cut.damaged=true to lose what lies behind.
            """
        case .missingRecords(let path, let end, let known):
            """
            \(path) ends at offset \(end), but everything before offset \(known) was on disk. \
            Restore the file from a copy, move the directories of all the topic's partitions away, or start once \
            with log.recovery.cut.damaged=true to lose what lies behind.
            """
        case .segmentsDoNotMeet(let path, let end, let next):
            """
            \(path) ends at offset \(end), but the next segment begins at \(next). \
            Restore the file from a copy, move the directories of all the topic's partitions away, or start once \
            with log.recovery.cut.damaged=true to lose what lies behind. If the log comes from a Kafka that \
            compacted it, or a copy of it elsewhere, copy that Kafka's cleaner-offset-checkpoint too, or write a line \
            "topic partition 0" into it.
            """
        case .removed(let path): "\(path) was removed"
        case .notCompactable(let path, let batch, let reason):
            "\(path) cannot be compacted: the batch at offset \(batch): \(reason). Nothing was changed."
        }
    }
}

/// Runs `body`, and gives what its storage could not do the form of a log's error.
package func onStorage<Result>(_ body: () throws(StorageError) -> Result) throws(LogError) -> Result {
    do { return try body() } catch { throw .storage(error) }
}
