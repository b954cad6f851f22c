import WireProtocol

/// What a cluster's metadata says at one point of its log: topics, partitions and configs.
///
/// Two brokers that have applied the same records have the same image.
///
/// - I3.1: ids are used once; a name belongs to at most one topic.
/// - I3.2: a topic's partitions are numbered from 0 without a gap.
public struct MetadataImage: Equatable, Sendable {
    /// A topic.
    public struct Topic: Equatable, Sendable {
        /// Its name.
        public var name: String
        /// Its id.
        public var id: Uuid
        /// Its partitions, by their numbers.
        public var partitions: [PartitionRecord] = []
    }

    /// A thing that has configs.
    public struct Resource: Hashable, Sendable {
        /// Its kind.
        public var kind: Int8
        /// The topic's name, or the broker's id.
        public var name: String

        /// The resource of this kind and name.
        public init(kind: Int8, name: String) {
            self.kind = kind
            self.name = name
        }
    }

    /// The topics by name.
    public private(set) var topics: [String: Topic] = [:]
    private var names: [Uuid: String] = [:]
    /// What each resource's configs were set to, by their names.
    public private(set) var configs: [Resource: [String: String]] = [:]

    /// No topics, and nothing set.
    public init() {}

    /// The topic of this id.
    public subscript(id: Uuid) -> Topic? { names[id].flatMap { topics[$0] } }

    /// The names of all topics, in ascending order.
    public var topicNames: [String] { topics.keys.sorted() }

    /// What these records touch: a change that can follow it can follow the whole. It is as large as the
    /// change, and the topics that it touches.
    func part(touchedBy records: [MetadataRecord]) -> MetadataImage {
        var part = MetadataImage()
        for record in records {
            switch record {
            case .topic(let topic):
                part.take(topics[topic.name])
                part.take(self[topic.topicID])
            case .partition(let partition): part.take(self[partition.topicID])
            case .removeTopic(let removed): part.take(self[removed.topicID])
            case .config: break
            }
        }
        return part
    }

    private mutating func take(_ topic: Topic?) {
        guard let topic, topics[topic.name] == nil else { return }
        topics[topic.name] = topic
        names[topic.id] = topic.name
    }

    /// Takes in the next record of the log.
    public mutating func apply(_ record: MetadataRecord) throws(MetadataError) {
        switch record {
        case .topic(let topic):
            guard topics[topic.name] == nil, names[topic.topicID] == nil else {
                throw .inconsistent("topic \(topic.name) (\(topic.topicID)) is there already")
            }
            topics[topic.name] = Topic(name: topic.name, id: topic.topicID)
            names[topic.topicID] = topic.name
        case .partition(let partition): try apply(partition)
        case .config(let config):
            let resource = config.resource
            configs[resource, default: [:]][config.name] = config.value
            if configs[resource]?.isEmpty == true { configs[resource] = nil }
        case .removeTopic(let removed):
            guard let name = names.removeValue(forKey: removed.topicID) else {
                throw .inconsistent("the topic \(removed.topicID), which is removed, is not there")
            }
            topics[name] = nil
            configs[Resource(kind: 2, name: name)] = nil
        }
    }

    private mutating func apply(_ partition: PartitionRecord) throws(MetadataError) {
        guard let name = names[partition.topicID], let count = topics[name]?.partitions.count else {
            throw .inconsistent("partition \(partition.index) belongs to no topic (\(partition.topicID))")
        }
        guard partition.index >= 0, Int(partition.index) <= count else {
            throw .inconsistent("topic \(name) has \(count) partitions, and gets number \(partition.index)")
        }
        if Int(partition.index) == count {
            topics[name]?.partitions.append(partition)
        } else {
            topics[name]?.partitions[Int(partition.index)] = partition
        }
    }
}
