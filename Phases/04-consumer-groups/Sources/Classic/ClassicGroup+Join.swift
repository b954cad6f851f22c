import SegmentLog
import WireProtocol

/// A JoinGroup on its way through the group.
struct JoinAttempt {
    var request: JoinGroupRequest
    var version: Int16
    var client: GroupClient
    var waiter: GroupWaiter
    var moment: Moment
}

extension ClassicGroup {
    /// How long a new member waits for its first answer before it is taken for gone, in milliseconds: its client sends
    /// no heartbeats meanwhile, and would join a second time after a lost connection.
    static let newMemberJoinTimeoutMilliseconds: Int64 = 300_000
    /// The most protocols that a member may offer.
    static let maxProtocols = 256
    /// The longest that their names and metadata may be together, in bytes. All members' together are at most half of
    /// what a batch holds: the rest is for their assignments.
    static let maxProtocolBytes = 256 << 10

    /// JoinGroup. It is answered once all members have joined, or at once where nothing changes.
    ///
    /// - Parameters:
    ///   - version: of the request: from 4 on a new member is first given its id (KIP-394), from 9 on a leader that
    ///     has restarted is told to leave the assignment as it is (KIP-814).
    ///   - random: what member ids are drawn from.
    ///   - time: the clock on the wall, in milliseconds since 1970.
    public mutating func join(
        _ request: JoinGroupRequest, version: Int16, from client: GroupClient, waiter: GroupWaiter,
        at now: Instant, time: Int64, random: inout SplitMix64, _ actions: inout GroupActions
    ) {
        let moment = Moment(now: now, time: time)
        let attempt = JoinAttempt(request: request, version: version, client: client, waiter: waiter, moment: moment)
        if let error = refusal(of: attempt) {
            refuse(attempt, error, &actions)
        } else if !accepts(request.memberID) {
            remove(request.memberID, &actions)
            answer(waiter, version: version, refusing(.groupMaxSizeReached), &actions)
        } else if !supports(request.protocolType, request.protocols) {
            refuse(attempt, .inconsistentGroupProtocol, &actions)
        } else if request.memberID.isEmpty {
            joinNew(attempt, as: Self.memberID(for: attempt, &random), &actions)
        } else {
            joinKnown(attempt, &actions)
        }
        if !isRecorded && (!members.isEmpty || !pendingMembers.isEmpty) { writeNewRecord(&actions) }
    }

    private func refuse(_ attempt: JoinAttempt, _ error: ErrorCode, _ actions: inout GroupActions) {
        var response = refusing(error) as JoinGroupResponse
        response.memberID = attempt.request.memberID
        answer(attempt.waiter, version: attempt.version, response, &actions)
    }

    private func refusal(of attempt: JoinAttempt) -> ErrorCode? {
        let request = attempt.request
        if id.isEmpty { return .invalidGroupID }
        let allowed = (settings.minSessionTimeoutMilliseconds, settings.maxSessionTimeoutMilliseconds)
        let session = request.sessionTimeoutMilliseconds
        if session < allowed.0 || session > allowed.1 { return .invalidSessionTimeout }
        // Members keep what they say for as long as their sessions last. This error ends a client, and names the matter.
        let size = request.protocols.byteCount
        if request.protocols.count > Self.maxProtocols || size > Self.maxProtocolBytes {
            return .inconsistentGroupProtocol
        }
        let others = protocolBytes - (members[request.memberID]?.protocols.byteCount ?? 0)
        if others + size > settings.maxBatchBytes / 2 { return .groupMaxSizeReached }
        // A record holds no longer text. The id that is made of one is 37 bytes longer.
        let texts =
            [id, request.groupInstanceID ?? "", request.protocolType, attempt.client.id, attempt.client.host]
            + request.protocols.map(\.name)
        return texts.allSatisfy { $0.utf8.count <= Int(Int16.max) - 37 } ? nil : .invalidRequest
    }

    /// Whether there is room. While members join it is counted who has joined, so that the last ones are left out where
    /// the limit was lowered.
    private func accepts(_ memberID: String) -> Bool {
        switch state {
        case .empty: true
        case .preparingRebalance: members[memberID]?.join != nil || joinedCount < settings.maxSize
        case .completingRebalance, .stable: members[memberID] != nil || members.count < settings.maxSize
        }
    }

