import SegmentLog
import Testing
import TopicsPartitions
import WireProtocol

@testable import ConsumerGroups

/// A consumer as KIP-848 has it: it knows its epoch, uses what it has, and gives up slowly what it is to lose.
struct ModelConsumer {
    var id: String
    var instance: String?
    var names: [String]?
    var regex: String?
    var epoch: Int32 = 0
    /// What it uses.
    var owned: Set<TopicIDPartition> = []
    /// What it was told to have.
    var told: Set<TopicIDPartition> = []
    /// An answer was lost: it tells all of itself the next time.
    var isInDoubt = false

    var request: ConsumerGroupHeartbeatRequest {
        var request = ConsumerGroupHeartbeatRequest.member(id, epoch: epoch, owning: owned, instance: instance)
        if epoch == 0 || isInDoubt {
            request.rebalanceTimeoutMilliseconds = 30_000
            request.subscribedTopicNames = names
            request.subscribedTopicRegex = regex
        }
        return request
    }

    /// It gives everything up, and joins anew.
    mutating func begin() { (epoch, owned, told, isInDoubt) = (0, [], [], false) }
}

/// Many consumers, a group, and what may happen to them; with the invariants that must hold after each step.
struct ConsumerGroupModel {
    var world: ConsumerGroupWorld
    var random: SplitMix64
    var consumers: [ModelConsumer] = []
    /// Static members that have left for a while: their instance ids.
    var released: [ModelConsumer] = []
    /// Every request that was sent, to be sent once more.
    var past: [ConsumerGroupHeartbeatRequest] = []
    /// A group that has seen nothing but the records.
    var follower: ConsumerGroup
    var epochs: [String: Int32] = [:]
    var groupEpoch: Int32 = 0
    var names = 0

    init(seed: UInt64) throws {
        random = SplitMix64(seed: seed)
        // Every other group puts its targets off.
        var settings = GroupSettings()
        if seed % 2 == 1 { settings.consumerAssignmentIntervalMilliseconds = 5_000 }
        world = ConsumerGroupWorld(seed: seed, settings: settings)
        follower = ConsumerGroup(id: "g", settings: world.settings)
        try world.grow("t0", to: 3)
        try world.grow("t1", to: 2)
    }

    // MARK: Steps

    mutating func step() throws {
        switch random.below(100) {
        case 0..<12: try join()
        case 12..<60: if let index = some() { try beat(index) }
        case 60..<66: if let index = some() { try leave(index) }
        case 66..<69: if let index = some() { consumers.remove(at: index) }
        case 69..<73: try comeBack()
        case 73..<78: if let request = past.isEmpty ? nil : past[random.below(past.count)] { try repeatOld(request) }
        case 78..<83: try changeSubscription()
        case 83..<89: try changeTopics()
        case 89..<92: try world.restart()
        case 92..<97: try commit()
        default: world.pass(milliseconds: Int64(random.below(25_000)))
        }
        try check()
    }

    private mutating func some() -> Int? { consumers.isEmpty ? nil : random.below(consumers.count) }

    private mutating func join() throws {
        guard consumers.count < 7 else { return }
        names += 1
        var consumer = ModelConsumer(id: "m\(names)", names: subscription())
        if random.chance(25) { (consumer.names, consumer.regex) = (nil, ["t.*", "t[01]", "x"][random.below(3)]) }
        if random.chance(30) { consumer.instance = "i\(random.below(3))" }
        consumers.append(consumer)
        try beat(consumers.count - 1)
    }

    private mutating func subscription() -> [String] { ["t0", "t1", "t2"].filter { _ in random.chance(60) } }

