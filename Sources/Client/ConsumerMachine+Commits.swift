import WireProtocol

/// Offsets to and from the group's coordinator.
extension ConsumerMachine {
    // MARK: Committing

    /// Sends the first commit that waits, when it may be sent.
    mutating func sendCommit(at now: Instant, _ effects: inout Effects) {
        while let commit = committedOffsets.commits.first, commit.call == nil {
            if commit.question == nil, commit.deadline == nil {
                committedOffsets.commits[0].deadline = now.advanced(
                    byMilliseconds: configuration.defaultApiTimeoutMilliseconds)
            }
            if commit.offsets.isEmpty {
                finishCommit(nil)
            } else if let deadline = commit.deadline, deadline <= now {
                finishCommit(.timedOut(what: "a commit", milliseconds: configuration.defaultApiTimeoutMilliseconds))
            } else if commit.question == nil, isBetweenGenerations, group?.isCooperative ?? false {
                // What it owns stays its own until it gives that up: stored as soon as the new generation stands.
                return
            } else if let reason = obstacle {
                finishCommit(reason)
            } else {
                if let retryAt = commit.retryAt, retryAt > now { return }
                guard let group, let to = self.group?.coordinator.destination(&wire, at: now, &effects) else { return }
                let request = OffsetCommitRequest(
                    commit.offsets, group: group.groupID, member: isSubscribed ? group : nil)
                committedOffsets.commits[0].sentBy = group.epoch
                committedOffsets.commits[0].call = wire.send(request, to: to, at: now, &effects)
            }
        }
    }

    /// Why a member cannot commit: it is not in its group, or between two generations of it.
    private var obstacle: ClientError? {
        guard let group, isSubscribed else { return nil }
        let what = "committing offsets of group \(group.groupID)"
        if case .failed(let error) = group.state { return error }
        if group.epoch < 0 { return .broker(.unknownMemberID, what: what) }
        return isBetweenGenerations ? .broker(.rebalanceInProgress, what: what) : nil
    }

    /// Whether the coordinator would not know which generation a commit is of.
    private var isBetweenGenerations: Bool {
        guard let group, isSubscribed, !group.usesServerProtocol, group.epoch >= 0 else { return false }
        switch group.state {
        case .joining, .assigning, .syncing: return true
        case .outside, .preparing, .member, .failed: return false
        }
    }

    private mutating func finishCommit(_ error: ClientError?) {
        guard let commit = committedOffsets.commits.first else { return }
        committedOffsets.commits.removeFirst()
        if let question = commit.question { finish(question, error.map { .failure($0) } ?? .success(.done)) }
    }

    /// Takes an answer; false where it was for something else.
    mutating func takeCommit(_ id: CallID, _ result: Result<Answer, ClientError>, at now: Instant) -> Bool {
        guard let commit = committedOffsets.commits.first, commit.call == id else { return false }
        committedOffsets.commits[0].call = nil
        do throws(ClientError) {
            let response = try result.get().decoded(as: OffsetCommitResponse.self)
            for topic in response.topics {
                for partition in topic.partitions where partition.errorCode != .none {
                    throw .broker(partition.errorCode, what: "\(TopicPartition(topic.name, partition.index))")
                }
            }
            finishCommit(nil)
        } catch {
            failed(commit, error, at: now)
        }
        return true
    }

    private mutating func failed(_ commit: CommittedOffsets.Commit, _ error: ClientError, at now: Instant) {
        let isCurrent = isSubscribed && commit.sentBy == group?.epoch
        var mayRetry = error.isRetriable
        switch error {
        case .disconnected, .timedOut, .broker(.notCoordinator, _), .broker(.coordinatorNotAvailable, _),
            .broker(.requestTimedOut, _):
            group?.coordinator.forget()
        case .broker(.staleMemberEpoch, _): mayRetry = true
        // The topic may have been deleted: no rebalance waits for that.
        case .broker(.unknownTopicOrPartition, _): if commit.question == nil { mayRetry = false }
        case .broker(.rebalanceInProgress, _): if isCurrent { group?.needsRejoin = true }
        case .broker(.illegalGeneration, _): if isCurrent { group?.reset(keepsMemberID: true) }
        case .broker(.unknownMemberID, _), .broker(.fencedMemberEpoch, _):
            if isCurrent { group?.reset(keepsMemberID: false) }
        case .broker(.fencedInstanceID, _): if isCurrent { group?.fail(error) }
        default: break
        }
        let isAsked = commit.question.map { id in questions.contains { $0.id == id } } ?? true
        guard mayRetry, commit.isRetried, isAsked else { return finishCommit(error) }
        committedOffsets.commits[0].retryAt = retryTime(after: now)
    }

