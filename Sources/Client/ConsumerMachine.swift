import SegmentLog
import WireProtocol

/// What a consumer does: looks up where to begin, fetches ahead of the reader, follows leaders, and
/// answers questions about offsets.
///
/// The reader takes whole answers and parses them on its own task. Everything else happens here.
struct ConsumerMachine: ClientMachine {
    var wire: WireClient
    let configuration: ConsumerConfiguration
    let progress = ReadProgress()
    private(set) var isClosed = false

    /// Partitions by name, for looking one up; the order is that of `partitions`.
    private(set) var indices: [TopicPartition: Int] = [:]
    var partitions: [AssignedPartition] = []
    /// In the order of arrival.
    var buffered: [Buffered] = []
    /// What the reader is at.
    private var taken: Buffered?
    private var claim: UInt64?
    private var waiting: Waiting?

    var fetches: [FetchInFlight] = []
    var lookups: [Lookup] = []
    var questions: [Question] = []
    private var unfollowedTopics: [String] = []
    private var resumptions: [@Sendable () -> Void] = []
    private var lastNumber: UInt64 = 0

    /// A reader that waits for something to read.
    private struct Waiting: Sendable {
        var id: UInt64
        var timeoutMilliseconds: Int64?
        var deadline: Instant?
        var resume: @Sendable () -> Void
    }

    init(_ configuration: ConsumerConfiguration, seed: UInt64) throws(ClientError) {
        self.configuration = configuration
        wire = WireClient(try configuration.wire(), seed: seed)
    }

    /// A number that was not drawn before.
    mutating func number() -> UInt64 {
        lastNumber += 1
        return lastNumber
    }

    // MARK: Events

    mutating func handle(_ event: Event, at now: Instant, _ effects: inout Effects) {
        if case .stopping = event { return close(at: now, &effects) }
        wire.handle(event, at: now, &effects)
        for topic in unfollowedTopics { wire.follow(topic, at: now, &effects) }
        unfollowedTopics = []
        proceed(at: now, &effects)
        resumeReader(at: now)
        if let deadline = nextDeadline(after: now) { effects.append(.wake(at: deadline)) }
    }

    mutating func takeResumptions() -> [@Sendable () -> Void] {
        defer { resumptions = [] }
        return resumptions
    }

    private mutating func proceed(at now: Instant, _ effects: inout Effects) {
        // Answers make room for the next requests; a request that cannot be sent fails at once.
        var answers: [(id: CallID, result: Result<Answer, ClientError>)]
        repeat {
            sendLookups(at: now, &effects)
            sendFetches(at: now, &effects)
            answers = wire.takeAnswers()
            for (id, result) in answers {
                if let index = fetches.firstIndex(where: { $0.call == id }) {
                    takeFetch(fetches.remove(at: index), result, at: now, &effects)
                } else {
                    takeLookups(id, result, at: now, &effects)
                }
            }
        } while !answers.isEmpty
        answerQuestions(at: now)
    }

    private mutating func close(at now: Instant, _ effects: inout Effects) {
        isClosed = true
        wire.close(at: now, &effects)
        _ = wire.takeAnswers()
        for question in questions { resume { question.finish(.failure(.closed)) } }
        questions = []
        interrupt()
        resumeReader(at: now)
        effects.append(.stop(failure: nil))
    }

    private func nextDeadline(after now: Instant) -> Instant? {
        var next = waiting?.deadline
        for deadline in partitions.lazy.map(\.retryAt) + lookups.lazy.map(\.retryAt) + questions.lazy.map(\.deadline) {
            if let deadline, deadline > now { next = min(next ?? deadline, deadline) }
        }
        return next
    }

    mutating func resume(_ resumption: @escaping @Sendable () -> Void) { resumptions.append(resumption) }

    mutating func follow(_ topic: String) { unfollowedTopics.append(topic) }

    /// Where a partition is led; nil while that is not known.
    func leader(of name: TopicPartition) -> Cluster.Partition? {
        guard let known = wire.cluster[name.topic, name.partition], wire.cluster.brokers[known.leader] != nil else {
            return nil
        }
        return known
    }

    /// When something that has failed may be tried again.
    func retryTime(after now: Instant) -> Instant {
        now.advanced(byMilliseconds: max(1, configuration.retryBackoffMilliseconds))
    }

