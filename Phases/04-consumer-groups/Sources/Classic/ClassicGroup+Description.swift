import SegmentLog
import WireProtocol

extension ClassicGroup {
    /// The group as DescribeGroups shows it: what the members said, and the protocol, only while it is stable.
    public func describe() -> DescribeGroupsResponse.Group {
        var group = DescribeGroupsResponse.Group()
        group.groupID = id
        group.groupState = state.rawValue
        group.protocolType = protocolType ?? ""
        if state == .stable { group.protocolData = protocolName ?? "" }
        group.members = memberIDs.compactMap { members[$0] }.map { member in
            var described = DescribeGroupsResponse.Member()
            described.memberID = member.id
            described.groupInstanceID = member.instanceID
            described.clientID = member.client.id
            described.clientHost = member.client.host
            if state == .stable { described.memberMetadata = member.metadata(of: protocolName) }
            described.memberAssignment = member.assignment
            return described
        }
        return group
    }

    /// The answer for a group that is not there: "Dead", and from version 6 on an error (KIP-1043).
    public static func describeUnknown(_ id: String, version: Int16) -> DescribeGroupsResponse.Group {
        var group = DescribeGroupsResponse.Group()
        group.groupID = id
        group.groupState = "Dead"
        if version >= 6 {
            group.errorCode = .groupIDNotFound
            group.errorMessage = "Group \(id) not found."
        }
        return group
    }

    /// The group as ListGroups shows it.
    public func listed() -> ListGroupsResponse.Group {
        var group = ListGroupsResponse.Group()
        group.groupID = id
        group.protocolType = protocolType ?? ""
        group.groupState = state.rawValue
        group.groupType = "classic"
        return group
    }

    /// Whether a member may still read a topic, so that its offsets must stay: also where it is not known what
    /// consumers subscribe to.
    public func isSubscribed(to topic: String) -> Bool {
        subscribedTopics?.contains(topic) ?? (protocolType == "consumer")
    }
}
