import SegmentLog

/// Takes members out of a group at once, without waiting for their session to time out.
public struct LeaveGroupRequest: Request {
    /// The body of the answer.
    public typealias Response = LeaveGroupResponse
    /// LeaveGroup.
    public static let apiKey = ApiKey.leaveGroup

    /// A member that leaves.
    public struct Member: Field, Equatable {
        /// Its id; empty where it is named by its instance id.
        public var memberID = ""
        /// The id of a static member, or null.
        public var groupInstanceID: String?
        /// Why it leaves, in words, or null (KIP-800).
        public var reason: String?

        /// A member without an id.
        public init() {}

        /// The fields in the order of the specification.
        public mutating func code(_ c: inout some MessageCoder) throws(CodingError) {
            try c.field(&memberID)
            try c.field(&groupInstanceID)
            try c.field(&reason, since: 5)
            try c.tags()
        }
    }

    /// The group.
    public var groupID = ""
    /// The member that leaves, up to version 2.
    public var memberID = ""
    /// The members that leave, from version 3 on (KIP-345).
    public var members: [Member] = []

    /// An empty request.
    public init() {}

    /// The fields in the order of the specification.
    public mutating func code(_ c: inout some MessageCoder) throws(CodingError) {
        try c.field(&groupID)
        try c.field(&memberID, until: 2)
        try c.field(&members, since: 3)
        try c.tags()
    }
}

/// Who has left.
public struct LeaveGroupResponse: Message {
    /// LeaveGroup.
    public static let apiKey = ApiKey.leaveGroup

    /// The answer for one member.
    public struct Member: Field, Equatable {
        /// Its id.
        public var memberID = ""
        /// The id of a static member, or null.
        public var groupInstanceID: String?
        /// Why it could not leave, or none.
        public var errorCode = ErrorCode.none

        /// A member without an id.
        public init() {}

        /// The fields in the order of the specification.
        public mutating func code(_ c: inout some MessageCoder) throws(CodingError) {
            try c.field(&memberID)
            try c.field(&groupInstanceID)
            try c.field(&errorCode)
            try c.tags()
        }
    }

    /// How long the request was held back, in milliseconds.
    public var throttleTimeMilliseconds: Int32 = 0
    /// Why nobody could leave, or none.
    public var errorCode = ErrorCode.none
    /// The answers by member, from version 3 on.
    public var members: [Member] = []

    /// An empty response.
    public init() {}

    /// The fields in the order of the specification.
    public mutating func code(_ c: inout some MessageCoder) throws(CodingError) {
        try c.field(&throttleTimeMilliseconds, since: 1)
        try c.field(&errorCode)
        try c.field(&members, since: 3)
        try c.tags()
    }
}
