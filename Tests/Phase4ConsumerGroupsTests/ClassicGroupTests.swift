import SegmentLog
import Testing
import WireProtocol

@testable import ConsumerGroups

@Suite("A classic group")
struct ClassicGroupTests {
    @Test("gives a new member its id first, and takes it in when it comes with that")
    func memberIDRound() throws {
        let talk = ClassicTalk()
        let first = try #require(talk.joined(talk.join(client: "app")))
        #expect(first.errorCode == .memberIDRequired)
        #expect(first.memberID.hasPrefix("app-"))
        #expect(first.memberID.utf8.count == 4 + 36)
        #expect(talk.group.state == .empty)
        #expect(try talk.lastValue().generation == 0)
        #expect(talk.joined(talk.join("app-somebody"))?.errorCode == .unknownMemberID)
        let second = talk.join(first.memberID)
        #expect(talk.joined(second) == nil)
        #expect(talk.group.state == .preparingRebalance)
        talk.advance(by: 3_000)
        let answer = try #require(talk.joined(second))
        #expect(answer.generationID == 1 && answer.leader == first.memberID && answer.memberID == first.memberID)
        #expect(answer.protocolName == "range" && answer.protocolType == "consumer" && !answer.skipAssignment)
        #expect(answer.members.map(\.memberID) == [first.memberID])
        #expect(answer.members.first?.metadata.array == [1])
        #expect(talk.records.count == 1)
    }

    @Test("takes a new member of JoinGroup 3 in at once, and says no null protocol before version 7")
    func oldVersions() throws {
        let talk = ClassicTalk()
        let join = talk.join(version: 3)
        talk.advance(by: 3_000)
        #expect(talk.joined(join)?.generationID == 1)
        let refused = try #require(talk.joined(talk.join("nobody", version: 6)))
        #expect(refused.errorCode == .unknownMemberID && refused.protocolName == "" && refused.memberID == "nobody")
        #expect(try #require(talk.joined(talk.join("nobody", version: 7))).protocolName == nil)
    }

    @Test("refuses what cannot be a member")
    func refusals() {
        let talk = ClassicTalk()
        #expect(talk.joined(talk.join(session: 5_999))?.errorCode == .invalidSessionTimeout)
        #expect(talk.joined(talk.join(session: 1_800_001))?.errorCode == .invalidSessionTimeout)
        #expect(talk.joined(talk.join(protocols: []))?.errorCode == .inconsistentGroupProtocol)
        #expect(talk.joined(talk.join(type: ""))?.errorCode == .inconsistentGroupProtocol)
        let long = String(repeating: "i", count: 32_731)
        #expect(talk.joined(talk.join(instance: long))?.errorCode == .invalidRequest)
        #expect(talk.records.isEmpty && !talk.group.isRecorded)
        let member = talk.newID()
        talk.join(member)
        #expect(talk.joined(talk.join(type: "connect"))?.errorCode == .inconsistentGroupProtocol)
        #expect(talk.joined(talk.join(protocols: [("sticky", [])]))?.errorCode == .inconsistentGroupProtocol)
        let pending = talk.newID()
        #expect(talk.joined(talk.join(pending, instance: "i"))?.errorCode == .unknownServerError)
        talk.group = ClassicGroup(id: "", settings: GroupSettings(), time: 0)
        #expect(talk.joined(talk.join())?.errorCode == .invalidGroupID)
        #expect(talk.heartbeat("m", 1) == .invalidGroupID)
        #expect(talk.synced(talk.sync("m", 1))?.errorCode == .invalidGroupID)
        #expect(talk.leave([("m", nil)])?.errorCode == .invalidGroupID)
    }

    @Test("keeps of what a member can do no more than a record could hold")
    func offers() {
        let talk = ClassicTalk()
        let names = (0..<256).map { ("p\($0)", [UInt8]()) }
        #expect(talk.joined(talk.join(protocols: names + [("more", [])]))?.errorCode == .inconsistentGroupProtocol)
        #expect(talk.joined(talk.join(protocols: names))?.errorCode == .memberIDRequired)
        // Four bytes of names.
        let long = [UInt8](repeating: 1, count: 131_070)
        let offer = [("a1", long), ("b2", long)]
        #expect(talk.joined(talk.join(protocols: offer + [("c", [])]))?.errorCode == .inconsistentGroupProtocol)
        #expect(talk.joined(talk.join(protocols: offer))?.errorCode == .memberIDRequired)
    }

