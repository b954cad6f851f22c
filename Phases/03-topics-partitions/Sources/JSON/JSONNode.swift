import SegmentLog
import WireProtocol

/// A node that speaks lines of JSON, as Maelstrom's nodes do, over the same topics as the broker's.
///
///     var node = try JSONNode(in: storage, seed: 1)
///     while input.count > 0 {
///         node.receive(&input, at: milliseconds)
///         for line in try node.answers() { print(line) }
///     }
///
/// A line is a message, `{"src", "dest", "body"}`; the body has a `type` and a `msg_id`. Each request gets one
/// answer, in order, with `src` and `dest` swapped and the `msg_id` as `in_reply_to`: of its own type with
/// `_ok` behind it, or an error (`JSONNode.ErrorCode`). What is itself an answer gets none.
///
/// - I3.5: an answer is handed out only when what it says is on disk.
public struct JSONNode {
    /// The longest line that is read; a longer one is refused.
    public static let maxLineBytes = 16 << 20
    /// The broker that the partitions made here belong to: Kafka's number of a broker that is told none.
    private static let brokerID: Int32 = 1
    /// So many bytes of answers are held, and then those of one more request.
    static let maxAnswerBytes = 1 << 20

    var topics: Topics
    /// The offsets that `commit_offsets` has set, by partition.
    var committed: OffsetCheckpoint
    /// Whether `committed` has changed since it was written.
    var hasNewCommits = false
    private let storage: any Storage
    private var random: SplitMix64
    private var lines = LineAssembler(maxLineBytes: maxLineBytes)
    private var answered: [String] = []
    private var answerBytes = 0
    /// The keys of partitions with records that may not be on disk.
    private var unsynchronized: Set<Int> = []
    private var nextMessageID = 0
    /// What Maelstrom calls this node; "" until it says so.
    private var nodeID = ""
    /// A synchronize that failed: nobody knows what is on disk, and nothing more is answered.
    private var failure: LogError?

    /// Finds the topics in `storage`, and recovers their logs after a crash. `seed` begins the topics' ids.
    public init(in storage: any Storage, defaults: TopicConfig = TopicConfig(), seed: UInt64) throws(LogError) {
        self.storage = storage
        random = SplitMix64(seed: seed)
        topics = try Topics(in: storage, nodeID: Self.brokerID, defaults: defaults) { _, _ in }
        committed = try onStorage { () throws(StorageError) in try OffsetCheckpoint(Self.committedName, in: storage) }
    }

    /// What opening the logs found.
    public var recovery: RecoverySummary { topics.recovery }

    /// Takes in bytes of input, which came at `time`, in milliseconds since 1970. What is left of `input` is for
    /// the next call: the answers so far come first, as they take memory.
    public mutating func receive(_ input: inout Bytes, at time: Int64) {
        while answerBytes < Self.maxAnswerBytes, let line = lines.next(&input) { take(line, at: time) }
    }

    /// The input has ended; a last line counts without its end, too.
    public mutating func endOfInput(at time: Int64) {
        if let line = lines.finish() { take(line, at: time) }
    }

    /// Makes durable what the requests so far have written, with one synchronize for each partition, and returns
    /// their answers, a line each. An error is final.
    public mutating func answers() throws(LogError) -> [String] {
        do throws(LogError) {
            if let failure { throw failure }
            try topics.directory.synchronizeNames()
            for key in unsynchronized.sorted() {
                guard let partition = topics.partition(key: key), let log = partition.opened else { continue }
                try log.synchronize()
                partition.becameDurable(upTo: log.end)
            }
            if hasNewCommits {
                try onStorage { () throws(StorageError) in try committed.write(Self.committedName, in: storage) }
            }
        } catch {
            failure = error
            throw error
        }
        defer { (answered, answerBytes, unsynchronized, hasNewCommits) = ([], 0, [], false) }
        return answered
    }

    /// Makes everything durable, and leaves the marker of a clean stop. Nothing may be done afterwards.
    public func close() throws(LogError) { try topics.close() }

    // MARK: Messages

    private mutating func take(_ line: LineAssembler.Line, at time: Int64) {
        guard failure == nil, line != .whole(Bytes()) else { return }
        guard case .whole(let bytes) = line else {
            return reply(
                Refusal(.malformedRequest, "a line has more than \(Self.maxLineBytes) bytes"), to: JSONRequest())
        }
        do {
            take(JSONRequest(try JSON(parsing: bytes)), at: time)
        } catch {
            reply(Refusal(.malformedRequest, "the line is not JSON: \(error)"), to: JSONRequest())
        }
    }

