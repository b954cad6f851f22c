/// Who has which partition, as the members themselves say: from user data or owned partitions, which nobody checks
/// but the one who reads them.
///
/// Of several members that claim a partition, the one with the newest generation has it: the others were not there
/// when it was given away (KIP-792). Where two claim it in the same generation nobody has it.
struct ClaimedPartitions {
    /// By partition, who has it.
    private(set) var homes: [Int?]
    /// By partition, the newest generation in which it was claimed.
    private var generations: [Int32]
    /// By partition, everybody who claims it.
    private(set) var claimants: [[Int]]

    /// No partition of `table` is claimed.
    init(_ table: PartitionTable<some Hashable>) {
        homes = Array(repeating: nil, count: table.partitionCount)
        generations = Array(repeating: Int32.min, count: table.partitionCount)
        claimants = Array(repeating: [], count: table.partitionCount)
    }

    /// Notes that `member` says it has a partition since `generation`. A partition that is not in the table is left
    /// out; one of a topic that the member does not want any more is claimed, but is not at home there.
    mutating func claim<Topic>(
        _ topic: Topic, _ partition: Int32, by member: Int, since generation: Int32, in table: PartitionTable<Topic>
    ) {
        guard let (topic, partition) = table.find(topic, partition), !claimants[partition].contains(member) else { return }
        claimants[partition].append(member)
        guard table.isSubscribed(member, to: topic) else { return }
        if generation > generations[partition] {
            generations[partition] = generation
            homes[partition] = member
        } else if generation == generations[partition] {
            homes[partition] = nil
        }
    }
}
