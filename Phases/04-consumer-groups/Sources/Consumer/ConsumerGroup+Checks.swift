import SegmentLog
import TopicsPartitions
import WireProtocol

extension ConsumerGroup {
    /// The first version of OffsetCommit that carries a member's epoch.
    private static let firstCommitVersion: Int16 = 9

    /// Whether a request makes sense, whatever the group is like.
    func check(_ request: ConsumerGroupHeartbeatRequest, version: Int16) throws(HeartbeatRefusal) {
        func refuse(_ reason: String) -> HeartbeatRefusal { HeartbeatRefusal(.invalidRequest, reason) }
        let epoch = request.memberEpoch
        // The ids are in the keys of records, which have two bytes for a length.
        for id in [request.groupID, request.memberID, request.subscribedTopicRegex ?? ""]
        where id.utf8.count > Int(Int16.max) {
            throw refuse("an id, or a regular expression, is longer than 32767 bytes")
        }
        if version >= 1 || epoch > 0 || epoch == -1, request.memberID.isBlank { throw refuse("the member has no id") }
        if request.groupID.isBlank { throw refuse("the group has no id") }
        if request.instanceID?.isBlank == true { throw refuse("the instance id is empty: leave it out, or give one") }
        if request.rackID?.isBlank == true { throw refuse("the rack is empty: leave it out, or give one") }
        if epoch < -2 { throw refuse("\(epoch) is no member epoch") }
        if epoch == -2 && request.instanceID == nil {
            throw refuse("only a static member leaves for a while, and this one has no instance id")
        }
        if epoch == 0 {
            if request.rebalanceTimeoutMilliseconds == -1 {
                throw refuse("a member that joins says its rebalance timeout")
            }
            if request.topicPartitions?.isEmpty != true {
                throw refuse("a member that joins says that it has no partitions")
            }
            if request.subscribedTopicNames == nil && request.subscribedTopicRegex == nil {
                throw refuse("a member that joins says what it subscribes to")
            }
        }
        if let name = request.serverAssignor, !settings.consumerAssignors.contains(name) {
            let offered = settings.consumerAssignors.joined(separator: ", ")
            throw HeartbeatRefusal(.unsupportedAssignor, "there is no assignor \(name), but \(offered)")
        }
    }

    /// Whether the member may join or go on. Gives the member that it follows: none where it is new, itself, or the
    /// static member whose place it takes.
    func admit(_ id: String, _ request: ConsumerGroupHeartbeatRequest) throws(HeartbeatRefusal) -> String? {
        let joins = request.memberEpoch == 0
        guard exists || joins else { throw HeartbeatRefusal(.groupIDNotFound, "there is no group \(self.id)") }
        guard members[id] != nil || members.count < settings.consumerMaxSize else {
            throw HeartbeatRefusal(.groupMaxSizeReached, "the group has \(members.count) members, and takes no more")
        }
        guard let instanceID = request.instanceID else {
            if !joins { try check(request, known(id)) }
            return members[id] == nil ? nil : id
        }
        guard let holder = instances[instanceID], let member = members[holder] else {
            if !joins { throw HeartbeatRefusal(.unknownMemberID, "no member has the instance id \(instanceID)") }
            return members[id] == nil ? nil : id
        }
        if !joins {
            try check(instanceID, is: holder, rather: id)
            try check(request, member)
        } else if holder != id && member.assignment.epoch != -2 {
            throw HeartbeatRefusal(
                .unreleasedInstanceID, "the instance id \(instanceID) is that of \(holder), which has not left")
        }
        return holder
    }

    /// The member of this id.
    func known(_ id: String) throws(HeartbeatRefusal) -> Member {
        guard let member = members[id] else {
            throw HeartbeatRefusal(.unknownMemberID, "\(id) is no member of group \(self.id)")
        }
        return member
    }

    /// A member that comes with an instance id has to be the last that did.
    func check(_ instanceID: String, is holder: String, rather id: String) throws(HeartbeatRefusal) {
        if holder != id {
            throw HeartbeatRefusal(.fencedInstanceID, "\(holder) has taken over the instance id \(instanceID)")
        }
    }

    /// A member has to come with its epoch, or with the one before, where what it has shows that it has missed an answer.
    /// One in a state that a newer broker wrote goes on only where it has nothing: nobody knows what else it waits for.
    private func check(_ request: ConsumerGroupHeartbeatRequest, _ member: Member) throws(HeartbeatRefusal) {
        let (sent, assignment) = (request.memberEpoch, member.assignment)
        if assignment.state == .unknown && request.topicPartitions?.isEmpty != true {
            throw HeartbeatRefusal(
                .fencedMemberEpoch, "the member's state is unknown: it has to give up its partitions, and join again")
        }
        if sent == assignment.epoch { return }
        if sent < assignment.epoch, sent == assignment.previousEpoch, let owned = request.topicPartitions,
            Self.partitions(owned).allSatisfy({ assignment.assigned[$0] != nil })
        {
            return
        }
        throw HeartbeatRefusal(
            .fencedMemberEpoch,
            "the member's epoch is \(assignment.epoch), not \(sent): it has to give up its partitions, and join again")
    }

    /// A regular expression that the group has not seen, compiled; nil for none, and for one that it has.
    func compiled(_ regex: String?) throws(HeartbeatRefusal) -> RegularExpression? {
        guard let regex, !regex.isEmpty, expressions[regex] == nil else { return nil }
        do { return try RegularExpression(regex) } catch {
            throw HeartbeatRefusal(.invalidRegularExpression, "the regular expression \(regex) is none: \(error)")
        }
    }

    // MARK: Offsets

    /// Whether a member may commit an offset of this partition with OffsetCommit of this version: `none`, or why not.
    ///
    /// With an epoch behind its own it may where it has had the partition since then (KIP-1251): a heartbeat can raise
    /// the epoch while a commit is on its way. Without a member, a negative epoch is taken while the group is empty.
    public func checkCommit(
        memberID: String, memberEpoch: Int32, version: Int16, topicID: Uuid?, partition: Int32
    ) -> ErrorCode {
        if memberEpoch < 0 && members.isEmpty { return .none }
        guard let assignment = members[memberID]?.assignment else { return .unknownMemberID }
        if version < Self.firstCommitVersion { return .unsupportedVersion }
        if memberEpoch == assignment.epoch { return .none }
        guard memberEpoch < assignment.epoch, let topicID else { return .staleMemberEpoch }
        let partition = TopicIDPartition(topicID: topicID, partition: partition)
        guard let since = assignment.assigned[partition] ?? assignment.pendingRevocation[partition] else {
            return .staleMemberEpoch
        }
        return memberEpoch >= since ? .none : .staleMemberEpoch
    }

    /// Whether offsets may be fetched in a member's name: `none`, or why not. Without a name they always may.
    public func checkFetch(memberID: String?, memberEpoch: Int32) -> ErrorCode {
        if memberID == nil && memberEpoch < 0 { return .none }
        guard let assignment = memberID.flatMap({ members[$0] })?.assignment else { return .unknownMemberID }
        return memberEpoch == assignment.epoch ? .none : .staleMemberEpoch
    }
}

extension String {
    /// Whether there is nothing but white space.
    fileprivate var isBlank: Bool { allSatisfy(\.isWhitespace) }
}