    @Test("that many leave at once finds each next leader without a look at all", .timeLimit(.minutes(15)))
    func manyLeave() {
        let count = 30_000
        var value = GroupMetadataValue()
        value.protocolType = "consumer"
        value.protocolName = "range"
        value.generation = 1
        value.leader = "m0"
        value.members = (0..<count).map { number in
            var member = GroupMetadataValue.Member()
            member.memberID = "m\(number)"
            member.sessionTimeoutMilliseconds = 10_000
            return member
        }
        let talk = ClassicTalk()
        talk.group = ClassicGroup(id: "g", settings: GroupSettings(), restoring: value)
        let left = talk.leave((0..<count - 1).map { ("m\($0)", nil) })
        #expect(left?.members.count(where: { $0.errorCode == .none }) == count - 1)
        #expect(talk.group.leaderID == "m\(count - 1)" && talk.group.checkCounts() == nil)
    }

    @Test("that nobody has joined answers as Kafka does for groups that it does not know")
    func unknown() throws {
        let talk = ClassicTalk()
        #expect(talk.heartbeat("m", 1) == .unknownMemberID)
        #expect(talk.synced(talk.sync("m", 1))?.errorCode == .unknownMemberID)
        #expect(talk.joined(talk.join("m"))?.errorCode == .unknownMemberID)
        #expect(talk.leave([("m", nil)], version: 2)?.errorCode == .unknownMemberID)
        let left = try #require(talk.leave([("m", nil), ("", "i")]))
        #expect(left.errorCode == .none && left.members.map(\.errorCode) == [.unknownMemberID, .unknownMemberID])
        #expect(!talk.group.isRecorded)
        #expect(ClassicGroup.describeUnknown("x", version: 5).groupState == "Dead")
        #expect(ClassicGroup.describeUnknown("x", version: 5).errorCode == .none)
        #expect(ClassicGroup.describeUnknown("x", version: 6).errorCode == .groupIDNotFound)
    }

    @Test("tells the leader everybody, and hands each the leader's assignment once it is written")
    func leaderAssigns() throws {
        let talk = ClassicTalk()
        let ids = [talk.newID(), talk.newID()]
        let joins = ids.map { talk.join($0, protocols: [("range", [UInt8($0.utf8.count)])]) }
        talk.advance(by: 6_000)
        #expect(talk.joined(joins[0])?.members.map(\.memberID) == ids)
        #expect(talk.joined(joins[1])?.members.isEmpty == true)
        #expect(talk.joined(joins[1])?.leader == ids[0])
        let follower = talk.sync(ids[1], 1)
        #expect(talk.synced(follower) == nil)
        #expect(talk.group.state == .completingRebalance)
        let written = talk.records.count
        let leader = talk.sync(ids[0], 1, assignments: [(ids[1], [8]), ("stranger", [9])])
        #expect(talk.group.state == .stable)
        #expect(talk.synced(follower)?.assignment.array == [8])
        #expect(talk.synced(leader)?.assignment.array == [])
        #expect(talk.synced(leader)?.protocolName == "range")
        #expect(talk.records.count == written + 1)
        let value = try talk.lastValue()
        #expect(value.generation == 1 && value.leader == ids[0] && value.protocolName == "range")
        #expect(value.members.map(\.memberID) == ids && value.members.map(\.assignment.array) == [[], [8]])
        #expect(value.currentStateTimestamp == ClassicTalk.epoch + 6_000)
        #expect(talk.synced(talk.sync(ids[1], 1))?.assignment.array == [8])
    }

    @Test("chooses the protocol with most votes among those that all know, and of two the older member's")
    func votes() {
        let talk = ClassicTalk()
        let offers = [["a", "b", "c"], ["c", "b", "a"], ["b", "c"]]
        let ids = offers.map { _ in talk.newID() }
        for (id, names) in zip(ids, offers) { talk.join(id, protocols: names.map { ($0, []) }) }
        talk.finishJoining()
        #expect(talk.group.protocolName == "b")
        _ = talk.leave([(ids[2], nil)])
        for (id, names) in zip(ids.prefix(2), offers) { talk.join(id, protocols: names.map { ($0, []) }) }
        #expect(talk.group.generation == 2 && talk.group.protocolName == "a")
    }

