import WireProtocol

/// What the machine and the reader of a consumer tell each other about their group.
struct GroupReader: Sendable {
    /// The reader has come since the machine has looked last.
    var hasCome = false
    /// The step that the listener was given, and the one that it is done with.
    var given: UInt64?, finished: UInt64?
    /// Whether the reader is to come for an automatic commit.
    var isCommitDue = false
    /// When the next automatic commit is due.
    var commitAt: Instant?
    /// The consumer ends: when its patience with its group does.
    var closeBy: Instant?
}

/// A consumer as a member of its group.
///
/// The reader is the application: what was returned to it before it comes again has been worked on. So it is when the
/// reader comes that positions are committed automatically and that partitions are given up, as in Kafka's `poll`.
extension ConsumerMachine {
    /// How long a consumer that ends waits for its coordinator at most: Kafka's default for `close`.
    private static let closeMilliseconds: Int64 = 30_000

    /// Whether the group says what is read.
    var isSubscribed: Bool { group.map { !$0.subscription.isEmpty } ?? false }

    /// Where the next record of each partition is, as far as that is known.
    var positions: [TopicPartition: OffsetAndMetadata] {
        var found: [TopicPartition: OffsetAndMetadata] = [:]
        for index in partitions.indices {
            if let offset = position(of: index) { found[partitions[index].name] = OffsetAndMetadata(offset) }
        }
        return found
    }

    // MARK: What tasks do

    /// Reads these topics' partitions as the group divides them, instead of those before.
    mutating func subscribe(_ topics: [String], listener: (any RebalanceListener)?) throws(ClientError) {
        if isLeaving { throw .refused("the consumer is leaving its group") }
        guard group != nil else { throw .refused("to subscribe, a consumer needs a group.id") }
        guard isSubscribed || partitions.isEmpty else {
            throw .refused("a consumer that was assigned partitions cannot subscribe as well")
        }
        guard !topics.isEmpty else { throw .refused("there is no topic to subscribe to") }
        for topic in topics { follow(topic) }
        self.listener = listener
        group?.subscribe(topics)
        interrupt()
    }

    /// Commits what was read; a member gives up all partitions, and leaves the group after that.
    mutating func leaveGroup() {
        guard group != nil, !isLeaving else { return }
        if configuration.enableAutoCommit { committedOffsets.commitAutomatically(positions) }
        reader.isCommitDue = false
        guard isSubscribed else { return }
        isLeaving = true
        remove(partitions.map(\.name))
    }

    /// The listener is done with a step.
    mutating func finishStep(_ id: UInt64) { reader.finished = id }

    // MARK: The reader comes

    /// Lets the reader do its part; nil where it may read on.
    mutating func meetReader(hasProcessed: Bool, hasWork: inout Bool) -> Step? {
        guard !isLeaving, isSubscribed || reader.isCommitDue else { return nil }
        reader.hasCome = true
        if case .outside? = group?.state { hasWork = true }
        guard hasProcessed else { return nil }
        if reader.isCommitDue {
            reader.isCommitDue = false
            committedOffsets.commitAutomatically(positions)
            hasWork = true
        }
        if let step = group?.steps.first, !step.isBegun {
            begin(step)
            hasWork = true
        }
        if let listener, let step = group?.steps.first, isForListener(step) {
            reader.given = step.id
            return .rebalance(step, listener)
        }
        return group?.takeFailure().map { .failed($0) }
    }

    private func isForListener(_ step: RebalanceStep) -> Bool {
        listener != nil && step.isBegun && reader.given != step.id
    }

    /// Whether a reader that waits has something else to do than to read.
    var awaitsReader: Bool {
        guard let group, isSubscribed else { return false }
        if let step = group.steps.first { return !step.isBegun || isForListener(step) }
        if case .failed = group.state { return true }
        return false
    }

    /// Partitions that were lost, and that the listener has not heard of.
    var untoldLosses: [TopicPartition] {
        let steps = group?.steps.filter { $0.kind == .lost && $0.id != reader.given } ?? []
        return steps.flatMap(\.partitions)
    }

    // MARK: Steps

