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
    /// Whether nothing is read any more.
    var isClosed = false
    /// Whether the consumer ends once it has left its group: nothing more is read.
    var isEnding = false

    /// The group of `group.id`, if there is one; a member of it once topics are subscribed to.
    var group: GroupMembership?
    var committedOffsets = CommittedOffsets()
    var listener: (any RebalanceListener)?
    /// What the machine and the reader tell each other about their group.
    var reader = GroupReader()
    /// Whether the membership ends once what was read is committed.
    var isLeaving = false

    /// Partitions by name, for looking one up; the order is that of `partitions`.
    var indices: [TopicPartition: Int] = [:]
    var partitions: [AssignedPartition] = []
    /// In the order of arrival.
    var buffered: [Buffered] = []
    /// What the reader is at.
    var taken: Buffered?
    private var claim: UInt64?
    private(set) var waiting: Waiting?

    var fetches: [FetchInFlight] = []
    var lookups: [Lookup] = []
    var questions: [Question] = []
    private var unfollowedTopics: [String] = []
    private var resumptions: [@Sendable () -> Void] = []
    private var lastNumber: UInt64 = 0

    /// A reader that waits for something to read.
    struct Waiting: Sendable {
        var id: UInt64
        var timeoutMilliseconds: Int64?
        var deadline: Instant?
        var resume: @Sendable () -> Void
    }

    init(_ configuration: ConsumerConfiguration, seed: UInt64) throws(ClientError) {
        self.configuration = configuration
        wire = WireClient(try configuration.wire(), seed: seed)
        var random = SplitMix64(seed: seed)
        group = configuration.groupID.map {
            GroupMembership($0, configuration, memberID: Uuid.random(using: &random).description)
        }
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
        if let deadline = reader.closeBy, deadline <= now || isDoneWithGroup { return end(at: now, &effects) }
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
            proceedWithGroup(at: now, &effects)
            if !isClosed {
                sendLookups(at: now, &effects)
                sendFetches(at: now, &effects)
            }
            answers = wire.takeAnswers()
            for (id, result) in answers {
                if takeGroupAnswer(id, result, at: now) { continue }
                if let index = fetches.firstIndex(where: { $0.call == id }) {
                    takeFetch(fetches.remove(at: index), result, at: now, &effects)
                } else {
                    takeLookups(id, result, at: now, &effects)
                }
            }
        } while !answers.isEmpty
        answerQuestions(at: now)
    }

    /// Ends what tasks wait for; a member of a group first commits what was read, and says goodbye.
    private mutating func close(at now: Instant, _ effects: inout Effects) {
        if isClosed { return }
        leaveGroup(at: now)
        isClosed = true
        for question in questions { finish(question.id, .failure(.closed)) }
        interrupt()
        if isDoneWithGroup { return end(at: now, &effects) }
        handle(.woke, at: now, &effects)
    }

    private mutating func end(at now: Instant, _ effects: inout Effects) {
        reader.closeBy = nil
        wire.close(at: now, &effects)
        _ = wire.takeAnswers()
        resumeReader(at: now)
        effects.append(.stop(failure: nil))
    }

    private func nextDeadline(after now: Instant) -> Instant? {
        var next = [waiting?.deadline, nextGroupDeadline(after: now)].compactMap { $0 }.min()
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

    // MARK: The reader

    /// What a reader gets.
    enum Step: Sendable {
        /// Records, good until `interruptions` is another number than this.
        case records(FetchedRecords, UInt64)
        /// Those that it has are still good.
        case goOn(UInt64)
        case failed(ClientError)
        /// The listener is to be told, and `finish` to be called after that.
        case rebalance(RebalanceStep, any RebalanceListener)
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

    /// Nothing more is read: the consumer is about to leave its group, and to end.
    mutating func endReading() {
        isEnding = true
        interrupt()
    }

    /// The records that were taken, as far as they have been read.
    mutating func update(_ records: FetchedRecords) { taken?.content = .records(records) }

    /// The next records. `isFinished` says that those taken before have been read to their end.
    /// `hasProcessed` says that everything that was returned has been worked on.
    /// `hasRoom` becomes true where the machine has something to do: fetches that had stopped can go on.
    mutating func take(isFinished: Bool, hasProcessed: Bool = true, hasRoom: inout Bool) -> Step {
        let stamp = progress.interruptions.load(ordering: .acquiring)
        if isClosed || isEnding { return .ended }
        if let step = meetReader(hasProcessed: hasProcessed, hasWork: &hasRoom) { return step }
        if let taken, !isFinished {
            if partitions[taken.index].isReadable { return .goOn(stamp) }
            giveBack()
        } else if let taken {
            let wasFull = !mayFetchAhead
            partitions[taken.index].bufferedBytes -= taken.byteCount
            hasRoom = hasRoom || wasFull && mayFetchAhead
            self.taken = nil
        }
        guard let index = readable else {
            return isIdle ? .failed(.refused("no partition is assigned to this consumer")) : .nothingYet
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
        if readable != nil || isClosed || isEnding || isIdle || awaitsReader { return false }
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
    private var readable: Int? { buffered.firstIndex { partitions[$0.index].isReadable } }

    /// Whether there is nothing that could be read, ever.
    private var isIdle: Bool { partitions.isEmpty && !isSubscribed }

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
        guard isLate || isClosed || isEnding || isIdle || awaitsReader || readable != nil else { return }
        waiting = nil
        resume(reader.resume)
    }
}
