import SegmentLog
import WireProtocol

/// A consumer group exists (kind 3).
struct ConsumerGroupMetadataKey: GroupRecordKey {
    static let kind: Int16 = 3
    typealias Value = ConsumerGroupMetadataValue
    var groupID = ""

    mutating func code(_ c: inout some MessageCoder) throws(CodingError) { try c.field(&groupID) }
}

/// The epoch of a group's members, subscriptions and topics.
struct ConsumerGroupMetadataValue: GroupRecordValue {
    static let versions: ClosedRange<Int16> = 0...0
    static let written: Int16 = 0
    static let firstFlexible: Int16 = 0
    var epoch: Int32 = 0
    /// Stands for the subscribed topics as they were (KIP-1101).
    var metadataHash: Int64 = 0

    mutating func code(_ c: inout some MessageCoder) throws(CodingError) {
        try c.field(&epoch)
        try c.tags { tags throws(CodingError) in try tags.field(0, &metadataHash) }
    }
}

/// A member of a consumer group, and what it asks for (kind 5).
struct ConsumerGroupMemberMetadataKey: GroupRecordKey {
    static let kind: Int16 = 5
    typealias Value = ConsumerGroupMemberMetadataValue
    var groupID = ""
    var memberID = ""

    mutating func code(_ c: inout some MessageCoder) throws(CodingError) {
        try c.field(&groupID)
        try c.field(&memberID)
    }
}

/// What a member of a consumer group asks for.
struct ConsumerGroupMemberMetadataValue: GroupRecordValue {
    static let versions: ClosedRange<Int16> = 0...0
    static let written: Int16 = 0
    static let firstFlexible: Int16 = 0
    var instanceID: String?
    var rackID: String?
    var clientID = ""
    var clientHost = ""
    /// Ascending, each once.
    var subscribedTopicNames: [String] = []
    /// Empty or null for none.
    var subscribedTopicRegex: String? = ""
    var rebalanceTimeoutMilliseconds: Int32 = -1
    var serverAssignor: String?

    mutating func code(_ c: inout some MessageCoder) throws(CodingError) {
        try c.field(&instanceID)
        try c.field(&rackID)
        try c.field(&clientID)
        try c.field(&clientHost)
        try c.field(&subscribedTopicNames)
        try c.field(&subscribedTopicRegex)
        try c.field(&rebalanceTimeoutMilliseconds)
        try c.field(&serverAssignor)
        // Tag 0 tells of members of the classic protocol, which a group of ours never mixes with others.
        try c.tags()
        // It becomes part of a key, which has two bytes for its length.
        try (subscribedTopicRegex ?? "").checkFitsRecord()
    }
}

/// A consumer group's target assignment (kind 6).
struct ConsumerGroupTargetAssignmentMetadataKey: GroupRecordKey {
    static let kind: Int16 = 6
    typealias Value = ConsumerGroupTargetAssignmentMetadataValue
    var groupID = ""

    mutating func code(_ c: inout some MessageCoder) throws(CodingError) { try c.field(&groupID) }
}

/// The group epoch that a target assignment was made for.
struct ConsumerGroupTargetAssignmentMetadataValue: GroupRecordValue {
    static let versions: ClosedRange<Int16> = 0...0
    static let written: Int16 = 0
    static let firstFlexible: Int16 = 0
    var assignmentEpoch: Int32 = 0

    mutating func code(_ c: inout some MessageCoder) throws(CodingError) {
        try c.field(&assignmentEpoch)
        try c.tags()
    }
}

/// A member's part of the target assignment (kind 7).
struct ConsumerGroupTargetAssignmentMemberKey: GroupRecordKey {
    static let kind: Int16 = 7
    typealias Value = ConsumerGroupTargetAssignmentMemberValue
    var groupID = ""
    var memberID = ""

    mutating func code(_ c: inout some MessageCoder) throws(CodingError) {
        try c.field(&groupID)
        try c.field(&memberID)
    }
}

/// What a member is to have.
struct ConsumerGroupTargetAssignmentMemberValue: GroupRecordValue {
    /// Partitions of one topic.
    struct TopicPartition: Field, Equatable {
        var topicID = Uuid.zero
        var partitions: [Int32] = []

        mutating func code(_ c: inout some MessageCoder) throws(CodingError) {
            try c.field(&topicID)
            try c.field(&partitions)
            try c.tags()
        }
    }

    static let versions: ClosedRange<Int16> = 0...0
    static let written: Int16 = 0
    static let firstFlexible: Int16 = 0
    var topicPartitions: [TopicPartition] = []

    mutating func code(_ c: inout some MessageCoder) throws(CodingError) {
        try c.field(&topicPartitions)
        try c.tags()
    }
}

/// What a member has (kind 8).
struct ConsumerGroupCurrentMemberAssignmentKey: GroupRecordKey {
    static let kind: Int16 = 8
    typealias Value = ConsumerGroupCurrentMemberAssignmentValue
    var groupID = ""
    var memberID = ""

    mutating func code(_ c: inout some MessageCoder) throws(CodingError) {
        try c.field(&groupID)
        try c.field(&memberID)
    }
}

/// How far a member is on the way to its part of the target.
struct ConsumerGroupCurrentMemberAssignmentValue: GroupRecordValue {
    /// Partitions of one topic.
    struct TopicPartitions: Field, Equatable {
        var topicID = Uuid.zero
        var partitions: [Int32] = []
        /// The member's epoch when it was given each of them (KIP-1251); null in what older brokers wrote.
        var assignmentEpochs: [Int32]?

        mutating func code(_ c: inout some MessageCoder) throws(CodingError) {
            try c.field(&topicID)
            try c.field(&partitions)
            try c.tags { tags throws(CodingError) in try tags.nullable(0, &assignmentEpochs) }
        }
    }

    static let versions: ClosedRange<Int16> = 0...0
    static let written: Int16 = 0
    static let firstFlexible: Int16 = 0
    var memberEpoch: Int32 = 0
    var previousMemberEpoch: Int32 = 0
    var state: Int8 = 0
    var assignedPartitions: [TopicPartitions] = []
    var partitionsPendingRevocation: [TopicPartitions] = []

    mutating func code(_ c: inout some MessageCoder) throws(CodingError) {
        try c.field(&memberEpoch)
        try c.field(&previousMemberEpoch)
        try c.field(&state)
        try c.field(&assignedPartitions)
        try c.field(&partitionsPendingRevocation)
        try c.tags()
    }
}

/// A regular expression that members of a consumer group subscribe to (kind 16).
struct ConsumerGroupRegularExpressionKey: GroupRecordKey {
    static let kind: Int16 = 16
    typealias Value = ConsumerGroupRegularExpressionValue
    var groupID = ""
    var regularExpression = ""

    mutating func code(_ c: inout some MessageCoder) throws(CodingError) {
        try c.field(&groupID)
        try c.field(&regularExpression)
    }
}

/// The topics that a regular expression stands for.
struct ConsumerGroupRegularExpressionValue: GroupRecordValue {
    static let versions: ClosedRange<Int16> = 0...0
    static let written: Int16 = 0
    static let firstFlexible: Int16 = 0
    /// Ascending.
    var topics: [String] = []
    /// Kafka's version of the metadata, and its time of looking them up. Ours are looked up at every change of the
    /// metadata, and leave both 0.
    var version: Int64 = 0
    var timestamp: Int64 = 0

    mutating func code(_ c: inout some MessageCoder) throws(CodingError) {
        try c.field(&topics)
        try c.field(&version)
        try c.field(&timestamp)
        try c.tags()
    }
}
