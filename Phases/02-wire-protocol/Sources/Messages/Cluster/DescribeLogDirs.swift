import SegmentLog

/// Asks how much each log takes on a broker's disks (KIP-113).
public struct DescribeLogDirsRequest: Request {
    /// The body of the answer.
    public typealias Response = DescribeLogDirsResponse
    /// DescribeLogDirs.
    public static let apiKey = ApiKey.describeLogDirs

    /// Partitions of one topic.
    public typealias Topic = ByTopic<Int32>

    /// The topics, or null for all.
    public var topics: [Topic]?

    /// A request for all logs.
    public init() {}

    /// The fields in the order of the specification.
    public mutating func code(_ c: inout some MessageCoder) throws(CodingError) {
        try c.field(&topics)
        try c.tags()
    }
}

/// How much each log takes.
public struct DescribeLogDirsResponse: Message {
    /// DescribeLogDirs.
    public static let apiKey = ApiKey.describeLogDirs

    /// One of the broker's directories.
    public struct Result: Field, Equatable {
        /// Why the directory cannot be used, or none.
        public var errorCode = ErrorCode.none
        /// Its absolute path.
        public var logDirectory = ""
        /// The logs in it by topic.
        public var topics: [Topic] = []
        /// The size of its file system, in bytes; -1 for unknown (KIP-827).
        public var totalBytes: Int64 = -1
        /// How much of that is free, in bytes; -1 for unknown.
        public var usableBytes: Int64 = -1

        /// A directory without a name.
        public init() {}

        /// The fields in the order of the specification.
        public mutating func code(_ c: inout some MessageCoder) throws(CodingError) {
            try c.field(&errorCode)
            try c.field(&logDirectory)
            try c.field(&topics)
            try c.field(&totalBytes, since: 4)
            try c.field(&usableBytes, since: 4)
            try c.tags()
        }
    }

    /// The logs of one topic.
    public typealias Topic = ByTopic<Partition>

    /// A log.
    public struct Partition: Field, Equatable {
        /// The partition's number.
        public var index: Int32 = 0
        /// The size of its segments, in bytes.
        public var size: Int64 = 0
        /// How many offsets it is behind the high watermark, or a future log behind the log that it will replace.
        public var offsetLag: Int64 = 0
        /// Whether it will replace the partition's log once it has caught up.
        public var isFutureKey = false

        /// An empty log.
        public init() {}

        /// The fields in the order of the specification.
        public mutating func code(_ c: inout some MessageCoder) throws(CodingError) {
            try c.field(&index)
            try c.field(&size)
            try c.field(&offsetLag)
            try c.field(&isFutureKey)
            try c.tags()
        }
    }

    /// How long the request was held back, in milliseconds.
    public var throttleTimeMilliseconds: Int32 = 0
    /// Why there is no answer, or none.
    public var errorCode = ErrorCode.none
    /// The answers by directory.
    public var results: [Result] = []

    /// An empty response.
    public init() {}

    /// The fields in the order of the specification.
    public mutating func code(_ c: inout some MessageCoder) throws(CodingError) {
        try c.field(&throttleTimeMilliseconds)
        try c.field(&errorCode, since: 3)
        try c.field(&results)
        try c.tags()
    }
}
