import SegmentLog

/// Appends batches to partitions.
public struct ProduceRequest: Request {
    /// The body of the answer.
    public typealias Response = ProduceResponse
    /// Produce.
    public static let apiKey = ApiKey.produce

    /// The batches for one topic.
    public typealias Topic = ByTopic<Partition>

    /// The batch for one partition.
    public struct Partition: Field, Equatable {
        /// The partition's number.
        public var index: Int32 = 0
        /// One record batch.
        public var records: Records?

        /// Partition 0 without a batch.
        public init() {}

        /// The fields in the order of the specification.
        public mutating func code(_ c: inout some MessageCoder) throws(CodingError) {
            try c.field(&index)
            try c.field(&records)
            try c.tags()
        }
    }

    /// The transaction that the batches belong to, or null.
    public var transactionalID: String?
    /// Who must have the batches before the answer: nobody (0, there is no answer), the leader (1),
    /// or all in-sync replicas (-1).
    public var acks: Int16 = 0
    /// How long the leader may wait for the replicas, in milliseconds.
    public var timeoutMilliseconds: Int32 = 0
    /// The batches by topic.
    public var topics: [Topic] = []

    /// An empty request.
    public init() {}

    /// The fields in the order of the specification.
    public mutating func code(_ c: inout some MessageCoder) throws(CodingError) {
        try c.field(&transactionalID, since: 3)
        try c.field(&acks)
        try c.field(&timeoutMilliseconds)
        try c.field(&topics)
        try c.tags()
    }
}

/// Where the batches went, or why they did not.
public struct ProduceResponse: Message {
    /// Produce.
    public static let apiKey = ApiKey.produce

    /// The answers for one topic.
    public typealias Topic = ByTopic<Partition>

    /// The answer for one partition.
    public struct Partition: Field, Equatable {
        /// The partition's number.
        public var index: Int32 = 0
        /// Why the batch was not appended, or none.
        public var errorCode = ErrorCode.none
        /// The offset of the batch's first record; -1 with an error.
        public var baseOffset: Int64 = -1
        /// When the broker appended it, where it sets the timestamps; else -1.
        public var logAppendTimeMilliseconds: Int64 = -1
        /// The first offset of the log.
        public var logStartOffset: Int64 = -1
        /// The records that were at fault (KIP-467).
        public var recordErrors: [RecordError] = []
        /// The reason in words, or null.
        public var errorMessage: String?
        /// The leader, where the client asked another broker (KIP-951).
        public var currentLeader = LeaderIDAndEpoch()

        /// Partition 0 without an offset.
        public init() {}

        /// The fields in the order of the specification.
        public mutating func code(_ c: inout some MessageCoder) throws(CodingError) {
            try c.field(&index)
            try c.field(&errorCode)
            try c.field(&baseOffset)
            try c.field(&logAppendTimeMilliseconds, since: 2)
            try c.field(&logStartOffset, since: 5)
            try c.field(&recordErrors, since: 8)
            try c.field(&errorMessage, since: 8)
            try c.tags { t throws(CodingError) in try t.field(0, &currentLeader, since: 10) }
        }
    }

    /// A record that was at fault.
    public struct RecordError: Field, Equatable {
        /// The record's place in the batch.
        public var batchIndex: Int32 = 0
        /// The reason in words, or null.
        public var message: String?

        /// Record 0 without a reason.
        public init() {}

        /// The fields in the order of the specification.
        public mutating func code(_ c: inout some MessageCoder) throws(CodingError) {
            try c.field(&batchIndex)
            try c.field(&message)
            try c.tags()
        }
    }

    /// The answers by topic.
    public var topics: [Topic] = []
    /// How long the request was held back, in milliseconds.
    public var throttleTimeMilliseconds: Int32 = 0
    /// Where the current leaders are (KIP-951).
    public var nodeEndpoints: [NodeEndpoint] = []

    /// An empty response.
    public init() {}

    /// The fields in the order of the specification.
    public mutating func code(_ c: inout some MessageCoder) throws(CodingError) {
        try c.field(&topics)
        try c.field(&throttleTimeMilliseconds, since: 1)
        try c.tags { t throws(CodingError) in try t.field(0, &nodeEndpoints, since: 10) }
    }
}

/// A partition's leader (KIP-951).
public struct LeaderIDAndEpoch: Field, Equatable {
    /// The leader's id; -1 for unknown.
    public var leaderID: Int32 = -1
    /// Its epoch; -1 for unknown.
    public var leaderEpoch: Int32 = -1

    /// An unknown leader.
    public init() {}

    /// The fields in the order of the specification.
    public mutating func code(_ c: inout some MessageCoder) throws(CodingError) {
        try c.field(&leaderID)
        try c.field(&leaderEpoch)
        try c.tags()
    }
}

/// Where a broker can be reached (KIP-951).
public struct NodeEndpoint: Field, Equatable {
    /// The broker's id.
    public var nodeID: Int32 = 0
    /// Its host name or address.
    public var host = ""
    /// Its port.
    public var port: Int32 = 0
    /// Its rack, or null.
    public var rack: String?

    /// An entry of zeros.
    public init() {}

    /// The fields in the order of the specification.
    public mutating func code(_ c: inout some MessageCoder) throws(CodingError) {
        try c.field(&nodeID)
        try c.field(&host)
        try c.field(&port)
        try c.field(&rack)
        try c.tags()
    }
}
