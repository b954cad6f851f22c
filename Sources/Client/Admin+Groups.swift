import WireProtocol

/// A group in the list of all of them.
public struct GroupListing: Equatable, Sendable {
    /// Its id.
    public var id: String
    /// What it is for; "consumer" for consumers, empty where nobody has said.
    public var protocolType: String
    /// As in "Stable" and "Empty"; nil from a broker that does not say (KIP-518).
    public var state: String?
    /// "classic" or "consumer"; nil from a broker that does not say (KIP-848).
    public var type: String?
}

/// A group, its state and its members.
public struct GroupDescription: Equatable, Sendable {
    /// A member.
    public struct Member: Equatable, Sendable {
        /// Its id.
        public var id: String
        /// `group.instance.id` of a static member.
        public var instanceID: String?
        /// What its client calls itself.
        public var clientID: String
        /// Where it is.
        public var host: String
        /// What it has, in ascending order.
        public var assignment: [TopicPartition]
        /// What it is to have, in a group of KIP-848.
        public var target: [TopicPartition]?
    }

    /// Its id.
    public var id: String
    /// "classic" or "consumer".
    public var type: String
    /// As in "Stable" and "Empty".
    public var state: String
    /// The assignor in use; empty where there is none.
    public var assignor: String
    /// Its members, by id.
    public var members: [Member]
}

extension Admin {
    /// All groups of all brokers, by id. Filters name states, as in "Stable", and types, as in "consumer"; empty ones
    /// let everything through, and brokers that are too old for them ignore them.
    public func listGroups(
        states: [String] = [], types: [String] = []
    ) async throws(ClientError) -> [GroupListing] {
        let brokers = try await describeCluster().brokers.map(\.id)
        let outcomes = try await ask(
            "listing groups", brokers, target: AdminTarget.broker, isRetried: \.concernsCoordinator
        ) { _ in
            var request = ListGroupsRequest()
            request.statesFilter = states
            request.typesFilter = types
            return request
        } read: { [brokers] answer throws(ClientError) in
            let response = try answer.decoded(as: ListGroupsResponse.self)
            let groups = response.groups.map { group in
                GroupListing(
                    id: group.groupID, protocolType: group.protocolType,
                    state: group.groupState.isEmpty ? nil : group.groupState,
                    // As Kafka's admin, which reads it whatever the case of its letters.
                    type: group.groupType.isEmpty ? nil : group.groupType.lowercased())
            }
            // Each broker is asked by itself, and the answer does not say which one it is of.
            let outcome = AdminAnswer(errorCode: response.errorCode, value: groups)
            return Dictionary(brokers.map { ($0, outcome) }) { first, _ in first }
        }
        var groups: [GroupListing] = []
        for broker in brokers { groups += try outcomes[broker]?.get() ?? [] }
        return groups.sorted { $0.id < $1.id }
    }

    /// Which broker coordinates each group.
    public func findCoordinators(
        of groups: [String]
    ) async throws(ClientError) -> [String: Result<Int32, ClientError>] {
        var found: [String: Result<Int32, ClientError>] = [:]
        // One at a time: before version 4 a request has room for one.
        for group in groups {
            let outcomes = try await ask(
                "finding a coordinator", [group], target: { _ in .any }, isRetried: \.concernsCoordinator
            ) { _ in
                FindCoordinatorRequest(group: group)
            } read: { answer throws(ClientError) in
                let response = try answer.decoded(as: FindCoordinatorResponse.self)
                return [group: AdminAnswer(errorCode: response.code, value: response.node)]
            }
            found.merge(outcomes) { _, new in new }
        }
        return found
    }

