import SegmentLog

/// What consumers tell each other through the coordinator, which hands it on without reading it: bytes
/// in `JoinGroupRequest.GroupProtocol.metadata` and `SyncGroupRequest.Assignment.assignment`. They begin with
/// their own version, and are never flexible.
public protocol ConsumerProtocol: Field, Equatable {}

extension ConsumerProtocol {
    /// The versions that are described.
    public static var versions: ClosedRange<Int16> { 0...3 }

    /// The version in two bytes, and the fields.
    public func encoded(version: Int16) throws(CodingError) -> Bytes {
        try encoded(behind: version, version: version, isFlexible: false)
    }

    /// Reads the fields of the version that the bytes begin with. A version to come is read as the highest
    /// that is known, and bytes behind its last field are left alone: members of a group may be of
    /// different ages.
    public init(decoding bytes: Bytes) throws(CodingError) {
        var reader = ByteReader(bytes)
        let version = try reader.integer(Int16.self)
        guard version >= 0 else { throw .invalidLength(at: 0, Int(version)) }
        var decoder = MessageDecoder(
            reader.rest(), version: min(version, Self.versions.upperBound), isFlexible: false)
        self.init()
        try code(&decoder)
    }
}

/// What a consumer wants to read, and what it has: `metadata` of its JoinGroup.
public struct ConsumerProtocolSubscription: ConsumerProtocol {
    /// The topics that it wants.
    public var topics: [String] = []
    /// What its assignor wants to say, or null.
    public var userData: Bytes?
    /// The partitions that it has, for cooperative rebalances (KIP-429).
    public var ownedPartitions: [ConsumerProtocolTopicPartitions] = []
    /// The generation in which it got them; -1 for unknown (KIP-792).
    public var generationID: Int32 = -1
    /// Its rack, or null (KIP-881).
    public var rackID: String?

    /// A consumer that wants nothing.
    public init() {}

    /// The fields in the order of the specification.
    public mutating func code(_ c: inout some MessageCoder) throws(CodingError) {
        try c.field(&topics)
        try c.field(&userData)
        try c.field(&ownedPartitions, since: 1)
        try c.field(&generationID, since: 2)
        try c.field(&rackID, since: 3)
        try c.tags()
    }
}

/// What a consumer is to read: `assignment` of its SyncGroup.
public struct ConsumerProtocolAssignment: ConsumerProtocol {
    /// The partitions by topic.
    public var assignedPartitions: [ConsumerProtocolTopicPartitions] = []
    /// What the assignor wants to say, or null.
    public var userData: Bytes?

    /// An assignment of nothing.
    public init() {}

    /// The fields in the order of the specification.
    public mutating func code(_ c: inout some MessageCoder) throws(CodingError) {
        try c.field(&assignedPartitions)
        try c.field(&userData)
        try c.tags()
    }
}

/// Partitions of one topic.
public struct ConsumerProtocolTopicPartitions: Field, Equatable {
    /// The topic.
    public var topic = ""
    /// The partitions.
    public var partitions: [Int32] = []

    /// A topic without partitions.
    public init() {}

    /// The fields in the order of the specification.
    public mutating func code(_ c: inout some MessageCoder) throws(CodingError) {
        try c.field(&topic)
        try c.field(&partitions)
        try c.tags()
    }
}
