#if canImport(Darwin)
    import Darwin
#else
    import Glibc
#endif
import SegmentLog
import WireProtocol

/// Sends records.
///
///     let producer = try Producer(ProducerConfiguration(bootstrapServers: "localhost:9092"))
///     let delivery = try await producer.send(ProducerRecord(topic: "orders", key: "42", value: "paid"))
///     print(try await delivery.acknowledged().offset)
///     await producer.close()
///
/// `send` returns as soon as the record has its place in a batch; it waits only for the topic's
/// metadata and for `buffer.memory`. Whoever wants many records on their way at once keeps the
/// deliveries, and asks for them later. Any number of tasks may send.
public final class Producer: Sendable {
    private let thread: ClientThread<ProducerMachine>

    /// A producer with a thread of its own. It connects when the first record is sent.
    ///
    /// - Throws: `refused` for a setting out of its range, or a codec whose library is not installed.
    public init(_ configuration: ProducerConfiguration) throws(ClientError) {
        try configuration.check()
        do {
            if configuration.compression != .none { _ = try configuration.compression.compress(Bytes()) }
        } catch {
            throw .refused("\(error)")
        }
        thread = try ClientThread(ProducerMachine(configuration, seed: .random(in: 0...UInt64.max)))
    }

    deinit { thread.stop() }

    /// Hands in a record.
    ///
    /// - Returns: what to ask whether it was acknowledged. A delivery that nobody asks is made all the same.
    /// - Throws: `refused` for a record that can never be sent; `timedOut` where there was no metadata or
    ///   memory within `max.block.ms`; `broker` for a topic that cannot be written to, or is still not there
    ///   by then; `cancelled`.
    public func send(_ record: ProducerRecord) async throws(ClientError) -> Delivery {
        let timestamp = record.timestamp ?? wallClockMilliseconds()
        var ticket: UInt64?
        while true {
            switch try append(record, timestamp, ticket) {
            case .taken(let delivery, let isNews):
                if isNews { thread.announceWork() }
                return delivery
            case .mustWait(let number):
                ticket = number
                try await wait(number)
            }
        }
    }

    private func append(
        _ record: ProducerRecord, _ timestamp: Int64, _ ticket: UInt64?
    ) throws(ClientError) -> ProducerMachine.Appended {
        try thread.withMachine { machine throws(ClientError) in
            try machine.append(record, timestamp: timestamp, ticket: ticket, at: ClientThread<ProducerMachine>.now())
        }
    }

    private func wait(_ ticket: UInt64) async throws(ClientError) {
        let error = await withTaskCancellationHandler {
            await withCheckedContinuation { (continuation: CheckedContinuation<ClientError?, Never>) in
                let isWaiting = thread.withMachine { $0.await(ticket) { continuation.resume(returning: $0) } }
                if !isWaiting { continuation.resume(returning: Task.isCancelled ? .cancelled : nil) }
                thread.announceWork()
            }
        } onCancel: {
            thread.withMachine { $0.cancel(ticket) }
            thread.announceWork()
        }
        if let error { throw error }
    }

    /// Sends what lingers, and waits until everything handed in before has been acknowledged or has failed.
    public func flush() async {
        let outcomes = thread.withMachine { $0.flush() }
        thread.announceWork()
        for outcome in outcomes { _ = await outcome.result() }
    }

    /// Takes no more records, flushes, and ends the thread.
    public func close() async {
        thread.withMachine { $0.refuseMore() }
        await flush()
        thread.stop()
    }
}

/// Milliseconds since 1970.
func wallClockMilliseconds() -> Int64 {
    var time = timespec()
    unsafe clock_gettime(CLOCK_REALTIME, &time)
    return Int64(time.tv_sec) * 1_000 + Int64(time.tv_nsec) / 1_000_000
}