    /// Some of what a consumer is to lose goes, and it says what it has. The answer may be lost.
    mutating func beat(_ index: Int, loses: Bool? = nil) throws {
        var consumer = consumers[index]
        for partition in consumer.owned.subtracting(consumer.told).sorted() where loses == false || random.chance(50) {
            consumer.owned.remove(partition)
        }
        let request = consumer.request
        past.append(request)
        let answer = world.heartbeat(request)
        if loses ?? random.chance(10) {
            consumer.isInDoubt = true
            consumers[index] = consumer
            return
        }
        consumer.isInDoubt = false
        switch answer.errorCode {
        case .none:
            consumer.epoch = answer.memberEpoch
            if let assigned = answer.assigned {
                consumer.told = assigned
                consumer.owned.formUnion(assigned)
            }
            consumers[index] = consumer
        case .fencedMemberEpoch, .unknownMemberID, .groupIDNotFound:
            consumer.begin()
            consumers[index] = consumer
        case .unreleasedInstanceID, .fencedInstanceID: consumers.remove(at: index)
        default: try hold(false, "\(answer.errorCode): \(answer.errorMessage ?? "")")
        }
    }

    private mutating func leave(_ index: Int) throws {
        var consumer = consumers.remove(at: index)
        let isForAWhile = consumer.instance != nil && random.chance(60)
        consumer.begin()
        let epoch: Int32 = isForAWhile ? -2 : -1
        let answer = world.heartbeat(.member(consumer.id, epoch: epoch, instance: consumer.instance))
        if isForAWhile && answer.errorCode == .none { released.append(consumer) }
    }

    private mutating func comeBack() throws {
        guard !released.isEmpty else { return }
        var consumer = released.remove(at: random.below(released.count))
        guard !consumers.contains(where: { $0.instance == consumer.instance }) else { return }
        if random.chance(70) {
            names += 1
            consumer.id = "m\(names)"
        }
        consumers.append(consumer)
        try beat(consumers.count - 1)
    }

    /// A request comes once more, long after. One of a consumer that lives is refused where its epoch is older than the
    /// one before: what it says of partitions is no longer true. A dead consumer's may do as it likes.
    private mutating func repeatOld(_ request: ConsumerGroupHeartbeatRequest) throws {
        guard consumers.contains(where: { $0.id == request.memberID }) else {
            _ = world.heartbeat(request)
            return
        }
        guard request.memberEpoch > 0, let assignment = world.group.members[request.memberID]?.assignment,
            request.memberEpoch != assignment.epoch, request.memberEpoch != assignment.previousEpoch
        else { return }
        try hold(world.heartbeat(request).errorCode == .fencedMemberEpoch, "I4.6: an old epoch is taken")
        try hold(world.written.isEmpty, "I4.6: an old epoch changes something")
    }

    private mutating func changeSubscription() throws {
        guard let index = some() else { return }
        (consumers[index].names, consumers[index].regex) = (subscription(), ["", "t[12]"][random.below(2)])
        consumers[index].isInDoubt = true
        try beat(index)
    }

    private mutating func changeTopics() throws {
        let name = "t\(random.below(4))"
        if random.chance(30) { try world.delete(name) } else { try world.grow(name, to: Int32(1 + random.below(6))) }
        world.topicsChanged()
    }

    /// I4.9: what a consumer may use it may commit, with the epoch that it knows; nothing else with an old one.
    private mutating func commit() throws {
        guard let index = some() else { return }
        let consumer = consumers[index]
        guard let member = world.group.members[consumer.id], consumer.epoch > 0, member.assignment.epoch >= 0 else {
            return
        }
        for partition in world.topics.partitions {
            let code = world.group.checkCommit(
                memberID: consumer.id, memberEpoch: consumer.epoch, version: 9, topicID: partition.topicID,
                partition: partition.partition)
            if consumer.told.contains(partition) && consumer.owned.contains(partition) {
                try hold(code == .none, "I4.9: \(consumer.id) commits what it has")
            } else if consumer.epoch < member.assignment.epoch, member.assignment.assigned[partition] == nil,
                member.assignment.pendingRevocation[partition] == nil
            {
                try hold(code == .staleMemberEpoch, "I4.9: \(consumer.id) commits what it has not")
            }
        }
    }

    // MARK: What must hold

    /// The first fault ends a run: what follows from it says no more.
    private func hold(_ condition: @autoclosure () throws -> Bool, _ words: String) throws {
        if try !condition() { throw Broken(words: words) }
    }

