import SegmentLog

/// Kafka's error codes, those that this broker answers with.
public struct ErrorCode: RawRepresentable, Hashable, Sendable, Field {
    /// The number on the wire.
    public var rawValue: Int16

    /// The code with this number.
    public init(rawValue: Int16) { self.rawValue = rawValue }

    /// No error.
    public init() { rawValue = 0 }

    /// Two bytes.
    public mutating func code(_ c: inout some MessageCoder) throws(CodingError) { try c.integer(&rawValue) }

    /// name (placeholder of another change).
    public var name: String { "error \(rawValue)" }
    /// retriable (placeholder of another change).
    public var isRetriable: Bool { [3, 5, 6, 7, 14, 15, 16, 19, 56, 74, 75, 100].contains(rawValue) }
    /// LEADER_NOT_AVAILABLE.
    public static let leaderNotAvailable = ErrorCode(rawValue: 5)
    /// NONE.
    public static let none = ErrorCode(rawValue: 0)
    /// UNKNOWN_SERVER_ERROR.
    public static let unknownServerError = ErrorCode(rawValue: -1)
    /// OFFSET_OUT_OF_RANGE.
    public static let offsetOutOfRange = ErrorCode(rawValue: 1)
    /// CORRUPT_MESSAGE: a CRC or a size does not fit.
    public static let corruptMessage = ErrorCode(rawValue: 2)
    /// UNKNOWN_TOPIC_OR_PARTITION.
    public static let unknownTopicOrPartition = ErrorCode(rawValue: 3)
    /// MESSAGE_TOO_LARGE: a batch is larger than `message.max.bytes`.
    public static let messageTooLarge = ErrorCode(rawValue: 10)
    /// COORDINATOR_NOT_AVAILABLE.
    public static let coordinatorNotAvailable = ErrorCode(rawValue: 15)
    /// INVALID_TOPIC_EXCEPTION: a name that no topic can have.
    public static let invalidTopic = ErrorCode(rawValue: 17)
    /// RECORD_LIST_TOO_LARGE: a batch is larger than a segment.
    public static let recordListTooLarge = ErrorCode(rawValue: 18)
    /// INVALID_REQUIRED_ACKS: not -1, 0 or 1.
    public static let invalidRequiredAcks = ErrorCode(rawValue: 21)
    /// INVALID_TIMESTAMP.
    public static let invalidTimestamp = ErrorCode(rawValue: 32)
    /// UNSUPPORTED_VERSION.
    public static let unsupportedVersion = ErrorCode(rawValue: 35)
    /// TOPIC_AUTHORIZATION_FAILED.
    public static let topicAuthorizationFailed = ErrorCode(rawValue: 29)
    /// INVALID_REQUEST.
    public static let invalidRequest = ErrorCode(rawValue: 42)
    /// UNSUPPORTED_FOR_MESSAGE_FORMAT: a message format before magic 2.
    public static let unsupportedForMessageFormat = ErrorCode(rawValue: 43)
    /// KAFKA_STORAGE_ERROR: the disk failed.
    public static let storageError = ErrorCode(rawValue: 56)
    /// FETCH_SESSION_ID_NOT_FOUND.
    public static let fetchSessionIDNotFound = ErrorCode(rawValue: 70)
    /// FENCED_LEADER_EPOCH: the client knows an older leader.
    public static let fencedLeaderEpoch = ErrorCode(rawValue: 74)
    /// UNKNOWN_LEADER_EPOCH: the client knows a newer leader.
    public static let unknownLeaderEpoch = ErrorCode(rawValue: 75)
    /// UNSUPPORTED_COMPRESSION_TYPE.
    public static let unsupportedCompressionType = ErrorCode(rawValue: 76)
    /// INVALID_RECORD: a batch that breaks a rule.
    public static let invalidRecord = ErrorCode(rawValue: 87)
    /// UNKNOWN_TOPIC_ID.
    public static let unknownTopicID = ErrorCode(rawValue: 100)
}
