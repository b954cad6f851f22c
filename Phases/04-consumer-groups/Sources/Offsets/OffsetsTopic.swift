import TopicsPartitions

/// `__consumer_offsets`: the internal topic in whose partitions groups keep their state (ADR-0403).
///
///     OffsetsTopic.partition(of: "billing", count: 50)   // whose leader coordinates the group
public enum OffsetsTopic {
    /// Its name.
    public static let name = "__consumer_offsets"

    /// The partition of a group, of `count`, at least 1: Java's hash of the group's name, without its sign. Every
    /// client, tool and broker of Kafka's finds the same, for as long as the number of partitions does not change.
    public static func partition(of group: String, count: Int32) -> Int32 {
        let hash = group.utf16.reduce(Int32(0)) { $0 &* 31 &+ Int32($1) }
        // As in Kafka, the number whose absolute value is none counts as 0.
        return (hash == .min ? 0 : abs(hash)) % max(count, 1)
    }

    /// What it sets itself when it is made, by the configs' names.
    public static func configs(_ settings: GroupSettings) -> [String: String] {
        [
            "cleanup.policy": "compact", "compression.type": "producer",
            "segment.bytes": "\(settings.offsetsSegmentBytes)",
            // A group is one record, however many members it has, and what belongs together is one batch.
            "max.message.bytes": "\(settings.maxBatchBytes)",
        ]
    }
}
