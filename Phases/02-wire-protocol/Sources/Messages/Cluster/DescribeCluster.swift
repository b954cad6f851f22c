import SegmentLog

/// Asks for the brokers, or for the controllers (KIP-700).
public struct DescribeClusterRequest: Request {
    /// The body of the answer.
    public typealias Response = DescribeClusterResponse
    /// DescribeCluster.
    public static let apiKey = ApiKey.describeCluster

    /// Whether to say what the client may do with the cluster.
    public var includeClusterAuthorizedOperations = false
    /// 1 for the brokers, 2 for the controllers (KIP-919).
    public var endpointType: Int8 = 1
    /// Whether brokers are named that are registered but fenced (KIP-1073).
    public var includeFencedBrokers = false

    /// An empty request.
    public init() {}

    /// The fields in the order of the specification.
    public mutating func code(_ c: inout some MessageCoder) throws(CodingError) {
        try c.field(&includeClusterAuthorizedOperations)
        try c.field(&endpointType, since: 1)
        try c.field(&includeFencedBrokers, since: 2)
        try c.tags()
    }
}

/// The brokers, or the controllers.
public struct DescribeClusterResponse: Message {
    /// DescribeCluster.
    public static let apiKey = ApiKey.describeCluster

    /// A broker and where to reach it.
    public struct Broker: Field, Equatable {
        /// The broker's id.
        public var brokerID: Int32 = 0
        /// Its host name or address.
        public var host = ""
        /// Its port.
        public var port: Int32 = 0
        /// Its rack, or null.
        public var rack: String?
        /// Whether it is fenced.
        public var isFenced = false

        /// An entry of zeros.
        public init() {}

        /// The fields in the order of the specification.
        public mutating func code(_ c: inout some MessageCoder) throws(CodingError) {
            try c.field(&brokerID)
            try c.field(&host)
            try c.field(&port)
            try c.field(&rack)
            try c.field(&isFenced, since: 2)
            try c.tags()
        }
    }

    /// How long the request was held back, in milliseconds.
    public var throttleTimeMilliseconds: Int32 = 0
    /// Why there is no answer, or none.
    public var errorCode = ErrorCode.none
    /// The reason in words, or null.
    public var errorMessage: String?
    /// 1 for the brokers, 2 for the controllers.
    public var endpointType: Int8 = 1
    /// The cluster's id.
    public var clusterID = ""
    /// The broker that is the controller; -1 for none.
    public var controllerID: Int32 = -1
    /// The brokers, or the controllers.
    public var brokers: [Broker] = []
    /// What the client may do with the cluster, a bit for each operation; `Int32.min` where nobody asked.
    public var clusterAuthorizedOperations = Int32.min

    /// An empty response.
    public init() {}

    /// The fields in the order of the specification.
    public mutating func code(_ c: inout some MessageCoder) throws(CodingError) {
        try c.field(&throttleTimeMilliseconds)
        try c.field(&errorCode)
        try c.field(&errorMessage)
        try c.field(&endpointType, since: 1)
        try c.field(&clusterID)
        try c.field(&controllerID)
        try c.field(&brokers)
        try c.field(&clusterAuthorizedOperations)
        try c.tags()
    }
}
