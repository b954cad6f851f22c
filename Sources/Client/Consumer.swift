import SegmentLog
import WireProtocol

/// Reads partitions that it is assigned, from where it is told, and follows their leaders.
///
///     let consumer = try Consumer(ConsumerConfiguration(bootstrapServers: "localhost:9092"))
///     try await consumer.assign(topic: "orders", from: .earliest)
///     for try await record in consumer.records {
///         print(record.topicPartition, record.offset, record.value?.text ?? "null")
///     }
///
/// It fetches ahead: while one record is worked on, the next ones are on their way, up to
/// `ConsumerConfiguration.fetchAheadBytes`. What can mend itself is tried again without a word: a
/// broker that is gone, a new leader, a topic that is not there yet. What cannot is thrown, with the
/// partition and the offset; the next read tries again from there, or from where `seek` says.
///
/// Keys and values share the memory of the answer that they came in, so a record that is kept keeps
/// that answer. `Bytes(record.value.array)` is a copy of its own.
public final class Consumer: Sendable {
    let thread: ClientThread<ConsumerMachine>

    /// A consumer that reads nothing yet. It connects when it is given something to do.
    public convenience init(_ configuration: ConsumerConfiguration) throws(ClientError) {
        var random = SystemRandomNumberGenerator()
        try self.init(configuration, seed: random.next())
    }

    /// The same with what it draws known beforehand: `seed` begins its id in a group of KIP-848, and its backoffs. Two
    /// members of a group must not have the same.
    package init(_ configuration: ConsumerConfiguration, seed: UInt64) throws(ClientError) {
        thread = try ClientThread(try ConsumerMachine(configuration, seed: seed))
    }

    deinit { thread.stop() }

    /// Ends iterations and connections. Whoever waits for an answer gets `closed`.
    ///
    /// A member of a group commits what was read and leaves, behind this call and without a word to the
    /// listener; `close(timeout:)` waits for it.
    public func close() { thread.stop() }

    // MARK: What is read

    /// Reads these partitions from these places on, and no others.
    ///
    ///     try consumer.assign([TopicPartition("orders", 0): .offset(42), TopicPartition("orders", 1): .latest])
    public func assign(_ partitions: [TopicPartition: StartPosition]) throws(ClientError) {
        try change { machine throws(ClientError) in try machine.assign(partitions) }
    }

    /// Reads these partitions from `start` on, and no others.
    public func assign(_ partitions: [TopicPartition], from start: StartPosition) throws(ClientError) {
        try assign(Dictionary(partitions.map { ($0, start) }) { first, _ in first })
    }

    /// Reads all partitions that a topic has, and no others.
    public func assign(topic: String, from start: StartPosition) async throws(ClientError) {
        try assign(try await partitions(of: topic), from: start)
    }

    /// What is read, by topic and partition.
    public var assignment: [TopicPartition] { thread.withMachine { $0.partitions.map(\.name) } }

    /// Goes on with `position`, also in an iteration that is under way: the partition's next record is
    /// the one from there.
    public func seek(_ partition: TopicPartition, to position: StartPosition) throws(ClientError) {
        try change { machine throws(ClientError) in try machine.seek(partition, to: position) }
    }

    /// The offset of the next record that will be read: one more than that of the last one, or where
    /// to begin. Waits until that is known, for `default.api.timeout.ms` at most.
    public func position(of partition: TopicPartition) async throws(ClientError) -> Int64 {
        let reply = try await ask(.position(partition), what: "the position of \(partition)")
        guard case .position(let offset) = reply else { throw .closed }
        return offset
    }

    /// `position(of:)` of each partition that is read, as far as it is known at once.
    public var positions: [TopicPartition: Int64] { thread.withMachine { $0.positions.mapValues(\.offset) } }

    /// Returns no records of these partitions until `resume`. What was fetched of them is kept.
    public func pause(_ partitions: [TopicPartition]) throws(ClientError) {
        try change { machine throws(ClientError) in try machine.setPaused(true, partitions) }
    }

    /// Takes back `pause`.
    public func resume(_ partitions: [TopicPartition]) throws(ClientError) {
        try change { machine throws(ClientError) in try machine.setPaused(false, partitions) }
    }

    // MARK: Reading

    /// The records of all partitions as they come; those of one partition in their order.
    ///
    /// One iteration or `poll` at a time.
    public var records: ConsumerRecords { ConsumerRecords(consumer: self) }

