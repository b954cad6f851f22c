import SegmentLog

/// Asks to become, or to stay, a member of a group: the first half of a rebalance.
public struct JoinGroupRequest: Request {
    /// The body of the answer.
    public typealias Response = JoinGroupResponse
    /// JoinGroup.
    public static let apiKey = ApiKey.joinGroup

    /// A way to assign partitions that the member knows.
    public struct GroupProtocol: Field, Equatable {
        /// Its name, such as "range".
        public var name = ""
        /// What the member tells the leader of the group; for consumers a `ConsumerProtocolSubscription`. A slice
        /// of the frame: copy it to keep it.
        public var metadata = Bytes()

        /// A protocol without a name.
        public init() {}

        /// The fields in the order of the specification.
        public mutating func code(_ c: inout some MessageCoder) throws(CodingError) {
            try c.field(&name)
            try c.field(&metadata)
            try c.tags()
        }
    }

    /// The group.
    public var groupID = ""
    /// How long the member may be silent before it is taken for dead, in milliseconds.
    public var sessionTimeoutMilliseconds: Int32 = 0
    /// How long the members have to join again, in milliseconds; -1 for the session timeout.
    public var rebalanceTimeoutMilliseconds: Int32 = -1
    /// The id that the coordinator gave the member; empty the first time.
    public var memberID = ""
    /// The id that a static member keeps when it restarts, or null (KIP-345).
    public var groupInstanceID: String?
    /// What kind of group it is; "consumer" for consumers.
    public var protocolType = ""
    /// The protocols that the member knows, the preferred one first.
    public var protocols: [GroupProtocol] = []
    /// Why the member joins, in words, or null (KIP-800).
    public var reason: String?

    /// An empty request.
    public init() {}

    /// The fields in the order of the specification.
    public mutating func code(_ c: inout some MessageCoder) throws(CodingError) {
        try c.field(&groupID)
        try c.field(&sessionTimeoutMilliseconds)
        try c.field(&rebalanceTimeoutMilliseconds, since: 1)
        try c.field(&memberID)
        try c.field(&groupInstanceID, since: 5)
        try c.field(&protocolType)
        try c.field(&protocols)
        try c.field(&reason, since: 8)
        try c.tags()
    }
}

/// The new generation of the group; the leader is also told the members.
public struct JoinGroupResponse: Message {
    /// JoinGroup.
    public static let apiKey = ApiKey.joinGroup

    /// A member, as the leader is told.
    public struct Member: Field, Equatable {
        /// Its id.
        public var memberID = ""
        /// The id of a static member, or null.
        public var groupInstanceID: String?
        /// What it said under the protocol that was chosen. A slice of the frame: copy it to keep it.
        public var metadata = Bytes()

        /// A member without an id.
        public init() {}

        /// The fields in the order of the specification.
        public mutating func code(_ c: inout some MessageCoder) throws(CodingError) {
            try c.field(&memberID)
            try c.field(&groupInstanceID, since: 5)
            try c.field(&metadata)
            try c.tags()
        }
    }

    /// How long the request was held back, in milliseconds.
    public var throttleTimeMilliseconds: Int32 = 0
    /// Why the member did not join, or none. MEMBER_ID_REQUIRED asks it to come again with `memberID` (KIP-394).
    public var errorCode = ErrorCode.none
    /// The number of the generation; -1 for none.
    public var generationID: Int32 = -1
    /// The kind of the group, or null.
    public var protocolType: String?
    /// The protocol that every member knows; null where the group has none.
    public var protocolName: String?
    /// The member that assigns the partitions.
    public var leader = ""
    /// Whether the leader leaves the assignment as it is (KIP-814).
    public var skipAssignment = false
    /// The member's own id.
    public var memberID = ""
    /// All members, for the leader; empty for the others.
    public var members: [Member] = []

    /// An empty response.
    public init() {}

    /// The fields in the order of the specification.
    public mutating func code(_ c: inout some MessageCoder) throws(CodingError) {
        try c.field(&throttleTimeMilliseconds, since: 2)
        try c.field(&errorCode)
        try c.field(&generationID)
        try c.field(&protocolType, since: 7)
        try c.field(&protocolName, nullableSince: 7)
        try c.field(&leader)
        try c.field(&skipAssignment, since: 9)
        try c.field(&memberID)
        try c.field(&members)
        try c.tags()
    }
}
