import SegmentLog
import WireProtocol

/// A topic that is about to be made.
struct NewTopic {
    let name: String
    let id: Uuid
    /// What it sets itself, by the configs' names.
    let configs: [String: String]
    /// The brokers of each partition, the preferred leader first.
    let replicas: [[Int32]]

    /// What makes it, in Kafka's order: the topic, its configs, its partitions.
    var records: [MetadataRecord] {
        [.topic(TopicRecord(name: name, topicID: id))]
            + configs.keys.sorted().map {
                .config(ConfigRecord(.topic(name), name: $0, value: configs[$0]))
            }
            + replicas.enumerated().map { index, brokers in
                .partition(PartitionRecord(index: Int32(index), topicID: id, replicas: brokers))
            }
    }
}

/// Chooses the brokers of partitions, and checks those that a client has chosen.
struct ReplicaPlacement {
    private let brokers: [Int32]

    /// Among the brokers of this cluster.
    init(in view: ClusterView) { brokers = view.brokers.map(\.id) }

    /// The brokers of `count` partitions, of which the first has the number `first`: in turn, each a leader as
    /// often as any other.
    func place(_ count: Int, from first: Int = 0, factor: Int) throws(Refusal) -> [[Int32]] {
        guard factor <= brokers.count else {
            throw Refusal(
                .invalidReplicationFactor,
                "a replication factor of \(factor) needs as many brokers, and there are \(brokers.count) only")
        }
        return (first..<first + count).map { partition in
            (0..<factor).map { brokers[(partition + $0) % brokers.count] }
        }
    }

    /// Checks the brokers that a client has chosen for a partition; `factor` is how many the partitions before
    /// it have.
    func check(_ chosen: [Int32], factor: Int?) throws(Refusal) {
        func refused(_ reason: String) -> Refusal {
            Refusal(.invalidReplicaAssignment, "an assignment names \(reason)")
        }
        guard !chosen.isEmpty else { throw refused("no broker") }
        var seen = Set<Int32>()
        for broker in chosen {
            guard brokers.contains(broker) else {
                throw refused("broker \(broker), which there is not")
            }
            guard seen.insert(broker).inserted else { throw refused("broker \(broker) twice") }
        }
        guard factor == nil || factor == chosen.count else {
            throw refused("\(chosen.count) brokers, and other partitions have \(factor ?? 0)")
        }
    }
}
