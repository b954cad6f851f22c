import SegmentLog
import WireProtocol

extension ClassicGroup {
    /// SyncGroup: the leader's brings everybody's assignment, which makes the generation stable and is written; the
    /// others' wait for it.
    public mutating func sync(
        _ request: SyncGroupRequest, waiter: GroupWaiter, at now: Instant, time: Int64, _ actions: inout GroupActions
    ) {
        let memberID = request.memberID
        let error = refusal(of: request)
        guard error == .none else { return actions.answer(waiter, .sync(refusing(error))) }
        if state == .stable {
            members[memberID]?.owesSync = false
            return actions.answer(waiter, .sync(assigned(memberID)))
        }
        // A SyncGroup that is sent again takes the place of the first, which Kafka leaves unanswered.
        answerSync(of: memberID, refusing(.rebalanceInProgress), &actions)
        members[memberID]?.sync = waiter
        members[memberID]?.owesSync = false
        if memberID == leaderID { assign(request.assignments, at: Moment(now: now, time: time), &actions) }
    }

    private func refusal(of request: SyncGroupRequest) -> ErrorCode {
        if id.isEmpty { return .invalidGroupID }
        let error = check(memberID: request.memberID, instanceID: request.groupInstanceID)
        if error != .none { return error }
        if request.generationID != generation { return .illegalGeneration }
        for (theirs, ours) in [(request.protocolType, protocolType), (request.protocolName, protocolName)] {
            if let theirs, let ours, theirs != ours { return .inconsistentGroupProtocol }
        }
        if state == .preparingRebalance { return .rebalanceInProgress }
        // A leader whose assignment no record can hold is as one that sends none.
        let isLeader = request.memberID == leaderID && state == .completingRebalance
        let size = isLeader ? request.assignments.reduce(0) { $0 + $1.assignment.count } : 0
        return size > settings.maxBatchBytes / 4 ? .unknownServerError : .none
    }

    /// A member that the leader forgot is assigned nothing; what it assigns to others is nobody's.
    private mutating func assign(
        _ assignments: [SyncGroupRequest.Assignment], at moment: Moment, _ actions: inout GroupActions
    ) {
        for id in memberIDs { members[id]?.assignment = Bytes() }
        for assignment in assignments {
            members[assignment.memberID]?.assignment = Bytes(assignment.assignment.array)
        }
        writeRecord(&actions)
        enter(.stable, at: moment)
        for id in memberIDs where answerSync(of: id, assigned(id), &actions) {
            startSession(of: id, at: moment.now, &actions)
        }
    }

    /// Heartbeat: begins the member's session anew, and tells it of a rebalance.
    public mutating func heartbeat(
        _ request: HeartbeatRequest, waiter: GroupWaiter, at now: Instant, _ actions: inout GroupActions
    ) {
        var response = HeartbeatResponse()
        response.errorCode =
            id.isEmpty
            ? .invalidGroupID : check(memberID: request.memberID, instanceID: request.groupInstanceID)
        if response.errorCode == .none {
            if request.generationID != generation {
                response.errorCode = .illegalGeneration
            } else {
                startSession(of: request.memberID, at: now, &actions)
                if state == .preparingRebalance { response.errorCode = .rebalanceInProgress }
            }
        }
        actions.answer(waiter, .heartbeat(response))
    }

    /// LeaveGroup: one member up to version 2, whose error is the answer's; from version 3 on many, who may be named
    /// by their instance alone (KIP-345).
    public mutating func leave(
        _ request: LeaveGroupRequest, version: Int16, waiter: GroupWaiter, at now: Instant, time: Int64,
        _ actions: inout GroupActions
    ) {
        var response = LeaveGroupResponse()
        var leaving = request.members
        if version < 3 {
            leaving = [LeaveGroupRequest.Member()]
            leaving[0].memberID = request.memberID
        }
        response.errorCode = id.isEmpty ? .invalidGroupID : .none
        if !id.isEmpty {
            for member in leaving { response.members.append(remove(member, &actions)) }
        }
        if response.members.contains(where: { $0.errorCode == .none }) && state != .empty {
            rebalance(at: Moment(now: now, time: time), &actions)
        }
        if version < 3 {
            if let error = response.members.first?.errorCode { response.errorCode = error }
            response.members = []
        }
        actions.answer(waiter, .leave(response))
    }

    private mutating func remove(
        _ leaving: LeaveGroupRequest.Member, _ actions: inout GroupActions
    ) -> LeaveGroupResponse.Member {
        var answer = LeaveGroupResponse.Member()
        answer.memberID = leaving.memberID
        answer.groupInstanceID = leaving.groupInstanceID
        var memberID = leaving.memberID
        if memberID.isEmpty { memberID = leaving.groupInstanceID.flatMap { staticMembers[$0] } ?? "" }
        if pendingMembers[memberID] == nil {
            answer.errorCode = check(memberID: memberID, instanceID: leaving.groupInstanceID)
        }
        if answer.errorCode == .none { remove(memberID, &actions) }
        return answer
    }

    /// Whether offsets may be committed, or why not. A commit of a member keeps its session alive.
    ///
    /// - Parameters:
    ///   - generationID: the member's; negative from those that are not members, who may commit to an empty group.
    ///   - isTransactional: for TxnOffsetCommit, whose old versions name no member (KIP-447).
    public mutating func checkCommit(
        memberID: String, instanceID: String?, generationID: Int32, isTransactional: Bool, at now: Instant
    ) -> ErrorCode {
        if generationID < 0 && state == .empty { return .none }
        if generationID >= 0 || !memberID.isEmpty || instanceID != nil {
            let error = check(memberID: memberID, instanceID: instanceID)
            if error != .none { return error }
            if generationID != generation { return .illegalGeneration }
        } else if !isTransactional {
            return .unknownMemberID
        }
        if isTransactional { return .none }
        if state == .completingRebalance { return .rebalanceInProgress }
        // The session of a member that waits begins with its answer. Nobody has to be woken for a later end.
        if let member = members[memberID], !member.isWaiting {
            members[memberID]?.sessionEnd = now.advanced(byMilliseconds: Int64(member.sessionTimeoutMilliseconds))
        }
        return .none
    }
}
