import SegmentLog
import WireProtocol

/// A producer as a machine: gathers records into batches, sends each to its partition's leader, and
/// sends it again where that may help.
///
/// - IC.1: of one partition at most one batch is with a broker, so records keep their order.
/// - IC.2: every record that was taken is acknowledged or fails, once, by `delivery.timeout.ms`.
/// - IC.3: no more than `buffer.memory` bytes of records wait, but for one record alone.
struct ProducerMachine: ClientMachine {
    /// What became of handing in a record.
    enum Appended {
        /// It was taken. `isNews` tells whether the machine's thread has to look.
        case taken(Delivery, isNews: Bool)
        /// It has to wait, with this ticket, until it is handed in again.
        case mustWait(UInt64)
    }

    private enum Need: Equatable { case metadata(String), memory }

    private struct Waiter: Sendable {
        var ticket: UInt64
        var need: Need
        /// What its record counts for.
        var size: Int
        /// Its record can be handed in again; what it needs of `buffer.memory` is already its own.
        var isReady = false
        var deadline: Instant
        var resume: (@Sendable (ClientError?) -> Void)?
    }

    let configuration: ProducerConfiguration
    var wire: WireClient
    var partitioner: Partitioner
    var bufferedBytes = 0
    private var places: [TopicPartition: Int] = [:]
    private var lastPlace = 0
    var queues: [PartitionQueue] = []
    /// The queues that are not empty, or have a batch under way.
    var listed: [Int] = []
    /// What is with brokers: for each request, its batches and their queues.
    var inFlight: [CallID: [(queue: Int, batch: PartitionQueue.Batch)]] = [:]
    /// How many requests each broker has.
    var requests: [Int32: Int] = [:]
    var destinations: [CallID: Int32] = [:]
    private var waiters: [Waiter] = []
    private var nextTicket: UInt64 = 1
    private var newTopics: [String] = []
    private(set) var isClosed = false
    var resumptions: [@Sendable () -> Void] = []

    init(_ configuration: ProducerConfiguration, seed: UInt64) {
        var random = SplitMix64(seed: seed)
        self.configuration = configuration
        wire = WireClient(configuration.wire, seed: random.next())
        partitioner = Partitioner(
            configuration.partitioner, batchBytes: configuration.batchBytes, seed: random.next())
    }

    // MARK: What the user's tasks do

    /// Hands in a record; `timestamp` is its own or the wall clock's.
    ///
    /// - Parameter ticket: from the last time that the same record had to wait.
    mutating func append(
        _ record: ProducerRecord, timestamp: Int64, ticket: UInt64?, at now: Instant
    ) throws(ClientError) -> Appended {
        let waiter = ticket.flatMap { removeWaiter($0) }
        if isClosed { throw .closed }
        let size = try checkedSize(of: record)
        guard let count = try partitionCount(of: record.topic) else {
            if !newTopics.contains(record.topic) { newTopics.append(record.topic) }
            return wait(for: .metadata(record.topic), size, waiter, at: now)
        }
        // Who came first is served first, also where a smaller record would still find room.
        let isItsTurn = waiter.map { $0.need == .memory && $0.isReady } ?? false
        if !isItsTurn, isMemoryShort || !hasRoom(for: size) {
            return wait(for: .memory, size, waiter, at: now)
        }
        return try take(record, timestamp, size, partitionCount: count, at: now)
    }

    /// IC.3
    private func hasRoom(for size: Int) -> Bool {
        bufferedBytes == 0 || bufferedBytes + size <= configuration.bufferBytes
    }

    /// Whether somebody waits for memory.
    var isMemoryShort: Bool { waiters.contains { $0.need == .memory && !$0.isReady } }

    /// Takes out the waiter with this ticket, if there still is one, and gives its memory back.
    private mutating func removeWaiter(_ ticket: UInt64) -> Waiter? {
        guard let index = waiters.firstIndex(where: { $0.ticket == ticket }) else { return nil }
        let waiter = waiters.remove(at: index)
        if waiter.isReady, waiter.need == .memory { bufferedBytes -= waiter.size }
        return waiter
    }

    /// Has `resume` called when the record with this ticket can be handed in again, or never will.
    /// False where that is so already.
    mutating func await(_ ticket: UInt64, _ resume: @escaping @Sendable (ClientError?) -> Void) -> Bool {
        guard let index = waiters.firstIndex(where: { $0.ticket == ticket }), !waiters[index].isReady else {
            return false
        }
        waiters[index].resume = resume
        return true
    }

