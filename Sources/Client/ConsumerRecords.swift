import WireProtocol

/// The records that a consumer reads, as they come. It ends when the task is cancelled or the
/// consumer is closed, and throws what no retry mends; a new iteration goes on where the last one
/// stopped.
///
///     for try await record in consumer.records {
///         print(record.offset, record.value?.text ?? "null")
///     }
public struct ConsumerRecords: AsyncSequence, Sendable {
    /// A record.
    public typealias Element = ConsumerRecord
    /// Why a record could not be had.
    public typealias Failure = ClientError

    let consumer: Consumer

    /// An iteration. A consumer has one at a time; a second one throws.
    public func makeAsyncIterator() -> Iterator { Iterator(consumer: consumer) }

    /// Goes through the records.
    public struct Iterator: AsyncIteratorProtocol {
        let consumer: Consumer
        var reading: Reading?

        /// The next record, once there is one; nil when the task is cancelled or the consumer is closed.
        public mutating func next() async throws(ClientError) -> ConsumerRecord? {
            try await next(isolation: nil)
        }

        /// The next record, once there is one; nil when the task is cancelled or the consumer is closed.
        public mutating func next(
            isolation actor: isolated (any Actor)?
        ) async throws(ClientError) -> ConsumerRecord? {
            if reading == nil { reading = Reading(try Claim(consumer.thread)) }
            while !Task.isCancelled {
                if let record = try reading?.next() { return record }
                switch try reading?.more() {
                case .more: continue
                case .nothingYet: await reading?.claim.wait(timeoutMilliseconds: nil)
                case .rebalance(let step, let listener): await consumer.tell(listener, of: step)
                case .ended, nil: return nil
                }
            }
            return nil
        }
    }
}

/// The right to read from a consumer. What is not read when it goes is left to the next one.
final class Claim: Sendable {
    let thread: ClientThread<ConsumerMachine>
    private let proof: UInt64

    init(_ thread: ClientThread<ConsumerMachine>) throws(ClientError) {
        self.thread = thread
        proof = try thread.withMachine { machine throws(ClientError) in try machine.beginReading() }
    }

    deinit { thread.withMachine { $0.endReading(proof) } }

    /// Waits for something to read, for so many milliseconds, or for the task to be cancelled.
    func wait(timeoutMilliseconds: Int64?, isolation: isolated (any Actor)? = #isolation) async {
        let id = thread.withMachine { $0.number() }
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let waits = thread.withMachine { machine in
                    machine.wait(id, timeoutMilliseconds: timeoutMilliseconds) { continuation.resume() }
                }
                if !waits { return continuation.resume() }
                // Cancelled before there was anything to cancel; else the deadline begins to run.
                if Task.isCancelled { cancel(id) } else if timeoutMilliseconds != nil { thread.announceWork() }
            }
        } onCancel: {
            cancel(id)
        }
    }

    private func cancel(_ id: UInt64) { thread.withMachine { $0.cancelWait(id) }?() }
}

/// Records that were taken from the machine, and the place among them.
struct Reading {
    let claim: Claim
    private let progress: ReadProgress
    private var records: FetchedRecords?
    private var stamp: UInt64 = 0

    init(_ claim: Claim) {
        self.claim = claim
        progress = claim.thread.withMachine { $0.progress }
    }

    /// The next of the records that were taken; nil where `more` is to be asked.
    mutating func next() throws(ClientError) -> ConsumerRecord? {
        guard progress.interruptions.load(ordering: .acquiring) == stamp else { return nil }
        do throws(ClientError) {
            let record = try records?.next()
            if let position = records?.position { progress.position.store(position, ordering: .releasing) }
            if record == nil { records = nil }
            return record
        } catch {
            records = nil
            // Where a seek came in between, this was not to be read any more.
            if claim.thread.withMachine({ $0.failTaken() }) { throw error }
            return nil
        }
    }

    /// Leaves what was read half to the next reader, as far as it is opened.
    func giveBack() {
        guard let records else { return }
        claim.thread.withMachine { $0.update(records) }
    }

    /// What comes where `next` has no record.
    enum More {
        /// There may be some at once.
        case more
        case nothingYet
        /// A listener is to be told first.
        case rebalance(RebalanceStep, any RebalanceListener)
        /// There will be none.
        case ended
    }

    /// Takes more records. `hasProcessed` says that all that were returned have been worked on.
    mutating func more(hasProcessed: Bool = true) throws(ClientError) -> More {
        let isFinished = records == nil
        let (step, hasRoom) = claim.thread.withMachine { machine in
            var hasRoom = false
            let step = machine.take(isFinished: isFinished, hasProcessed: hasProcessed, hasRoom: &hasRoom)
            return (step, hasRoom)
        }
        if hasRoom { claim.thread.announceWork() }
        switch step {
        case .records(let taken, let stamp):
            records = taken
            self.stamp = stamp
        case .goOn(let stamp): self.stamp = stamp
        case .failed(let error):
            records = nil
            throw error
        case .nothingYet:
            records = nil
            return .nothingYet
        case .rebalance(let step, let listener): return .rebalance(step, listener)
        case .ended: return .ended
        }
        return .more
    }
}