    /// Describes groups of both protocols. One that is not there is GROUP_ID_NOT_FOUND.
    public func describeGroups(
        _ groups: [String]
    ) async throws(ClientError) -> [String: Result<GroupDescription, ClientError>] {
        var outcomes = try await ask(
            "describing groups", groups, target: AdminTarget.coordinator, isRetried: \.concernsCoordinator
        ) { groups in
            var request = ConsumerGroupDescribeRequest()
            request.groupIDs = groups
            return request
        } read: { answer throws(ClientError) in
            let described = try answer.decoded(as: ConsumerGroupDescribeResponse.self).groups
            return Dictionary(described.map { ($0.groupID, AdminAnswer($0)) }) { first, _ in first }
        }
        // Such a group may be a classic one, and such a broker knows no others.
        let rest = groups.filter { group in
            switch outcomes[group] {
            case .failure(.broker(.groupIDNotFound, _)), .failure(.unsupportedVersion): true
            default: false
            }
        }
        let classic = try await ask(
            "describing groups", rest, target: AdminTarget.coordinator, isRetried: \.concernsCoordinator
        ) { groups in
            var request = DescribeGroupsRequest()
            request.groups = groups
            return request
        } read: { answer throws(ClientError) in
            let described = try answer.decoded(as: DescribeGroupsResponse.self).groups
            return Dictionary(described.map { ($0.groupID, AdminAnswer($0)) }) { first, _ in first }
        }
        outcomes.merge(classic) { _, new in new }
        return outcomes
    }

    /// Deletes groups that have no members, with their offsets.
    public func deleteGroups(_ groups: [String]) async throws(ClientError) -> [String: Result<Void, ClientError>] {
        try await ask(
            "deleting groups", groups, target: AdminTarget.coordinator, isRetried: \.concernsCoordinator
        ) { groups in
            var request = DeleteGroupsRequest()
            request.groupNames = groups
            return request
        } read: { answer throws(ClientError) in
            let results = try answer.decoded(as: DeleteGroupsResponse.self).results
            return Dictionary(results.map { ($0.groupID, AdminAnswer(errorCode: $0.errorCode, value: ())) }) {
                first, _ in
                first
            }
        }
    }
}

extension ErrorCode {
    /// What a coordinator says that is not, or not yet, the group's.
    var concernsCoordinator: Bool {
        self == .notCoordinator || self == .coordinatorNotAvailable || self == .coordinatorLoadInProgress
    }
}

extension AdminAnswer<GroupDescription> {
    fileprivate init(_ group: ConsumerGroupDescribeResponse.Group) {
        let members = group.members.map { member in
            GroupDescription.Member(
                id: member.memberID, instanceID: member.instanceID, clientID: member.clientID,
                host: member.clientHost, assignment: member.assignment.partitions,
                target: member.targetAssignment.partitions)
        }
        let value = GroupDescription(
            id: group.groupID, type: "consumer", state: group.groupState, assignor: group.assignorName,
            members: members.sorted { $0.id < $1.id })
        self.init(errorCode: group.errorCode, message: group.errorMessage, value: value)
    }

    fileprivate init(_ group: DescribeGroupsResponse.Group) {
        let members = group.members.map { member in
            let assignment = try? ConsumerProtocolAssignment(decoding: member.memberAssignment)
            return GroupDescription.Member(
                id: member.memberID, instanceID: member.groupInstanceID, clientID: member.clientID,
                host: member.clientHost, assignment: (assignment?.assignedPartitions ?? []).topicPartitions)
        }
        let value = GroupDescription(
            id: group.groupID, type: "classic", state: group.groupState, assignor: group.protocolData,
            members: members.sorted { $0.id < $1.id })
        // Before version 6 a group that is not there is merely dead (KIP-1043).
        let code = group.errorCode == .none && group.groupState == "Dead" ? .groupIDNotFound : group.errorCode
        self.init(errorCode: code, message: group.errorMessage, value: value)
    }
}

extension ConsumerGroupDescribeResponse.Assignment {
    fileprivate var partitions: [TopicPartition] {
        topicPartitions.flatMap { topic in topic.partitions.map { TopicPartition(topic.topicName, $0) } }.sorted()
    }
}

extension [ConsumerProtocolTopicPartitions] {
    /// The same one by one, in ascending order.
    var topicPartitions: [TopicPartition] {
        flatMap { topic in topic.partitions.map { TopicPartition(topic.topic, $0) } }.sorted()
    }
}