    // MARK: Assignment

    /// Reads these partitions, and no others, from now on.
    mutating func assign(_ starts: [TopicPartition: StartPosition]) throws(ClientError) {
        for (name, start) in starts { try start.check(name) }
        indices = [:]
        partitions = []
        buffered = []
        taken = nil
        lookups.removeAll { $0.isForPosition }
        interrupt()
        for name in starts.keys.sorted() {
            indices[name] = partitions.count
            partitions.append(AssignedPartition(name: name, next: .halted, generation: 0, turn: number()))
            follow(name.topic)
            if let start = starts[name] { begin(partitions.count - 1, at: start.next) }
        }
    }

    /// Goes on with `start`; what was fetched of the partition is dropped.
    mutating func seek(_ name: TopicPartition, to start: StartPosition) throws(ClientError) {
        try start.check(name)
        begin(try index(of: name), at: start.next)
    }

    mutating func setPaused(_ isPaused: Bool, _ names: [TopicPartition]) throws(ClientError) {
        for name in names { _ = try index(of: name) }
        for name in names { partitions[try index(of: name)].isPaused = isPaused }
        interrupt()
    }

    func index(of name: TopicPartition) throws(ClientError) -> Int {
        guard let index = indices[name] else { throw .refused("\(name) is not assigned to this consumer") }
        return index
    }

    /// Whether what was asked or fetched with this generation still counts.
    func isCurrent(_ index: Int, _ generation: UInt64) -> Bool {
        index < partitions.count && partitions[index].generation == generation
    }

    /// The offset of the next record that a reader will get; nil while it is not known.
    func position(of index: Int) -> Int64? {
        if taken?.index == index { return progress.position.load(ordering: .acquiring) }
        if let first = buffered.first(where: { $0.index == index }) { return first.from }
        if case .offset(let offset) = partitions[index].next { return offset }
        return nil
    }

    /// Begins again: nothing that was asked or fetched before counts any more.
    private mutating func begin(_ index: Int, at next: AssignedPartition.Next, notBefore retryAt: Instant? = nil) {
        let old = partitions[index].generation
        partitions[index].generation = number()
        partitions[index].retryAt = retryAt
        partitions[index].bufferedBytes = 0
        buffered.removeAll { $0.index == index }
        lookups.removeAll { $0.owner == .position(index, old) }
        if taken?.index == index { taken = nil }
        setNext(index, next)
        interrupt()
    }

    /// What comes behind that which was fetched.
    mutating func setNext(_ index: Int, _ next: AssignedPartition.Next) {
        partitions[index].next = next
        if case .lookUp(let timestamp) = next {
            let owner = Lookup.Owner.position(index, partitions[index].generation)
            let (name, retryAt) = (partitions[index].name, partitions[index].retryAt)
            lookups.append(Lookup(owner: owner, partition: name, timestamp: timestamp, retryAt: retryAt))
        }
    }

    /// Has the reader throw an error once it has come to it. The partition rests until then, and for
    /// `retry.backoff.ms` at least.
    mutating func fail(
        _ index: Int, _ error: ClientError, resuming next: AssignedPartition.Next, at now: Instant
    ) {
        buffered.append(Buffered(index: index, content: .failure(error, resuming: next)))
        partitions[index].next = .halted
        partitions[index].retryAt = retryTime(after: now)
    }

    private func interrupt() { progress.interruptions.add(1, ordering: .acquiringAndReleasing) }

    // MARK: The reader

    /// What a reader gets.
    enum Step: Sendable {
        /// Records, good until `interruptions` is another number than this.
        case records(FetchedRecords, UInt64)
        /// Those that it has are still good.
        case goOn(UInt64)
        case failed(ClientError)
        case nothingYet
        /// There will be no more.
        case ended
    }

    /// Makes the caller the only reader, and returns its proof.
    mutating func beginReading() throws(ClientError) -> UInt64 {
        if isClosed { throw .closed }
        if claim != nil { throw .refused("a consumer is read by one iteration or poll at a time") }
        let proof = number()
        claim = proof
        return proof
    }

    /// Leaves what was not read to the next reader.
    mutating func endReading(_ proof: UInt64) {
        guard claim == proof else { return }
        claim = nil
        giveBack()
    }

