import SegmentLog

/// One partition of a topic: its log, and how much of it may be seen.
///
/// - I2.6: the high watermark never passes what the flush setting promises to be on disk, and never
///   goes back.
final class Partition {
    /// The topic's name and the partition's number, as its directory is called.
    let name: String
    /// The partition's number in the node, by which waiting requests find it.
    let key: Int
    let log: Log
    /// The epoch of this broker's leadership.
    let leaderEpoch = LeaderEpoch(0)

    /// Consumers see nothing behind this place.
    private(set) var highWatermark: LogPosition
    /// The place up to which everything is on disk.
    private(set) var durableEnd: LogPosition
    /// Appends behind the high watermark, in order.
    private var uncommitted: [Append] = []

    /// An append that is not yet acknowledged.
    struct Append {
        var end: LogPosition
        var byteCount: Int
        /// The produce that waits for it, if one does.
        var produce: ProduceID?
    }

    /// What moving the high watermark brought about.
    struct Progress {
        /// Bytes that consumers can see now and could not see before.
        var byteCount = 0
        /// Produces with an append that is now acknowledged, in order.
        var produces: [ProduceID] = []
    }

    /// A partition of a log that was just opened: everything in it is on disk.
    init(name: String, key: Int, log: Log) {
        self.name = name
        self.key = key
        self.log = log
        highWatermark = log.end
        durableEnd = log.end
    }

    /// Takes an append to the log into account.
    func appended(_ append: Append) { uncommitted.append(append) }

    /// Everything up to `end` is on disk.
    func becameDurable(upTo end: LogPosition) {
        if end.offset > durableEnd.offset { durableEnd = end }
    }

    /// Whether more records are behind `durableEnd` than may be acknowledged without a synchronize.
    func needsSynchronize(flushMessages: Int64) -> Bool {
        log.end.offset.value - durableEnd.offset.value >= flushMessages
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
            if let produce = append.produce { progress.produces.append(produce) }
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
