import SegmentLog

/// Asks for the member's assignment; the leader brings all of them: the second half of a rebalance.
public struct SyncGroupRequest: Request {
    /// The body of the answer.
    public typealias Response = SyncGroupResponse
    /// SyncGroup.
    public static let apiKey = ApiKey.syncGroup

    /// What one member is assigned.
    public struct Assignment: Field, Equatable {
        /// The member.
        public var memberID = ""
        /// Its assignment; for consumers a `ConsumerProtocolAssignment`. A slice of the frame: copy it to keep it.
        public var assignment = Bytes()

        /// An assignment of nothing to nobody.
        public init() {}

        /// The fields in the order of the specification.
        public mutating func code(_ c: inout some MessageCoder) throws(CodingError) {
            try c.field(&memberID)
            try c.field(&assignment)
            try c.tags()
        }
    }

    /// The group.
    public var groupID = ""
    /// The generation that the member joined.
    public var generationID: Int32 = 0
    /// The member.
    public var memberID = ""
    /// The id of a static member, or null.
    public var groupInstanceID: String?
    /// The kind of the group that the member believes in, or null (KIP-559).
    public var protocolType: String?
    /// The protocol that the member believes in, or null.
    public var protocolName: String?
    /// Everybody's assignment, from the leader; empty from the others.
    public var assignments: [Assignment] = []

    /// An empty request.
    public init() {}

    /// The fields in the order of the specification.
    public mutating func code(_ c: inout some MessageCoder) throws(CodingError) {
        try c.field(&groupID)
        try c.field(&generationID)
        try c.field(&memberID)
        try c.field(&groupInstanceID, since: 3)
        try c.field(&protocolType, since: 5)
        try c.field(&protocolName, since: 5)
        try c.field(&assignments)
        try c.tags()
    }
}

/// What the member is assigned.
public struct SyncGroupResponse: Message {
    /// SyncGroup.
    public static let apiKey = ApiKey.syncGroup

    /// How long the request was held back, in milliseconds.
    public var throttleTimeMilliseconds: Int32 = 0
    /// Why there is no assignment, or none.
    public var errorCode = ErrorCode.none
    /// The kind of the group, or null.
    public var protocolType: String?
    /// The group's protocol, or null.
    public var protocolName: String?
    /// The member's assignment. A slice of the frame: copy it to keep it.
    public var assignment = Bytes()

    /// An empty response.
    public init() {}

    /// The fields in the order of the specification.
    public mutating func code(_ c: inout some MessageCoder) throws(CodingError) {
        try c.field(&throttleTimeMilliseconds, since: 1)
        try c.field(&errorCode)
        try c.field(&protocolType, since: 5)
        try c.field(&protocolName, since: 5)
        try c.field(&assignment)
        try c.tags()
    }
}
