import SegmentLog
import WireProtocol

/// What the partitions' directories say of topics: each has a file `partition.metadata` with its topic's id.
struct TopicDirectories {
    private let directory: LogDirectory

    init(_ directory: LogDirectory) { self.directory = directory }

    /// Writes the file that says to which topic the partition directory `name` belongs.
    func write(_ id: Uuid, into name: String) throws(LogError) {
        try onStorage { () throws(StorageError) in
            try directory.storage.directory(name).replace(LogDirectory.metadataName, with: Self.contents(id))
        }
    }

    /// Writes that file into a new directory, and leaves it to the kernel when that is durable: a start that
    /// cannot read it writes it again.
    func begin(_ id: Uuid, in name: String) throws(LogError) {
        try onStorage { () throws(StorageError) in
            let file = try directory.storage.directory(name).open(LogDirectory.metadataName, creating: true)
            try file.truncate(to: 0)
            try file.append(Self.contents(id), at: 0)
        }
    }

    /// Kafka's text. It ends with the id, so that none that was cut short passes for whole.
    private static func contents(_ id: Uuid) -> Bytes { Bytes(utf8: "version: 0\ntopic_id: \(id)") }

    /// The id of the topic that the partition directory `name` belongs to, or nil where the file that says it is
    /// missing, or was not wholly on disk when a crash came.
    func topicID(of name: String) throws(LogError) -> Uuid? {
        try onStorage { () throws(StorageError) in
            let partition = try directory.storage.directory(name)
            guard try partition.list().contains(LogDirectory.metadataName) else { return nil }
            let text = try partition.contents(of: LogDirectory.metadataName).text
            let key = "topic_id:"
            let line = text.split(separator: "\n").first { $0.hasPrefix(key) }
            return line.flatMap { Uuid(String($0.dropFirst(key.count).drop(while: { $0 == " " }))) }
        }
    }

    /// The topics that all directories of this node make up, as records for a metadata log that has none; and the
    /// directories that a topic's interrupted creation has left.
    func topics(on nodeID: Int32) throws(LogError) -> (records: [MetadataRecord], leftovers: [String]) {
        var numbers: [String: [Int]] = [:]
        for name in directory.names {
            if let (topic, number) = LogDirectory.partition(name) { numbers[topic, default: []].append(number) }
        }
        var records: [MetadataRecord] = []
        var leftovers: [String] = []
        for name in numbers.keys.sorted() {
            let found = (numbers[name] ?? []).sorted()
            guard found.first == 0, let id = try topicID(of: "\(name)-0") else {
                leftovers += try checkedLeftovers(name, found)
                continue
            }
            guard found == Array(0..<found.count) else {
                throw cannotOpen(
                    name,
                    "the directory of one of its partitions is missing; restore it, or move those of all its partitions away"
                )
            }
            records.append(.topic(TopicRecord(name: name, topicID: id)))
            records += found.map { .partition(PartitionRecord(index: Int32($0), topicID: id, replicas: [nodeID])) }
        }
        return (records, leftovers)
    }

    private func cannotOpen(_ name: String, _ reason: String) -> LogError {
        .storage(StorageError("open topic", directory.storage.path + "/" + name, .other(reason)))
    }

    /// Metadata, and segments without a byte; whatever holds anything else is never removed.
    private func checkedLeftovers(_ name: String, _ numbers: [Int]) throws(LogError) -> [String] {
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
        return numbers.map { "\(name)-\($0)" }
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
}
