import SegmentLog

/// Commits or aborts a transaction (KIP-98).
public struct EndTxnRequest: Request {
    /// The body of the answer.
    public typealias Response = EndTxnResponse
    /// EndTxn.
    public static let apiKey = ApiKey.endTxn

    /// The transactional id.
    public var transactionalID = ""
    /// The producer's id.
    public var producerID: Int64 = 0
    /// Its epoch.
    public var producerEpoch: Int16 = 0
    /// Whether the transaction is committed; else it is aborted.
    public var committed = false

    /// An empty request.
    public init() {}

    /// The fields in the order of the specification.
    public mutating func code(_ c: inout some MessageCoder) throws(CodingError) {
        try c.field(&transactionalID)
        try c.field(&producerID)
        try c.field(&producerEpoch)
        try c.field(&committed)
        try c.tags()
    }
}

/// Whether the transaction is decided.
public struct EndTxnResponse: Message {
    /// EndTxn.
    public static let apiKey = ApiKey.endTxn

    /// How long the request was held back, in milliseconds.
    public var throttleTimeMilliseconds: Int32 = 0
    /// Why it is not, or none.
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
