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
}
