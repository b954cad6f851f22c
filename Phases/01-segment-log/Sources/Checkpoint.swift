/// A small file of lines that is replaced as a whole: Kafka's checkpoint files.
///
///     0            the format's version
///     2            how many lines follow
///     orders 0 42
///     orders 1 17
///
/// It is written to a temporary file, synchronized, renamed, and the directory synchronized: after
/// a crash there is the old one or the new one.
public struct Checkpoint: Equatable, Sendable {
    /// The lines behind version and count, each split at its spaces.
    public var lines: [[String]]

    /// A checkpoint of these lines.
    public init(lines: [[String]]) { self.lines = lines }

    /// Reads `name`; nil where there is no such file.
    public init?(_ name: String, in storage: any Storage) throws(StorageError) {
        let contents: Bytes
        do {
            contents = try storage.contents(of: name, limit: 64 << 20)
        } catch {
            if error.isNotFound { return nil }
            throw error
        }
        let lines = contents.text.split(separator: "\n").map { $0.split(separator: " ").map(String.init) }
        guard lines.count >= 2, lines[0] == ["0"], lines[1].count == 1, Int(lines[1][0]) == lines.count - 2 else {
            throw StorageError(
                "read", storage.path + "/" + name,
                .other(
                    "it is no checkpoint of version 0; restore it from a copy, or remove it to have everything checked")
            )
        }
        self.lines = Array(lines.dropFirst(2))
    }

    /// Writes it as `name`.
    public func write(_ name: String, in storage: any Storage) throws(StorageError) {
        var text = "0\n\(lines.count)\n"
        for line in lines { text += line.joined(separator: " ") + "\n" }
        try storage.replace(name, with: Bytes(utf8: text))
    }
}

/// An offset for each of many partitions, by the directory's name: recovery points, log start
/// offsets, first dirty offsets. The files are Kafka's `recovery-point-offset-checkpoint`,
/// `log-start-offset-checkpoint` and `cleaner-offset-checkpoint`.
public struct OffsetCheckpoint: Equatable, Sendable {
    /// The name of the file of recovery points: everything before is on disk.
    public static let recoveryPoints = "recovery-point-offset-checkpoint"
    /// The name of the file of log start offsets.
    public static let logStartOffsets = "log-start-offset-checkpoint"
    /// The name of the file of first dirty offsets: everything before was compacted.
    public static let cleanerOffsets = "cleaner-offset-checkpoint"

    /// The offsets by partition directory, such as "orders-0".
    public var offsets: [String: Offset]

    /// A checkpoint of these offsets.
    public init(offsets: [String: Offset] = [:]) { self.offsets = offsets }

    /// Reads `name`; empty where there is no such file.
    public init(_ name: String, in storage: any Storage) throws(StorageError) {
        offsets = [:]
        for line in try Checkpoint(name, in: storage)?.lines ?? [] {
            guard line.count == 3, let partition = Int32(line[1]), partition >= 0, let offset = Int64(line[2]),
                offset >= 0
            else {
                throw StorageError(
                    "read", storage.path + "/" + name,
                    .other("a line is not \"topic partition offset\"; remove the file to have everything checked"))
            }
            offsets["\(line[0])-\(partition)"] = Offset(offset)
        }
    }

    /// Writes it as `name`, sorted.
    public func write(_ name: String, in storage: any Storage) throws(StorageError) {
        var lines: [[String]] = []
        for directory in offsets.keys.sorted() {
            guard let dash = directory.lastIndex(of: "-"), let offset = offsets[directory] else { continue }
            lines.append([String(directory[..<dash]), String(directory[directory.index(after: dash)...]), "\(offset)"])
        }
        try Checkpoint(lines: lines).write(name, in: storage)
    }
}
