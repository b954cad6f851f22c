import SegmentLog

/// Adds a group's offsets to a transaction, before any is committed (KIP-98).
public struct AddOffsetsToTxnRequest: Request {
    /// The body of the answer.
    public typealias Response = AddOffsetsToTxnResponse
    /// AddOffsetsToTxn.
    public static let apiKey = ApiKey.addOffsetsToTxn

    /// The transactional id.
    public var transactionalID = ""
    /// The producer's id.
    public var producerID: Int64 = 0
    /// Its epoch.
    public var producerEpoch: Int16 = 0
    /// The group.
    public var groupID = ""

    /// An empty request.
    public init() {}

    /// The fields in the order of the specification.
    public mutating func code(_ c: inout some MessageCoder) throws(CodingError) {
        try c.field(&transactionalID)
        try c.field(&producerID)
        try c.field(&producerEpoch)
        try c.field(&groupID)
        try c.tags()
    }
}

/// Whether they were added.
public struct AddOffsetsToTxnResponse: Message {
    /// AddOffsetsToTxn.
    public static let apiKey = ApiKey.addOffsetsToTxn

    /// How long the request was held back, in milliseconds.
    public var throttleTimeMilliseconds: Int32 = 0
    /// Why they were not, or none.
    public var errorCode = ErrorCode.none

    /// An empty response.
    public init() {}

    /// The fields in the order of the specification.
    public mutating func code(_ c: inout some MessageCoder) throws(CodingError) {
        try c.field(&throttleTimeMilliseconds)
        try c.field(&errorCode)
        try c.tags()
    }
}
