import SegmentLog

/// Tells the coordinator that a member is alive.
public struct HeartbeatRequest: Request {
    /// The body of the answer.
    public typealias Response = HeartbeatResponse
    /// Heartbeat.
    public static let apiKey = ApiKey.heartbeat

    /// The group.
    public var groupID = ""
    /// The generation that the member joined.
    public var generationID: Int32 = 0
    /// The member.
    public var memberID = ""
    /// The id of a static member, or null.
    public var groupInstanceID: String?

    /// An empty request.
    public init() {}

    /// The fields in the order of the specification.
    public mutating func code(_ c: inout some MessageCoder) throws(CodingError) {
        try c.field(&groupID)
        try c.field(&generationID)
        try c.field(&memberID)
        try c.field(&groupInstanceID, since: 3)
        try c.tags()
    }
}

/// Whether the member may go on.
public struct HeartbeatResponse: Message {
    /// Heartbeat.
    public static let apiKey = ApiKey.heartbeat

    /// How long the request was held back, in milliseconds.
    public var throttleTimeMilliseconds: Int32 = 0
    /// None to go on; REBALANCE_IN_PROGRESS to join again.
    public var errorCode = ErrorCode.none

    /// An empty response.
    public init() {}

    /// The fields in the order of the specification.
    public mutating func code(_ c: inout some MessageCoder) throws(CodingError) {
        try c.field(&throttleTimeMilliseconds, since: 1)
        try c.field(&errorCode)
        try c.tags()
    }
}
