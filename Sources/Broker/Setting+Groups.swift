import ConsumerGroups
import TopicsPartitions

extension Setting {
    /// What the coordinator of groups is configured to.
    static let ofGroups: [Setting] = [
        integer(
            ["group.min.session.timeout.ms"], "6000", 1...Int64(Int32.max),
            "the shortest session that a member of a classic group may ask for"
        ) { $0.groups.minSessionTimeoutMilliseconds = Int32($1) },
        integer(
            ["group.max.session.timeout.ms"], "1800000", 1...Int64(Int32.max),
            "the longest session that a member of a classic group may ask for"
        ) { $0.groups.maxSessionTimeoutMilliseconds = Int32($1) },
        integer(
            ["group.initial.rebalance.delay.ms"], "3000", 0...Int64(Int32.max),
            "how long a classic group that was empty waits for more members before it shares out its partitions"
        ) { $0.groups.initialRebalanceDelayMilliseconds = Int32($1) },
        integer(["group.max.size"], "2147483647", 1...Int64(Int32.max), "the most members of a classic group") {
            $0.groups.maxSize = Int($1)
        },
        integer(
            ["group.consumer.session.timeout.ms"], "45000", 1...Int64(Int32.max),
            "after how long without a heartbeat a member of a group of KIP-848 is taken for gone"
        ) { $0.groups.consumerSessionTimeoutMilliseconds = Int32($1) },
        integer(
            ["group.consumer.heartbeat.interval.ms"], "5000", 1...Int64(Int32.max),
            "how often a member of a group of KIP-848 is told to send a heartbeat"
        ) { $0.groups.consumerHeartbeatIntervalMilliseconds = Int32($1) },
        integer(
            ["group.consumer.assignment.interval.ms"], "0", 0...Int64(Int32.max),
            "how long after sharing out a group of KIP-848 does so again at the earliest when members come or go; 0: at once"
        ) { $0.groups.consumerAssignmentIntervalMilliseconds = Int32($1) },
        integer(
            ["group.consumer.max.size"], "2147483647", 1...Int64(Int32.max), "the most members of a group of KIP-848"
        ) { $0.groups.consumerMaxSize = Int($1) },
        Setting(
            names: ["group.consumer.assignors"], type: .list, defaultValue: "uniform,range",
            summary: "the assignors that groups of KIP-848 may choose from, the default first: uniform, range"
        ) { configuration, value throws(ConfigurationError) in
            let names = ConfigType.parts(of: value)
            guard !names.isEmpty, names.allSatisfy(["uniform", "range"].contains), Set(names).count == names.count
            else { throw ConfigurationError("must be uniform, range, or both, separated by a comma") }
            configuration.groups.consumerAssignors = names
        },
        integer(
            ["offsets.topic.num.partitions"], "50", 1...10_000,
            "partitions of __consumer_offsets; it counts only before that topic is there"
        ) { $0.groups.offsetsPartitionCount = Int32($1) },
        Setting(
            names: ["offsets.topic.replication.factor"], type: .int, defaultValue: "1",
            summary: "replicas of __consumer_offsets: only 1, there is no replication"
        ) { _, value throws(ConfigurationError) in
            guard value == "1" else { throw ConfigurationError("only 1 is supported: there is no replication") }
        },
        integer(
            ["offsets.topic.segment.bytes"], "104857600", 1 << 20...Int64(Int32.max),
            "the size of the segments of __consumer_offsets"
        ) { $0.groups.offsetsSegmentBytes = $1 },
        integer(
            ["offsets.retention.minutes"], "10080", 1...Int64(Int32.max),
            "how long offsets are kept after a group's last member has gone"
        ) { $0.groups.offsetsRetentionMilliseconds = $1 * 60_000 },
        integer(
            ["offsets.retention.check.interval.ms"], "600000", 1...Int64.max,
            "how often it is looked which offsets are to be deleted"
        ) { $0.groups.offsetsRetentionCheckIntervalMilliseconds = $1 },
        integer(
            ["offset.metadata.max.bytes"], "4096", 0...Int64(Int32.max), "the longest text beside a committed offset"
        ) { $0.groups.offsetMetadataMaxBytes = Int($1) },
    ]
}
