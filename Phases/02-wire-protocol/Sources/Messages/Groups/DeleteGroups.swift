import SegmentLog

/// Forgets groups that have no members (KIP-229).
public struct DeleteGroupsRequest: Request {
    /// The body of the answer.
    public typealias Response = DeleteGroupsResponse
    /// DeleteGroups.
    public static let apiKey = ApiKey.deleteGroups

    /// The groups.
    public var groupNames: [String] = []

    /// An empty request.
    public init() {}

    /// The fields in the order of the specification.
    public mutating func code(_ c: inout some MessageCoder) throws(CodingError) {
        try c.field(&groupNames)
        try c.tags()
    }
}

/// Which groups were forgotten.
public struct DeleteGroupsResponse: Message {
    /// DeleteGroups.
    public static let apiKey = ApiKey.deleteGroups

    /// The answer for one group.
    public struct Result: Field, Equatable {
        /// The group.
        public var groupID = ""
        /// Why it stays, or none.
        public var errorCode = ErrorCode.none

        /// A group without a name.
        public init() {}

        /// The fields in the order of the specification.
        public mutating func code(_ c: inout some MessageCoder) throws(CodingError) {
            try c.field(&groupID)
            try c.field(&errorCode)
            try c.tags()
        }
    }

    /// How long the request was held back, in milliseconds.
    public var throttleTimeMilliseconds: Int32 = 0
    /// The answers by group.
    public var results: [Result] = []

    /// An empty response.
    public init() {}

    /// The fields in the order of the specification.
    public mutating func code(_ c: inout some MessageCoder) throws(CodingError) {
        try c.field(&throttleTimeMilliseconds)
        try c.field(&results)
        try c.tags()
    }
}