    private mutating func take(_ request: JSONRequest, at time: Int64) {
        // Nothing was asked, so this answers nothing; and an error for it might be answered with another.
        guard request.body["in_reply_to"] == nil else { return }
        do throws(Refusal) {
            let type = try request.type()
            let members = try answer(type, request, at: time)
            reply(type + "_ok", members + [.init("msg_id", .integer(nextMessageID))], to: request)
            nextMessageID += 1
        } catch {
            if let cause = error.cause, cause.isFinal { failure = cause }
            reply(error, to: request)
        }
    }

    /// The members of the answer that belong to its type.
    private mutating func answer(
        _ type: String, _ request: JSONRequest, at time: Int64
    ) throws(Refusal) -> [JSON.Member] {
        switch type {
        case "init":
            nodeID = try request.string("node_id")
            return []
        case "partition_append": return try partitionAppend(request, at: time)
        case "partition_read": return try partitionRead(request)
        case "partition_info": return try partitionInfo(request)
        case "send": return try send(request, at: time)
        case "poll": return try poll(request)
        case "commit_offsets": return try commitOffsets(request)
        case "list_committed_offsets": return try listCommittedOffsets(request)
        default: throw Refusal(.notSupported, "there is no request of type \(type.prefix(100))")
        }
    }

    private mutating func reply(_ refusal: Refusal, to request: JSONRequest) {
        reply(
            "error", [.init("code", .integer(refusal.code.rawValue)), .init("text", .string(refusal.text))], to: request
        )
    }

    private mutating func reply(_ type: String, _ members: [JSON.Member], to request: JSONRequest) {
        var body = [JSON.Member("type", .string(type))]
        if let id = request.messageID { body.append(.init("in_reply_to", id)) }
        let message = JSON.object([
            .init("src", .string(request.destination ?? nodeID)), .init("dest", .string(request.source ?? "")),
            .init("body", .object(body + members)),
        ])
        let line = message.text
        answered.append(line)
        answerBytes += line.utf8.count
    }

    // MARK: The log

    /// Appends a message to a partition, which is made if there is none, with all before it. Returns the
    /// record's place and its segment's file.
    mutating func append(
        _ message: JSON, topic: String, partition number: Int32, at time: Int64
    ) throws(Refusal) -> (offset: Offset, segment: String) {
        var builder = RecordBatchBuilder(baseTimestamp: time)
        builder.append(key: nil, value: message.encoded)
        let batch = builder.finish()
        let limit = topics[topic]?.config.maxMessageBytes ?? topics.defaults.maxMessageBytes
        guard batch.header.byteCount <= limit else {
            throw Refusal(
                .malformedRequest,
                "the message takes \(batch.header.byteCount) bytes, more than max.message.bytes (\(limit))")
        }
        let partition = try madePartition(number, of: topic, at: time)
        return try Refusal.unless { () throws(LogError) in
            let log = try partition.log()
            let appended = try log.append(batch, leaderEpoch: partition.leaderEpoch)
            unsynchronized.insert(partition.key)
            let name = log.activeFile.path.split(separator: "/").last ?? ""
            return (appended.baseOffset, String(name))
        }
    }

    private mutating func madePartition(_ number: Int32, of name: String, at time: Int64) throws(Refusal) -> Partition {
        if let partition = topics[name]?.partition(number) { return partition }
        if topics[name] == nil, let reason = topics.whyInvalid(name) {
            throw Refusal(.malformedRequest, "no topic can have this name: \(reason)")
        }
        let id = topics[name]?.id ?? Uuid.random(using: &random)
        var records: [MetadataRecord] = topics[name] == nil ? [.topic(TopicRecord(name: name, topicID: id))] : []
        for index in Int32(topics[name]?.partitions.count ?? 0)...number {
            records.append(.partition(PartitionRecord(index: index, topicID: id, replicas: [Self.brokerID])))
        }
        _ = try Refusal.unless { () throws(LogError) in try topics.append(records, at: time) }
        guard let made = topics[name]?.partition(number) else {
            throw Refusal(.crash, "partition \(name)-\(number) was not made")
        }
        return made
    }
}
