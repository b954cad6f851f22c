import WireProtocol

/// Divides a group's partitions between its members on the broker (KIP-848).
///
/// The same input gives the same output on every machine.
public protocol ServerAssignor: Sendable {
    /// The name by which a member asks for it: `server_assignor` of ConsumerGroupHeartbeat.
    var name: String { get }
    /// The new target: by member id, every member; its topics that have partitions, each with these ascending.
    func assign(_ input: TargetAssignmentInput) -> [String: [Uuid: [Int32]]]
}

/// What a target assignment is made from.
public struct TargetAssignmentInput: Sendable {
    /// A member of the group.
    public struct Member: Sendable {
        /// Its id.
        public var memberID: String
        /// What it calls itself across restarts: `group.instance.id` (KIP-345).
        public var instanceID: String?
        /// Its rack. The assignors leave it alone.
        public var rack: String?
        /// The topics that it wants, ascending and without repeats. Those that do not exist count as not wanted.
        public var subscribed: [Uuid]
        /// What it is to have by the target so far: partitions ascending.
        public var target: [Uuid: [Int32]]

        /// A member.
        public init(
            memberID: String, instanceID: String? = nil, rack: String? = nil, subscribed: [Uuid],
            target: [Uuid: [Int32]] = [:]
        ) {
            self.memberID = memberID
            self.instanceID = instanceID
            self.rack = rack
            self.subscribed = subscribed
            self.target = target
        }
    }

    /// The members, in ascending order of their ids, which differ.
    public var members: [Member]
    /// How many partitions each topic has.
    public var partitionCounts: [Uuid: Int32]

    /// An input.
    public init(members: [Member], partitionCounts: [Uuid: Int32]) {
        self.members = members
        self.partitionCounts = partitionCounts
    }
}
