import SegmentLog

/// A record on its way: tells where it went, once that is known.
public struct Delivery: Sendable {
    let batch: BatchOutcome
    let index: Int
    let timestamp: Int64

    /// Waits for the acknowledgement that `acks` asks for.
    ///
    /// - Returns: where the record is.
    /// - Throws: why it could not be delivered. After a `timedOut` or `disconnected` it may be there all the same.
    public func acknowledged() async throws(ClientError) -> RecordMetadata {
        switch await batch.result() {
        case .failure(let error): throw error
        case .success(let place):
            return RecordMetadata(
                topicPartition: batch.partition,
                offset: place.baseOffset < 0 ? -1 : place.baseOffset + Int64(index),
                timestamp: place.logAppendTime < 0 ? timestamp : place.logAppendTime)
        }
    }
}

/// What became of a batch; all of its records share it.
final class BatchOutcome: Sendable {
    /// Where a batch went.
    struct Place: Sendable {
        /// The offset of its first record; -1 where nobody said.
        var baseOffset: Int64
        /// The broker's timestamp for all of its records; -1 where they keep their own.
        var logAppendTime: Int64
    }

    private struct State {
        var result: Result<Place, ClientError>?
        var waiting: [@Sendable (Result<Place, ClientError>) -> Void] = []
    }

    let partition: TopicPartition
    private let state = Lock(State())

    init(for partition: TopicPartition) { self.partition = partition }

    /// Waits until it is known. It always will be: at `delivery.timeout.ms` at the latest.
    func result() async -> Result<Place, ClientError> {
        await withCheckedContinuation { continuation in
            whenKnown { continuation.resume(returning: $0) }
        }
    }

    /// Calls `body` once it is known: at once, if it is.
    func whenKnown(_ body: @escaping @Sendable (Result<Place, ClientError>) -> Void) {
        let known = state.withLock { state in
            if state.result == nil { state.waiting.append(body) }
            return state.result
        }
        if let known { body(known) }
    }

    /// Makes it known, once.
    func resolve(_ result: Result<Place, ClientError>) {
        let waiting = state.withLock { state in
            if state.result == nil { state.result = result }
            defer { state.waiting = [] }
            return state.waiting
        }
        for body in waiting { body(result) }
    }
}