    @Test("fences other generations, other protocols and other instances")
    func fencing() {
        let talk = ClassicTalk()
        let ids = talk.stable(2)
        #expect(talk.heartbeat(ids[1], 1) == ErrorCode.none)
        #expect(talk.heartbeat(ids[1], 0) == .illegalGeneration)
        #expect(talk.heartbeat(ids[1], 2) == .illegalGeneration)
        #expect(talk.heartbeat("other", 1) == .unknownMemberID)
        #expect(talk.heartbeat(ids[1], 1, instance: "i") == .unknownMemberID)
        #expect(talk.synced(talk.sync(ids[1], 2))?.errorCode == .illegalGeneration)
        #expect(talk.synced(talk.sync(ids[1], 1, type: "connect"))?.errorCode == .inconsistentGroupProtocol)
        #expect(talk.synced(talk.sync(ids[1], 1, name: "sticky"))?.errorCode == .inconsistentGroupProtocol)
        #expect(talk.synced(talk.sync(ids[1], 1, type: "consumer", name: "range"))?.errorCode == ErrorCode.none)
    }

    @Test("rebalances for its leader and for what changed, not for a follower that says the same again")
    func rejoins() {
        let talk = ClassicTalk()
        let ids = talk.stable(2)
        let same = talk.join(ids[1])
        #expect(talk.joined(same)?.generationID == 1 && talk.group.state == .stable)
        let changed = talk.join(ids[1], protocols: [("range", [2])])
        #expect(talk.joined(changed) == nil && talk.group.state == .preparingRebalance)
        #expect(talk.heartbeat(ids[0], 1) == .rebalanceInProgress)
        #expect(talk.synced(talk.sync(ids[0], 1))?.errorCode == .rebalanceInProgress)
        let leader = talk.join(ids[0])
        #expect(talk.joined(leader)?.members.map(\.metadata.array) == [[1], [2]])
        #expect(talk.joined(changed)?.generationID == 2)
        let lost = talk.join(ids[0])
        #expect(talk.joined(lost)?.generationID == 2 && talk.joined(lost)?.members.count == 2)
        talk.sync(ids[0], 2)
        let leads = talk.join(ids[0])
        #expect(talk.joined(leads) == nil && talk.group.state == .preparingRebalance)
    }

    @Test("answers a request that is sent again under its new number, and the old one too")
    func sentAgain() {
        let talk = ClassicTalk()
        let ids = talk.stable(2)
        let first = talk.join(ids[0])
        let second = talk.join(ids[0])
        #expect(talk.joined(first)?.errorCode == .rebalanceInProgress && talk.joined(second) == nil)
        talk.join(ids[1])
        #expect(talk.joined(second)?.generationID == 2)
        let early = talk.sync(ids[1], 2)
        let late = talk.sync(ids[1], 2)
        #expect(talk.synced(early)?.errorCode == .rebalanceInProgress && talk.synced(late) == nil)
        _ = talk.leave([(ids[1], nil)])
        #expect(talk.synced(late)?.errorCode == .unknownMemberID)
        #expect(talk.surplus.isEmpty)
    }

    @Test("rebalances when a member leaves, and gives the leader's place to the oldest that is left")
    func leaving() throws {
        let talk = ClassicTalk()
        let ids = talk.stable(3)
        #expect(talk.leave([(ids[0], nil)], version: 1)?.errorCode == ErrorCode.none)
        #expect(talk.group.state == .preparingRebalance)
        let joins = [talk.join(ids[2]), talk.join(ids[1])]
        #expect(talk.joined(joins[0])?.leader == ids[1] && talk.joined(joins[1])?.members.count == 2)
        let waiting = talk.sync(ids[2], 2)
        let left = try #require(talk.leave([(ids[1], nil), (ids[2], nil), ("x", nil)]))
        #expect(left.members.map(\.errorCode) == [.none, .none, .unknownMemberID])
        #expect(talk.synced(waiting)?.errorCode == .unknownMemberID)
        #expect(talk.group.state == .empty && talk.group.generation == 3)
        let value = try talk.lastValue()
        #expect(value.generation == 3 && value.members.isEmpty && value.protocolName == nil && value.leader == nil)
        #expect(value.protocolType == "consumer")
    }