    /// The coordinator cannot be asked, as no retry mends: whoever waits for it is told.
    mutating func failUnsent(_ error: ClientError, at now: Instant) {
        while let commit = committedOffsets.commits.first, commit.call == nil { finishCommit(error) }
        let fetches = committedOffsets.fetches.filter { $0.call == nil }
        committedOffsets.fetches.removeAll { $0.call == nil }
        for fetch in fetches { failed(fetch, error, at: now) }
    }

    // MARK: Asking

    /// Asks for the committed offsets that somebody waits for, and for those where reading is to begin.
    mutating func sendCommittedFetches(at now: Instant, _ effects: inout Effects) {
        addPositionFetch(at: now)
        for index in committedOffsets.fetches.indices {
            let fetch = committedOffsets.fetches[index]
            guard fetch.call == nil, fetch.retryAt.map({ $0 <= now }) ?? true else { continue }
            guard let group, let to = self.group?.coordinator.destination(&wire, at: now, &effects) else { return }
            let request = OffsetFetchRequest(
                fetch.partitions, group: group.groupID, member: isSubscribed ? group : nil)
            committedOffsets.fetches[index].call = wire.send(request, to: to, at: now, &effects)
        }
    }

    /// One question for all positions that nobody has asked for yet.
    private mutating func addPositionFetch(at now: Instant) {
        var positions: [TopicPartition: CommittedOffsets.Fetch.Position] = [:]
        for (index, partition) in partitions.enumerated()
        where partition.next == .committed && partition.mayAsk(at: now) {
            let position = CommittedOffsets.Fetch.Position(index: index, generation: partition.generation)
            let isAsked = committedOffsets.fetches.contains {
                if case .positions(let asked) = $0.owner { asked[partition.name] == position } else { false }
            }
            if !isAsked { positions[partition.name] = position }
        }
        if positions.isEmpty { return }
        committedOffsets.fetches.append(
            CommittedOffsets.Fetch(owner: .positions(positions), partitions: positions.keys.sorted()))
    }

    /// Takes an answer; false where it was for something else.
    mutating func takeCommittedFetch(_ id: CallID, _ result: Result<Answer, ClientError>, at now: Instant) -> Bool {
        guard let place = committedOffsets.fetches.firstIndex(where: { $0.call == id }) else { return false }
        let fetch = committedOffsets.fetches.remove(at: place)
        do throws(ClientError) {
            let response = try result.get().decoded(as: OffsetFetchResponse.self)
            guard response.groupError == .none else {
                throw .broker(response.groupError, what: "the offsets of group \(group?.groupID ?? "")")
            }
            try take(response.byPartition, to: fetch, at: now)
        } catch {
            failed(fetch, error, at: now)
        }
        return true
    }

    private mutating func take(
        _ answers: [TopicPartition: OffsetFetchResponse.Partition], to fetch: CommittedOffsets.Fetch, at now: Instant
    ) throws(ClientError) {
        for name in fetch.partitions {
            guard let answer = answers[name] else { throw .unreadable(what: "no committed offset of \(name)") }
            if answer.errorCode != .none { throw .broker(answer.errorCode, what: "the committed offset of \(name)") }
        }
        switch fetch.owner {
        case .question(let id):
            finish(id, .success(.committed(answers.compactMapValues(\.offsetAndMetadata))))
        case .positions(let asked):
            for name in fetch.partitions {
                guard let position = asked[name], isCurrent(position.index, position.generation),
                    partitions[position.index].next == .committed
                else { continue }
                if let found = answers[name]?.offsetAndMetadata {
                    partitions[position.index].next = .offset(found.offset)
                } else {
                    let reason = "\(name) has no committed offset, and auto.offset.reset is none"
                    reset(position.index, orFail: .refused(reason), resuming: .committed, at: now)
                }
            }
        }
    }

    private mutating func failed(_ fetch: CommittedOffsets.Fetch, _ error: ClientError, at now: Instant) {
        var mayRetry = false
        switch error {
        case .disconnected, .timedOut, .broker(.notCoordinator, _), .broker(.coordinatorNotAvailable, _):
            group?.coordinator.forget()
            mayRetry = true
        // The last two: a heartbeat on its way brings the epoch that is asked for.
        case .broker(.coordinatorLoadInProgress, _), .broker(.unstableOffsetCommit, _),
            .broker(.staleMemberEpoch, _), .broker(.unknownMemberID, _):
            mayRetry = true
        default: break
        }
        switch fetch.owner {
        case .question(let id):
            guard mayRetry else { return finish(id, .failure(error)) }
            var again = fetch
            (again.call, again.retryAt) = (nil, retryTime(after: now))
            committedOffsets.fetches.append(again)
        case .positions(let asked):
            let current = asked.values.filter { isCurrent($0.index, $0.generation) }.sorted { $0.index < $1.index }
            for position in current { partitions[position.index].retryAt = retryTime(after: now) }
            if !mayRetry, let first = current.first { fail(first.index, error, resuming: .committed, at: now) }
        }
    }
}
