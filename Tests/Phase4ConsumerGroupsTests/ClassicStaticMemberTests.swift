import SegmentLog
import Testing
import WireProtocol

@testable import ConsumerGroups

@Suite("A static member of a classic group")
struct ClassicStaticMemberTests {
    /// A stable group of the instances "a", which leads, and "b".
    private func stable() -> (ClassicTalk, [String]) {
        let talk = ClassicTalk()
        let joins = [talk.join(instance: "a"), talk.join(instance: "b")]
        talk.finishJoining()
        let ids = joins.map { talk.joined($0)?.memberID ?? "" }
        talk.sync(ids[1], 1, instance: "b")
        talk.sync(ids[0], 1, instance: "a", assignments: [(ids[0], [0]), (ids[1], [1])])
        return (talk, ids)
    }

    @Test("joins without a round for its id, which begins with its instance's")
    func joins() {
        let (talk, ids) = stable()
        #expect(talk.group.state == .stable && talk.group.generation == 1)
        #expect(ids[0].hasPrefix("a-") && ids[1].hasPrefix("b-"))
        #expect(talk.group.describe().members.map(\.groupInstanceID) == ["a", "b"])
    }

    @Test("that restarts gets a new id and its old assignment, without a rebalance; the old id is fenced")
    func restarts() throws {
        let (talk, ids) = stable()
        let written = talk.records.count
        let again = try #require(talk.joined(talk.join(instance: "b")))
        #expect(again.errorCode == .none && again.generationID == 1 && again.memberID != ids[1])
        #expect(again.members.isEmpty && !again.skipAssignment && again.leader == ids[0])
        #expect(talk.group.state == .stable && talk.records.count == written + 1)
        #expect(try talk.lastValue().members.map(\.memberID) == [ids[0], again.memberID])
        #expect(talk.synced(talk.sync(again.memberID, 1, instance: "b"))?.assignment.array == [1])
        #expect(talk.heartbeat(ids[1], 1, instance: "b") == .fencedInstanceID)
        #expect(talk.commit(ids[1], 1, instance: "b") == .fencedInstanceID)
        #expect(talk.joined(talk.join(ids[1], instance: "b"))?.errorCode == .fencedInstanceID)
        #expect(talk.leave([(ids[1], "b")])?.members.first?.errorCode == .fencedInstanceID)
        #expect(talk.heartbeat(again.memberID, 1, instance: "b") == ErrorCode.none)
    }

    @Test("that led and restarts is told to leave the assignment as it is, or is not told that it leads")
    func leaderRestarts() throws {
        let (talk, ids) = stable()
        let newer = try #require(talk.joined(talk.join(instance: "a", version: 9)))
        #expect(newer.leader == newer.memberID && newer.skipAssignment && newer.members.count == 2)
        let older = try #require(talk.joined(talk.join(instance: "a", version: 8)))
        #expect(older.leader == newer.memberID && older.leader != older.memberID)
        #expect(!older.skipAssignment && older.members.isEmpty)
        #expect(ids[0] != newer.memberID && talk.group.generation == 1)
    }

    @Test("that restarts with another protocol makes the group rebalance")
    func changesProtocol() {
        let talk = ClassicTalk()
        let both: [(String, [UInt8])] = [("range", []), ("sticky", [])]
        let join = talk.join(instance: "a", protocols: both)
        talk.advance(by: 3_000)
        talk.sync(talk.joined(join)?.memberID ?? "", 1, instance: "a")
        #expect(talk.group.state == .stable && talk.group.protocolName == "range")
        let again = talk.join(instance: "a", protocols: both.reversed())
        #expect(talk.group.generation == 2 && talk.joined(again)?.protocolName == "sticky")
    }

    @Test("that restarts during a rebalance takes the place of what it was")
    func duringRebalance() throws {
        let (talk, ids) = stable()
        let old = talk.join(ids[0], instance: "a")
        let new = talk.join(instance: "a")
        let fenced = try #require(talk.joined(old))
        #expect(fenced.errorCode == .fencedInstanceID && fenced.memberID == ids[0])
        #expect(talk.joined(new) == nil)
        talk.join(ids[1], instance: "b")
        let id = try #require(talk.joined(new)).memberID
        #expect(talk.joined(new)?.generationID == 2 && talk.joined(new)?.leader == id)
        let follower = talk.sync(ids[1], 2, instance: "b")
        let third = talk.join(instance: "a")
        #expect(talk.synced(follower)?.errorCode == .rebalanceInProgress)
        #expect(talk.joined(third) == nil && talk.group.state == .preparingRebalance)
    }

    @Test("that does not join again stays in the next generation, until it asks for no assignment either")
    func staysAway() throws {
        let talk = ClassicTalk()
        let joins = ["a", "b"].map { talk.join(instance: $0, session: 60_000, rebalance: 5_000) }
        talk.finishJoining()
        let ids = joins.map { talk.joined($0)?.memberID ?? "" }
        talk.sync(ids[0], 1)
        talk.sync(ids[1], 1)
        let join = talk.join(ids[1], instance: "b", protocols: [("range", [2])], session: 60_000, rebalance: 5_000)
        talk.advance(by: 4_999)
        #expect(talk.joined(join) == nil)
        talk.advance(by: 1)
        let second = try #require(talk.joined(join))
        #expect(second.generationID == 2 && second.leader == ids[1] && second.members.map(\.memberID) == ids)
        talk.sync(ids[1], 2)
        talk.advance(by: 4_999)
        #expect(talk.group.memberCount == 2 && talk.group.state == .stable)
        talk.advance(by: 1)
        #expect(talk.group.memberCount == 1 && talk.group.state == .preparingRebalance)
    }

    @Test("is waited for until its session ends, where nobody else is left")
    func postponed() {
        let (talk, ids) = stable()
        _ = talk.leave([("", "b")])
        talk.group.members[ids[0]]?.rebalanceTimeoutMilliseconds = 1_000
        talk.advance(by: 9_999)
        #expect(talk.group.state == .preparingRebalance && talk.group.memberCount == 1)
        talk.advance(by: 1)
        #expect(talk.group.state == .empty && talk.group.generation == 2)
    }

    @Test("leaves by the name of its instance")
    func leaves() {
        let (talk, ids) = stable()
        #expect(talk.leave([("", "b"), ("", "c")])?.members.map(\.errorCode) == [.none, .unknownMemberID])
        #expect(talk.group.describe().members.map(\.memberID) == [ids[0]])
    }
}