    @Test("has no more members than allowed")
    func size() throws {
        let talk = ClassicTalk { $0.maxSize = 2 }
        let ids = talk.stable(2)
        #expect(talk.joined(talk.join())?.errorCode == .groupMaxSizeReached)
        talk.group.members[ids[1]]?.assignment = Bytes()
        try talk.restart()
        #expect(talk.group.state == .stable)
        var smaller = GroupSettings()
        smaller.maxSize = 1
        talk.group = ClassicGroup(id: "g", settings: smaller, restoring: try talk.lastValue())
        var actions = GroupActions()
        talk.group.start(at: talk.instant, time: talk.time, &actions)
        talk.perform(actions)
        #expect(talk.group.state == .preparingRebalance)
        talk.join(ids[1])
        #expect(talk.joined(talk.join(ids[0]))?.errorCode == .groupMaxSizeReached)
    }

    @Test("lets members of the generation commit, and others only while it is empty")
    func commits() {
        let talk = ClassicTalk()
        #expect(talk.commit("", -1) == .none)
        #expect(talk.commit("m", 0) == .unknownMemberID)
        let ids = talk.stable(2)
        #expect(talk.commit(ids[0], 1) == .none)
        #expect(talk.commit(ids[0], 0) == .illegalGeneration)
        #expect(talk.commit(ids[0], -1) == .illegalGeneration)
        #expect(talk.commit("", -1) == .unknownMemberID)
        #expect(talk.commit("", -1, transactional: true) == .none)
        #expect(talk.commit("", 1) == .unknownMemberID)
        #expect(talk.commit(ids[0], 1, instance: "i") == .unknownMemberID)
        talk.join(ids[0])
        #expect(talk.commit(ids[1], 1) == .none)
        talk.join(ids[1])
        #expect(talk.group.state == .completingRebalance)
        #expect(talk.commit(ids[0], 2) == .rebalanceInProgress)
        #expect(talk.commit(ids[0], 2, transactional: true) == .none)
    }

    @Test("shows what its members said while it is stable, and the topics that they subscribe to")
    func descriptions() throws {
        let talk = ClassicTalk()
        var subscription = ConsumerProtocolSubscription()
        subscription.topics = ["t", "u"]
        let metadata = try subscription.encoded(version: 3).array
        let id = talk.newID()
        talk.join(id, protocols: [("range", metadata)])
        #expect(talk.group.describe().members.map(\.memberMetadata.count) == [0])
        talk.advance(by: 3_000)
        #expect(talk.group.describe().groupState == "CompletingRebalance" && talk.group.describe().protocolData == "")
        talk.sync(id, 1, assignments: [(id, [4])])
        let described = talk.group.describe()
        #expect(described.groupState == "Stable" && described.protocolData == "range")
        #expect(described.members.first?.memberMetadata.array == metadata)
        #expect(described.members.first?.memberAssignment.array == [4])
        #expect(described.members.first?.clientHost == "/h" && described.members.first?.clientID == "c")
        #expect(talk.group.listed().groupState == "Stable" && talk.group.listed().groupType == "classic")
        #expect(talk.group.subscribedTopics == ["t", "u"])
        #expect(talk.group.isSubscribed(to: "t") && !talk.group.isSubscribed(to: "v"))
        talk.join(id, protocols: [("range", [0])])
        #expect(talk.group.subscribedTopics == nil && talk.group.isSubscribed(to: "v"))
        _ = talk.leave([(id, nil)])
        #expect(talk.group.subscribedTopics == [])
    }

    @Test("that is abandoned answers everybody who waits")
    func abandoned() {
        let talk = ClassicTalk()
        let ids = talk.stable(2)
        let join = talk.join(ids[0])
        var actions = GroupActions()
        talk.group.abandon(.notCoordinator, &actions)
        talk.perform(actions)
        #expect(talk.joined(join)?.errorCode == .notCoordinator && talk.joined(join)?.memberID == ids[0])
        #expect(talk.surplus.isEmpty)
    }
}
