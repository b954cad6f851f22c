import SegmentLog

/// Maelstrom's `kafka` workload: `send`, `poll`, `commit_offsets` and `list_committed_offsets`.
///
/// The workload's key is a topic, and its log is that topic's partition 0: `send` to the key k1 and
/// `partition_append` to partition 0 of the topic k1 are one log. Committed offsets are in a checkpoint file
/// beside the topics, which is replaced as a whole.
extension JSONNode {
    /// The file of committed offsets.
    static let committedName = "committed-offset-checkpoint"
    /// How many keys may have a committed offset; the file is written whole for each commit, and read at start.
    static let maxCommittedKeys = 100_000
    /// How many bytes of batches a poll returns, unless the first message of a key alone has more.
    static let maxPollBytes = 1 << 20

    mutating func send(_ request: JSONRequest, at time: Int64) throws(Refusal) -> [JSON.Member] {
        let key = try checkedTopic(try request.string("key"))
        let appended = try append(try request.value("msg"), topic: key, partition: 0, at: time)
        return [.init("offset", .integer(appended.offset.value))]
    }

    /// From each key, the messages from its offset on, or from the log's first one if that is later. A key that
    /// has none there, or that nobody sent to, is left out; and so are the last keys where the first have filled
    /// the answer.
    func poll(_ request: JSONRequest) throws(Refusal) -> [JSON.Member] {
        let asked = try request.offsets("offsets")
        var polled: [JSON.Member] = []
        var bytesLeft = Self.maxPollBytes
        for (key, offset) in asked where bytesLeft > 0 {
            guard let partition = topics[key]?.partition(0) else { continue }
            let log = try Refusal.unless(partition.log)
            let start = max(offset, log.startOffset)
            guard start < log.end.offset else { continue }
            let share = min(max(1, Self.maxPollBytes / asked.count), bytesLeft)
            var shareLeft = share
            let found = try messages(in: log, from: start, &shareLeft)
            bytesLeft -= share - shareLeft
            polled.append(.init(key, .array(found.map { .array([.integer($0.offset.value), $0.message]) })))
        }
        return [.init("msgs", .object(polled))]
    }

    /// A key's committed offset only grows, and it may be committed before anything is sent to the key. All
    /// keys are committed, or none.
    mutating func commitOffsets(_ request: JSONRequest) throws(Refusal) -> [JSON.Member] {
        let asked = try request.offsets("offsets")
        var changed = committed.offsets
        for (key, offset) in asked {
            let name = "\(try checkedTopic(key))-0"
            changed[name] = max(offset, changed[name] ?? .zero)
        }
        guard changed.count <= Self.maxCommittedKeys else {
            throw Refusal(.abort, "\(Self.maxCommittedKeys) keys may have committed offsets, and not more")
        }
        hasNewCommits = hasNewCommits || changed != committed.offsets
        committed.offsets = changed
        return []
    }

    /// Keys without a committed offset are left out.
    func listCommittedOffsets(_ request: JSONRequest) throws(Refusal) -> [JSON.Member] {
        let offsets = try request.strings("keys").compactMap { key in
            committed.offsets["\(key)-0"].map { JSON.Member(key, .integer($0.value)) }
        }
        return [.init("offsets", .object(offsets))]
    }
}
