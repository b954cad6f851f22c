/// The APIs that are described here, by Kafka's numbers. What a node serves of them is its own list.
public enum ApiKey: Int16, CaseIterable, Sendable {
    /// Appends batches.
    case produce = 0
    /// Reads batches.
    case fetch = 1
    /// Finds offsets by time, and the ends of a log.
    case listOffsets = 2
    /// Names the brokers, topics and partitions.
    case metadata = 3
    /// Stores how far a group has read.
    case offsetCommit = 8
    /// Tells how far groups have read.
    case offsetFetch = 9
    /// Names the broker that coordinates a group or a transaction.
    case findCoordinator = 10
    /// Makes a client a member of a group.
    case joinGroup = 11
    /// Keeps a member in its group.
    case heartbeat = 12
    /// Takes members out of a group.
    case leaveGroup = 13
    /// Gives a member its assignment.
    case syncGroup = 14
    /// Tells the state and the members of classic groups.
    case describeGroups = 15
    /// Lists groups.
    case listGroups = 16
    /// Agrees on a way to say who a client is.
    case saslHandshake = 17
    /// Names the APIs and versions that a broker serves.
    case apiVersions = 18
    /// Creates topics.
    case createTopics = 19
    /// Deletes topics.
    case deleteTopics = 20
    /// Deletes the beginning of partitions.
    case deleteRecords = 21
    /// Gives a producer its id and epoch.
    case initProducerId = 22
    /// Tells where leader epochs end.
    case offsetForLeaderEpoch = 23
    /// Adds partitions to a transaction.
    case addPartitionsToTxn = 24
    /// Adds a group's offsets to a transaction.
    case addOffsetsToTxn = 25
    /// Commits or aborts a transaction.
    case endTxn = 26
    /// Stores how far a group has read, once the transaction commits.
    case txnOffsetCommit = 28
    /// Tells settings.
    case describeConfigs = 32
    /// Replaces settings.
    case alterConfigs = 33
    /// Tells how much each log takes.
    case describeLogDirs = 35
    /// Proves who a client is.
    case saslAuthenticate = 36
    /// Adds partitions to topics.
    case createPartitions = 37
    /// Forgets groups.
    case deleteGroups = 42
    /// Changes settings.
    case incrementalAlterConfigs = 44
    /// Forgets how far a group has read.
    case offsetDelete = 47
    /// Names the brokers or the controllers.
    case describeCluster = 60
    /// Keeps a member in a group of KIP-848.
    case consumerGroupHeartbeat = 68
    /// Tells the state and the members of groups of KIP-848.
    case consumerGroupDescribe = 69
    /// Names topics and partitions, a page at a time.
    case describeTopicPartitions = 75

    /// The versions that are described. Where Kafka 4 begins later, an older client still needs them.
    public var versions: ClosedRange<Int16> {
        switch self {
        // Versions 0 to 2 carry message formats that no broker takes any more. They are offered
        // because librdkafka before 2.11.1 compresses only for a broker that offers version 0.
        case .produce: 0...11
        case .fetch: 4...16
        case .listOffsets: 1...10
        case .metadata: 0...13
        case .offsetCommit: 2...9
        case .offsetFetch: 1...9
        case .findCoordinator, .describeGroups: 0...6
        case .joinGroup: 0...9
        case .heartbeat, .apiVersions, .endTxn, .txnOffsetCommit: 0...4
        case .leaveGroup, .syncGroup, .listGroups, .initProducerId: 0...5
        case .saslHandshake, .incrementalAlterConfigs, .consumerGroupHeartbeat, .consumerGroupDescribe: 0...1
        case .createTopics: 2...7
        case .deleteTopics: 1...6
        case .deleteRecords, .alterConfigs, .saslAuthenticate, .deleteGroups, .describeCluster: 0...2
        case .offsetForLeaderEpoch: 2...4
        case .addPartitionsToTxn, .addOffsetsToTxn, .createPartitions: 0...3
        case .describeConfigs, .describeLogDirs: 1...4
        case .offsetDelete, .describeTopicPartitions: 0...0
        }
    }

    /// The first flexible version (KIP-482); `Int16.max` where none is.
    public var firstFlexibleVersion: Int16 {
        switch self {
        case .describeCluster, .consumerGroupHeartbeat, .consumerGroupDescribe, .describeTopicPartitions: 0
        case .incrementalAlterConfigs: 1
        case .deleteRecords, .initProducerId, .alterConfigs, .describeLogDirs, .saslAuthenticate, .createPartitions,
            .deleteGroups:
            2
        case .findCoordinator, .listGroups, .apiVersions, .addPartitionsToTxn, .addOffsetsToTxn, .endTxn,
            .txnOffsetCommit:
            3
        case .heartbeat, .leaveGroup, .syncGroup, .deleteTopics, .offsetForLeaderEpoch, .describeConfigs: 4
        case .describeGroups, .createTopics: 5
        case .listOffsets, .offsetFetch, .joinGroup: 6
        case .offsetCommit: 8
        case .produce, .metadata: 9
        case .fetch: 12
        case .saslHandshake, .offsetDelete: .max
        }
    }

    /// Whether `version` has compact lengths and tags.
    public func isFlexible(_ version: Int16) -> Bool { version >= firstFlexibleVersion }
}