    /// What did not hold.
    struct Broken: Error {
        let words: String
    }

    mutating func check() throws {
        let group = world.group
        var seen: [TopicIDPartition: String] = [:]
        for (id, member) in group.members.sorted(by: { $0.key < $1.key }) {
            let assignment = member.assignment
            for partition in Array(assignment.assigned.keys) + Array(assignment.pendingRevocation.keys) {
                try hold(seen[partition] == nil, "I4.5: \(id) and \(seen[partition] ?? "") have \(partition)")
                seen[partition] = id
            }
            try hold(assignment.epoch <= group.epoch, "I4.6: \(id) is ahead of its group")
            if assignment.epoch >= 0, let last = epochs[id], last >= 0 {
                try hold(assignment.epoch >= last, "I4.6: \(id) went back")
            }
        }
        try hold(seen == group.owners, "I4.5: the owners are those of the members")
        for consumer in consumers where consumer.epoch > 0 && group.members[consumer.id] != nil {
            for partition in consumer.owned {
                try hold(seen[partition] == consumer.id, "I4.5: \(consumer.id) uses \(partition)")
            }
        }
        for (regex, expression) in group.expressions {
            let meant = ["t.*": ["t0", "t1", "t2", "t3"], "t[01]": ["t0", "t1"], "t[12]": ["t1", "t2"]][regex] ?? []
            let matched = meant.filter { world.topics.topics[$0] != nil }
            try hold(expression.topics == matched, "\(regex) stands for what it matches")
        }
        try hold(group.epoch >= groupEpoch, "I4.6: the group went back")
        try hold(group.assignmentEpoch <= group.epoch, "I4.6: the target is ahead of its group")
        groupEpoch = group.epoch
        epochs = group.members.mapValues(\.assignment.epoch)
        try checkReplay()
    }

    /// I4.8: the records make the same group.
    private var replayed = 0
    private mutating func checkReplay() throws {
        for record in world.log[replayed...] { try follower.replay(record) }
        replayed = world.log.count
        var copy = follower
        var actions = GroupActions()
        copy.loaded(at: world.now, &actions)
        try hold(DurableGroup(copy) == DurableGroup(world.group), "I4.8: the records make the same group")
    }

    /// I4.7: when nothing happens but heartbeats, everyone gets what it is to have.
    mutating func settle() throws {
        for _ in 0..<8 {
            for index in consumers.indices.reversed() { try beat(index, loses: false) }
            world.pass(milliseconds: 6_000)
            try check()
        }
        for _ in 0..<4 { for index in consumers.indices.reversed() { try beat(index, loses: false) } }
        try check()
        let group = world.group
        try hold(group.state == (consumers.isEmpty ? (group.exists ? .empty : .dead) : .stable), "I4.7: it settles")
        var wanted = Set(world.topics.partitions)
        wanted = wanted.filter { partition in
            world.topics[partition.topicID].map { group.isSubscribed(to: $0.name) } ?? false
        }
        try hold(Set(group.owners.keys) == wanted, "I4.7: every partition has its consumer")
        for consumer in consumers {
            try hold(Set(group.members[consumer.id]?.assignment.assigned.keys ?? [:].keys) == consumer.owned, "I4.7")
            try hold(TopicIDPartition.all(group.targets[consumer.id] ?? [:]) == consumer.owned, "I4.7")
        }
        // Compaction leaves the last record of each key.
        var last: [[UInt8]: Int] = [:]
        for (index, record) in world.log.enumerated() { last[record.key.array] = index }
        let compacted = last.values.sorted().map { world.log[$0] }
        try hold(try DurableGroup(world.replayed(compacted)) == DurableGroup(group), "I4.8: compacted")
    }
}

extension MetadataImage {
    /// All partitions, ascending.
    var partitions: [TopicIDPartition] {
        topics.values.flatMap { topic in
            topic.partitions.map { TopicIDPartition(topicID: topic.id, partition: $0.index) }
        }
        .sorted()
    }
}
