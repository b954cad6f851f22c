import SegmentLog

/// Adds partitions to a transaction, before anything is produced to them (KIP-98).
public struct AddPartitionsToTxnRequest: Request {
    /// The body of the answer.
    public typealias Response = AddPartitionsToTxnResponse
    /// AddPartitionsToTxn.
    public static let apiKey = ApiKey.addPartitionsToTxn

    /// Partitions of one topic.
    public typealias Topic = ByTopic<Int32>

    /// The transactional id.
    public var transactionalID = ""
    /// The producer's id.
    public var producerID: Int64 = 0
    /// Its epoch.
    public var producerEpoch: Int16 = 0
    /// The partitions by topic.
    public var topics: [Topic] = []

    /// An empty request.
    public init() {}

    /// The fields in the order of the specification.
    public mutating func code(_ c: inout some MessageCoder) throws(CodingError) {
        try c.field(&transactionalID)
        try c.field(&producerID)
        try c.field(&producerEpoch)
        try c.field(&topics)
        try c.tags()
    }
}

/// Which partitions were added: all of them, or none.
public struct AddPartitionsToTxnResponse: Message {
    /// AddPartitionsToTxn.
    public static let apiKey = ApiKey.addPartitionsToTxn

    /// The answers for one topic.
    public typealias Topic = ByTopic<Partition>

    /// The answer for one partition.
    public typealias Partition = PartitionError

    /// How long the request was held back, in milliseconds.
    public var throttleTimeMilliseconds: Int32 = 0
    /// The answers by topic.
    public var topics: [Topic] = []

    /// An empty response.
    public init() {}

    /// The fields in the order of the specification.
    public mutating func code(_ c: inout some MessageCoder) throws(CodingError) {
        try c.field(&throttleTimeMilliseconds)
        try c.field(&topics)
        try c.tags()
    }
}
