import SegmentLog
import WireProtocol

/// What a producer is told by its user, by Kafka's names and with Kafka's defaults.
public struct ProducerConfiguration: Sendable {
    /// `acks`: when a record counts as sent.
    public enum Acks: Int16, Sendable {
        /// Once it has been handed to the network. Its offset is never known, and it may be lost.
        case none = 0
        /// Once the partition's leader has it.
        case leader = 1
        /// Once all in-sync replicas have it.
        case all = -1
    }

    /// `compression.type`.
    public typealias Compression = BatchAttributes.Codec

    /// How the partition of a record is chosen that names none.
    public enum Partitioner: String, Sendable, CaseIterable {
        /// The key's MurmurHash2, so that a key always goes to the same partition: the one that Kafka's
        /// own client chooses, and librdkafka's `murmur2_random`. Records without a key stick together.
        case murmur2Random = "murmur2_random"
        /// Records stick together, also those with a key (`partitioner.ignore.keys`, KIP-794).
        case sticky
        /// Each record goes to the next partition, also with a key (Kafka's `RoundRobinPartitioner`).
        case roundRobin = "round_robin"
    }

    /// `bootstrap.servers`: where to look for the cluster.
    public var bootstrapServers: [SocketAddress]
    /// `client.id`: what the producer calls itself.
    public var clientID = "logbook"
    /// `acks`.
    public var acks = Acks.all
    /// `linger.ms`: how long a batch waits for more records before it is sent.
    public var lingerMilliseconds: Int64 = 5
    /// `batch.size`: a batch of this many bytes takes no more records. A larger record is a batch alone.
    public var batchBytes = 16_384
    /// `buffer.memory`: bytes of records that may wait to be acknowledged; beyond it `send` waits.
    public var bufferBytes = 32 << 20
    /// `max.request.size`: the most bytes of records in one request, and in one record.
    public var maxRequestBytes = 1 << 20
    /// `max.block.ms`: how long `send` waits for metadata or for memory.
    public var maxBlockMilliseconds: Int64 = 60_000
    /// `compression.type`: the codec of batches.
    public var compression = Compression.none
    /// `partitioner`: how the partition of a record is chosen that names none.
    public var partitioner = Partitioner.murmur2Random
    /// `max.in.flight.requests.per.connection`. A partition has one batch under way at a time, so that
    /// a batch that is sent again never comes behind its successor; others go on beside it.
    public var maxInFlight = 5
    /// `request.timeout.ms`: how long to wait for a broker's answer.
    public var requestTimeoutMilliseconds: Int64 = 30_000
    /// `delivery.timeout.ms`: a record that is not acknowledged by then has failed.
    public var deliveryTimeoutMilliseconds: Int64 = 120_000
    /// `retry.backoff.ms`: how long to wait before a batch is sent again.
    public var retryBackoffMilliseconds: Int64 = 100
    /// `allow.auto.create.topics`: whether sending to an unknown topic may create it.
    public var allowsTopicCreation = true

    /// Kafka's defaults.
    public init(bootstrapServers: [SocketAddress]) { self.bootstrapServers = bootstrapServers }

    /// Kafka's defaults, with servers as in "one:9092,two:9092".
    public init(bootstrapServers: String) throws(ClientError) {
        self.init(bootstrapServers: try SocketAddress.bootstrapServers(bootstrapServers))
    }

    /// Throws where a value is out of its range.
    func check() throws(ClientError) {
        func require(_ isTrue: Bool, _ text: String) throws(ClientError) {
            guard isTrue else { throw .refused(text) }
        }
        try require(!bootstrapServers.isEmpty, "bootstrap.servers names no server")
        try require(lingerMilliseconds >= 0, "linger.ms is negative")
        try require((1...(1 << 30)).contains(batchBytes), "batch.size is not between 1 byte and 1 GiB")
        try require((1...(1 << 30)).contains(maxRequestBytes), "max.request.size is not between 1 byte and 1 GiB")
        try require(bufferBytes >= 1, "buffer.memory is less than 1 byte")
        try require(maxInFlight >= 1, "max.in.flight.requests.per.connection is less than 1")
        try require(maxBlockMilliseconds >= 0, "max.block.ms is negative")
        try require(requestTimeoutMilliseconds >= 1, "request.timeout.ms is less than 1")
        try require(retryBackoffMilliseconds >= 0, "retry.backoff.ms is negative")
        let (least, isTooLong) = lingerMilliseconds.addingReportingOverflow(requestTimeoutMilliseconds)
        try require(
            !isTooLong && deliveryTimeoutMilliseconds >= least,
            "delivery.timeout.ms is less than linger.ms and request.timeout.ms together")
    }

    var wire: WireClient.Configuration {
        var wire = WireClient.Configuration(bootstrapServers: bootstrapServers)
        wire.clientID = clientID
        wire.requestTimeoutMilliseconds = requestTimeoutMilliseconds
        wire.maxInFlight = maxInFlight
        wire.retryBackoffMilliseconds = retryBackoffMilliseconds
        wire.allowsTopicCreation = allowsTopicCreation
        return wire
    }
}
