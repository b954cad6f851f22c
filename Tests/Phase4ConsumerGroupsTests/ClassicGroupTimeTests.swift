import SegmentLog
import Testing
import WireProtocol

@testable import ConsumerGroups

@Suite("A classic group, as time passes")
struct ClassicGroupTimeTests {
    @Test("waits for more members while they come")
    func initialDelay() {
        let talk = ClassicTalk()
        let first = talk.join(version: 3)
        talk.advance(to: 2_999)
        #expect(talk.joined(first) == nil)
        let second = talk.join(version: 3)
        talk.advance(to: 5_999)
        #expect(talk.joined(first) == nil)
        talk.advance(to: 6_000)
        #expect(talk.joined(first)?.members.count == 2 && talk.joined(second)?.generationID == 1)
    }

    @Test(
        "waits no longer for members to come than the longest rebalance timeout",
        arguments: [(2_000, 3_000), (10_000, 10_000)]
    )
    func initialDelayIsBounded(rebalance: Int32, expected: Int64) {
        let talk = ClassicTalk()
        let first = talk.join(version: 3, rebalance: rebalance)
        var answered: Int64?
        for time in stride(from: Int64(500), through: 30_000, by: 500) where answered == nil {
            talk.advance(to: time)
            if talk.joined(first) != nil { answered = time } else { talk.join(version: 3, rebalance: rebalance) }
        }
        #expect(answered == expected)
    }

    @Test("takes silence for death: not before the session ends, and not after a heartbeat, a sync or a commit")
    func sessions() {
        let talk = ClassicTalk()
        let ids = talk.stable(3)
        let start = talk.now
        talk.advance(to: start + 9_000)
        #expect(talk.heartbeat(ids[0], 1) == ErrorCode.none)
        #expect(talk.commit(ids[1], 1) == .none)
        talk.advance(to: start + 9_999)
        #expect(talk.group.memberCount == 3)
        talk.advance(to: start + 10_000)
        #expect(talk.group.memberCount == 2 && talk.group.state == .preparingRebalance)
        #expect(talk.heartbeat(ids[2], 1) == .unknownMemberID)
        talk.advance(to: start + 18_999)
        #expect(talk.group.memberCount == 2)
        talk.advance(to: start + 19_000)
        #expect(talk.group.memberCount == 0 && talk.group.state == .empty && talk.group.generation == 2)
    }

    @Test("is woken once in a session, not for each heartbeat")
    func wakes() {
        let talk = ClassicTalk()
        let ids = talk.stable(10, session: 45_000)
        let before = talk.wakeCount
        var refused = 0
        for beat in 0..<2_000 {
            talk.advance(by: 300)
            if talk.heartbeat(ids[beat % 10], 1) != ErrorCode.none { refused += 1 }
        }
        // Ten minutes, in sessions of 45 s of which 42 are left when the last member has sent its heartbeat.
        #expect(refused == 0 && (13...15).contains(talk.wakeCount - before))
    }

    @Test("a member that waits is not silent, whatever its session")
    func waitingIsNotSilence() {
        let talk = ClassicTalk()
        let ids = talk.stable(2, session: 6_000)
        let join = talk.join(ids[0], session: 6_000)
        for _ in 0..<4 {
            talk.advance(by: 4_000)
            _ = talk.heartbeat(ids[1], 1)
        }
        #expect(talk.joined(join) == nil && talk.group.memberCount == 2)
        talk.advance(by: 4_000)
        #expect(talk.joined(join)?.generationID == 2 && talk.group.memberCount == 1)
        talk.advance(by: 5_999)
        #expect(talk.group.memberCount == 1)
        talk.advance(by: 1)
        #expect(talk.group.memberCount == 0)
    }

    @Test("a new member waits for five minutes at most: it may have given up")
    func newMember() {
        let talk = ClassicTalk { $0.maxSessionTimeoutMilliseconds = .max }
        let ids = talk.stable(1, session: 1_000_000)
        let join = talk.join(version: 3, rebalance: 1_000_000)
        talk.advance(by: 299_999)
        #expect(talk.joined(join) == nil)
        talk.advance(by: 1)
        #expect(talk.joined(join)?.errorCode == .unknownMemberID)
        #expect(talk.group.describe().members.map(\.memberID) == ids)
    }

