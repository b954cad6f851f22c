import SegmentLog
import TopicsPartitions
import WireProtocol

extension ConsumerGroup {
    /// Takes in that the cluster's topics have changed, or may have while the group was loaded. Where that touches what
    /// its members subscribe to, the group epoch grows, and the next heartbeat makes a new target.
    ///
    /// It costs as much as the group subscribes to topics, with regular expressions as much as there are topics, and for
    /// each of them the match of those that have come.
    public mutating func topicsChanged(_ topics: MetadataImage, _ actions: inout GroupActions) {
        guard !members.isEmpty else { return }
        resolveExpressions(topics, &actions)
        if hash(of: topics) != metadataHash { growEpoch(topics, &actions) }
    }

    /// Looks up which topics the regular expressions stand for: a new one is matched against all of them, the others
    /// only against those that have come.
    mutating func resolveExpressions(_ topics: MetadataImage, _ actions: inout GroupActions) {
        guard !expressions.isEmpty else { return knownTopics = [] }
        let come = topics.topics.keys.filter { !knownTopics.contains($0) }
        let haveGone = knownTopics.count + come.count > topics.topics.count
        if haveGone { knownTopics.formIntersection(topics.topics.keys) }
        knownTopics.formUnion(come)
        for regex in expressions.keys.sorted() {
            guard let expression = expressions[regex], let compiled = expression.compiled else { continue }
            if expression.isResolved && come.isEmpty && !haveGone { continue }
            var value = ConsumerGroupRegularExpressionValue()
            if expression.isResolved {
                value.topics = expression.topics.filter(knownTopics.contains) + compiled.matches(among: come)
            } else {
                value.topics = compiled.matches(among: Array(topics.topics.keys))
            }
            // More than a record can hold is not taken in: the expression keeps what it had, until there are fewer.
            let isTooLong = value.topics.reduce(0) { $0 + $1.utf8.count + 3 } > settings.maxBatchBytes / 2
            expressions[regex]?.isResolved = !isTooLong
            if isTooLong { continue }
            value.topics.sort()
            guard value.topics != expression.topics else { continue }
            expressions[regex]?.topics = value.topics
            write(ConsumerGroupRegularExpressionKey(groupID: id, regularExpression: regex), value, &actions)
        }
    }

    /// Begins the next group epoch, with the topics as they are.
    mutating func growEpoch(_ topics: MetadataImage, _ actions: inout GroupActions) {
        for regex in expressions.filter({ $0.value.memberCount <= 0 }).keys.sorted() {
            expressions[regex] = nil
            write(ConsumerGroupRegularExpressionKey(groupID: id, regularExpression: regex), nil, &actions)
        }
        metadataHash = hash(of: topics)
        // An epoch that came from a log as the greatest number stays there: nothing overflows.
        epoch = max(epoch, 0)
        if epoch < .max { epoch += 1 }
        let value = ConsumerGroupMetadataValue(epoch: epoch, metadataHash: metadataHash)
        write(ConsumerGroupMetadataKey(groupID: id), value, &actions)
    }

    /// Makes the target for the group epoch, and writes what is new in it. The next one is put off, so that members that
    /// come or go soon after each other cost one target together (KIP-1263).
    mutating func assign(_ topics: MetadataImage, at now: Instant, _ actions: inout GroupActions) {
        let interval = Int64(settings.consumerAssignmentIntervalMilliseconds)
        assignmentHeldUntil = interval > 0 ? now.advanced(byMilliseconds: interval) : nil
        let input = targetInput(topics)
        let assignor: any ServerAssignor = assignorName == "range" ? ServerRangeAssignor() : UniformAssignor()
        let made = assignor.assign(input)
        for member in input.members {
            let target = made[member.memberID] ?? [:]
            if targets[member.memberID] != target { set(target, of: member.memberID, &actions) }
        }
        assignmentEpoch = epoch
        let value = ConsumerGroupTargetAssignmentMetadataValue(assignmentEpoch: epoch)
        write(ConsumerGroupTargetAssignmentMetadataKey(groupID: id), value, &actions)
    }

    /// What the target is made from. Members of a group mostly want the same: who wants what the one before wants shares
    /// its array.
    private func targetInput(_ topics: MetadataImage) -> TargetAssignmentInput {
        var input = TargetAssignmentInput(members: [], partitionCounts: [:])
        input.members.reserveCapacity(members.count)
        var before: (names: [String], regex: String?, subscribed: [Uuid])?
        for memberID in members.keys.sorted() {
            guard let metadata = members[memberID]?.metadata else { continue }
            if before == nil || before?.names != metadata.subscribedTopicNames || before?.regex != metadata.regex {
                let wanted = self.topics(of: metadata).compactMap { topics.topics[$0] }
                for topic in wanted { input.partitionCounts[topic.id] = Int32(clamping: topic.partitions.count) }
                let subscribed = wanted.map(\.id).sorted { ($0.high, $0.low) < ($1.high, $1.low) }
                before = (metadata.subscribedTopicNames, metadata.regex, subscribed)
            }
            input.members.append(
                TargetAssignmentInput.Member(
                    memberID: memberID, instanceID: metadata.instanceID, rack: metadata.rackID,
                    subscribed: before?.subscribed ?? [], target: targets[memberID] ?? [:]))
        }
        return input
    }

    /// The assignor that most members ask for; the first in the settings where they are even, or nobody asks.
    var assignorName: String {
        var votes: [String: Int] = [:]
        for member in members.values {
            if let name = member.metadata.serverAssignor { votes[name, default: 0] += 1 }
        }
        var chosen = settings.consumerAssignors.first ?? "uniform"
        for name in settings.consumerAssignors where votes[name] ?? 0 > votes[chosen] ?? 0 { chosen = name }
        return chosen
    }

    /// The topics that a member subscribes to, each once.
    func topics(of metadata: ConsumerGroupMemberMetadataValue) -> [String] {
        guard let regex = metadata.regex, let matched = expressions[regex]?.topics, !matched.isEmpty else {
            return metadata.subscribedTopicNames
        }
        return Array(Set(matched).union(metadata.subscribedTopicNames))
    }

    /// A number that changes with the subscribed topics: their names, ids and counts of partitions (KIP-1101; FNV-1a,
    /// where Kafka has XXH3). 0 for none.
    private func hash(of topics: MetadataImage) -> Int64 {
        var hash: UInt64 = 0
        for name in subscribedTopics.sorted() {
            guard let topic = topics.topics[name] else { continue }
            if hash == 0 { hash = 0xCBF2_9CE4_8422_2325 }
            for byte in name.utf8 { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01B3 }
            for word in [topic.id.high, topic.id.low, UInt64(topic.partitions.count)] {
                for shift in stride(from: UInt64(0), to: 64, by: 8) {
                    hash = (hash ^ (word >> shift & 0xFF)) &* 0x100_0000_01B3
                }
            }
        }
        return Int64(bitPattern: hash)
    }
}
