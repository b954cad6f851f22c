import SegmentLog
import TopicsPartitions
import WireProtocol

extension ConsumerGroup {
    /// The group as ConsumerGroupDescribe shows it. Topics that are gone are left out.
    public func described(_ topics: MetadataImage) -> ConsumerGroupDescribeResponse.Group {
        var group = ConsumerGroupDescribeResponse.Group()
        group.groupID = id
        group.groupState = state.rawValue
        group.groupEpoch = epoch
        group.assignmentEpoch = assignmentEpoch
        group.assignorName = assignorName
        for (memberID, member) in members.sorted(by: { $0.key < $1.key }) {
            var described = ConsumerGroupDescribeResponse.Member()
            described.memberID = memberID
            described.instanceID = member.metadata.instanceID
            described.rackID = member.metadata.rackID
            described.memberEpoch = member.assignment.epoch
            described.clientID = member.metadata.clientID
            described.clientHost = member.metadata.clientHost
            described.subscribedTopicNames = member.metadata.subscribedTopicNames
            described.subscribedTopicRegex = member.metadata.subscribedTopicRegex
            described.assignment = Self.described(Set(member.assignment.assigned.keys), topics)
            described.targetAssignment = Self.described(TopicIDPartition.all(targets[memberID] ?? [:]), topics)
            described.memberType = 1
            group.members.append(described)
        }
        return group
    }

    /// The group as ListGroups shows it.
    public var listed: ListGroupsResponse.Group {
        var group = ListGroupsResponse.Group()
        group.groupID = id
        group.protocolType = "consumer"
        group.groupState = state.rawValue
        group.groupType = "consumer"
        return group
    }

    private static func described(
        _ partitions: Set<TopicIDPartition>, _ topics: MetadataImage
    ) -> ConsumerGroupDescribeResponse.Assignment {
        var assignment = ConsumerGroupDescribeResponse.Assignment()
        for (topicID, partitions) in partitions.byTopic {
            guard let name = topics[topicID]?.name else { continue }
            var topic = ConsumerGroupDescribeResponse.TopicPartitions()
            topic.topicID = topicID
            topic.topicName = name
            topic.partitions = partitions
            assignment.topicPartitions.append(topic)
        }
        return assignment
    }
}
