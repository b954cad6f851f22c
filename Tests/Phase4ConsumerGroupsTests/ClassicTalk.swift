import SegmentLog
import Testing
import WireProtocol

@testable import ConsumerGroups

/// A conversation with one classic group: requests go in, with a clock that the test moves, and answers are found by
/// the number of the request. `expire` comes when the group has asked for it, and only then.
final class ClassicTalk {
    var group: ClassicGroup
    var now: Int64 = 0
    var wakeAt: Instant?
    var wakeCount = 0
    var records: [GroupRecord] = []
    var answers: [UInt64: GroupAnswer] = [:]
    /// Requests that were answered twice, or that nobody sent.
    var surplus: [UInt64] = []
    var sent: UInt64 = 0
    var random = SplitMix64(seed: 7)

    static let epoch: Int64 = 1_700_000_000_000

    init(_ change: (inout GroupSettings) -> Void = { _ in }) {
        var settings = GroupSettings()
        change(&settings)
        group = ClassicGroup(id: "g", settings: settings, time: Self.epoch)
    }

    var instant: Instant { Instant(nanoseconds: now * 1_000_000) }
    var time: Int64 { Self.epoch + now }

    /// Performs what a machine asked for.
    func perform(_ actions: GroupActions) {
        records += actions.records
        for (waiter, answer) in actions.answers {
            if answers[waiter.value] != nil || waiter.value > sent { surplus.append(waiter.value) }
            answers[waiter.value] = answer
        }
        if let deadline = actions.deadline { wakeAt = min(wakeAt ?? deadline, deadline) }
    }

    /// Lets the time pass to `milliseconds`, with every wake on the way.
    func advance(to milliseconds: Int64) {
        while let wake = wakeAt, wake.nanoseconds <= milliseconds * 1_000_000 {
            now = max(now, wake.nanoseconds / 1_000_000)
            expire()
        }
        now = milliseconds
    }

    func advance(by milliseconds: Int64) { advance(to: now + milliseconds) }

    /// Lets as much time pass as the group takes to begin a generation.
    func finishJoining() {
        while group.state == .preparingRebalance, let wake = wakeAt { advance(to: wake.nanoseconds / 1_000_000) }
    }

    /// Tells the group the time.
    func expire() {
        wakeCount += 1
        wakeAt = nil
        var actions = GroupActions()
        group.expire(at: instant, time: time, &actions)
        perform(actions)
    }

    /// The coordinator starts again, with what the last record says.
    func restart() throws {
        let value = try #require(records.last?.value)
        group = ClassicGroup(id: "g", settings: group.settings, restoring: try GroupMetadataValue(decoding: value))
        wakeAt = nil
        var actions = GroupActions()
        group.start(at: instant, time: time, &actions)
        perform(actions)
    }

    @discardableResult
    func join(
        _ memberID: String = "", instance: String? = nil, version: Int16 = 9, type: String = "consumer",
        protocols: [(String, [UInt8])] = [("range", [1])], session: Int32 = 10_000, rebalance: Int32 = 20_000,
        client: String = "c"
    ) -> UInt64 {
        var request = JoinGroupRequest()
        request.groupID = "g"
        request.memberID = memberID
        request.groupInstanceID = instance
        request.protocolType = type
        request.protocols = protocols.map { name, metadata in
            var offered = JoinGroupRequest.GroupProtocol()
            offered.name = name
            offered.metadata = Bytes(metadata)
            return offered
        }
        request.sessionTimeoutMilliseconds = session
        request.rebalanceTimeoutMilliseconds = rebalance
        sent += 1
        var actions = GroupActions()
        group.join(
            request, version: version, from: GroupClient(id: client, host: "/h"), waiter: GroupWaiter(sent),
            at: instant,
            time: time, random: &random, &actions)
        perform(actions)
        return sent
    }

    @discardableResult
    func sync(
        _ memberID: String, _ generation: Int32, instance: String? = nil, type: String? = nil, name: String? = nil,
        assignments: [(String, [UInt8])] = []
    ) -> UInt64 {
        var request = SyncGroupRequest()
        request.memberID = memberID
        request.generationID = generation
        request.groupInstanceID = instance
        request.protocolType = type
        request.protocolName = name
        request.assignments = assignments.map { member, bytes in
            var assignment = SyncGroupRequest.Assignment()
            assignment.memberID = member
            assignment.assignment = Bytes(bytes)
            return assignment
        }
        sent += 1
        var actions = GroupActions()
        group.sync(request, waiter: GroupWaiter(sent), at: instant, time: time, &actions)
        perform(actions)
        return sent
    }

    func heartbeat(_ memberID: String, _ generation: Int32, instance: String? = nil) -> ErrorCode? {
        var request = HeartbeatRequest()
        request.memberID = memberID
        request.generationID = generation
        request.groupInstanceID = instance
        sent += 1
        var actions = GroupActions()
        group.heartbeat(request, waiter: GroupWaiter(sent), at: instant, &actions)
        perform(actions)
        guard case .heartbeat(let response)? = answers[sent] else { return nil }
        return response.errorCode
    }

    func leave(_ members: [(String, String?)], version: Int16 = 5) -> LeaveGroupResponse? {
        var request = LeaveGroupRequest()
        if version < 3 {
            request.memberID = members.first?.0 ?? ""
        } else {
            request.members = members.map { id, instance in
                var member = LeaveGroupRequest.Member()
                member.memberID = id
                member.groupInstanceID = instance
                return member
            }
        }
        sent += 1
        var actions = GroupActions()
        group.leave(request, version: version, waiter: GroupWaiter(sent), at: instant, time: time, &actions)
        perform(actions)
        guard case .leave(let response)? = answers[sent] else { return nil }
        return response
    }

    func commit(
        _ memberID: String, _ generation: Int32, instance: String? = nil, transactional: Bool = false
    ) -> ErrorCode {
        group.checkCommit(
            memberID: memberID, instanceID: instance, generationID: generation, isTransactional: transactional,
            at: instant)
    }

    func joined(_ number: UInt64) -> JoinGroupResponse? {
        if case .join(let response)? = answers[number] { response } else { nil }
    }

    func synced(_ number: UInt64) -> SyncGroupResponse? {
        if case .sync(let response)? = answers[number] { response } else { nil }
    }

    /// The last record's value.
    func lastValue() throws -> GroupMetadataValue {
        try GroupMetadataValue(decoding: try #require(records.last?.value))
    }

    /// The id that a new dynamic member is given.
    func newID(client: String = "c") -> String { joined(join(client: client))?.memberID ?? "" }

    /// Makes a stable group of this many dynamic members; member n is assigned [n]. The first is the leader.
    func stable(_ count: Int, session: Int32 = 10_000) -> [String] {
        let ids = (0..<count).map { _ in newID() }
        for id in ids { join(id, session: session) }
        finishJoining()
        for id in ids.dropFirst() { sync(id, group.generation) }
        sync(ids[0], group.generation, assignments: ids.enumerated().map { ($1, [UInt8($0)]) })
        return ids
    }
}