    private mutating func advanceSteps() {
        if isLeaving { return }
        while let step = group?.steps.first {
            if !step.isBegun {
                if step.kind == .revoked, waiting == nil { return interrupt() }
                begin(step)
            }
            if listener == nil { reader.finished = step.id }
            guard reader.finished == step.id else { return interrupt() }
            // What was read is stored before another member may go on from there.
            if step.kind == .revoked, committedOffsets.isCommittingAutomatically { return }
            finish(step)
        }
    }

    private mutating func begin(_ step: RebalanceStep) {
        switch step.kind {
        case .assigned: for name in step.partitions { add(name, at: .committed, isHeld: listener != nil) }
        case .revoked:
            if configuration.enableAutoCommit { committedOffsets.commitAutomatically(positions) }
            hold(step.partitions, true)
        case .lost: remove(step.partitions)
        }
        group?.beginStep()
    }

    private mutating func finish(_ step: RebalanceStep) {
        switch step.kind {
        case .assigned: hold(step.partitions, false)
        case .revoked: remove(step.partitions)
        case .lost: break
        }
        group?.finishStep()
    }

    private mutating func hold(_ names: [TopicPartition], _ isHeld: Bool) {
        for name in names { if let index = indices[name] { partitions[index].isHeld = isHeld } }
        interrupt()
    }

    // MARK: Events

    /// Does what the group has due.
    mutating func proceedWithGroup(at now: Instant, _ effects: inout Effects) {
        guard group != nil else { return }
        if isSubscribed, !isLeaving, reader.hasCome || waiting != nil { group?.polled(at: now) }
        reader.hasCome = false
        var last: UInt64?
        repeat {
            last = group?.lastStep
            advanceSteps()
            commitInTime(at: now)
            sendCommit(at: now, &effects)
            sendCommittedFetches(at: now, &effects)
            // Whatever is to be committed is committed as a member, before the member says goodbye.
            if isLeaving, committedOffsets.commits.isEmpty {
                isLeaving = false
                group?.unsubscribe()
                listener = nil
            }
            group?.proceed(&wire, at: now, &effects)
        } while group?.lastStep != last
    }

    private mutating func commitInTime(at now: Instant) {
        guard configuration.enableAutoCommit, !partitions.isEmpty, !isClosed else { return reader.commitAt = nil }
        let next = now.advanced(byMilliseconds: max(1, configuration.autoCommitIntervalMilliseconds))
        guard let due = reader.commitAt else { return reader.commitAt = next }
        guard due <= now else { return }
        reader.commitAt = next
        if waiting != nil {
            committedOffsets.commitAutomatically(positions)
        } else {
            reader.isCommitDue = true
            interrupt()
        }
    }

    /// Takes an answer that concerns the group.
    mutating func takeGroupAnswer(_ id: CallID, _ result: Result<Answer, ClientError>, at now: Instant) -> Bool {
        guard group != nil else { return false }
        let isHeartbeat = group?.heartbeat?.call == id
        if group?.take(id, result, at: now) ?? false {
            // Who is no member has no reader who could be told.
            if !isSubscribed, case .failed(let error)? = group?.state {
                group?.state = .outside
                failUnsent(error, at: now)
            }
            // Who reads what was taken long ago is to show that it still does: max.poll.interval.ms.
            if isHeartbeat { interrupt() }
            return true
        }
        return takeCommit(id, result, at: now) || takeCommittedFetch(id, result, at: now)
    }

    func nextGroupDeadline(after now: Instant) -> Instant? {
        guard let group else { return nil }
        return [
            group.nextDeadline(after: now), committedOffsets.nextDeadline(after: now), reader.commitAt, reader.closeBy,
        ].compactMap { $0 }.filter { $0 > now }.min()
    }

    // MARK: The end

    /// Whether nothing is to be heard from the coordinator any more.
    var isDoneWithGroup: Bool {
        group.map { !isLeaving && !$0.isSayingFarewell } ?? true && !committedOffsets.isCommittingAutomatically
    }

    /// Says goodbye, for as long as that may take.
    mutating func leaveGroup(at now: Instant) {
        guard group != nil else { return }
        leaveGroup()
        reader.closeBy = now.advanced(
            byMilliseconds: min(configuration.defaultApiTimeoutMilliseconds, Self.closeMilliseconds))
    }
}
