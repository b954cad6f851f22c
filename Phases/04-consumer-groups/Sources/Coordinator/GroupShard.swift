import SegmentLog
import TopicsPartitions
import WireProtocol

/// The groups of one partition of `__consumer_offsets`: what its log says of them, and what waits for its disk.
struct GroupShard {
    /// The partition that has their records.
    let partition: Partition
    let settings: GroupSettings
    /// Reads the log; nil once all of it has been read.
    private(set) var loader: OffsetsLoader?
    /// Not before then it is read.
    var loadAt = Instant(nanoseconds: 0)
    /// Groups whose members assign partitions themselves, and those of clients that only commit.
    var classic = GroupTable<ClassicGroup>()
    /// Groups of KIP-848.
    var consumer = GroupTable<ConsumerGroup>()
    /// What all of them have committed.
    var offsets = GroupOffsets()
    /// What is done once the log is durable up to a place, in the order of these places.
    var queue: [Waiting] = []

    /// Something that waits for the disk.
    struct Waiting {
        var end: Offset
        var what: What

        enum What {
            /// Records that were written become visible.
            case records([GroupRecord])
            /// An answer goes out.
            case answer(UInt64)
        }
    }

    /// The groups of a partition, which are read from its log if it has one.
    init(_ partition: Partition, hasLog: Bool, _ settings: GroupSettings) {
        self.partition = partition
        self.settings = settings
        loader = hasLog ? OffsetsLoader(partition) : nil
    }

    /// The ids of all groups, and of whatever has offsets, in ascending order.
    var ids: [String] {
        Set((classic.ids + consumer.ids + offsets.groups).map(ExactText.init)).sorted().map(\.text)
    }

    /// Changes a classic group, which need not be there: one that nobody knows is empty. What is as empty afterwards
    /// is not kept.
    mutating func change<Result>(
        classic id: String, time: Int64, _ change: (inout ClassicGroup) -> Result
    ) -> Result {
        let result = change(&classic[id, default: ClassicGroup(id: id, settings: settings, time: time)])
        if let group = classic[id], group.isForgettable, !offsets.hasOffsets(of: id) { classic[id] = nil }
        return result
    }

    /// The same for a group of KIP-848.
    mutating func change<Result>(consumer id: String, _ change: (inout ConsumerGroup) -> Result) -> Result {
        let result = change(&consumer[id, default: ConsumerGroup(id: id, settings: settings)])
        if consumer[id]?.exists == false { consumer[id] = nil }
        return result
    }

    // MARK: Loading

    /// Reads a part of the log. Returns whether all has been read with this.
    mutating func load(maxBytes: Int, _ effects: inout Effects) throws(LogError) -> Bool {
        guard var loader else { return false }
        self.loader = nil
        defer { self.loader = loader }
        let progress = try loader.step(maxBytes: maxBytes, &effects) { record throws(CodingError) in
            try replay(record)
        }
        return progress == .done
    }

    private mutating func replay(_ record: GroupRecord) throws(CodingError) -> Bool {
        let kind = try record.kind
        if kind == GroupMetadataKey.kind {
            let id = try GroupMetadataKey(decoding: record.key).group
            let value = try record.value.map(GroupMetadataValue.init(decoding:))
            classic[id] = value.map { ClassicGroup(id: id, settings: settings, restoring: $0) }
            return true
        }
        if ConsumerGroup.recordKinds.contains(kind) {
            let id = try ConsumerGroup.groupID(of: record)
            try consumer[id, default: ConsumerGroup(id: id, settings: settings)].replay(record)
            return true
        }
        return try offsets.replay(record)
    }

    /// Everything was read: sessions begin, offsets of topics that are gone are removed, and those that no group's
    /// record goes with get one.
    mutating func finishLoading(_ topics: Topics, _ moment: Moment, _ actions: inout GroupActions) {
        loader = nil
        offsets.deleteAll(ofTopics: topics.wasRemoved).forEach { actions.write($0) }
        for id in consumer.ids {
            change(consumer: id) { group in
                group.loaded(at: moment.now, &actions)
                group.topicsChanged(topics.image, &actions)
            }
        }
        for id in classic.ids {
            change(classic: id, time: moment.time) { $0.start(at: moment.now, time: moment.time, &actions) }
        }
        for id in offsets.groups where classic[id] == nil && consumer[id] == nil {
            classic[id] = ClassicGroup(id: id, settings: settings, time: moment.time)
        }
    }

    // MARK: Time

    /// Tells a group the time.
    mutating func expire(_ id: String, _ topics: MetadataImage, _ moment: Moment, _ actions: inout GroupActions) {
        if consumer[id] != nil {
            change(consumer: id) { $0.expire(at: moment.now, topics: topics, &actions) }
        } else if classic[id] != nil {
            change(classic: id, time: moment.time) { $0.expire(at: moment.now, time: moment.time, &actions) }
        }
    }

    /// Removes the offsets of a group that nobody has used for too long, and the group where nothing is left of it.
    mutating func cleanUp(_ id: String, _ moment: Moment, _ actions: inout GroupActions) {
        let expiry = consumer[id]?.offsetExpiry ?? classic[id]?.offsetExpiry ?? .never
        let retention = settings.offsetsRetentionMilliseconds
        offsets.expire(id, expiry, at: moment.time, retention: retention).forEach { actions.write($0) }
        let isEmpty = consumer[id]?.hasMembers == false || classic[id]?.isEmpty == true
        if isEmpty, !offsets.hasOffsets(of: id) { delete(id, &actions) }
    }

    /// Removes a group with all that it has.
    mutating func delete(_ id: String, _ actions: inout GroupActions) {
        offsets.deleteAll(of: id).forEach { actions.write($0) }
        change(consumer: id) { if $0.exists { $0.delete(&actions) } }
        guard let group = classic.removeValue(of: id), group.isRecorded else { return }
        if let tombstone = try? group.tombstone() { actions.write(tombstone) }
    }
}

extension ClassicGroup {
    /// Whether a group like one that was never heard of.
    fileprivate var isForgettable: Bool { isEmpty && !isRecorded && pendingMembers.isEmpty }

    /// From when on its offsets count as unused (KIP-211).
    fileprivate var offsetExpiry: OffsetExpiry {
        switch state {
        case .empty:
            guard protocolType != nil, let stateTimestamp else { return .sinceCommit(subscribedTopics: []) }
            return .since(stateTimestamp)
        case .stable: return subscribedTopics.map { .sinceCommit(subscribedTopics: $0) } ?? .never
        default: return .never
        }
    }
}

extension ConsumerGroup {
    fileprivate var hasMembers: Bool { !members.isEmpty }

    /// From when on its offsets count as unused (KIP-211).
    fileprivate var offsetExpiry: OffsetExpiry { .sinceCommit(subscribedTopics: subscribedTopics) }
}
