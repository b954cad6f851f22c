import SegmentLog
import WireProtocol

extension ClassicGroup {
    /// The members' ids, in the order of joining.
    var memberIDs: [String] { members.values.sorted { $0.number < $1.number }.map(\.id) }

    /// Whether nobody is missing.
    var haveAllJoined: Bool { joinedCount == members.count && pendingMembers.isEmpty }

    /// How long the members have to join: the longest that one of them asks for, in milliseconds.
    var rebalanceTimeout: Int64 { members.values.reduce(0) { max($0, Int64($1.rebalanceTimeoutMilliseconds)) } }

    /// Adds a member, as the last one.
    mutating func insert(_ member: ClassicMember) {
        nextNumber = max(nextNumber, member.number) + 1
        members[member.id] = member
        numbered[member.number] = member.id
        if let instance = member.instanceID { staticMembers[instance] = member.id }
        countSupport(of: member, 1)
        pendingMembers[member.id] = nil
        if leaderID == nil { leaderID = member.id }
    }

    /// Removes a member, or an id that was given to one to come. What it waits for is answered with UNKNOWN_MEMBER_ID,
    /// so that it joins as a new one; Kafka leaves a SyncGroup unanswered.
    mutating func remove(_ memberID: String, _ actions: inout GroupActions) {
        pendingMembers[memberID] = nil
        guard let member = members[memberID] else { return }
        answerJoin(of: memberID, refusing(.unknownMemberID), &actions)
        answerSync(of: memberID, refusing(.unknownMemberID), &actions)
        members[memberID] = nil
        numbered[member.number] = nil
        countSupport(of: member, -1)
        if let instance = member.instanceID, staticMembers[instance] == memberID { staticMembers[instance] = nil }
        if leaderID == memberID { leaderID = oldest() }
    }

    /// The member that joined first. Numbers only grow, so that all removals together pass over each number once.
    private mutating func oldest() -> String? {
        while leastNumber < nextNumber {
            if let id = numbered[leastNumber] { return id }
            leastNumber += 1
        }
        return nil
    }

    /// Gives a static member that has restarted a new id, under which it has all that it had. Whoever waits under the
    /// old id is another process that believes to be this instance: it is fenced (KIP-345).
    mutating func replace(_ oldID: String, by newID: String, _ actions: inout GroupActions) {
        var fenced = refusing(.fencedInstanceID) as JoinGroupResponse
        fenced.memberID = oldID
        answerJoin(of: oldID, fenced, &actions)
        answerSync(of: oldID, refusing(.fencedInstanceID), &actions)
        guard var member = members.removeValue(forKey: oldID) else { return }
        member.id = newID
        member.isNew = false
        members[newID] = member
        numbered[member.number] = newID
        if let instance = member.instanceID { staticMembers[instance] = newID }
        if leaderID == oldID { leaderID = newID }
    }

    /// A member says something new when it joins, and waits. A JoinGroup that it had sent before is answered with
    /// REBALANCE_IN_PROGRESS: its client has given it up, or sends it again. Kafka leaves it unanswered.
    mutating func update(_ memberID: String, from attempt: JoinAttempt, _ actions: inout GroupActions) {
        var superseded = refusing(.rebalanceInProgress) as JoinGroupResponse
        superseded.memberID = memberID
        answerJoin(of: memberID, superseded, &actions)
        guard var member = members[memberID] else { return }
        countSupport(of: member, -1)
        member.update(from: attempt.request)
        countSupport(of: member, 1)
        members[memberID] = member
        park(attempt, of: memberID)
    }

    /// Keeps a JoinGroup until all have joined.
    mutating func park(_ attempt: JoinAttempt, of memberID: String) {
        members[memberID]?.join = (attempt.waiter, attempt.version)
        joinedCount += 1
    }

    private mutating func countSupport(of member: ClassicMember, _ change: Int) {
        protocolBytes += change * member.protocols.byteCount
        for name in member.protocolNames {
            let count = supporters[name, default: 0] + change
            supporters[name] = count == 0 ? nil : count
        }
    }

    /// Whether somebody who knows these protocols can be a member: one of them must be known to all.
    func supports(_ type: String, _ protocols: [JoinGroupRequest.GroupProtocol]) -> Bool {
        if state == .empty { return !type.isEmpty && !protocols.isEmpty }
        return protocolType == type && protocols.contains { supporters[$0.name, default: 0] == members.count }
    }

    /// The protocol with the most votes: each member votes for the first of its own that all know. Of two with as many
    /// votes it is the one that an older member voted for; Kafka leaves that to the order of a hash table.
    func selectProtocol() -> String? {
        var votes: [(name: String, count: Int)] = []
        for id in memberIDs {
            let vote = members[id]?.protocols.first { supporters[$0.name] == members.count }
            guard let name = vote?.name else { continue }
            if let index = votes.firstIndex(where: { $0.name == name }) {
                votes[index].count += 1
            } else {
                votes.append((name, 1))
            }
        }
        let most = votes.map(\.count).max()
        return votes.first { $0.count == most }?.name
    }

    /// Whether a request comes from a member: with an instance id it must be the one of that instance.
    func check(memberID: String, instanceID: String?) -> ErrorCode {
        if let instanceID {
            guard let current = staticMembers[instanceID] else { return .unknownMemberID }
            if current != memberID { return .fencedInstanceID }
        }
        return members[memberID] == nil ? .unknownMemberID : .none
    }

    /// What consumers subscribe to, by the first version of their protocol, which all later ones begin with.
    func readSubscribedTopics() -> Set<String>? {
        guard protocolType == "consumer" else { return nil }
        if members.isEmpty { return [] }
        guard let protocolName else { return nil }
        var topics: Set<String> = []
        for member in members.values {
            guard let subscription = try? Self.subscription(in: member.metadata(of: protocolName)) else { return nil }
            topics.formUnion(subscription.topics)
        }
        return topics
    }

    private static func subscription(in metadata: Bytes) throws(CodingError) -> ConsumerProtocolSubscription {
        var reader = ByteReader(metadata)
        _ = try reader.integer(Int16.self)
        var decoder = MessageDecoder(reader.rest(), version: 0, isFlexible: false)
        var subscription = ConsumerProtocolSubscription()
        try subscription.code(&decoder)
        return subscription
    }
}