    @Test("ids that nobody comes with are forgotten, and hold up a rebalance no longer")
    func pendingIDs() {
        let talk = ClassicTalk()
        let ids = talk.stable(1, session: 60_000)
        let pending = talk.newID()
        let join = talk.join(ids[0], session: 60_000)
        #expect(talk.joined(join) == nil)
        talk.advance(by: 9_999)
        #expect(talk.joined(join) == nil)
        talk.advance(by: 1)
        #expect(talk.joined(join)?.generationID == 2)
        #expect(talk.joined(talk.join(pending))?.errorCode == .unknownMemberID)
    }

    @Test("is woken once in a second for all ids that nobody comes with, and each is good for its session")
    func manyPendingIDs() {
        let talk = ClassicTalk()
        var last = ""
        for _ in 0..<500 {
            talk.advance(by: 7)
            last = talk.newID()
        }
        talk.advance(to: 13_499)
        #expect(talk.group.pendingMembers[last] != nil)
        talk.advance(to: 14_000)
        #expect(talk.group.pendingMembers.isEmpty)
        #expect((1...4).contains(talk.wakeCount))
    }

    @Test("an id is void once ten thousand have been given after it: no other would suffer less")
    func tooManyPendingIDs() {
        let talk = ClassicTalk()
        let ids = (0...ClassicGroup.maxPendingMembers).map { number in
            // The first ask for the longest sessions.
            let request = talk.join(session: number < 5_000 ? 1_800_000 : 6_000)
            return talk.joined(request)?.memberID ?? ""
        }
        #expect(talk.group.pendingMembers.count == ClassicGroup.maxPendingMembers)
        #expect(talk.joined(talk.join(ids[0]))?.errorCode == .unknownMemberID)
        let join = talk.join(ids[ids.count - 1])
        #expect(talk.joined(join) == nil && talk.group.memberCount == 1)
        talk.advance(to: 1_800_000)
        #expect(talk.group.pendingMembers.isEmpty && talk.group.givenIDs.isEmpty)
    }

    @Test("members that do not join in time are out, and the oldest that has joined leads")
    func rebalanceTimeout() {
        let talk = ClassicTalk()
        let ids = talk.stable(3, session: 60_000)
        let join = talk.join(ids[2], protocols: [("range", [2])], session: 60_000)
        talk.advance(by: 19_999)
        #expect(talk.joined(join) == nil)
        talk.advance(by: 1)
        #expect(talk.joined(join)?.leader == ids[2] && talk.joined(join)?.members.count == 1)
    }

    @Test("members that join and do not ask for their assignment are out: a leader cannot hold up the group")
    func pendingSyncs() {
        let talk = ClassicTalk()
        let ids = talk.stable(2, session: 60_000)
        talk.join(ids[1], protocols: [("range", [2])], session: 60_000)
        talk.join(ids[0], session: 60_000)
        #expect(talk.group.state == .completingRebalance)
        let waiting = talk.sync(ids[1], 2)
        talk.advance(by: 19_999)
        #expect(talk.synced(waiting) == nil)
        talk.advance(by: 1)
        #expect(talk.synced(waiting)?.errorCode == .rebalanceInProgress)
        #expect(talk.group.memberCount == 1 && talk.group.state == .preparingRebalance)
        let join = talk.join(ids[1], session: 60_000)
        #expect(talk.joined(join)?.leader == ids[1])
        talk.sync(ids[1], 3)
        talk.advance(by: 20_000)
        #expect(talk.group.state == .stable)
    }

    @Test("a group that is loaded goes on where it was, with sessions that begin afresh")
    func restart() throws {
        let talk = ClassicTalk()
        let ids = talk.stable(2)
        talk.advance(by: 9_000)
        _ = talk.heartbeat(ids[0], 1)
        try talk.restart()
        #expect(talk.group.state == .stable && talk.group.generation == 1 && talk.group.leaderID == ids[0])
        #expect(talk.group.protocolName == "range" && talk.group.protocolType == "consumer")
        talk.advance(by: 9_999)
        #expect(talk.heartbeat(ids[1], 1) == ErrorCode.none)
        #expect(talk.synced(talk.sync(ids[1], 1))?.assignment.array == [1])
        talk.advance(by: 1)
        #expect(talk.group.describe().members.map(\.memberID) == [ids[1]])
    }
}
