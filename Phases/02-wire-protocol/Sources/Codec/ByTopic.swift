import SegmentLog

/// What a message says of some partitions of one topic: the shape that most of Kafka's messages have
/// around their partitions.
public struct ByTopic<Partition: Field & Equatable>: Field, Equatable {
    /// The topic's name.
    public var name = ""
    /// What is said of each partition.
    public var partitions: [Partition] = []

    /// A topic without a name or partitions.
    public init() {}

    /// The fields in the order of the specification.
    public mutating func code(_ c: inout some MessageCoder) throws(CodingError) {
        try c.field(&name)
        try c.field(&partitions)
        try c.tags()
    }

    /// The same topic with an answer for each of its partitions, in their order.
    public func map<Answer>(_ answer: (Partition) -> Answer) -> ByTopic<Answer> {
        var answers = ByTopic<Answer>()
        answers.name = name
        answers.partitions = partitions.map(answer)
        return answers
    }
}

/// What became of one partition, where that is all that a message says of it.
public struct PartitionError: Field, Equatable {
    /// The partition's number.
    public var index: Int32 = 0
    /// What went wrong, or none.
    public var errorCode = ErrorCode.none

    /// Partition 0 without an error.
    public init() {}

    /// The fields in the order of the specification.
    public mutating func code(_ c: inout some MessageCoder) throws(CodingError) {
        try c.field(&index)
        try c.field(&errorCode)
        try c.tags()
    }
}
