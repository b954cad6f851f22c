import SegmentLog

/// Reads batches from partitions, and may wait for them.
public struct FetchRequest: Request {
    /// The body of the answer.
    public typealias Response = FetchResponse
    /// Fetch.
    public static let apiKey = ApiKey.fetch

    /// The follower that fetches (KIP-903).
    public struct ReplicaState: Field, Equatable {
        /// The follower's id; -1 for a consumer.
        public var replicaID: Int32 = -1
        /// Its broker epoch; -1 for unknown.
        public var replicaEpoch: Int64 = -1

        /// A consumer.
        public init() {}

        /// The fields in the order of the specification.
        public mutating func code(_ c: inout some MessageCoder) throws(CodingError) {
            try c.field(&replicaID)
            try c.field(&replicaEpoch)
            try c.tags()
        }
    }

    /// A topic to read from.
    public typealias Topic = FetchTopic<Partition>

    /// A partition to read from.
    public struct Partition: Field, Equatable {
        /// Its number.
        public var index: Int32 = 0
        /// The leader epoch that the client knows; -1 for none (KIP-320).
        public var currentLeaderEpoch: Int32 = -1
        /// The first offset to read.
        public var fetchOffset: Int64 = 0
        /// The epoch of the last record that was read; -1 for none.
        public var lastFetchedEpoch: Int32 = -1
        /// The follower's first offset; -1 for a consumer.
        public var logStartOffset: Int64 = -1
        /// The most bytes to return for this partition.
        public var maxBytes: Int32 = 0

        /// Partition 0 from its beginning.
        public init() {}

        /// The fields in the order of the specification.
        public mutating func code(_ c: inout some MessageCoder) throws(CodingError) {
            try c.field(&index)
            try c.field(&currentLeaderEpoch, since: 9)
            try c.field(&fetchOffset)
            try c.field(&lastFetchedEpoch, since: 12)
            try c.field(&logStartOffset, since: 5)
            try c.field(&maxBytes)
            try c.tags()
        }
    }

    /// Partitions to drop from a fetch session (KIP-227), by their numbers.
    public typealias ForgottenTopic = FetchTopic<Int32>

    /// The cluster that the client believes to talk to, or null.
    public var clusterID: String?
    /// The follower that fetches, up to version 14; -1 for a consumer.
    public var replicaID: Int32 = -1
    /// The follower that fetches, from version 15 on.
    public var replicaState = ReplicaState()
    /// How long to wait for `minBytes`, in milliseconds.
    public var maxWaitMilliseconds: Int32 = 0
    /// How many bytes are worth an answer.
    public var minBytes: Int32 = 0
    /// The most bytes to return in all.
    public var maxBytes = Int32.max
    /// 0 to read everything, 1 to read only what is committed.
    public var isolationLevel: Int8 = 0
    /// The fetch session; 0 for none.
    public var sessionID: Int32 = 0
    /// The request's number in its session; -1 for no session.
    public var sessionEpoch: Int32 = -1
    /// What to read.
    public var topics: [Topic] = []
    /// What to drop from the session.
    public var forgottenTopics: [ForgottenTopic] = []
    /// The consumer's rack.
    public var rackID = ""

    /// An empty request.
    public init() {}

    /// The fields in the order of the specification.
    public mutating func code(_ c: inout some MessageCoder) throws(CodingError) {
        try c.field(&replicaID, until: 14)
        try c.field(&maxWaitMilliseconds)
        try c.field(&minBytes)
        try c.field(&maxBytes, since: 3)
        try c.field(&isolationLevel, since: 4)
        try c.field(&sessionID, since: 7)
        try c.field(&sessionEpoch, since: 7)
        try c.field(&topics)
        try c.field(&forgottenTopics, since: 7)
        try c.field(&rackID, since: 11)
        try c.tags { t throws(CodingError) in
            try t.nullable(0, &clusterID)
            try t.field(1, &replicaState, since: 15)
        }
    }
}

/// The batches that were found.
public struct FetchResponse: Message {
    /// Fetch.
    public static let apiKey = ApiKey.fetch

    /// The answers for one topic.
    public typealias Topic = FetchTopic<Partition>

