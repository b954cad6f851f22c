import SegmentLog
import WireProtocol

/// The topics of one log directory.
///
/// Each partition has a directory `topic-number`, with a file `partition.metadata` that holds the
/// topic's id. A topic's partition 0 is made last, when all the others are on disk: so a topic whose
/// creation was interrupted has no partition 0, or one without that file, and no records. What there
/// is of it is removed at the next start; whatever holds anything else is never removed.
struct TopicRegistry {
    /// A topic and its partitions.
    struct Topic {
        var name: String
        var id: Uuid
        var partitions: [Partition]

        /// The partition of this number, or nil.
        func partition(_ number: Int32) -> Partition? {
            partitions.indices.contains(Int(number)) ? partitions[Int(number)] : nil
        }
    }

    let directory: LogDirectory
    /// In order of creation, or of names for those found at start.
    private(set) var topics: [Topic] = []
    /// Every partition of every topic, by its key.
    private(set) var partitions: [Partition] = []
    private var byName: [String: Int] = [:]
    private var byID: [Uuid: Int] = [:]
    /// Names with dots for underscores: metrics of two topics that differ in these only would collide.
    private var collisionNames: Set<String> = []

    /// What was found at start, for the ready line and the operator's log.
    private(set) var recovery = RecoverySummary()

    /// Finds the topics in `directory`, and recovers their logs after a crash.
    init(_ directory: LogDirectory, progress: (_ done: Int, _ total: Int) -> Void) throws(LogError) {
        self.directory = directory
        var numbers: [String: [Int]] = [:]
        for name in directory.names {
            if let (topic, number) = LogDirectory.partition(name) { numbers[topic, default: []].append(number) }
        }
        for name in numbers.keys.sorted() { try load(name, (numbers[name] ?? []).sorted()) }
        try directory.recover(progress: progress)
        for (name, recovered) in directory.recovered { recovery.add(recovered, name: name) }
    }

    subscript(name: String) -> Topic? { byName[name].map { topics[$0] } }
    subscript(id: Uuid) -> Topic? { byID[id].map { topics[$0] } }

