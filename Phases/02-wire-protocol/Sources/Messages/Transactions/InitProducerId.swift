import SegmentLog

/// Asks for a producer id, and fences the producers that had the transactional id before (KIP-98).
public struct InitProducerIdRequest: Request {
    /// The body of the answer.
    public typealias Response = InitProducerIdResponse
    /// InitProducerId.
    public static let apiKey = ApiKey.initProducerId

    /// The transactional id, or null for an idempotent producer.
    public var transactionalID: String?
    /// How long a transaction may be open before it is aborted, in milliseconds.
    public var transactionTimeoutMilliseconds: Int32 = 0
    /// The id that the producer has; -1 for none (KIP-360).
    public var producerID: Int64 = -1
    /// The epoch that it has; -1 for none.
    public var producerEpoch: Int16 = -1

    /// A request without a transactional id.
    public init() {}

    /// The fields in the order of the specification.
    public mutating func code(_ c: inout some MessageCoder) throws(CodingError) {
        try c.field(&transactionalID)
        try c.field(&transactionTimeoutMilliseconds)
        try c.field(&producerID, since: 3)
        try c.field(&producerEpoch, since: 3)
        try c.tags()
    }
}

/// The producer's id and epoch.
public struct InitProducerIdResponse: Message {
    /// InitProducerId.
    public static let apiKey = ApiKey.initProducerId

    /// How long the request was held back, in milliseconds.
    public var throttleTimeMilliseconds: Int32 = 0
    /// Why there is none, or none.
    public var errorCode = ErrorCode.none
    /// The producer's id; -1 with an error.
    public var producerID: Int64 = -1
    /// Its epoch.
    public var producerEpoch: Int16 = 0

    /// An empty response.
    public init() {}

    /// The fields in the order of the specification.
    public mutating func code(_ c: inout some MessageCoder) throws(CodingError) {
        try c.field(&throttleTimeMilliseconds)
        try c.field(&errorCode)
        try c.field(&producerID)
        try c.field(&producerEpoch)
        try c.tags()
    }
}
