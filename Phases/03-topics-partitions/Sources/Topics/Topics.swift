import SegmentLog
import WireProtocol

/// The topics of a broker: what the metadata log says there is, with a partition for each that it names.
///
/// Whoever changes something appends records: first they become durable in the metadata log, then the
/// topics follow them. A partition's directory is made when it is first used.
public struct Topics {
    /// A topic and its partitions.
    public struct Topic {
        /// Its name.
        public let name: String
        /// Its id.
        public let id: Uuid
        /// What it is configured to.
        public internal(set) var config: TopicConfig
        /// Its partitions by their numbers.
        public internal(set) var partitions: [Partition] = []
        /// Whether it holds a broker's own state.
        public var isInternal: Bool { TopicName.internalNames.contains(name) }

        /// The partition of this number, or nil.
        public func partition(_ number: Int32) -> Partition? {
            partitions.indices.contains(Int(number)) ? partitions[Int(number)] : nil
        }
    }

    /// The logs.
    public let directory: LogDirectory
    /// The broker whose topics they are.
    let nodeID: Int32
    /// What topics that set nothing had when the broker was started.
    let startedWith: TopicConfig
    /// What they have since then, for brokers' configs can be changed by request.
    public private(set) var defaults: TopicConfig
    /// What was found at start, for the ready line and the operator's log.
    public private(set) var recovery = RecoverySummary()

    private var metadata: MetadataLog
    private var byName: [String: Topic] = [:]
    private var namesByID: [Uuid: String] = [:]
    private var collisionKeys: [String: Int] = [:]
    /// In ascending order.
    public private(set) var names: [String] = []
    /// Every partition of every topic, in the order of keys.
    public private(set) var partitions: [Partition] = []
    private var nextKey = 0
    /// The ids of topics that are gone, by their names, since `takeRemoved` was last called.
    private var removed: [String: Uuid] = [:]
    /// How often something was changed since the start.
    public private(set) var changeCount = 0

    /// Reads the metadata log in `storage`, and recovers the partitions' logs after a crash.
    ///
    /// - Parameters:
    ///   - nodeID: the broker whose topics they are.
    ///   - defaults: what topics do not set themselves, by the broker's settings.
    ///   - progress: told how many logs of how many have been recovered.
    public init(
        in storage: any Storage, nodeID: Int32, defaults: TopicConfig, progress: (_ done: Int, _ total: Int) -> Void
    ) throws(LogError) {
        self.nodeID = nodeID
        startedWith = defaults
        self.defaults = defaults
        metadata = try MetadataLog(
            in: try onStorage { () throws(StorageError) in try storage.directory(MetadataLog.directoryName) })
        // The metadata log may be new: nothing in it lasts before its directory does.
        try onStorage(storage.synchronizeDirectory)
        directory = try LogDirectory(
            storage, configuration: defaults.log, excluding: [MetadataLog.directoryName])
        if metadata.isEmpty { try adopt() }
        try followBrokers()
        for name in metadata.image.topicNames {
            guard let topic = metadata.image.topics[name] else { continue }
            try add(name, topic.id)
            for partition in topic.partitions { add(partition, to: name) }
        }
        try sortOut()
        let configs = Dictionary(uniqueKeysWithValues: partitions.map { ($0.name, $0.config.logLimits) })
        try directory.recover(progress: progress, configured: { configs[$0] })
        for (name, recovered) in directory.recovered { recovery.add(recovered, name: name) }
    }

    /// The topic of this name.
    public subscript(name: String) -> Topic? { byName[name] }
    /// The topic of this id.
    public subscript(id: Uuid) -> Topic? { namesByID[id].flatMap { byName[$0] } }
    /// How many there are.
    public var count: Int { byName.count }
    /// What the metadata log adds up to.
    public var image: MetadataImage { metadata.image }

    /// The partition of this key, unless its topic is gone.
    public func partition(key: Int) -> Partition? {
        let place = partitions.partitioningIndex { $0.key >= key }
        return place < partitions.count && partitions[place].key == key ? partitions[place] : nil
    }

    /// Whether there was a topic of this id, and it was deleted.
    public func wasRemoved(_ id: Uuid) -> Bool { metadata.removedTopics.contains(id) }

    /// The topics that were deleted since this was last called: their ids by their names. Of several of one name it
    /// is the last.
    public mutating func takeRemoved() -> [String: Uuid] {
        defer { removed = [:] }
        return removed
    }

    /// Why no topic can be made with this name, or nil if one can.
    public func whyInvalid(_ name: String) -> String? {
        if let reason = TopicName.whyInvalid(name) { return reason }
        return collisionKeys[TopicName.collisionKey(name)] == nil
            ? nil : "another topic's name differs from it in dots and underscores only"
    }

    /// Makes everything durable, and leaves the marker of a clean stop. Nothing may be done afterwards.
    public func close() throws(LogError) {
        try directory.close()
        try metadata.close()
    }

    // MARK: Changes

