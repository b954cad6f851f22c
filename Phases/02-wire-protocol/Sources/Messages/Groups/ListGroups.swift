import SegmentLog

/// Asks for the groups that a broker coordinates.
public struct ListGroupsRequest: Request {
    /// The body of the answer.
    public typealias Response = ListGroupsResponse
    /// ListGroups.
    public static let apiKey = ApiKey.listGroups

    /// The states to list, such as "Stable"; empty for all (KIP-518).
    public var statesFilter: [String] = []
    /// The types to list, "classic" or "consumer"; empty for all (KIP-848).
    public var typesFilter: [String] = []

    /// A request for all groups.
    public init() {}

    /// The fields in the order of the specification.
    public mutating func code(_ c: inout some MessageCoder) throws(CodingError) {
        try c.field(&statesFilter, since: 4)
        try c.field(&typesFilter, since: 5)
        try c.tags()
    }
}

/// The groups that the broker coordinates.
public struct ListGroupsResponse: Message {
    /// ListGroups.
    public static let apiKey = ApiKey.listGroups

    /// One group.
    public struct Group: Field, Equatable {
        /// The group.
        public var groupID = ""
        /// What kind of group it is; "consumer" for consumers, empty for one that has only offsets.
        public var protocolType = ""
        /// Its state.
        public var groupState = ""
        /// Its type.
        public var groupType = ""

        /// A group without a name.
        public init() {}

        /// The fields in the order of the specification.
        public mutating func code(_ c: inout some MessageCoder) throws(CodingError) {
            try c.field(&groupID)
            try c.field(&protocolType)
            try c.field(&groupState, since: 4)
            try c.field(&groupType, since: 5)
            try c.tags()
        }
    }

    /// How long the request was held back, in milliseconds.
    public var throttleTimeMilliseconds: Int32 = 0
    /// Why the list is not complete, or none.
    public var errorCode = ErrorCode.none
    /// The groups.
    public var groups: [Group] = []

    /// An empty response.
    public init() {}

    /// The fields in the order of the specification.
    public mutating func code(_ c: inout some MessageCoder) throws(CodingError) {
        try c.field(&throttleTimeMilliseconds, since: 1)
        try c.field(&errorCode)
        try c.field(&groups)
        try c.tags()
    }
}
