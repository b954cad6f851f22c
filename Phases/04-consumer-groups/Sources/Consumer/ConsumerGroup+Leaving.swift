import SegmentLog
import TopicsPartitions
import WireProtocol

extension ConsumerGroup {
    /// A member leaves for good, or for a while.
    mutating func leave(
        _ request: ConsumerGroupHeartbeatRequest, _ topics: MetadataImage, _ actions: inout GroupActions
    ) throws(HeartbeatRefusal) {
        guard exists else { throw HeartbeatRefusal(.groupIDNotFound, "there is no group \(id)") }
        if let instanceID = request.instanceID {
            guard let holder = instances[instanceID] else {
                throw HeartbeatRefusal(.unknownMemberID, "no member has the instance id \(instanceID)")
            }
            try check(instanceID, is: holder, rather: request.memberID)
        }
        var assignment = try known(request.memberID).assignment
        if request.memberEpoch == -2 {
            assignment.release()
            set(assignment, of: request.memberID, &actions)
            members[request.memberID]?.revocationDeadline = nil
        } else {
            remove(request.memberID, &actions)
            growEpoch(topics, &actions)
        }
    }

    /// A static member that had left comes back under another id, and gets what waits for it. No partition moves, unless
    /// that was another member's id, which is then gone: true, and the group epoch has to grow.
    mutating func replace(_ old: String, by new: String, _ actions: inout GroupActions) -> Bool {
        guard let member = members[old] else { return false }
        let target = targets[old] ?? [:]
        let isTaken = members[new] != nil
        if isTaken { remove(new, &actions) }
        remove(old, &actions)
        set(member.metadata, of: new, &actions)
        set(target, of: new, &actions)
        var assignment = member.assignment
        assignment.epoch = 0
        assignment.previousEpoch = 0
        set(assignment, of: new, &actions)
        return isTaken
    }

    /// Deletes the group: nothing of it is left, in the log neither.
    public mutating func delete(_ actions: inout GroupActions) {
        for memberID in members.keys.sorted() { remove(memberID, &actions) }
        for regex in expressions.keys.sorted() {
            write(ConsumerGroupRegularExpressionKey(groupID: id, regularExpression: regex), nil, &actions)
        }
        write(ConsumerGroupTargetAssignmentMetadataKey(groupID: id), nil, &actions)
        write(ConsumerGroupMetadataKey(groupID: id), nil, &actions)
        self = ConsumerGroup(id: id, settings: settings)
    }

    /// Removes the members that have been silent for too long, or have kept for too long what they were to give up, and
    /// says when to look again. It looks at all members.
    public mutating func expire(at now: Instant, topics: MetadataImage, _ actions: inout GroupActions) {
        let late = members.filter { $0.value.deadline <= now }.keys.sorted()
        for id in late { remove(id, &actions) }
        if !late.isEmpty { growEpoch(topics, &actions) }
        if let deadline = members.values.map(\.deadline).min() { actions.wake(at: deadline) }
    }
}

extension ConsumerGroup.Member {
    /// When it is removed if it stays silent.
    var deadline: Instant { min(sessionDeadline, revocationDeadline ?? sessionDeadline) }
}
