import SegmentLog
import WireProtocol

/// One partition of a topic: its log, which is made or opened when it is first needed, and how much of it
/// may be seen.
///
/// - I2.6: the high watermark never passes what the flush setting promises to be on disk, and never
///   goes back.
/// - I3.6: appends become visible, and are acknowledged, in the order of the log.
public final class Partition {
    /// The topic's name and the partition's number, as its directory is called.
    public let name: String
    /// The topic's name.
    public let topic: String
    /// The topic's id.
    public let topicID: Uuid
    /// Its number in the topic.
    public let number: Int32
    /// Its number in the node, by which waiting requests find it. Never used again.
    public let key: Int
    /// What its topic is configured to.
    public internal(set) var config: TopicConfig {
        didSet { opened?.configuration = config.logLimits }
    }
    private let directory: LogDirectory
    /// The log, if it is open.
    public private(set) var opened: Log?
    /// The epoch of this broker's leadership.
    public let leaderEpoch: LeaderEpoch

    /// Consumers see nothing behind this place.
    public private(set) var highWatermark = LogPosition(offset: .zero, segment: .zero, position: 0)
    /// The place up to which everything is on disk.
    public private(set) var durableEnd = LogPosition(offset: .zero, segment: .zero, position: 0)
    /// Appends behind the high watermark, in order.
    private var uncommitted: [Append] = []

    /// An append that is not yet acknowledged.
    struct Append {
        var end: LogPosition
        var byteCount: Int
        /// The produce that waits for it; nil for an append of the node's own.
        var produce: ProduceID?
    }

    /// What moving the high watermark brought about.
    struct Progress {
        /// Bytes that consumers can see now and could not see before.
        var byteCount = 0
        /// Produces with an append that is now acknowledged, in order.
        var produces: [ProduceID] = []
        /// Whether an append of the node's own is among what can be seen now.
        var hasOwn = false
    }

    init(of topic: Topics.Topic, number: Int32, key: Int, leaderEpoch: Int32, in directory: LogDirectory) {
        name = "\(topic.name)-\(number)"
        self.topic = topic.name
        topicID = topic.id
        self.number = number
        self.key = key
        self.leaderEpoch = LeaderEpoch(leaderEpoch)
        config = topic.config
        self.directory = directory
    }

    /// The log. What it holds when it is opened is on disk.
    public func log() throws(LogError) -> Log {
        if let opened { return opened }
        try takeDirectory()
        let log = try directory.log(name, config.logLimits, isNameLater: true)
        highWatermark = log.end
        durableEnd = log.end
        opened = log
        return log
    }

    /// Makes the directory, or checks that it is this topic's: it is not where the directory of a deleted topic
    /// of this name could not be moved away, nor on a file system that folds case, for "Orders" beside "orders".
    private func takeDirectory() throws(LogError) {
        let directories = TopicDirectories(directory)
        switch try directories.topicID(of: name) {
        case topicID?: return
        case nil: try directories.begin(topicID, in: name)
        case let other?:
            throw .storage(
                StorageError("open partition", name, .other("the topic with the id \(other) uses this directory")))
        }
    }

    /// What a synchronize has to cover; nil where everything is on disk.
    var unsynchronized: (file: any File, end: LogPosition)? {
        guard let opened, opened.end.offset > durableEnd.offset else { return nil }
        return (opened.activeFile, opened.end)
    }

    /// The produces that wait for an append to be acknowledged, in order.
    var waitingProduces: [ProduceID] { uncommitted.compactMap(\.produce) }

    /// Takes an append to the log into account.
    func appended(_ append: Append) { uncommitted.append(append) }

    /// Everything up to `end` is on disk.
    func becameDurable(upTo end: LogPosition) {
        guard end.offset > durableEnd.offset else { return }
        durableEnd = end
        directory.becameDurable(name, upTo: end.offset)
    }

    /// Whether more records are behind `durableEnd` than may be acknowledged without a synchronize.
    func needsSynchronize(flushMessages: Int64) -> Bool {
        guard let end = unsynchronized?.end else { return false }
        return end.offset.value - durableEnd.offset.value >= flushMessages
    }

    /// Moves the high watermark as far as the promise allows: at most `flushMessages - 1` records
    /// that are acknowledged are not on disk.
    func advanceHighWatermark(flushMessages: Int64) -> Progress {
        let (sum, overflow) = durableEnd.offset.value.addingReportingOverflow(flushMessages - 1)
        let limit = Offset(overflow ? Int64.max : sum)
        var progress = Progress()
        var count = 0
        for append in uncommitted {
            guard append.end.offset <= limit else { break }
            highWatermark = append.end
            progress.byteCount += append.byteCount
            if let produce = append.produce { progress.produces.append(produce) } else { progress.hasOwn = true }
            count += 1
        }
        uncommitted.removeFirst(count)
        return progress
    }
}

/// A produce request that waits for the disk.
struct ProduceID: Hashable {
    var value: UInt64
}
