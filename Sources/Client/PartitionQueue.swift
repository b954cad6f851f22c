import SegmentLog
import WireProtocol

/// A partition's records on their way: one batch that takes records, those that are closed, and one
/// that is with the broker.
struct PartitionQueue: Sendable {
    /// A batch that takes no more records.
    struct Batch: Sendable {
        var records: RecordBatch
        var outcome: BatchOutcome
        /// Not acknowledged by then, it has failed.
        var deadline: Instant
        /// What it counts for in `buffer.memory`.
        var bufferedBytes: Int
    }

    let partition: TopicPartition
    private var open: OpenBatch?
    private(set) var closed: [Batch] = []
    /// The batch that is with the broker, and whether it is known to be too late.
    private var inFlight: (outcome: BatchOutcome, deadline: Instant, isLate: Bool)?
    /// Not sent before this time.
    private var retryAt: Instant?
    /// In the producer's list of queues with something to do.
    var isListed = false

    init(_ partition: TopicPartition) { self.partition = partition }

    /// Whether a batch is with the broker.
    var isInFlight: Bool { inFlight != nil }
    /// Whether nothing waits to be sent.
    var isEmpty: Bool { open == nil && closed.isEmpty }
    /// What became of each batch that waits.
    var outcomes: [BatchOutcome] { closed.map(\.outcome) + (open.map { [$0.outcome] } ?? []) }

    /// Whether there is a batch that takes records.
    var hasOpenBatch: Bool { open != nil }
    /// The size of the open batch if it ended here; 0 where there is none.
    var openByteCount: Int { open?.byteCount ?? 0 }
    /// How many batches wait to be sent.
    var waitingCount: Int { closed.count + (open == nil ? 0 : 1) }
    /// Whether no batch is there that is to take more records.
    func isFull(limit: Int) -> Bool { open.map { $0.byteCount >= limit } ?? true }

    /// Whether there is no batch that comes before the open one.
    var isIdle: Bool { !isInFlight && closed.isEmpty }

    /// When something is to be done without an event: the linger is over, a retry is due, or a batch is
    /// too late. What was due before and is not done waits for something else.
    func nextDeadline(after now: Instant) -> Instant? {
        var next: Instant?
        func consider(_ due: Instant?) { if let due, due > now { next = min(next ?? due, due) } }
        consider(inFlight?.deadline)
        if !isInFlight { consider(closed.isEmpty ? open?.lingerUntil : retryAt) }
        consider(closed.first?.deadline ?? open?.deadline)
        return next
    }

    /// Whether the open batch can no longer be delivered in time.
    func isOpenBatchLate(at now: Instant) -> Bool { open.map { $0.deadline <= now } ?? false }

    /// Whether the open batch has waited long enough.
    func isLingerOver(at now: Instant) -> Bool { open.map { $0.lingerUntil <= now } ?? false }

    /// Whether a batch can be sent now, as far as this queue knows.
    func isReady(at now: Instant) -> Bool {
        if isInFlight || retryAt.map({ $0 > now }) ?? false { return false }
        return !closed.isEmpty || isLingerOver(at: now)
    }

    /// Whether a record of `size` bytes needs a batch of its own.
    func needsNewBatch(for size: Int, limit: Int) -> Bool {
        open.map { $0.byteCount + size > limit } ?? true
    }

    /// Makes the batch that takes records from now on.
    mutating func begin(_ batch: OpenBatch) { open = batch }

    /// Appends a record to the open batch.
    func append(_ record: ProducerRecord, timestamp: Int64, size: Int) -> Delivery? {
        open?.append(record, timestamp: timestamp, size: size)
    }

    /// Ends the open batch, if there is one. A batch that cannot be compressed is given back.
    mutating func close(_ codec: BatchAttributes.Codec) -> (batch: OpenBatch, error: CompressionError)? {
        guard let batch = open.take() else { return nil }
        do {
            closed.append(try batch.finish(codec))
            return nil
        } catch {
            return (batch, error)
        }
    }

    /// The size of the oldest closed batch in bytes.
    var firstSize: Int? { closed.first?.records.bytes.count }

    /// Takes the oldest batch, which goes to the broker.
    mutating func take() -> Batch? {
        guard !closed.isEmpty else { return nil }
        retryAt = nil
        let batch = closed.removeFirst()
        inFlight = (batch.outcome, batch.deadline, isLate: false)
        return batch
    }

    /// The batch under way is done with.
    mutating func finished() { inFlight = nil }

    /// The batch under way is to be sent again: before all others, so that the order stays.
    mutating func putBack(_ batch: Batch, until retryAt: Instant) {
        inFlight = nil
        closed.insert(batch, at: 0)
        self.retryAt = retryAt
    }

    /// Takes the closed batches whose time is over.
    mutating func removeExpired(at now: Instant) -> [Batch] {
        // They were begun one after the other: the oldest is the first to be late.
        let count = closed.prefix { $0.deadline <= now }.count
        guard count > 0 else { return [] }
        defer { closed.removeFirst(count) }
        return Array(closed.prefix(count))
    }

    /// The outcome of the batch that is with the broker, once, when it is too late.
    mutating func expireInFlight(at now: Instant) -> BatchOutcome? {
        guard let batch = inFlight, !batch.isLate, batch.deadline <= now else { return nil }
        inFlight?.isLate = true
        return batch.outcome
    }
}

/// A batch that still takes records.
final class OpenBatch: @unchecked Sendable {
    // Sendable: only its producer's machine touches it, under that machine's lock.
    private var builder: RecordBatchBuilder?
    private(set) var bufferedBytes = 0
    let outcome: BatchOutcome
    let lingerUntil: Instant
    let deadline: Instant

    init(for partition: TopicPartition, baseTimestamp: Int64, capacity: Int, lingerUntil: Instant, deadline: Instant) {
        builder = RecordBatchBuilder(baseTimestamp: baseTimestamp, capacity: capacity)
        outcome = BatchOutcome(for: partition)
        self.lingerUntil = lingerUntil
        self.deadline = deadline
    }

    /// The size of the batch if it ended here.
    var byteCount: Int { builder?.byteCount ?? 0 }

    func append(_ record: ProducerRecord, timestamp: Int64, size: Int) -> Delivery {
        let index = builder?.recordCount ?? 0
        builder?.append(key: record.key, value: record.value, headers: record.headers, timestamp: timestamp)
        bufferedBytes += size
        return Delivery(batch: outcome, index: index, timestamp: timestamp)
    }

    /// The closed batch, compressed.
    func finish(_ codec: BatchAttributes.Codec) throws(CompressionError) -> PartitionQueue.Batch {
        guard let builder = builder.take() else { preconditionFailure("OpenBatch: finished twice") }
        let records = codec == .none ? builder.finish() : try builder.finish(codec: codec)
        return PartitionQueue.Batch(
            records: records, outcome: outcome, deadline: deadline, bufferedBytes: bufferedBytes)
    }
}