    /// Why no topic can be made with this name, or nil if one can. Kafka's rule: 1 to 249 letters,
    /// digits, dots, dashes or underscores, but not "." or ".."; and no second name that differs from
    /// a first one in dots and underscores only.
    func whyInvalid(_ name: String) -> String? {
        guard name != ".", name != "..", (1...249).contains(name.utf8.count) else {
            return "a name has 1 to 249 characters, and is not \".\" or \"..\""
        }
        let isLegal = name.utf8.allSatisfy { byte in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "."), UInt8(ascii: "_"), UInt8(ascii: "-"):
                true
            default: false
            }
        }
        guard isLegal else { return "a name has letters, digits, dots, dashes and underscores only" }
        return collisionNames.contains(Self.collisionName(name))
            ? "another topic's name differs from it in dots and underscores only" : nil
    }

    private static func collisionName(_ name: String) -> String { String(name.map { $0 == "." ? "_" : $0 }) }

    /// Makes a topic that does not exist yet. It is durable when this returns.
    mutating func create(_ name: String, id: Uuid, partitionCount: Int) throws(LogError) -> Topic {
        precondition(byName[name] == nil && whyInvalid(name) == nil, "TopicRegistry: a new topic has a new, valid name")
        for number in (0..<partitionCount).reversed() {
            try onStorage { () throws(StorageError) in
                let partition = try directory.storage.directory("\(name)-\(number)")
                // On a file system that folds case, "Orders" would take the directory of "orders".
                guard try !partition.list().contains(LogDirectory.metadataName) else {
                    throw StorageError("create topic", partition.path, .other("a topic already uses this directory"))
                }
                try partition.replace(LogDirectory.metadataName, with: Bytes(utf8: "version: 0\ntopic_id: \(id)\n"))
                // Partition 0 says that the topic exists: everything else is on disk before its metadata.
                if number > 0 || partitionCount == 1 { try directory.storage.synchronizeDirectory() }
            }
            _ = try directory.log("\(name)-\(number)")
        }
        return add(name, id: id, partitionCount: partitionCount)
    }

    private mutating func add(_ name: String, id: Uuid, partitionCount: Int) -> Topic {
        var added: [Partition] = []
        for number in 0..<partitionCount {
            let partition = Partition(name: "\(name)-\(number)", key: partitions.count, in: directory)
            partitions.append(partition)
            added.append(partition)
        }
        byName[name] = topics.count
        byID[id] = topics.count
        collisionNames.insert(Self.collisionName(name))
        let topic = Topic(name: name, id: id, partitions: added)
        topics.append(topic)
        return topic
    }

    // MARK: Starting

    private mutating func load(_ name: String, _ numbers: [Int]) throws(LogError) {
        guard numbers.first == 0, let id = try readID(name) else {
            return try removeLeftovers(name, numbers)
        }
        guard numbers == Array(0..<numbers.count) else {
            throw cannotOpen(
                name,
                "the directory of one of its partitions is missing; restore it, or move those of all its partitions away"
            )
        }
        guard byID[id] == nil else { throw cannotOpen(name, "another topic has the same id") }
        _ = add(name, id: id, partitionCount: numbers.count)
    }

    private func cannotOpen(_ name: String, _ reason: String) -> LogError {
        .storage(StorageError("open topic", directory.storage.path + "/" + name, .other(reason)))
    }

    /// Removes what an interrupted creation left: metadata, and segments without a byte.
    private mutating func removeLeftovers(_ name: String, _ numbers: [Int]) throws(LogError) {
        for number in numbers {
            guard try isLeftover("\(name)-\(number)") else {
                throw cannotOpen(
                    name,
                    """
                    partition 0, or its \(LogDirectory.metadataName), is missing, but \(name)-\(number) holds something; \
                    restore it, or move the directories of all its partitions away
                    """)
            }
        }
        for number in numbers {
            recovery.lines.append(
                "removed \(name)-\(number): its topic's creation was interrupted, and it holds no records")
        }
        try directory.remove(numbers.map { "\(name)-\($0)" })
    }

    private func isLeftover(_ name: String) throws(LogError) -> Bool {
        try onStorage { () throws(StorageError) in
            let partition = try directory.storage.directory(name)
            guard try partition.subdirectories().isEmpty else { return false }
            for file in try partition.list() where !file.hasPrefix(LogDirectory.metadataName) {
                if try partition.open(file, creating: false).size() > 0 { return false }
            }
            return true
        }
    }

    /// The topic's id, or nil where partition 0 has no metadata.
    private func readID(_ name: String) throws(LogError) -> Uuid? {
        try onStorage { () throws(StorageError) in
            let partition = try directory.storage.directory("\(name)-0")
            guard try partition.list().contains(LogDirectory.metadataName) else { return nil }
            let text = try partition.contents(of: LogDirectory.metadataName).text
            let lines = (try? Properties.parse(text, separator: ":")) ?? []
            guard let value = lines.first(where: { $0.name == "topic_id" })?.value, let id = Uuid(value) else {
                throw StorageError(
                    "read", partition.path + "/" + LogDirectory.metadataName,
                    .other("it names no topic_id; restore it from a copy"))
            }
            return id
        }
    }
}

/// What opening all logs found.
public struct RecoverySummary: Sendable {
    /// Bytes whose CRCs were checked.
    public var scannedBytes: Int64 = 0
    /// What somebody should know, a line each.
    public var lines: [String] = []

    mutating func add(_ recovery: LogRecovery, name: String) {
        scannedBytes += recovery.scannedBytes
        if let damage = recovery.damage {
            lines.append("cut \(recovery.cutBytes) bytes from the end of \(name): \(damage)")
        }
        if recovery.segmentsSetAside > 0 {
            lines.append(
                "set \(recovery.segmentsSetAside) segments of \(name) aside, as .log.damaged: they lie behind damage")
        }
        for gap in recovery.gaps {
            lines.append(
                "\(name) has no segment for offsets \(gap.lowerBound) to \(gap.upperBound): compacted elsewhere?")
        }
        if recovery.rebuiltIndexes > 0 {
            lines.append("rebuilt the indexes of \(recovery.rebuiltIndexes) segments of \(name)")
        }
    }
}