    /// The answer for one partition.
    public struct Partition: Field, Equatable {
        /// Its number.
        public var index: Int32 = 0
        /// Why nothing was read, or none.
        public var errorCode = ErrorCode.none
        /// The offset behind the last record that a consumer may see.
        public var highWatermark: Int64 = -1
        /// The offset behind the last record whose transaction is decided.
        public var lastStableOffset: Int64 = -1
        /// The first offset of the log.
        public var logStartOffset: Int64 = -1
        /// Where the fetcher's log parts from the leader's (KIP-595).
        public var divergingEpoch = EpochEndOffset()
        /// The leader, where the client asked another broker.
        public var currentLeader = LeaderIDAndEpoch()
        /// The snapshot to fetch instead (KIP-630).
        public var snapshotID = SnapshotID()
        /// Transactions whose records a consumer must drop, or null.
        public var abortedTransactions: [AbortedTransaction]?
        /// The replica that the consumer should read from; -1 for this one (KIP-392).
        public var preferredReadReplica: Int32 = -1
        /// The batches; the last one may be cut short.
        public var records: Records?

        /// Partition 0 without batches.
        public init() {}

        /// The fields in the order of the specification.
        public mutating func code(_ c: inout some MessageCoder) throws(CodingError) {
            try c.field(&index)
            try c.field(&errorCode)
            try c.field(&highWatermark)
            try c.field(&lastStableOffset, since: 4)
            try c.field(&logStartOffset, since: 5)
            try c.field(&abortedTransactions, since: 4)
            try c.field(&preferredReadReplica, since: 11)
            try c.field(&records)
            try c.tags { t throws(CodingError) in
                try t.field(0, &divergingEpoch, since: 12)
                try t.field(1, &currentLeader, since: 12)
                try t.field(2, &snapshotID, since: 12)
            }
        }
    }

    /// A leader epoch and the offset behind its last record.
    public struct EpochEndOffset: Field, Equatable {
        /// The epoch; -1 for none.
        public var epoch: Int32 = -1
        /// The offset; -1 for none.
        public var endOffset: Int64 = -1

        /// No epoch.
        public init() {}

        /// The fields in the order of the specification.
        public mutating func code(_ c: inout some MessageCoder) throws(CodingError) {
            try c.field(&epoch)
            try c.field(&endOffset)
            try c.tags()
        }
    }

    /// A snapshot by the offset and the epoch that it ends with.
    public struct SnapshotID: Field, Equatable {
        /// The offset; -1 for none.
        public var endOffset: Int64 = -1
        /// The epoch; -1 for none.
        public var epoch: Int32 = -1

        /// No snapshot.
        public init() {}

        /// The fields in the order of the specification.
        public mutating func code(_ c: inout some MessageCoder) throws(CodingError) {
            try c.field(&endOffset)
            try c.field(&epoch)
            try c.tags()
        }
    }

    /// A transaction that was aborted.
    public struct AbortedTransaction: Field, Equatable {
        /// The producer.
        public var producerID: Int64 = 0
        /// The offset of the transaction's first record.
        public var firstOffset: Int64 = 0

        /// An entry of zeros.
        public init() {}

        /// The fields in the order of the specification.
        public mutating func code(_ c: inout some MessageCoder) throws(CodingError) {
            try c.field(&producerID)
            try c.field(&firstOffset)
            try c.tags()
        }
    }

    /// How long the request was held back, in milliseconds.
    public var throttleTimeMilliseconds: Int32 = 0
    /// Why the whole request failed, or none.
    public var errorCode = ErrorCode.none
    /// The fetch session; 0 for none.
    public var sessionID: Int32 = 0
    /// The answers by topic.
    public var topics: [Topic] = []
    /// Where the current leaders are (KIP-951).
    public var nodeEndpoints: [NodeEndpoint] = []

    /// An empty response.
    public init() {}

    /// The fields in the order of the specification.
    public mutating func code(_ c: inout some MessageCoder) throws(CodingError) {
        try c.field(&throttleTimeMilliseconds, since: 1)
        try c.field(&errorCode, since: 7)
        try c.field(&sessionID, since: 7)
        try c.field(&topics)
        try c.tags { t throws(CodingError) in try t.field(0, &nodeEndpoints, since: 16) }
    }
}

/// What a fetch, or its answer, says of some partitions of one topic.
public struct FetchTopic<Partition: Field & Equatable>: Field, Equatable {
    /// The topic's name, up to version 12.
    public var name = ""
    /// Its id, from version 13 on (KIP-516).
    public var topicID = Uuid.zero
    /// What is said of each partition.
    public var partitions: [Partition] = []

    /// A topic without a name or partitions.
    public init() {}

    /// The fields in the order of the specification.
    public mutating func code(_ c: inout some MessageCoder) throws(CodingError) {
        try c.field(&name, until: 12)
        try c.field(&topicID, since: 13)
        try c.field(&partitions)
        try c.tags()
    }
}