    /// Appends changes to the metadata log, where they are durable together, and follows them. Returns the
    /// partitions that are gone.
    ///
    /// - Parameter time: now, in milliseconds since 1970.
    public mutating func append(_ records: [MetadataRecord], at time: Int64) throws(LogError) -> [Partition] {
        try metadata.append(records, at: time)
        changeCount += 1
        var removed: [Partition] = []
        for record in records {
            switch record {
            case .topic(let topic): try add(topic.name, topic.topicID)
            case .partition(let partition):
                if let name = namesByID[partition.topicID] { add(partition, to: name) }
            case .config(let config): try follow(config)
            case .removeTopic(let topic): removed += remove(topic.topicID)
            }
        }
        let keys = Set(removed.map(\.key))
        if !keys.isEmpty { partitions.removeAll { keys.contains($0.key) } }
        let made = removed.map(\.name).filter(directory.contains)
        if !made.isEmpty { try directory.detach(made, at: time) }
        return removed
    }

    private mutating func add(_ name: String, _ id: Uuid) throws(LogError) {
        byName[name] = Topic(name: name, id: id, config: try config(of: name))
        namesByID[id] = name
        collisionKeys[TopicName.collisionKey(name), default: 0] += 1
        names.insert(name, at: names.partitioningIndex { $0 >= name })
    }

    private mutating func add(_ record: PartitionRecord, to name: String) {
        guard let topic = byName[name], topic.partitions.count == Int(record.index) else { return }
        let partition = Partition(
            of: topic, number: record.index, key: nextKey, leaderEpoch: record.leaderEpoch, in: directory)
        nextKey += 1
        partitions.append(partition)
        byName[name]?.partitions.append(partition)
    }

    private mutating func follow(_ config: ConfigRecord) throws(LogError) {
        let isTopic = config.resource.isTopic
        if !isTopic { try followBrokers() }
        for name in isTopic ? [config.resourceName] : names {
            let changed = try self.config(of: name)
            byName[name]?.config = changed
            for partition in byName[name]?.partitions ?? [] { partition.config = changed }
        }
    }

    private mutating func followBrokers() throws(LogError) {
        do {
            defaults = try image.topicDefaults(onBroker: nodeID, startedWith: startedWith)
        } catch {
            throw unusable("the brokers", error)
        }
    }

    private mutating func remove(_ id: Uuid) -> [Partition] {
        guard let name = namesByID.removeValue(forKey: id), let topic = byName.removeValue(forKey: name) else {
            return []
        }
        removed[name] = id
        names.remove(at: names.partitioningIndex { $0 >= name })
        let key = TopicName.collisionKey(name)
        collisionKeys[key] = collisionKeys[key].flatMap { $0 > 1 ? $0 - 1 : nil }
        return topic.partitions
    }

    /// What a topic is configured to.
    private func config(of name: String) throws(LogError) -> TopicConfig {
        do { return try image.topicConfig(name, defaults: defaults) } catch { throw unusable(name, error) }
    }

    private func unusable(_ what: String, _ error: ConfigError) -> LogError {
        .storage(StorageError("configure \(what) as in", metadata.path, .other(error.description)))
    }

    // MARK: Starting

    /// Directories that were there before there was a metadata log become its first topics.
    private mutating func adopt() throws(LogError) {
        let (records, leftovers) = try TopicDirectories(directory).topics(on: nodeID)
        for name in leftovers {
            recovery.lines.append("removed \(name): its topic's creation was interrupted, and it holds no records")
        }
        if !leftovers.isEmpty { try directory.detach(leftovers, at: 0) }
        try metadata.append(records, at: 0)
    }

    /// Looks at each partition's directory: those of deleted topics are removed, and those of topics that
    /// were never here are set aside.
    private mutating func sortOut() throws(LogError) {
        let found = TopicDirectories(directory)
        var gone: [String] = []
        for name in directory.names {
            guard let (topic, number) = LogDirectory.partition(name) else { continue }
            let ours = byName[topic].flatMap { number < $0.partitions.count ? $0.id : nil }
            let id = try found.topicID(of: name)
            if let ours, id == nil || id == ours {
                if id == nil { try found.write(ours, into: name) }
                continue
            }
            if let id, metadata.removedTopics.contains(id) {
                gone.append(name)
            } else {
                let aside = try directory.setAside(name)
                recovery.lines.append("set \(name) aside as \(aside): the metadata log knows no such partition")
            }
        }
        if !gone.isEmpty { try directory.detach(gone, at: 0) }
        for name in directory.missing {
            guard let (topic, number) = LogDirectory.partition(name), byName[topic]?.partition(Int32(number)) != nil
            else { continue }
            throw .storage(
                StorageError(
                    "open partition", directory.storage.path + "/" + name,
                    .other(
                        "the directory is missing, and held records; restore it, or take its line out of "
                            + "\(OffsetCheckpoint.recoveryPoints) to begin it again, empty")))
        }
        try directory.forgetMissing()
    }
}

extension RandomAccessCollection where Index == Int {
    /// The index of the first element that `belongsBehind`; all behind it do as well.
    func partitioningIndex(_ belongsBehind: (Element) -> Bool) -> Int {
        var (low, high) = (startIndex, endIndex)
        while low < high {
            let middle = low + (high - low) / 2
            if belongsBehind(self[middle]) { high = middle } else { low = middle + 1 }
        }
        return low
    }
}
