import SegmentLog
import WireProtocol

extension PartitionServer {
    /// Appends a batch of the node's own to a partition, as a produce does: it becomes visible, and counts as
    /// committed, when it is as durable as the topic's `flush.messages` promises. `takeAdvanced` tells when.
    ///
    /// Nothing was checked of the batch but its size: whoever made it knows what is in it.
    ///
    /// - Returns: the place behind it. It is committed once the partition's high watermark is there, which may be
    ///   at once.
    /// - Throws: where nothing was appended: `.batchTooLarge` for a batch that no consumer's topic would take either.
    public mutating func append(
        _ batch: RecordBatch, to partition: Partition, at now: Instant, _ server: inout RequestServer,
        _ effects: inout Effects
    ) throws(LogError) -> LogPosition {
        let byteCount = batch.header.byteCount
        guard byteCount <= partition.config.maxMessageBytes else {
            throw .batchTooLarge(bytes: byteCount, limit: partition.config.maxMessageBytes)
        }
        let end: LogPosition
        do {
            end = try partition.log().append(
                batch, leaderEpoch: partition.leaderEpoch,
                appendTime: partition.config.usesLogAppendTime ? clock.milliseconds(at: now) : nil
            ).end
        } catch {
            if case .batchTooLarge = error { throw error }
            storageFailed(error, &effects)
            throw error
        }
        partition.appended(Partition.Append(end: end, byteCount: byteCount))
        commit(partition, &server, &effects)
        return end
    }

    /// The partitions in which batches of the node's own have become committed since this was last asked, in the
    /// order in which the first did. One that is gone by now is left out.
    public mutating func takeAdvanced() -> [Partition] {
        defer { advanced.removeAll(keepingCapacity: true) }
        return advanced.compactMap { topics.partition(key: $0) }
    }

    /// The topics that were deleted since this was last asked: see `Topics.takeRemoved`.
    public mutating func takeRemovedTopics() -> [String: Uuid] { topics.takeRemoved() }
}