    /// The records that were taken, as far as they have been read.
    mutating func update(_ records: FetchedRecords) { taken?.content = .records(records) }

    /// The next records. `isFinished` says that those taken before have been read to their end.
    /// `hasRoom` becomes true where fetches that had stopped can go on.
    mutating func take(isFinished: Bool, hasRoom: inout Bool) -> Step {
        let stamp = progress.interruptions.load(ordering: .acquiring)
        if isClosed { return .ended }
        if let taken, !isFinished {
            if !partitions[taken.index].isPaused { return .goOn(stamp) }
            giveBack()
        } else if let taken {
            hasRoom = !mayFetchAhead
            partitions[taken.index].bufferedBytes -= taken.byteCount
            hasRoom = hasRoom && mayFetchAhead
            self.taken = nil
        }
        guard let index = readable else {
            return partitions.isEmpty ? .failed(.refused("no partition is assigned to this consumer")) : .nothingYet
        }
        let next = buffered.remove(at: index)
        switch next.content {
        case .failure(let error, let resuming):
            begin(next.index, at: resuming, notBefore: partitions[next.index].retryAt)
            hasRoom = true
            return .failed(error)
        case .records(let records):
            taken = next
            progress.position.store(records.position, ordering: .releasing)
            return .records(records, stamp)
        }
    }

    /// The records that the reader has taken cannot be read: they are fetched again, unless the
    /// partition is told to go elsewhere. False where they had been given up already.
    mutating func failTaken() -> Bool {
        guard let taken else { return false }
        begin(taken.index, at: .offset(progress.position.load(ordering: .acquiring)))
        return true
    }

    /// Has `resume` called when there is something to read, or after the time. False where there is
    /// already, and `resume` will not be called.
    mutating func wait(
        _ id: UInt64, timeoutMilliseconds: Int64?, _ resume: @escaping @Sendable () -> Void
    ) -> Bool {
        if readable != nil || isClosed || partitions.isEmpty { return false }
        waiting = Waiting(id: id, timeoutMilliseconds: timeoutMilliseconds, resume: resume)
        return true
    }

    /// Takes back what `wait` was told; nil where it has been called.
    mutating func cancelWait(_ id: UInt64) -> (@Sendable () -> Void)? {
        guard let waiting, waiting.id == id else { return nil }
        self.waiting = nil
        return waiting.resume
    }

    /// The first of what was fetched that belongs to no paused partition.
    private var readable: Int? { buffered.firstIndex { !partitions[$0.index].isPaused } }

    private mutating func giveBack() {
        guard var taken, case .records(var records) = taken.content else { return }
        records.skip(to: progress.position.load(ordering: .acquiring))
        taken.content = .records(records)
        buffered.insert(taken, at: 0)
        self.taken = nil
    }

    private mutating func resumeReader(at now: Instant) {
        guard var reader = waiting else { return }
        if reader.deadline == nil, let timeout = reader.timeoutMilliseconds {
            reader.deadline = now.advanced(byMilliseconds: timeout)
        }
        waiting = reader
        let isLate = reader.deadline.map { $0 <= now } ?? false
        guard isLate || isClosed || partitions.isEmpty || readable != nil else { return }
        waiting = nil
        resume(reader.resume)
    }
}

extension TopicPartition: Comparable {
    /// By topic, then by partition.
    public static func < (left: TopicPartition, right: TopicPartition) -> Bool {
        (left.topic, left.partition) < (right.topic, right.partition)
    }
}

extension StartPosition {
    fileprivate var next: AssignedPartition.Next {
        switch self {
        case .earliest: .lookUp(timestamp: ListOffsetsRequest.earliest)
        case .latest: .lookUp(timestamp: ListOffsetsRequest.latest)
        case .offset(let offset): .offset(offset)
        case .timestamp(let timestamp): .lookUp(timestamp: timestamp)
        }
    }

    fileprivate func check(_ name: TopicPartition) throws(ClientError) {
        switch self {
        case .offset(let value) where value < 0: throw .refused("\(name) has no offset \(value)")
        case .timestamp(let value) where value < 0: throw .refused("\(name) has no records of the time \(value)")
        default: break
        }
        guard name.partition >= 0 else { throw .refused("\(name) cannot be: partitions count from 0") }
    }
}
