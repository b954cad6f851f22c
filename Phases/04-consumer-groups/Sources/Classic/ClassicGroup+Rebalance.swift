import SegmentLog
import WireProtocol

extension ClassicGroup {
    /// Something has changed: begins a rebalance, or, where one is under way, ends its first half if nobody is missing.
    mutating func rebalance(at moment: Moment, _ actions: inout GroupActions) {
        if state != .preparingRebalance {
            prepareRebalance(at: moment, &actions)
        } else if initialRebalance == nil && haveAllJoined {
            completeJoin(at: moment, &actions)
        }
    }

    /// Makes the members join again. An empty group waits for more to come, even if nobody is missing.
    mutating func prepareRebalance(at moment: Moment, _ actions: inout GroupActions) {
        if state == .completingRebalance { takeAssignmentsBack(at: moment, &actions) }
        let isInitial = state == .empty
        enter(.preparingRebalance, at: moment)
        if isInitial {
            let delay = Int64(settings.initialRebalanceDelayMilliseconds)
            initialRebalance = InitialRebalance(delay: delay, remaining: max(rebalanceTimeout - delay, 0))
            endPhase(in: delay, at: moment, &actions)
        } else if haveAllJoined {
            completeJoin(at: moment, &actions)
        } else {
            endPhase(in: rebalanceTimeout, at: moment, &actions)
        }
    }

    /// The time for joining is over, or all have joined: dynamic members that have not are out, and the rest is the
    /// next generation. Static members stay for as long as their sessions last (KIP-345).
    mutating func completeJoin(at moment: Moment, _ actions: inout GroupActions) {
        for id in memberIDs where members[id]?.join == nil && members[id]?.instanceID == nil { remove(id, &actions) }
        guard electLeader() || members.isEmpty else {
            // Only silent static members are left: their sessions end this.
            return endPhase(in: rebalanceTimeout, at: moment, &actions)
        }
        initialRebalance = nil
        generation = generation == .max ? 0 : generation + 1
        protocolName = selectProtocol()
        subscribedTopics = readSubscribedTopics()
        if members.isEmpty {
            enter(.empty, at: moment)
            phaseEnd = nil
            writeRecord(&actions)
            return
        }
        enter(.completingRebalance, at: moment)
        for id in memberIDs {
            answerJoin(of: id, joined(id, listing: id == leaderID), &actions)
            members[id]?.isNew = false
            members[id]?.owesSync = true
            startSession(of: id, at: moment.now, &actions)
        }
        endPhase(in: rebalanceTimeout, at: moment, &actions)
    }

    /// Makes the oldest member that has joined the leader, unless the leader has; false where nobody has.
    private mutating func electLeader() -> Bool {
        if let leaderID, members[leaderID]?.join != nil { return true }
        guard let next = memberIDs.first(where: { members[$0]?.join != nil }) else { return false }
        leaderID = next
        return true
    }

    /// Members that wait for an assignment of this generation get none: they have to join again.
    private mutating func takeAssignmentsBack(at moment: Moment, _ actions: inout GroupActions) {
        for id in memberIDs {
            members[id]?.assignment = Bytes()
            if answerSync(of: id, refusing(.rebalanceInProgress), &actions) {
                startSession(of: id, at: moment.now, &actions)
            }
        }
    }

    /// Goes into another state.
    mutating func enter(_ state: State, at moment: Moment) {
        self.state = state
        stateTimestamp = moment.time
    }
}

// MARK: Deadlines

extension ClassicGroup {
    /// Tells the group the time: ends the sessions of members that are silent, forgets ids that nobody came with, and
    /// ends the wait for members that do not join, or do not ask for their assignment.
    public mutating func expire(at now: Instant, time: Int64, _ actions: inout GroupActions) {
        let moment = Moment(now: now, time: time)
        wake = nil
        let known = members.count + pendingMembers.count
        let late = members.values.filter { $0.sessionEnd.map { $0 <= now } ?? false }
        for member in late.sorted(by: { $0.number < $1.number }) { endSession(of: member.id, at: moment, &actions) }
        pendingMembers = pendingMembers.filter { $0.value > now }
        // As in Kafka, somebody's end also ends a first rebalance, where it leaves nobody missing.
        if members.count + pendingMembers.count < known && state == .preparingRebalance && haveAllJoined {
            completeJoin(at: moment, &actions)
        }
        if let phaseEnd, phaseEnd <= now { endPhase(at: moment, &actions) }
        let deadlines = members.values.compactMap(\.sessionEnd) + pendingMembers.values
        if let next = ([phaseEnd].compactMap { $0 } + deadlines).min() { askToBeWoken(at: next, &actions) }
    }

    private mutating func endSession(of memberID: String, at moment: Moment, _ actions: inout GroupActions) {
        guard let member = members[memberID], let end = member.sessionEnd, end <= moment.now else { return }
        if member.isWaiting && !member.isNew {
            // It is not silent: the group owes it an answer, which begins a new session.
            members[memberID]?.sessionEnd = nil
        } else {
            remove(memberID, &actions)
            if state != .preparingRebalance { prepareRebalance(at: moment, &actions) }
        }
    }

    private mutating func endPhase(at moment: Moment, _ actions: inout GroupActions) {
        phaseEnd = nil
        switch state {
        case .empty: break
        case .preparingRebalance:
            guard let initial = initialRebalance, initial.hasNewMember && initial.remaining > 0 else {
                return completeJoin(at: moment, &actions)
            }
            let delay = min(Int64(settings.initialRebalanceDelayMilliseconds), initial.remaining)
            initialRebalance = InitialRebalance(delay: delay, remaining: max(initial.remaining - initial.delay, 0))
            endPhase(in: delay, at: moment, &actions)
        case .completingRebalance, .stable:
            let late = memberIDs.filter { members[$0]?.owesSync == true }
            guard !late.isEmpty else { return }
            for id in late { remove(id, &actions) }
            prepareRebalance(at: moment, &actions)
        }
    }

    private mutating func endPhase(in milliseconds: Int64, at moment: Moment, _ actions: inout GroupActions) {
        let end = moment.now.advanced(byMilliseconds: milliseconds)
        phaseEnd = end
        askToBeWoken(at: end, &actions)
    }

    /// Begins a member's session, of its own length unless told otherwise.
    mutating func startSession(
        of memberID: String, _ milliseconds: Int64? = nil, at now: Instant, _ actions: inout GroupActions
    ) {
        guard let member = members[memberID] else { return }
        let end = now.advanced(byMilliseconds: milliseconds ?? Int64(member.sessionTimeoutMilliseconds))
        members[memberID]?.sessionEnd = end
        askToBeWoken(at: end, &actions)
    }

    /// Asks for `expire` at a deadline, unless it comes before that anyhow: a heartbeat asks for nothing.
    mutating func askToBeWoken(at deadline: Instant, _ actions: inout GroupActions) {
        if let wake, wake <= deadline { return }
        wake = deadline
        actions.wake(at: deadline)
    }
}
