import SegmentLog
import WireProtocol

/// The topics of one log directory.
///
/// Each partition has a directory `topic-number`, with a file `partition.metadata` that holds the
/// topic's id. A topic's partition 0 is made last, when all the others are on disk: so a topic whose
/// creation was interrupted has no partition 0, or one without that file, and what there is of it is
/// removed at the next start.
struct TopicRegistry {
    /// A topic and its partitions.
    struct Topic {
        var name: String
        var id: Uuid
        var partitions: [Partition]
    }

    private let root: any Storage
    private let configuration: LogConfiguration
    /// In order of creation, or of names for those found at start.
    private(set) var topics: [Topic] = []
    /// Every partition of every topic, by its key.
    private(set) var partitions: [Partition] = []
    private var byName: [String: Int] = [:]
    private var byID: [Uuid: Int] = [:]

    /// What was found at start, for the ready line and the operator's log.
    private(set) var recovery = RecoverySummary()

    static let metadataName = "partition.metadata"

    /// Opens every log under `root`, and recovers it.
    init(_ root: any Storage, configuration: LogConfiguration) throws(LogError) {
        self.root = root
        self.configuration = configuration
        for (name, numbers) in try onStorage(partitionDirectories) { try load(name, numbers) }
        // A kill may have come between a directory's creation and this.
        try onStorage(root.synchronizeDirectory)
    }

    subscript(name: String) -> Topic? { byName[name].map { topics[$0] } }
    subscript(id: Uuid) -> Topic? { byID[id].map { topics[$0] } }

    /// Kafka's rule: 1 to 249 letters, digits, dots, dashes or underscores, but not "." or "..".
    static func isValid(_ name: String) -> Bool {
        guard name != ".", name != "..", (1...249).contains(name.utf8.count) else { return false }
        return name.utf8.allSatisfy { byte in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "."), UInt8(ascii: "_"), UInt8(ascii: "-"):
                true
            default: false
            }
        }
    }

    /// Makes a topic that does not exist yet. It is durable when this returns.
    mutating func create(_ name: String, id: Uuid, partitionCount: Int) throws(LogError) -> Topic {
        precondition(byName[name] == nil && Self.isValid(name), "TopicRegistry: a new topic has a new, valid name")
        var logs: [Log] = []
        for number in (0..<partitionCount).reversed() {
            let directory = try onStorage { () throws(StorageError) in
                // Partition 0 says that the topic exists: everything else is on disk before it.
                if number == 0 { try root.synchronizeDirectory() }
                let directory = try root.directory("\(name)-\(number)")
                try Self.writeID(id, in: directory)
                return directory
            }
            logs.append(try Log(in: directory, configuration: configuration))
        }
        try onStorage(root.synchronizeDirectory)
        return add(name, id: id, logs: logs.reversed())
    }

    private mutating func add(_ name: String, id: Uuid, logs: [Log]) -> Topic {
        var added: [Partition] = []
        for (number, log) in logs.enumerated() {
            let partition = Partition(name: "\(name)-\(number)", key: partitions.count, log: log)
            partitions.append(partition)
            added.append(partition)
        }
        byName[name] = topics.count
        byID[id] = topics.count
        let topic = Topic(name: name, id: id, partitions: added)
        topics.append(topic)
        return topic
    }

    // MARK: Starting

    /// The names of topics and the numbers of their partition directories, both ascending.
    private func partitionDirectories() throws(StorageError) -> [(name: String, numbers: [Int])] {
        var numbers: [String: [Int]] = [:]
        for entry in try root.list() {
            guard let dash = entry.lastIndex(of: "-"), let number = Int(entry[entry.index(after: dash)...]) else {
                continue
            }
            let name = String(entry[..<dash])
            if number >= 0 && "\(name)-\(number)" == entry && Self.isValid(name) {
                numbers[name, default: []].append(number)
            }
        }
        return numbers.keys.sorted().map { ($0, (numbers[$0] ?? []).sorted()) }
    }

    private mutating func load(_ name: String, _ numbers: [Int]) throws(LogError) {
        guard numbers.first == 0, try isMade(name) else {
            for number in numbers { try removeLeftover("\(name)-\(number)") }
            return
        }
        guard numbers == Array(0..<numbers.count) else {
            throw cannotOpen(
                name, "the directory of one of its partitions is missing; restore it, or move the others away")
        }
        var id: Uuid?
        var logs: [Log] = []
        for number in numbers {
            let directory = try onStorage { () throws(StorageError) in
                let directory = try root.directory("\(name)-\(number)")
                if number == 0 { id = try Self.readID(in: directory) }
                return directory
            }
            let log = try Log(in: directory, configuration: configuration)
            recovery.add(log, name: "\(name)-\(number)")
            logs.append(log)
        }
        guard let id, byID[id] == nil else { throw cannotOpen(name, "another topic has the same id") }
        _ = add(name, id: id, logs: logs)
    }

    /// Whether partition 0 has its metadata, or at least records: what holds records is never removed.
    private func isMade(_ name: String) throws(LogError) -> Bool {
        try onStorage { () throws(StorageError) in
            let directory = try root.directory("\(name)-0")
            let files = try directory.list()
            if files.contains(Self.metadataName) { return true }
            for file in files where file.hasSuffix(".log") {
                if try directory.open(file, creating: false).size() > 0 { return true }
            }
            return false
        }
    }

    private func cannotOpen(_ name: String, _ reason: String) -> LogError {
        .storage(StorageError("open topic", root.path + "/" + name, .other(reason)))
    }

    /// Removes what an interrupted creation left. It never held an acknowledged record.
    private mutating func removeLeftover(_ name: String) throws(LogError) {
        try onStorage { () throws(StorageError) in
            let directory = try root.directory(name)
            for file in try directory.list() { try directory.remove(file) }
            try root.remove(name)
        }
        recovery.lines.append("removed \(root.path)/\(name): its topic's creation was interrupted")
    }

    private static func writeID(_ id: Uuid, in directory: any Storage) throws(StorageError) {
        try directory.replace(metadataName, with: Bytes(utf8: "version: 0\ntopic_id: \(id)\n"))
    }

    private static func readID(in directory: any Storage) throws(StorageError) -> Uuid {
        let text = try directory.contents(of: metadataName).utf8 ?? ""
        let lines = (try? Properties.parse(text, separator: ":")) ?? []
        guard let value = lines.first(where: { $0.name == "topic_id" })?.value, let id = Uuid(value) else {
            throw StorageError(
                "read", directory.path + "/" + metadataName, .other("it names no topic_id; restore it from a copy"))
        }
        return id
    }
}

/// What opening all logs found.
public struct RecoverySummary: Sendable {
    /// Logs that were opened.
    public var logCount = 0
    /// Bytes whose CRCs were checked.
    public var scannedBytes: Int64 = 0
    /// Bytes that were cut from the ends of logs.
    public var cutBytes: Int64 = 0
    /// What somebody should know, a line each.
    public var lines: [String] = []

    mutating func add(_ log: Log, name: String) {
        logCount += 1
        scannedBytes += log.recovery.scannedBytes
        cutBytes += log.recovery.cutBytes
        if let damage = log.recovery.damage {
            lines.append(
                "cut \(log.recovery.cutBytes) bytes from the end of \(name), at offset \(log.end.offset): \(damage)")
        }
        if log.recovery.rebuiltIndexes > 0 {
            lines.append("rebuilt the indexes of \(log.recovery.rebuiltIndexes) segments of \(name)")
        }
    }
}