    /// What Kafka makes: the instance's or the client's id, and a random UUID in hexadecimal.
    private static func memberID(for attempt: JoinAttempt, _ random: inout SplitMix64) -> String {
        let uuid = Uuid.random(using: &random)
        let digits = [uuid.high, uuid.low].map { half in
            let text = String(half, radix: 16)
            return String(repeating: "0", count: 16 - text.count) + text
        }.joined()
        var name = attempt.request.groupInstanceID ?? attempt.client.id
        for (index, digit) in digits.enumerated() {
            if [0, 8, 12, 16, 20].contains(index) { name.append("-") }
            name.append(digit)
        }
        return name
    }

    private mutating func joinNew(_ attempt: JoinAttempt, as newID: String, _ actions: inout GroupActions) {
        if let instance = attempt.request.groupInstanceID, let oldID = staticMembers[instance] {
            joinAgain(attempt, replacing: oldID, by: newID, &actions)
        } else if attempt.request.groupInstanceID == nil && attempt.version >= 4 {
            let session = Int64(attempt.request.sessionTimeoutMilliseconds)
            expect(newID, withinMilliseconds: session, at: attempt.moment.now, &actions)
            var response = refusing(.memberIDRequired) as JoinGroupResponse
            response.memberID = newID
            answer(attempt.waiter, version: attempt.version, response, &actions)
        } else {
            add(attempt, as: newID, &actions)
        }
    }

    private mutating func add(_ attempt: JoinAttempt, as newID: String, _ actions: inout GroupActions) {
        initialRebalance?.hasNewMember = true
        if members.isEmpty { protocolType = attempt.request.protocolType }
        var member = ClassicMember(id: newID, number: nextNumber, from: attempt.client, request: attempt.request)
        member.isNew = true
        insert(member)
        park(attempt, of: newID)
        startSession(of: newID, Self.newMemberJoinTimeoutMilliseconds, at: attempt.moment.now, &actions)
        rebalance(at: attempt.moment, &actions)
    }

    private mutating func joinKnown(_ attempt: JoinAttempt, _ actions: inout GroupActions) {
        let memberID = attempt.request.memberID
        if pendingMembers[memberID] != nil {
            // Ids are given in advance to members without an instance only.
            guard attempt.request.groupInstanceID == nil else { return refuse(attempt, .unknownServerError, &actions) }
            return add(attempt, as: memberID, &actions)
        }
        let error = check(memberID: memberID, instanceID: attempt.request.groupInstanceID)
        guard error == .none, let member = members[memberID] else { return refuse(attempt, error, &actions) }
        let isLeader = leaderID == memberID
        // One that says the same again has lost the answer, and gets it again; but a leader of a stable group
        // wants to assign anew, for reasons of its own, such as a topic's new partitions.
        if member.protocols == attempt.request.protocols
            && (state == .completingRebalance || state == .stable && !isLeader)
        {
            let response = joined(memberID, listing: isLeader)
            return answer(attempt.waiter, version: attempt.version, response, &actions)
        }
        update(memberID, from: attempt, &actions)
        rebalance(at: attempt.moment, &actions)
    }

    /// A static member has restarted. In a stable group that changes nothing but its id, where the protocol stays.
    private mutating func joinAgain(
        _ attempt: JoinAttempt, replacing oldID: String, by newID: String, _ actions: inout GroupActions
    ) {
        let oldLeaderID = leaderID
        replace(oldID, by: newID, &actions)
        update(newID, from: attempt, &actions)
        startSession(of: newID, at: attempt.moment.now, &actions)
        guard state == .stable && selectProtocol() == protocolName else {
            // In CompletingRebalance the leader has been told the old id, and would assign to nobody.
            return rebalance(at: attempt.moment, &actions)
        }
        writeRecord(&actions)
        let isToldAll = attempt.version >= 9 && leaderID == newID
        var response = joined(newID, listing: isToldAll)
        response.skipAssignment = isToldAll
        // An older client that finds itself the leader would assign: it is told of the leader that it was.
        if attempt.version < 9 { response.leader = oldLeaderID ?? "" }
        answerJoin(of: newID, response, &actions)
    }
}

extension [JoinGroupRequest.GroupProtocol] {
    /// The bytes of their names and metadata.
    var byteCount: Int { reduce(0) { $0 + $1.name.utf8.count + $1.metadata.count } }
}
