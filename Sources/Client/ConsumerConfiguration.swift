import ConsumerGroups
import WireProtocol

/// What a consumer is told, by Kafka's names and with Kafka's defaults.
public struct ConsumerConfiguration: Sendable {
    /// What to do where the offset to read does not exist (any more).
    public enum OffsetReset: Sendable {
        /// Go on with the first offset that there is.
        case earliest
        /// Go on with what is appended from then on.
        case latest
        /// Throw OFFSET_OUT_OF_RANGE.
        case none
    }

    /// How a consumer is a member of its group.
    public enum GroupProtocol: Sendable {
        /// The members agree on an assignor, and one of them computes who reads what.
        case classic
        /// The coordinator computes it, and each member comes to it by itself (KIP-848).
        case consumer
    }

    /// `bootstrap.servers`: where to look for the cluster, as in "one:9092,two:9092".
    public var bootstrapServers: String
    /// `client.id`: what the client calls itself.
    public var clientID = "logbook"
    /// `fetch.min.bytes`: how many bytes are worth an answer. More makes fewer, larger answers.
    public var fetchMinBytes: Int32 = 1
    /// `fetch.max.wait.ms`: how long a broker waits for `fetch.min.bytes`.
    public var fetchMaxWaitMilliseconds: Int32 = 500
    /// `fetch.max.bytes`: the most bytes in one answer. A larger batch still comes whole (KIP-74).
    public var fetchMaxBytes: Int32 = 52_428_800
    /// `max.partition.fetch.bytes`: the most bytes of one partition in one answer. A larger batch
    /// still comes whole (KIP-74).
    public var maxPartitionFetchBytes: Int32 = 1_048_576
    /// How many bytes of batches are fetched ahead of the reader.
    ///
    /// While the partitions that are not paused hold less than this, fetches go on, so that the next
    /// records are there when the reader comes for them. Each broker's answer in flight adds at most
    /// what was left of the bound, or `max.partition.fetch.bytes`, or one batch, whichever is most;
    /// paused partitions keep what they hold. librdkafka knows the bound as
    /// `queued.max.messages.kbytes`.
    public var fetchAheadBytes = 16 << 20
    /// `check.crcs`: whether a batch's CRC-32C is compared before its records are handed out.
    public var checksCRCs = true
    /// `auto.offset.reset`.
    public var autoOffsetReset = OffsetReset.latest
    /// `allow.auto.create.topics`: whether asking for a topic may create it.
    public var allowsTopicCreation = true
    /// `request.timeout.ms`: how long to wait for a broker's answer before asking again.
    public var requestTimeoutMilliseconds: Int64 = 30_000
    /// `default.api.timeout.ms`: how long a question to the consumer, as for an offset, may take in all.
    public var defaultApiTimeoutMilliseconds: Int64 = 60_000
    /// `retry.backoff.ms`: the wait before something that failed is tried again.
    public var retryBackoffMilliseconds: Int64 = 100
    /// `metadata.max.age.ms`: metadata is asked for again when it is older.
    public var metadataMaxAgeMilliseconds: Int64 = 300_000

