import SegmentLog
import WireProtocol

/// A topic exists (KIP-631).
public struct TopicRecord: Field, Equatable {
    /// Its name.
    public var name = ""
    /// Its id, which no other topic ever has.
    public var topicID = Uuid.zero

    /// A topic without a name.
    public init() {}

    /// The topic of this name and id.
    public init(name: String, topicID: Uuid) {
        self.name = name
        self.topicID = topicID
    }

    /// The fields in the order of the specification.
    public mutating func code(_ c: inout some MessageCoder) throws(CodingError) {
        try c.field(&name)
        try c.field(&topicID)
        try c.tags()
    }
}

/// A partition exists, and this is its state (KIP-631).
public struct PartitionRecord: Field, Equatable {
    /// Its number in the topic.
    public var index: Int32 = -1
    /// The topic's id.
    public var topicID = Uuid.zero
    /// The brokers that hold it, the preferred leader first.
    public var replicas: [Int32] = []
    /// Those of them that are in sync.
    public var inSyncReplicas: [Int32] = []
    /// Replicas that are about to go.
    public var removingReplicas: [Int32] = []
    /// Replicas that are about to come.
    public var addingReplicas: [Int32] = []
    /// The leader; -1 for none.
    public var leader: Int32 = -1
    /// 1 while it recovers from an election of a leader that was not in sync.
    public var leaderRecoveryState: Int8 = 0
    /// How many leaders there were before.
    public var leaderEpoch: Int32 = -1
    /// How often anything here has changed.
    public var partitionEpoch: Int32 = -1
    /// The log directory of each replica, from version 1 on (KIP-858).
    public var directories: [Uuid] = []

    /// A partition without replicas.
    public init() {}

    /// A new partition: the first of `replicas` leads, and all are in sync.
    public init(index: Int32, topicID: Uuid, replicas: [Int32]) {
        self.index = index
        self.topicID = topicID
        self.replicas = replicas
        inSyncReplicas = replicas
        leader = replicas.first ?? -1
        leaderEpoch = 0
        partitionEpoch = 0
    }

    /// The fields in the order of the specification.
    public mutating func code(_ c: inout some MessageCoder) throws(CodingError) {
        try c.field(&index)
        try c.field(&topicID)
        try c.field(&replicas)
        try c.field(&inSyncReplicas)
        try c.field(&removingReplicas)
        try c.field(&addingReplicas)
        try c.field(&leader)
        try c.field(&leaderEpoch)
        try c.field(&partitionEpoch)
        try c.field(&directories, since: 1)
        try c.tags { tags throws(CodingError) in try tags.field(0, &leaderRecoveryState) }
    }
}

/// A config of a topic or a broker has a value, or goes back to its default (KIP-631).
public struct ConfigRecord: Field, Equatable {
    /// The kind of thing that it belongs to, as in `ConfigResource.Kind`.
    public var resourceType: Int8 = 0
    /// The topic's name, or the broker's id; empty for all brokers.
    public var resourceName = ""
    /// The config's name.
    public var name = ""
    /// Its value; null for the default.
    public var value: String?

    /// What it belongs to.
    public var resource: MetadataImage.Resource { MetadataImage.Resource(kind: resourceType, name: resourceName) }

    /// A record of no config.
    public init() {}

    /// The config `name` of a resource has this value.
    public init(_ resource: MetadataImage.Resource, name: String, value: String?) {
        resourceType = resource.kind
        resourceName = resource.name
        self.name = name
        self.value = value
    }

    /// The fields in the order of the specification.
    public mutating func code(_ c: inout some MessageCoder) throws(CodingError) {
        try c.field(&resourceType)
        try c.field(&resourceName)
        try c.field(&name)
        try c.field(&value)
        try c.tags()
    }
}

/// A topic is gone, with its partitions and configs (KIP-631).
public struct RemoveTopicRecord: Field, Equatable {
    /// Its id.
    public var topicID = Uuid.zero

    /// The topic without an id.
    public init() {}

    /// The topic of this id.
    public init(topicID: Uuid) { self.topicID = topicID }

    /// The fields in the order of the specification.
    public mutating func code(_ c: inout some MessageCoder) throws(CodingError) {
        try c.field(&topicID)
        try c.tags()
    }
}
