import SegmentLog

/// Asks for the brokers and for topics, by name or by id; creates topics where that is allowed.
public struct MetadataRequest: Request {
    /// The body of the answer.
    public typealias Response = MetadataResponse
    /// Metadata.
    public static let apiKey = ApiKey.metadata

    /// One topic that is asked for.
    public struct Topic: Field, Hashable {
        /// The topic's id, or zero where it is asked for by name (KIP-516).
        public var topicID = Uuid.zero
        /// The topic's name, or null where it is asked for by id.
        public var name: String?

        /// A topic without name or id.
        public init() {}

        /// The fields in the order of the specification.
        public mutating func code(_ c: inout some MessageCoder) throws(CodingError) {
            try c.field(&topicID, since: 10)
            try c.field(&name, nullableSince: 10)
            try c.tags()
        }
    }

    /// The topics, or null for all of them. In version 0 an empty list asks for all.
    public var topics: [Topic]?
    /// Whether topics that do not exist may be created.
    public var allowAutoTopicCreation = true
    /// Whether to say what the client may do with the cluster.
    public var includeClusterAuthorizedOperations = false
    /// Whether to say what the client may do with each topic.
    public var includeTopicAuthorizedOperations = false

    /// A request for all topics.
    public init() {}

    /// The fields in the order of the specification.
    public mutating func code(_ c: inout some MessageCoder) throws(CodingError) {
        try c.field(&topics, nullableSince: 1)
        try c.field(&allowAutoTopicCreation, since: 4)
        try c.field(&includeClusterAuthorizedOperations, since: 8, until: 10)
        try c.field(&includeTopicAuthorizedOperations, since: 8)
        try c.tags()
    }
}

/// The cluster as this broker knows it.
public struct MetadataResponse: Message {
    /// Metadata.
    public static let apiKey = ApiKey.metadata
    /// What "authorized operations" say where nobody asked for them.
    public static let operationsNotAsked = Int32.min

    /// A broker and where to reach it.
    public struct Broker: Field, Equatable {
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
            try c.field(&rack, since: 1)
            try c.tags()
        }
    }

    /// A topic, or why there is none.
    public struct Topic: Field, Equatable {
        /// Why the topic cannot be used, or none.
        public var errorCode = ErrorCode.none
        /// Its name; null where an id is not known.
        public var name: String?
        /// Its id.
        public var topicID = Uuid.zero
        /// Whether brokers keep their own records in it.
        public var isInternal = false
        /// Its partitions.
        public var partitions: [Partition] = []
        /// What the client may do with it, a bit for each operation.
        public var authorizedOperations = MetadataResponse.operationsNotAsked

        /// A topic without a name.
        public init() {}

        /// The fields in the order of the specification.
        public mutating func code(_ c: inout some MessageCoder) throws(CodingError) {
            try c.field(&errorCode)
            try c.field(&name, nullableSince: 12)
            try c.field(&topicID, since: 10)
            try c.field(&isInternal, since: 1)
            try c.field(&partitions)
            try c.field(&authorizedOperations, since: 8)
            try c.tags()
        }
    }

    /// A partition and who has it.
    public struct Partition: Field, Equatable {
        /// Why the partition cannot be used, or none.
        public var errorCode = ErrorCode.none
        /// Its number in the topic.
        public var index: Int32 = 0
        /// The broker that leads it.
        public var leaderID: Int32 = 0
        /// The epoch of that leader; -1 for unknown.
        public var leaderEpoch: Int32 = -1
        /// All brokers that hold it.
        public var replicaNodes: [Int32] = []
        /// Those of them that are in sync.
        public var inSyncReplicaNodes: [Int32] = []
        /// Those of them that are offline.
        public var offlineReplicas: [Int32] = []

        /// An entry of zeros.
        public init() {}

        /// The fields in the order of the specification.
        public mutating func code(_ c: inout some MessageCoder) throws(CodingError) {
            try c.field(&errorCode)
            try c.field(&index)
            try c.field(&leaderID)
            try c.field(&leaderEpoch, since: 7)
            try c.field(&replicaNodes)
            try c.field(&inSyncReplicaNodes)
            try c.field(&offlineReplicas, since: 5)
            try c.tags()
        }
    }

    /// How long the request was held back, in milliseconds.
    public var throttleTimeMilliseconds: Int32 = 0
    /// Every broker.
    public var brokers: [Broker] = []
    /// The cluster's id.
    public var clusterID: String?
    /// The broker that is the controller; -1 for none.
    public var controllerID: Int32 = -1
    /// The topics that were asked for.
    public var topics: [Topic] = []
    /// What the client may do with the cluster, a bit for each operation.
    public var clusterAuthorizedOperations = operationsNotAsked
    /// Why the whole request failed, or none (KIP-1102).
    public var errorCode = ErrorCode.none

    /// An empty response.
    public init() {}

    /// The fields in the order of the specification.
    public mutating func code(_ c: inout some MessageCoder) throws(CodingError) {
        try c.field(&throttleTimeMilliseconds, since: 3)
        try c.field(&brokers)
        try c.field(&clusterID, since: 2)
        try c.field(&controllerID, since: 1)
        try c.field(&topics)
        try c.field(&clusterAuthorizedOperations, since: 8, until: 10)
        try c.field(&errorCode, since: 13)
        try c.tags()
    }
}