    /// The task that waits with this ticket gives up.
    mutating func cancel(_ ticket: UInt64) {
        if let resume = removeWaiter(ticket)?.resume { resumptions.append { resume(.cancelled) } }
    }

    /// Closes all open batches, so that they are sent; returns what is to become of every batch.
    mutating func flush() -> [BatchOutcome] {
        var outcomes: [BatchOutcome] = []
        for index in listed {
            close(index)
            outcomes += queues[index].outcomes
        }
        for (_, batches) in inFlight.sorted(by: { $0.key.value < $1.key.value }) {
            outcomes += batches.map(\.batch.outcome)
        }
        return outcomes
    }

    /// Takes no more records.
    mutating func refuseMore() { isClosed = true }

    mutating func takeResumptions() -> [@Sendable () -> Void] {
        defer { resumptions = [] }
        return resumptions
    }

    // MARK: Taking records

    /// What a record counts for: its bytes in a batch, at most.
    private func checkedSize(of record: ProducerRecord) throws(ClientError) -> Int {
        var size = 40 + (record.key?.count ?? 0) + (record.value?.count ?? 0)
        for header in record.headers { size += 10 + header.key.count + (header.value?.count ?? 0) }
        let limit = configuration.maxRequestBytes
        // The batch that it is in may be no larger than the broker takes.
        guard size + RecordBatchHeader.byteCount <= limit else {
            throw .refused("a record of \(size) bytes is larger than max.request.size (\(limit))")
        }
        return size
    }

    /// Nil where that has to be asked for first.
    private func partitionCount(of topic: String) throws(ClientError) -> Int? {
        guard !topic.isEmpty else { throw .refused("a record names no topic") }
        // One search: this is asked for each record.
        switch wire.cluster.topics[topic] {
        case .partitions(let list)?: return list.isEmpty ? nil : list.count
        case .unusable(let code)? where !code.isRetriable: throw .broker(code, what: "topic \(topic)")
        case .unusable, nil: return nil
        }
    }

    private mutating func take(
        _ record: ProducerRecord, _ timestamp: Int64, _ size: Int, partitionCount: Int, at now: Instant
    ) throws(ClientError) -> Appended {
        if let named = record.partition, !(0..<partitionCount).contains(Int(named)) {
            throw .refused("topic \(record.topic) has \(partitionCount) partitions, and no partition \(named)")
        }
        let chosen = choose(for: record, size: size, partitionCount: partitionCount)
        let place = place(of: TopicPartition(record.topic, chosen.partition))
        var isNews = chosen.hasClosed
        // With its first record a batch's own header counts, too.
        var byteCount = queues[place].openByteCount
        if queues[place].needsNewBatch(for: size, limit: configuration.batchBytes) {
            close(place)
            beginBatch(place, timestamp, size, at: now)
            isNews = true
            byteCount = 0
        }
        guard let delivery = queues[place].append(record, timestamp: timestamp, size: size) else {
            preconditionFailure("ProducerMachine: a batch was just begun")
        }
        if chosen.isSticky {
            partitioner.produced(
                queues[place].openByteCount - byteCount, to: record.topic,
                isBatchFull: queues[place].isFull(limit: configuration.batchBytes))
        }
        bufferedBytes += size
        return .taken(delivery, isNews: isNews)
    }

    private mutating func beginBatch(_ place: Int, _ timestamp: Int64, _ size: Int, at now: Instant) {
        queues[place].begin(
            OpenBatch(
                for: queues[place].partition, baseTimestamp: timestamp,
                capacity: max(min(configuration.batchBytes, 16_384), size + RecordBatchHeader.byteCount),
                lingerUntil: now.advanced(byMilliseconds: configuration.lingerMilliseconds),
                deadline: now.advanced(byMilliseconds: configuration.deliveryTimeoutMilliseconds)))
        guard !queues[place].isListed else { return }
        queues[place].isListed = true
        listed.append(place)
    }

    mutating func place(of partition: TopicPartition) -> Int {
        // Records come in runs: most go where the one before went.
        if lastPlace < queues.count, queues[lastPlace].partition == partition { return lastPlace }
        if let place = places[partition] {
            lastPlace = place
            return place
        }
        places[partition] = queues.count
        queues.append(PartitionQueue(partition))
        return queues.count - 1
    }

