import SegmentLog
import Synchronization
import WireProtocol

/// A partition that a consumer reads, and where its next fetch begins.
struct AssignedPartition: Sendable {
    /// What is fetched next.
    enum Next: Equatable, Sendable {
        /// The records from this offset on.
        case offset(Int64)
        /// Nothing until the offset of this timestamp, or of an end of the log, is known.
        case lookUp(timestamp: Int64)
        /// Nothing until the offset that the group has committed is known.
        case committed
        /// Nothing until the reader has been told of an error.
        case halted
    }

    let name: TopicPartition
    var next: Next
    /// Drawn anew with every seek: what was asked for before has another one.
    var generation: UInt64
    var isPaused = false
    /// Whether a rebalance is about to give it up, or the listener has not heard of it yet.
    var isHeld = false
    /// Nothing is asked before this time.
    var retryAt: Instant?
    /// Partitions are fetched in this order. One that had records goes to the end, so that none starves.
    var turn: UInt64
    /// Bytes of batches that were fetched and not read to their end.
    var bufferedBytes = 0

    /// Whether its records may be returned.
    var isReadable: Bool { !isPaused && !isHeld }

    func mayAsk(at now: Instant) -> Bool { retryAt.map { $0 <= now } ?? true }
}

/// What waits for the reader.
struct Buffered: Sendable {
    enum Content: Sendable {
        /// Whole batches.
        case records(FetchedRecords)
        /// What to throw, and where to go on after that.
        case failure(ClientError, resuming: AssignedPartition.Next)
    }

    var index: Int
    var content: Content
    /// Bytes of batches.
    var byteCount = 0

    /// The first offset that is not read; nil where it is not known.
    var from: Int64? {
        switch content {
        case .records(let records): records.position
        case .failure(_, .offset(let offset)): offset
        case .failure: nil
        }
    }
}

/// What the reader's task and the machine tell each other for every record, without the lock.
final class ReadProgress: Sendable {
    /// The offset of the next record of the batches that the reader has taken. Written by the reader only.
    let position = Atomic<Int64>(0)
    /// Grows under the lock whenever the reader has to ask whether it may go on with what it has taken.
    let interruptions = Atomic<UInt64>(0)
}
