import SegmentLog
import WireProtocol

/// Divides a group's partitions between its members: what the leader of a group computes in the classic protocol,
/// between its JoinGroup and its SyncGroup.
///
/// The same input gives the same output on every machine. What members say of themselves is not trusted: partitions
/// that are not there, and user data that cannot be read, count as not said.
public protocol ConsumerPartitionAssignor: Sendable {
    /// The name by which the members agree on it: `protocol_name` of JoinGroup.
    var name: String { get }
    /// Whether members keep what they have during a rebalance, and revoke only what moves (KIP-429).
    var isCooperative: Bool { get }
    /// What a member that has `owned` since `generation` (-1 for none) puts into its subscription for this assignor.
    func userData(owned: [ConsumerProtocolTopicPartitions], generation: Int32) -> Bytes?
    /// Who gets what: by member id, for each member, topics and partitions ascending.
    ///
    /// `members` are in ascending order of their ids, which differ. `partitionCounts` are by topic; a topic that is
    /// not in it does not exist.
    func assign(
        _ members: [GroupSubscriber], partitionCounts: [String: Int32]
    ) -> [String: [ConsumerProtocolTopicPartitions]]
}

extension ConsumerPartitionAssignor {
    /// Whether members keep what they have: no.
    public var isCooperative: Bool { false }
    /// Nothing.
    public func userData(owned: [ConsumerProtocolTopicPartitions], generation: Int32) -> Bytes? { nil }
}

/// A member of a classic group, as the leader is told of it.
public struct GroupSubscriber: Sendable {
    /// What the coordinator calls it.
    public var memberID: String
    /// What it calls itself across restarts: `group.instance.id` (KIP-345).
    public var instanceID: String?
    /// What it wants, and what it has.
    public var subscription: ConsumerProtocolSubscription

    /// A member.
    public init(memberID: String, instanceID: String? = nil, subscription: ConsumerProtocolSubscription) {
        self.memberID = memberID
        self.instanceID = instanceID
        self.subscription = subscription
    }
}
