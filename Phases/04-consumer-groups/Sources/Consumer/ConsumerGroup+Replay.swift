import SegmentLog
import TopicsPartitions
import WireProtocol

extension ConsumerGroup {
    /// The kinds of records that tell of consumer groups. Kind 4 is what Kafka wrote before 4.1; nothing is taken from it.
    public static let recordKinds: Set<Int16> = [3, 4, 5, 6, 7, 8, 16]

    /// The group that a record of one of these kinds is about.
    public static func groupID(of record: GroupRecord) throws(CodingError) -> String {
        var reader = ByteReader(record.key)
        _ = try reader.integer(Int16.self)
        var decoder = MessageDecoder(reader.rest(), version: 0, isFlexible: false)
        var id = ""
        try id.code(&decoder)
        return id
    }

    /// Takes in a record of the log, in their order. `loaded` follows the last.
    public mutating func replay(_ record: GroupRecord) throws(CodingError) {
        switch try record.kind {
        case ConsumerGroupMetadataKey.kind:
            let value = try record.value.map(ConsumerGroupMetadataValue.init(decoding:))
            epoch = value?.epoch ?? 0
            metadataHash = value?.metadataHash ?? 0
        case ConsumerGroupMemberMetadataKey.kind:
            let key = try ConsumerGroupMemberMetadataKey(decoding: record.key)
            guard let value = record.value else {
                members[key.memberID] = nil
                return
            }
            var metadata = try ConsumerGroupMemberMetadataValue(decoding: value)
            metadata.subscribedTopicNames = Set(metadata.subscribedTopicNames).sorted()
            members[key.memberID, default: Member()].metadata = metadata
        case ConsumerGroupTargetAssignmentMetadataKey.kind:
            let value = try record.value.map(ConsumerGroupTargetAssignmentMetadataValue.init(decoding:))
            assignmentEpoch = value?.assignmentEpoch ?? 0
        case ConsumerGroupTargetAssignmentMemberKey.kind:
            let key = try ConsumerGroupTargetAssignmentMemberKey(decoding: record.key)
            let value = try record.value.map(ConsumerGroupTargetAssignmentMemberValue.init(decoding:))
            targets[key.memberID] = value.map(Self.target)
        case ConsumerGroupCurrentMemberAssignmentKey.kind:
            let key = try ConsumerGroupCurrentMemberAssignmentKey(decoding: record.key)
            if let value = record.value {
                members[key.memberID, default: Member()].assignment = MemberAssignment(try .init(decoding: value))
            } else {
                members[key.memberID]?.assignment = MemberAssignment()
            }
        case ConsumerGroupRegularExpressionKey.kind:
            let key = try ConsumerGroupRegularExpressionKey(decoding: record.key)
            let value = try record.value.map(ConsumerGroupRegularExpressionValue.init(decoding:))
            expressions[key.regularExpression] = value.map { Expression(topics: $0.topics) }
        default: break
        }
    }
    private static func target(_ value: ConsumerGroupTargetAssignmentMemberValue) -> [Uuid: [Int32]] {
        var target: [Uuid: [Int32]] = [:]
        for topic in value.topicPartitions { target[topic.topicID] = topic.partitions }
        return target
    }

    /// The last record was replayed: every member gets a new session, and those that have partitions to give up the time
    /// for it. The topics may have changed since the group was written: `topicsChanged` is to follow.
    public mutating func loaded(at now: Instant, _ actions: inout GroupActions) {
        (owners, instances, subscribers) = ([:], [:], [:])
        for regex in expressions.keys { expressions[regex]?.memberCount = 0 }
        let session = now.advanced(byMilliseconds: Int64(settings.consumerSessionTimeoutMilliseconds))
        for memberID in members.keys.sorted() {
            guard var member = members[memberID] else { continue }
            note(member.metadata, of: memberID)
            note(member.assignment, of: memberID)
            member.sessionDeadline = session
            if member.assignment.state == .unrevokedPartitions {
                let timeout = Int64(max(member.metadata.rebalanceTimeoutMilliseconds, 0))
                member.revocationDeadline = now.advanced(byMilliseconds: timeout)
            }
            members[memberID] = member
            actions.wake(at: member.deadline)
        }
        for regex in expressions.keys { expressions[regex]?.compiled = try? RegularExpression(regex) }
    }
}
