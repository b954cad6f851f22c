import SegmentLog
import WireProtocol

extension ClassicGroup {
    /// A JoinGroup refused.
    func refusing(_ error: ErrorCode) -> JoinGroupResponse {
        var response = JoinGroupResponse()
        response.errorCode = error
        return response
    }

    /// A SyncGroup refused.
    func refusing(_ error: ErrorCode) -> SyncGroupResponse {
        var response = SyncGroupResponse()
        response.errorCode = error
        return response
    }

    /// The generation as a member is told that has joined it. The leader is told everybody, where it is to assign.
    func joined(_ memberID: String, listing: Bool) -> JoinGroupResponse {
        var response = JoinGroupResponse()
        response.generationID = generation
        response.protocolType = protocolType
        response.protocolName = protocolName
        response.leader = leaderID ?? ""
        response.memberID = memberID
        guard listing else { return response }
        response.members = memberIDs.compactMap { members[$0] }.map { member in
            var listed = JoinGroupResponse.Member()
            listed.memberID = member.id
            listed.groupInstanceID = member.instanceID
            listed.metadata = member.metadata(of: protocolName)
            return listed
        }
        return response
    }

    /// A member's assignment.
    func assigned(_ memberID: String) -> SyncGroupResponse {
        var response = SyncGroupResponse()
        response.protocolType = protocolType
        response.protocolName = protocolName
        response.assignment = members[memberID]?.assignment ?? Bytes()
        return response
    }

    /// Answers a JoinGroup. Before version 7 the protocol could not be null.
    func answer(
        _ waiter: GroupWaiter, version: Int16, _ response: JoinGroupResponse, _ actions: inout GroupActions
    ) {
        var response = response
        if version < 7 { response.protocolName = response.protocolName ?? "" }
        actions.answer(waiter, .join(response))
    }

    /// Answers a member's JoinGroup, if one waits.
    mutating func answerJoin(of memberID: String, _ response: JoinGroupResponse, _ actions: inout GroupActions) {
        guard let (waiter, version) = members[memberID]?.join else { return }
        members[memberID]?.join = nil
        joinedCount -= 1
        answer(waiter, version: version, response, &actions)
    }

    /// Answers a member's SyncGroup, if one waits, and says whether one did.
    @discardableResult
    mutating func answerSync(
        of memberID: String, _ response: SyncGroupResponse, _ actions: inout GroupActions
    ) -> Bool {
        guard let waiter = members[memberID]?.sync else { return false }
        members[memberID]?.sync = nil
        actions.answer(waiter, .sync(response))
        return true
    }

    /// Answers all that wait with an error, as when the group goes to another coordinator (NOT_COORDINATOR).
    /// The group is of no use any more.
    public mutating func abandon(_ error: ErrorCode, _ actions: inout GroupActions) {
        for id in memberIDs {
            var refusal = refusing(error) as JoinGroupResponse
            refusal.memberID = id
            answerJoin(of: id, refusal, &actions)
            answerSync(of: id, refusing(error), &actions)
        }
    }

    /// Writes the group as it is.
    mutating func writeRecord(_ actions: inout GroupActions) {
        var value = GroupMetadataValue()
        value.protocolType = protocolType ?? ""
        value.generation = generation
        value.protocolName = protocolName
        value.leader = leaderID
        value.currentStateTimestamp = stateTimestamp ?? -1
        value.members = memberIDs.compactMap { members[$0]?.value(protocolName: protocolName) }
        write(value, &actions)
    }

    /// Writes that there is a group, which has no generation yet.
    mutating func writeNewRecord(_ actions: inout GroupActions) {
        var value = GroupMetadataValue()
        value.currentStateTimestamp = stateTimestamp ?? -1
        write(value, &actions)
    }

    private mutating func write(_ value: GroupMetadataValue, _ actions: inout GroupActions) {
        do {
            actions.write(try GroupRecord(GroupMetadataKey(group: id), value))
            isRecorded = true
        } catch {
            preconditionFailure("neither JoinGroup nor a record lets a text in that no record holds: \(error)")
        }
    }

    /// The record that says that the group is gone.
    public func tombstone() throws(CodingError) -> GroupRecord {
        try GroupRecord(removing: GroupMetadataKey(group: id))
    }
}
