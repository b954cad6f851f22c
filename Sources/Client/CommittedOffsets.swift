import WireProtocol

/// The offsets of a group on their way to and from its coordinator (OffsetCommit, OffsetFetch).
///
/// - IC.6: one commit is on its way at a time, in the order in which they were asked for: none overtakes another, so
///   that a group's offset goes back only where its user says so.
struct CommittedOffsets: Sendable {
    /// Offsets to be stored.
    struct Commit: Sendable {
        /// The question to answer; nil for an automatic commit.
        var question: UInt64?
        var offsets: [TopicPartition: OffsetAndMetadata]
        /// Whether a failure that may mend itself is tried again.
        var isRetried: Bool
        var call: CallID?
        /// The generation or member epoch that it was sent with.
        var sentBy: Int32 = -1
        var retryAt: Instant?
        /// Not stored by then, an automatic commit is given up.
        var deadline: Instant?
    }

    /// Offsets that are asked for.
    struct Fetch: Sendable {
        enum Owner: Equatable, Sendable {
            /// Where to begin to read: partitions by index and generation.
            case positions([TopicPartition: Position])
            /// The question of this number.
            case question(UInt64)
        }
        struct Position: Equatable, Sendable {
            var index: Int
            var generation: UInt64
        }

        var owner: Owner
        /// In ascending order.
        var partitions: [TopicPartition]
        var call: CallID?
        var retryAt: Instant?
    }

    var commits: [Commit] = []
    var fetches: [Fetch] = []

    /// Whether an automatic commit is not done yet.
    var isCommittingAutomatically: Bool { commits.contains { $0.question == nil } }

    /// Stores what was read. An automatic commit that has not been sent yet is overtaken by it.
    mutating func commitAutomatically(_ offsets: [TopicPartition: OffsetAndMetadata]) {
        if offsets.isEmpty { return }
        if let last = commits.indices.last, commits[last].question == nil, commits[last].call == nil {
            commits[last].offsets.merge(offsets) { _, new in new }
        } else {
            commits.append(Commit(offsets: offsets, isRetried: true))
        }
    }

    /// Nobody waits for these answers any more.
    mutating func cancel(_ question: UInt64) {
        // What is on its way may still be stored.
        commits.removeAll { $0.question == question && $0.call == nil }
        fetches.removeAll { $0.owner == .question(question) }
    }

    /// Partitions have other indices: each one's new index is in `places`, if it is still read.
    mutating func move(_ places: [Int: Int]) {
        for index in fetches.indices {
            guard case .positions(let asked) = fetches[index].owner else { continue }
            fetches[index].owner = .positions(
                asked.compactMapValues { position in
                    places[position.index].map { Fetch.Position(index: $0, generation: position.generation) }
                })
        }
    }

    /// When something is to be tried again.
    func nextDeadline(after now: Instant) -> Instant? {
        (commits.prefix(1).flatMap { [$0.retryAt, $0.deadline] } + fetches.map(\.retryAt))
            .compactMap { $0 }.filter { $0 > now }.min()
    }
}

extension OffsetCommitRequest {
    /// Stores the offsets of a group for one of its members, or for a client that is none.
    init(_ offsets: [TopicPartition: OffsetAndMetadata], group: String, member: GroupMembership?) {
        self.init()
        groupID = group
        if let member, member.epoch >= 0 {
            generationIDOrMemberEpoch = member.epoch
            memberID = member.memberID
            groupInstanceID = member.configuration.groupInstanceID
        }
        topics = offsets.keys.byTopic { name in
            var partition = Partition()
            partition.index = name.partition
            partition.committedOffset = offsets[name]?.offset ?? 0
            partition.committedLeaderEpoch = offsets[name]?.leaderEpoch ?? -1
            partition.committedMetadata = offsets[name]?.metadata
            return partition
        }
    }
}

extension OffsetFetchRequest {
    /// Asks for the offsets of a group; all that it has for nil. Those that a transaction may still change are refused.
    init(_ partitions: [TopicPartition]?, group: String, member: GroupMembership? = nil) {
        self.init()
        requireStable = true
        topics = partitions?.protocolTopics.map { entry in
            var topic = Topic()
            topic.name = entry.topic
            topic.partitionIndexes = entry.partitions
            return topic
        }
        groupID = group
        var asked = Group()
        asked.groupID = group
        asked.topics = topics
        if let member, member.usesServerProtocol, member.epoch >= 0 {
            asked.memberID = member.memberID
            asked.memberEpoch = member.epoch
        }
        groups = [asked]
    }
}

extension OffsetFetchResponse {
    /// The error for the one group that was asked about, in any version.
    var groupError: ErrorCode { groups.first?.errorCode ?? errorCode }

    /// What is said of each partition of it.
    var byPartition: [TopicPartition: Partition] {
        var found: [TopicPartition: Partition] = [:]
        for topic in groups.first?.topics ?? topics {
            for partition in topic.partitions { found[TopicPartition(topic.name, partition.index)] = partition }
        }
        return found
    }
}

extension OffsetFetchResponse.Partition {
    /// The offset; nil where there is none.
    var offsetAndMetadata: OffsetAndMetadata? {
        committedOffset < 0
            ? nil : OffsetAndMetadata(committedOffset, leaderEpoch: committedLeaderEpoch, metadata: metadata ?? "")
    }
}

extension Sequence<TopicPartition> {
    /// What is said of each partition, by topic, in ascending order.
    func byTopic<Partition>(_ say: (TopicPartition) -> Partition) -> [ByTopic<Partition>] {
        var topics: [ByTopic<Partition>] = []
        for name in sorted() {
            if topics.last?.name != name.topic {
                topics.append(ByTopic())
                topics[topics.count - 1].name = name.topic
            }
            topics[topics.count - 1].partitions.append(say(name))
        }
        return topics
    }
}
