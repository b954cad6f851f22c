import SegmentLog
import WireProtocol

/// The cluster as a client sees it that came in by one listener.
public struct ClusterView: Sendable {
    /// A broker, and where the client is told to connect to it.
    public struct Broker: Equatable, Sendable {
        /// Its id.
        public var id: Int32
        /// Where it listens for clients such as the one that asks.
        public var address: SocketAddress

        /// The broker of this id, at this address.
        public init(id: Int32, address: SocketAddress) {
            self.id = id
            self.address = address
        }
    }

    /// The cluster's id.
    public var clusterID: String
    /// The brokers that are alive, by ascending ids.
    public var brokers: [Broker]
    /// The broker that clients send changes of topics to.
    public var controllerID: Int32

    /// The bits of every operation that there is on a topic, and on the cluster: without an
    /// authorizer a client may do all of them.
    static let topicOperations = bits([3, 4, 5, 6, 7, 8, 10, 11])
    static let clusterOperations = bits([5, 7, 8, 9, 10, 11, 12])

    private static func bits(_ operations: [Int32]) -> Int32 { operations.reduce(0) { $0 | 1 << $1 } }

    /// A cluster of these brokers.
    public init(clusterID: String, brokers: [Broker], controllerID: Int32) {
        self.clusterID = clusterID
        self.brokers = brokers
        self.controllerID = controllerID
    }

    func isAlive(_ broker: Int32) -> Bool { brokers.contains { $0.id == broker } }
}

/// What clients may do with topics, and what a topic gets where nobody says.
public struct AdminSettings: Sendable {
    /// `auto.create.topics.enable`: whether topics are made on first use.
    public var createsTopicsOnFirstUse = true
    /// `delete.topic.enable`: whether topics may be deleted.
    public var deletesTopics = true
    /// `num.partitions`.
    public var partitionCount = 1
    /// `default.replication.factor`.
    public var replicationFactor = 1
    /// `max.request.partition.size.limit`: the most partitions that one DescribeTopicPartitions answers with.
    public var maxDescribedPartitions = 2000
    /// The broker's settings, as DescribeConfigs tells them.
    public var broker: [BrokerSetting] = []

    /// Kafka's defaults.
    public init() {}
}