    mutating func close(_ place: Int) {
        guard let (batch, error) = queues[place].close(configuration.compression) else { return }
        bufferedBytes -= batch.bufferedBytes
        resumptions.append { [outcome = batch.outcome] in outcome.resolve(.failure(.refused("\(error)"))) }
    }

    private mutating func wait(for need: Need, _ size: Int, _ before: Waiter?, at now: Instant) -> Appended {
        if before == nil { nextTicket += 1 }
        let waiter = Waiter(
            ticket: before?.ticket ?? nextTicket - 1, need: need, size: size,
            deadline: before?.deadline ?? now.advanced(byMilliseconds: configuration.maxBlockMilliseconds))
        waiters.append(waiter)
        return .mustWait(waiter.ticket)
    }

    // MARK: Events

    mutating func handle(_ event: Event, at now: Instant, _ effects: inout Effects) {
        if case .stopping = event { return stop(at: now, &effects) }
        for topic in newTopics { wire.follow(topic, at: now, &effects) }
        newTopics = []
        wire.handle(event, at: now, &effects)
        takeAnswers(at: now, &effects)
        expire(at: now)
        drain(at: now, &effects)
        // Sending may have failed at once.
        takeAnswers(at: now, &effects)
        wakeWaiters(at: now)
        if let next = nextDeadline(after: now) { effects.append(.wake(at: next)) }
    }

    private mutating func stop(at now: Instant, _ effects: inout Effects) {
        isClosed = true
        wire.close(at: now, &effects)
        takeAnswers(at: now, &effects)
        for place in listed {
            close(place)
            while let batch = queues[place].take() { finish(batch, .failure(.closed)) }
        }
        for ticket in waiters.map(\.ticket) {
            if let resume = removeWaiter(ticket)?.resume { resumptions.append { resume(.closed) } }
        }
        effects.append(.stop(failure: nil))
    }

    private mutating func expire(at now: Instant) {
        for place in listed {
            if queues[place].isOpenBatchLate(at: now) { close(place) }
            for batch in queues[place].removeExpired(at: now) {
                finish(batch, .failure(timeout(batch.outcome)))
            }
            // Its memory is in use until the broker has answered, but nobody has to wait for that.
            if let outcome = queues[place].expireInFlight(at: now) {
                let error = timeout(outcome)
                resumptions.append { outcome.resolve(.failure(error)) }
            }
        }
    }

    private func timeout(_ outcome: BatchOutcome) -> ClientError {
        .timedOut(
            what: "delivery to \(outcome.partition)", milliseconds: configuration.deliveryTimeoutMilliseconds)
    }

    /// Lets those go on who wait for what is there, and those who have waited too long.
    private mutating func wakeWaiters(at now: Instant) {
        guard !waiters.isEmpty else { return }
        var isMemoryTaken = false
        for (index, waiter) in waiters.enumerated().reversed() where waiter.deadline <= now && !waiter.isReady {
            waiters.remove(at: index)
            let error = reason(for: waiter.need)
            if let resume = waiter.resume { resumptions.append { resume(error) } }
        }
        for index in waiters.indices where !waiters[index].isReady {
            switch waiters[index].need {
            case .metadata(let topic):
                guard (try? partitionCount(of: topic)) != .some(nil) else { continue }
            case .memory:
                isMemoryTaken = isMemoryTaken || !hasRoom(for: waiters[index].size)
                if isMemoryTaken { continue }
                bufferedBytes += waiters[index].size
            }
            waiters[index].isReady = true
            if let resume = waiters[index].resume.take() { resumptions.append { resume(nil) } }
        }
    }

    /// Why what is needed was not to be had in time.
    private func reason(for need: Need) -> ClientError {
        if case .metadata(let topic) = need, case .unusable(let code)? = wire.cluster.topics[topic] {
            return .broker(code, what: "topic \(topic)")
        }
        let what = need == .memory ? "a place in buffer.memory" : "metadata"
        return .timedOut(what: what, milliseconds: configuration.maxBlockMilliseconds)
    }

    private func nextDeadline(after now: Instant) -> Instant? {
        var next: Instant?
        for place in listed { if let due = queues[place].nextDeadline(after: now) { next = min(next ?? due, due) } }
        for waiter in waiters where !waiter.isReady { next = min(next ?? waiter.deadline, waiter.deadline) }
        return next
    }
}
