/// Which leader epoch began at which offset (KIP-101): how two replicas find where their logs part.
///
/// Kafka's file `leader-epoch-checkpoint` in the partition's directory, a line "epoch offset" each.
///
/// - I1.7: epochs and offsets both ascend strictly.
public struct LeaderEpochCache: Equatable, Sendable {
    /// The file's name.
    public static let fileName = "leader-epoch-checkpoint"

    /// An epoch and the offset of the first record that was appended in it.
    public struct Entry: Equatable, Sendable {
        /// The epoch.
        public var epoch: LeaderEpoch
        /// The offset where it begins.
        public var startOffset: Offset

        /// An entry of these two.
        public init(epoch: LeaderEpoch, startOffset: Offset) {
            self.epoch = epoch
            self.startOffset = startOffset
        }
    }

    /// The entries in ascending order.
    public private(set) var entries: [Entry] = []

    /// A cache without entries.
    public init() {}

    /// Reads the file; empty where there is none.
    public init(in storage: any Storage) throws(StorageError) {
        for line in try Checkpoint(Self.fileName, in: storage)?.lines ?? [] {
            guard line.count == 2, let epoch = Int32(line[0]), let offset = Int64(line[1]),
                assign(LeaderEpoch(epoch), at: Offset(offset))
            else {
                throw StorageError(
                    "read", storage.path + "/" + Self.fileName,
                    .other("its lines are not ascending epochs and offsets; restore it from a copy"))
            }
        }
    }

    /// Writes the file.
    public func write(in storage: any Storage) throws(StorageError) {
        try Checkpoint(lines: entries.map { ["\($0.epoch.value)", "\($0.startOffset)"] })
            .write(Self.fileName, in: storage)
    }

    /// The last epoch, or `unknown`.
    public var latest: LeaderEpoch { entries.last?.epoch ?? .unknown }

    /// Records that were appended in `epoch` begin at `offset`. Returns whether that is news. An epoch
    /// without records gives way: its entry is at the same offset, and the new one replaces it.
    @discardableResult
    public mutating func assign(_ epoch: LeaderEpoch, at offset: Offset) -> Bool {
        guard epoch > latest, epoch.value >= 0, offset.value >= 0 else { return false }
        entries.removeAll { $0.startOffset >= offset }
        entries.append(Entry(epoch: epoch, startOffset: offset))
        return true
    }

    /// Forgets the epochs that begin at `offset` or behind it: the log was cut there.
    public mutating func truncate(from offset: Offset) { entries.removeAll { $0.startOffset >= offset } }

    /// Forgets the epochs that end before `offset`: the log begins there now.
    public mutating func truncate(before offset: Offset) {
        guard let last = entries.lastIndex(where: { $0.startOffset <= offset }) else { return }
        entries.removeFirst(last)
        entries[0].startOffset = max(entries[0].startOffset, offset)
    }

    /// The greatest epoch that is at most `epoch`, and the offset behind its last record. An epoch before all
    /// that are known ended where they begin; nil where all are smaller than `epoch` (KIP-101, KIP-279).
    /// `end` is the log end offset.
    public func endOffset(of epoch: LeaderEpoch, logEnd end: Offset) -> (epoch: LeaderEpoch, offset: Offset)? {
        if epoch == latest, epoch != .unknown { return (epoch, end) }
        guard let next = entries.firstIndex(where: { $0.epoch > epoch }), epoch != .unknown else { return nil }
        return (next > 0 ? entries[next - 1].epoch : epoch, entries[next].startOffset)
    }
}