    /// `group.id`: the group that the consumer's offsets are committed for, and that `subscribe` joins.
    public var groupID: String?
    /// `group.instance.id`: makes the consumer a static member, which may restart within the session's
    /// time without a rebalance (KIP-345). No two members of a group have the same.
    public var groupInstanceID: String?
    /// `group.protocol`.
    public var groupProtocol = GroupProtocol.classic
    /// `group.remote.assignor`: the coordinator's assignor; nil for its first. For `group.protocol=consumer`.
    public var groupRemoteAssignor: String?
    /// `partition.assignment.strategy`: the assignors that a classic group may use, the preferred one
    /// first. Rebalances are cooperative where all of them are.
    public var partitionAssignmentStrategy: [any ConsumerPartitionAssignor] = [
        RangeAssignor(), CooperativeStickyAssignor(),
    ]
    /// `enable.auto.commit`: whether what was read is committed every `auto.commit.interval.ms`, before
    /// partitions are given up, and at the end. A record counts as read when the next one is asked for; at `close` and
    /// `unsubscribe` the last one does, too, as in Java's client: where working on it has failed, commit by hand.
    public var enableAutoCommit = true
    /// `auto.commit.interval.ms`.
    public var autoCommitIntervalMilliseconds: Int64 = 5_000
    /// `session.timeout.ms`: how long a member of a classic group may be silent before it is taken for dead.
    public var sessionTimeoutMilliseconds: Int32 = 45_000
    /// `heartbeat.interval.ms`: how often a member of a classic group says that it lives.
    public var heartbeatIntervalMilliseconds: Int32 = 3_000
    /// `max.poll.interval.ms`: how long the application may take between two reads before the consumer
    /// leaves the group. It joins again with the next read.
    public var maxPollIntervalMilliseconds: Int32 = 300_000

    /// Kafka's defaults for a cluster at `bootstrapServers`.
    public init(bootstrapServers: String) { self.bootstrapServers = bootstrapServers }

    /// The settings of the connections; throws where one of these settings cannot be used.
    func wire() throws(ClientError) -> WireClient.Configuration {
        guard fetchMinBytes >= 0, fetchMaxBytes >= 0, maxPartitionFetchBytes >= 0, fetchAheadBytes >= 0 else {
            throw .refused("the sizes of a consumer's fetches must not be negative")
        }
        guard fetchMaxWaitMilliseconds >= 0, Int64(fetchMaxWaitMilliseconds) < requestTimeoutMilliseconds else {
            throw .refused(
                """
                fetch.max.wait.ms (\(fetchMaxWaitMilliseconds)) must be less than request.timeout.ms \
                (\(requestTimeoutMilliseconds)), and not negative
                """)
        }
        try checkGroup()
        var wire = WireClient.Configuration(bootstrapServers: try SocketAddress.bootstrapServers(bootstrapServers))
        wire.clientID = clientID
        wire.requestTimeoutMilliseconds = requestTimeoutMilliseconds
        wire.retryBackoffMilliseconds = retryBackoffMilliseconds
        wire.metadataMaxAgeMilliseconds = metadataMaxAgeMilliseconds
        wire.allowsTopicCreation = allowsTopicCreation
        return wire
    }

    private func checkGroup() throws(ClientError) {
        if groupID == "" { throw .refused("group.id is empty") }
        guard autoCommitIntervalMilliseconds >= 0, maxPollIntervalMilliseconds > 0 else {
            throw .refused("auto.commit.interval.ms must not be negative, max.poll.interval.ms must be 1 or more")
        }
        guard heartbeatIntervalMilliseconds > 0, heartbeatIntervalMilliseconds < sessionTimeoutMilliseconds else {
            throw .refused(
                """
                heartbeat.interval.ms (\(heartbeatIntervalMilliseconds)) must be less than session.timeout.ms \
                (\(sessionTimeoutMilliseconds)), and 1 or more
                """)
        }
        guard !partitionAssignmentStrategy.isEmpty else { throw .refused("partition.assignment.strategy is empty") }
    }
}

/// Where to begin to read a partition.
public enum StartPosition: Equatable, Sendable {
    /// The first record that there is.
    case earliest
    /// What is appended from now on.
    case latest
    /// The record with this offset, 0 or more.
    case offset(Int64)
    /// The first record with this timestamp or a later one, in milliseconds since 1970; what is
    /// appended from now on where there is none.
    case timestamp(Int64)
    /// The offset that the group has committed; where there is none, what `auto.offset.reset` says.
    case committed
}

/// A record found by its time.
public struct OffsetAndTimestamp: Equatable, Sendable {
    /// Its offset.
    public var offset: Int64
    /// Its timestamp in milliseconds since 1970; -1 for an end of the log.
    public var timestamp: Int64
    /// The epoch of the leader that wrote it; -1 where that is not known.
    public var leaderEpoch: Int32
}
