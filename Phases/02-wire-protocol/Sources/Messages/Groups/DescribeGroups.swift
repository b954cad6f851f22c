import SegmentLog

/// Asks for the state and the members of classic groups.
public struct DescribeGroupsRequest: Request {
    /// The body of the answer.
    public typealias Response = DescribeGroupsResponse
    /// DescribeGroups.
    public static let apiKey = ApiKey.describeGroups

    /// The groups.
    public var groups: [String] = []
    /// Whether to say what the client may do with each group (KIP-430).
    public var includeAuthorizedOperations = false

    /// An empty request.
    public init() {}

    /// The fields in the order of the specification.
    public mutating func code(_ c: inout some MessageCoder) throws(CodingError) {
        try c.field(&groups)
        try c.field(&includeAuthorizedOperations, since: 3)
        try c.tags()
    }
}

/// The state and the members of classic groups.
public struct DescribeGroupsResponse: Message {
    /// DescribeGroups.
    public static let apiKey = ApiKey.describeGroups

    /// One group.
    public struct Group: Field, Equatable {
        /// Why the group is not described, or none.
        public var errorCode = ErrorCode.none
        /// The reason in words, or null (KIP-1043).
        public var errorMessage: String?
        /// The group.
        public var groupID = ""
        /// Its state, such as "Stable"; "Dead" where there is no such group.
        public var groupState = ""
        /// What kind of group it is.
        public var protocolType = ""
        /// The protocol that was chosen; empty while the group is not stable.
        public var protocolData = ""
        /// Its members.
        public var members: [Member] = []
        /// What the client may do with it, a bit for each operation; `Int32.min` where nobody asked.
        public var authorizedOperations = Int32.min

        /// A group without a name.
        public init() {}

        /// The fields in the order of the specification.
        public mutating func code(_ c: inout some MessageCoder) throws(CodingError) {
            try c.field(&errorCode)
            try c.field(&errorMessage, since: 6)
            try c.field(&groupID)
            try c.field(&groupState)
            try c.field(&protocolType)
            try c.field(&protocolData)
            try c.field(&members)
            try c.field(&authorizedOperations, since: 3)
            try c.tags()
        }
    }

    /// A member of a group.
    public struct Member: Field, Equatable {
        /// Its id.
        public var memberID = ""
        /// The id of a static member, or null.
        public var groupInstanceID: String?
        /// What its client calls itself.
        public var clientID = ""
        /// The address that it joined from.
        public var clientHost = ""
        /// What it said under the protocol that was chosen; empty while the group is not stable.
        public var memberMetadata = Bytes()
        /// What it is assigned; empty while the group is not stable.
        public var memberAssignment = Bytes()

        /// A member without an id.
        public init() {}

        /// The fields in the order of the specification.
        public mutating func code(_ c: inout some MessageCoder) throws(CodingError) {
            try c.field(&memberID)
            try c.field(&groupInstanceID, since: 4)
            try c.field(&clientID)
            try c.field(&clientHost)
            try c.field(&memberMetadata)
            try c.field(&memberAssignment)
            try c.tags()
        }
    }

    /// How long the request was held back, in milliseconds.
    public var throttleTimeMilliseconds: Int32 = 0
    /// The answers by group.
    public var groups: [Group] = []

    /// An empty response.
    public init() {}

    /// The fields in the order of the specification.
    public mutating func code(_ c: inout some MessageCoder) throws(CodingError) {
        try c.field(&throttleTimeMilliseconds, since: 1)
        try c.field(&groups)
        try c.tags()
    }
}
