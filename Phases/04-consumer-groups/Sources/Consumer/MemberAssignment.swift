import WireProtocol

/// What a member of a consumer group has, and how far it is on its way to the target: the reconciliation of KIP-848.
///
/// A member first gives up what it is not to have; only when it has said that it did, it goes on to the target's epoch
/// and is given what it is to have, as far as nobody else has it still.
///
/// - I4.5: no partition is in two members' `assigned` and `pendingRevocation` together.
/// - I4.6: a member's epoch never exceeds its group's, and never falls while it is a member, but where it leaves for
///   a while (-2) as a static member.
struct MemberAssignment: Equatable, Sendable {
    /// What a member waits for. The numbers are Kafka's on disk.
    enum State: Int8, Sendable {
        /// Nothing: it has what the target of its epoch says.
        case stable = 0
        /// That it gives up what is pending revocation.
        case unrevokedPartitions = 1
        /// That others give up what it is to have.
        case unreleasedPartitions = 2
        /// A newer broker wrote a state that is not known here: the member begins anew, without partitions.
        case unknown = 127
    }

    /// The epoch that it is to send; -2 while it has left for a while.
    var epoch: Int32 = 0
    /// Its epoch before, which it sends again where an answer was lost.
    var previousEpoch: Int32 = -1
    var state = State.stable
    /// What it may use, and the epoch at which it was given each (KIP-1251).
    var assigned: [TopicIDPartition: Int32] = [:]
    /// What it is to give up, and the epoch at which it was given each.
    var pendingRevocation: [TopicIDPartition: Int32] = [:]

    /// Whether it has what the target of this epoch says.
    func isReconciled(to targetEpoch: Int32) -> Bool { state == .stable && epoch == targetEpoch }

    /// Goes as far towards `target` as it can.
    ///
    /// `owned` is what the member says it has, nil where it does not say; `isFree` tells whether a partition belongs
    /// to no other member.
    mutating func reconcile(
        to target: Set<TopicIDPartition>, epoch targetEpoch: Int32, owned: Set<TopicIDPartition>?,
        isFree: (TopicIDPartition) -> Bool
    ) {
        if isReconciled(to: targetEpoch) { return }
        func owns(anyOf partitions: [TopicIDPartition: Int32]) -> Bool {
            guard let owned else { return true }
            return owned.contains { partitions[$0] != nil }
        }
        if state == .unrevokedPartitions && owns(anyOf: pendingRevocation) { return }

        let kept = assigned.filter { target.contains($0.key) }
        let leaving = assigned.filter { !target.contains($0.key) }
        if !leaving.isEmpty && owns(anyOf: leaving) {
            (state, assigned, pendingRevocation) = (.unrevokedPartitions, kept, leaving)
            return
        }
        assigned = kept
        pendingRevocation = [:]
        state = .stable
        for partition in target where assigned[partition] == nil {
            if isFree(partition) { assigned[partition] = targetEpoch } else { state = .unreleasedPartitions }
        }
        if epoch != targetEpoch { (previousEpoch, epoch) = (epoch, targetEpoch) }
    }

    /// While it still has to give up something, it is to give up at once also what it does not subscribe to any more
    /// (KAFKA-19431): until then it could be told of a topic that it has unsubscribed from.
    mutating func release(unlessSubscribed isSubscribed: (Uuid) -> Bool) {
        guard state == .unrevokedPartitions else { return }
        for (partition, epoch) in assigned where !isSubscribed(partition.topicID) {
            assigned[partition] = nil
            pendingRevocation[partition] = epoch
        }
    }

    /// Leaves for a while: what was to be given up is given up, and the rest waits for whoever comes back (KIP-345).
    mutating func release() {
        epoch = -2
        pendingRevocation = [:]
        assigned = assigned.mapValues { _ in 0 }
    }
}

extension MemberAssignment {
    /// The assignment that a record tells of.
    init(_ value: ConsumerGroupCurrentMemberAssignmentValue) {
        epoch = value.memberEpoch
        previousEpoch = value.previousMemberEpoch
        state = State(rawValue: value.state) ?? .unknown
        assigned = Self.epochs(value.assignedPartitions, memberEpoch: epoch)
        pendingRevocation = Self.epochs(value.partitionsPendingRevocation, memberEpoch: epoch)
    }

    /// The record that tells of it.
    var value: ConsumerGroupCurrentMemberAssignmentValue {
        var value = ConsumerGroupCurrentMemberAssignmentValue()
        value.memberEpoch = epoch
        value.previousMemberEpoch = previousEpoch
        value.state = state.rawValue
        value.assignedPartitions = Self.listed(assigned)
        value.partitionsPendingRevocation = Self.listed(pendingRevocation)
        return value
    }

    private static func epochs(
        _ topics: [ConsumerGroupCurrentMemberAssignmentValue.TopicPartitions], memberEpoch: Int32
    ) -> [TopicIDPartition: Int32] {
        var epochs: [TopicIDPartition: Int32] = [:]
        for topic in topics {
            let known = topic.assignmentEpochs?.count == topic.partitions.count ? topic.assignmentEpochs : nil
            for (index, partition) in topic.partitions.enumerated() {
                let key = TopicIDPartition(topicID: topic.topicID, partition: partition)
                epochs[key] = known?[index] ?? max(memberEpoch, 0)
            }
        }
        return epochs
    }

    private static func listed(
        _ epochs: [TopicIDPartition: Int32]
    ) -> [ConsumerGroupCurrentMemberAssignmentValue.TopicPartitions] {
        epochs.keys.byTopic.map { topicID, partitions in
            var topic = ConsumerGroupCurrentMemberAssignmentValue.TopicPartitions()
            topic.topicID = topicID
            topic.partitions = partitions
            topic.assignmentEpochs = partitions.map { epochs[TopicIDPartition(topicID: topicID, partition: $0)] ?? 0 }
            return topic
        }
    }
}
