import SegmentLog
import TopicsPartitions
import WireProtocol

// Every change of a member goes through here: it is written, and what follows from it is kept.
extension ConsumerGroup {
    /// Appends a record. Every string of a key was measured when it came, in a request or in a record, and nothing else
    /// can fail.
    func write<Key: GroupRecordKey>(_ key: Key, _ value: Key.Value?, _ actions: inout GroupActions) {
        guard let record = try? value.map({ try GroupRecord(key, $0) }) ?? GroupRecord(removing: key) else {
            preconditionFailure("I4.8: a group's state can be written")
        }
        actions.write(record)
    }

    /// The member asks for this, and may be new.
    mutating func set(_ metadata: ConsumerGroupMemberMetadataValue, of id: String, _ actions: inout GroupActions) {
        if let member = members[id] { forget(member.metadata, of: id) }
        members[id, default: Member()].metadata = metadata
        note(metadata, of: id)
        write(ConsumerGroupMemberMetadataKey(groupID: self.id, memberID: id), metadata, &actions)
    }

    /// The member has this. It is a member already.
    mutating func set(_ assignment: MemberAssignment, of id: String, _ actions: inout GroupActions) {
        if let member = members[id] { forget(member.assignment) }
        members[id]?.assignment = assignment
        note(assignment, of: id)
        write(ConsumerGroupCurrentMemberAssignmentKey(groupID: self.id, memberID: id), assignment.value, &actions)
    }

    /// The member is to have this.
    mutating func set(_ target: [Uuid: [Int32]], of id: String, _ actions: inout GroupActions) {
        targets[id] = target
        var value = ConsumerGroupTargetAssignmentMemberValue()
        value.topicPartitions = TopicIDPartition.all(target).byTopic.map { .init(topicID: $0, partitions: $1) }
        write(ConsumerGroupTargetAssignmentMemberKey(groupID: self.id, memberID: id), value, &actions)
    }

    /// The member is gone, and all that it had is free. The group epoch must grow after that.
    mutating func remove(_ id: String, _ actions: inout GroupActions) {
        guard let member = members.removeValue(forKey: id) else { return }
        forget(member.metadata, of: id)
        forget(member.assignment)
        targets[id] = nil
        write(ConsumerGroupCurrentMemberAssignmentKey(groupID: self.id, memberID: id), nil, &actions)
        write(ConsumerGroupTargetAssignmentMemberKey(groupID: self.id, memberID: id), nil, &actions)
        write(ConsumerGroupMemberMetadataKey(groupID: self.id, memberID: id), nil, &actions)
    }

    // MARK: What follows

    /// Counts what a member asks for.
    mutating func note(_ metadata: ConsumerGroupMemberMetadataValue, of id: String) {
        if let instanceID = metadata.instanceID { instances[instanceID] = id }
        for topic in metadata.subscribedTopicNames { subscribers[topic, default: 0] += 1 }
        if let regex = metadata.regex { expressions[regex, default: Expression()].memberCount += 1 }
    }

    /// Counts what a member has.
    mutating func note(_ assignment: MemberAssignment, of id: String) {
        for partition in assignment.assigned.keys { owners[partition] = id }
        for partition in assignment.pendingRevocation.keys { owners[partition] = id }
    }

    private mutating func forget(_ metadata: ConsumerGroupMemberMetadataValue, of id: String) {
        if let instanceID = metadata.instanceID, instances[instanceID] == id { instances[instanceID] = nil }
        for topic in metadata.subscribedTopicNames {
            let rest = (subscribers[topic] ?? 1) - 1
            subscribers[topic] = rest > 0 ? rest : nil
        }
        // One that nobody subscribes to goes when the group epoch grows: another member may take it over until then.
        if let regex = metadata.regex { expressions[regex]?.memberCount -= 1 }
    }

    private mutating func forget(_ assignment: MemberAssignment) {
        for partition in assignment.assigned.keys { owners[partition] = nil }
        for partition in assignment.pendingRevocation.keys { owners[partition] = nil }
    }
}

extension ConsumerGroupMemberMetadataValue {
    /// The regular expression that it subscribes to, if there is one.
    var regex: String? { subscribedTopicRegex.flatMap { $0.isEmpty ? nil : $0 } }
}
