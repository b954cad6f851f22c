import SegmentLog
import TopicsPartitions
import WireProtocol

extension PartitionServer {
    /// Makes `__consumer_offsets` if it is not there; durable on return. Its error is the answer's where there is one.
    public mutating func makeOffsetsTopic(
        _ settings: GroupSettings, of view: ClusterView, at now: Instant, _ server: inout RequestServer,
        _ effects: inout Effects
    ) -> ErrorCode {
        makeInternalTopic(
            OffsetsTopic.name, partitionCount: settings.offsetsPartitionCount,
            configs: OffsetsTopic.configs(settings), of: view, at: now, &server, &effects)
    }

    /// Appends records of groups to their partition, as one batch: after a crash all are there, or none.
    ///
    /// - Parameter isAtomic: false for records that need not go together, as those of an expiry: they are cut into as
    ///   many batches as they need.
    /// - Returns: the place behind them; nil where there are none.
    /// - Throws: `.batchTooLarge` where they do not fit one batch, and nothing was appended; with `isAtomic` false, or
    ///   where the disk fails, those before may be.
    public mutating func append(
        _ records: [GroupRecord], isAtomic: Bool = true, to partition: Partition, at now: Instant,
        _ server: inout RequestServer, _ effects: inout Effects
    ) throws(LogError) -> LogPosition? {
        let limit = partition.maxBatchBytes
        var rest = records[...]
        var end: LogPosition?
        while !rest.isEmpty {
            var builder = RecordBatchBuilder(baseTimestamp: clock.milliseconds(at: now))
            while let record = rest.first, isAtomic || builder.hasRoom(for: record, limit: limit) {
                builder.append(key: record.key, value: record.value)
                rest.removeFirst()
            }
            end = try append(builder.finish(), to: partition, at: now, &server, &effects)
        }
        return end
    }
}

extension RecordBatchBuilder {
    /// Whether the batch has at most `limit` bytes with this record too; the first has always room.
    fileprivate borrowing func hasRoom(for record: GroupRecord, limit: Int) -> Bool {
        recordCount == 0 || byteCount + record.mostBytes <= limit
    }

    /// The most bytes that a batch of these records has.
    static func byteCount(atMost records: [GroupRecord]) -> Int {
        records.reduce(RecordBatchHeader.byteCount) { $0 + $1.mostBytes }
    }
}

extension GroupRecord {
    /// The most bytes that it takes in a batch.
    fileprivate var mostBytes: Int {
        // Around key and value there are at most 27 bytes: six varints, one of them of a time that is no difference.
        key.count + (value?.count ?? 0) + 27
    }
}

extension Partition {
    /// The largest batch that it takes, in bytes.
    var maxBatchBytes: Int { min(config.maxMessageBytes, config.log.segmentBytes) }
}