    /// The next records, `maxRecords` at most: what is there at once, or what comes first within
    /// `timeout`. None after the timeout, when the task is cancelled, or when the consumer is closed.
    ///
    ///     while true {
    ///         let records = try await consumer.poll(maxRecords: 1000, timeout: .seconds(1))
    ///         try await store(records)
    ///     }
    public func poll(maxRecords: Int = 500, timeout: Duration) async throws(ClientError) -> [ConsumerRecord] {
        var reading = Reading(try Claim(thread))
        var records: [ConsumerRecord] = []
        let deadline = ClientThread<ConsumerMachine>.now().advanced(byMilliseconds: timeout.milliseconds)
        var hasWaited = false
        loop: while records.count < maxRecords, !Task.isCancelled {
            do throws(ClientError) {
                if let record = try reading.next() {
                    records.append(record)
                    continue
                }
                switch try reading.more(hasProcessed: records.isEmpty) {
                case .more: continue
                case .rebalance(let step, let listener):
                    await tell(listener, of: step)
                    continue
                case .nothingYet: break
                case .ended: break loop
                }
            } catch {
                // What was read comes first; the error comes again with the next poll.
                if records.isEmpty { throw error }
                break
            }
            let left = (deadline.nanoseconds &- ClientThread<ConsumerMachine>.now().nanoseconds) / 1_000_000
            if !records.isEmpty || hasWaited && left <= 0 { break }
            await reading.claim.wait(timeoutMilliseconds: max(0, left))
            hasWaited = true
        }
        reading.giveBack()
        return records
    }

    // MARK: Questions

    /// The partitions of a topic. Waits until they are known, for `default.api.timeout.ms` at most.
    public func partitions(of topic: String) async throws(ClientError) -> [TopicPartition] {
        let reply = try await ask(.partitionCount(topic: topic), what: "asking for the partitions of \(topic)")
        guard case .partitionCount(let count) = reply else { throw .closed }
        return (0..<count).map { TopicPartition(topic, Int32($0)) }
    }

    /// The first offset of each partition.
    public func beginningOffsets(of partitions: [TopicPartition]) async throws(ClientError) -> [TopicPartition: Int64] {
        try await offsets(partitions, ListOffsetsRequest.earliest)
    }

    /// The offset behind the last record of each partition that a consumer may see.
    public func endOffsets(of partitions: [TopicPartition]) async throws(ClientError) -> [TopicPartition: Int64] {
        try await offsets(partitions, ListOffsetsRequest.latest)
    }

    /// The first record of each partition whose timestamp is the given one or later, in milliseconds
    /// since 1970; none for a partition that has no such record.
    public func offsets(
        for times: [TopicPartition: Int64]
    ) async throws(ClientError) -> [TopicPartition: OffsetAndTimestamp] {
        if let (partition, time) = times.first(where: { $0.value < 0 }) {
            throw .refused("\(partition) has no records of the time \(time)")
        }
        return try await lookUp(times)
    }

    private func offsets(
        _ partitions: [TopicPartition], _ end: Int64
    ) async throws(ClientError) -> [TopicPartition: Int64] {
        try await lookUp(Dictionary(partitions.map { ($0, end) }) { first, _ in first }).mapValues(\.offset)
    }

    private func lookUp(
        _ times: [TopicPartition: Int64]
    ) async throws(ClientError) -> [TopicPartition: OffsetAndTimestamp] {
        let reply = try await ask(
            .offsets([:]), times: times, what: "looking up the offsets of \(times.count) partitions")
        guard case .offsets(let found) = reply else { throw .closed }
        return found
    }

    // MARK: The machine

    func change(_ body: (inout ConsumerMachine) throws(ClientError) -> Void) throws(ClientError) {
        try thread.withMachine { machine throws(ClientError) in
            if machine.isClosed { throw ClientError.closed }
            try body(&machine)
        }
        thread.announceWork()
    }

    func ask(
        _ kind: Question.Kind, times: [TopicPartition: Int64] = [:], what: String, timeoutMilliseconds: Int64? = nil
    ) async throws(ClientError) -> Question.Reply {
        let id = thread.withMachine { $0.number() }
        let result = await withTaskCancellationHandler {
            await withCheckedContinuation {
                (continuation: CheckedContinuation<Result<Question.Reply, ClientError>, Never>) in
                let isAsked = thread.withMachine { machine in
                    machine.ask(id, kind, times: times, what: what, timeoutMilliseconds: timeoutMilliseconds) {
                        continuation.resume(returning: $0)
                    }
                }
                if !isAsked { return continuation.resume(returning: .failure(.closed)) }
                // Cancelled before there was anything to cancel.
                if Task.isCancelled { cancel(id) } else { thread.announceWork() }
            }
        } onCancel: {
            cancel(id)
        }
        return try result.get()
    }

    private func cancel(_ id: UInt64) { thread.withMachine { $0.cancelQuestion(id) }?(.failure(.cancelled)) }
}

extension Duration {
    /// Whole milliseconds, as far as they can be counted.
    var milliseconds: Int64 {
        let (seconds, attoseconds) = components
        let (whole, isTooLong) = seconds.multipliedReportingOverflow(by: 1_000)
        let (sum, isTooMuch) = whole.addingReportingOverflow(attoseconds / 1_000_000_000_000_000)
        return isTooLong || isTooMuch ? (seconds < 0 ? .min : .max) : sum
    }
}
