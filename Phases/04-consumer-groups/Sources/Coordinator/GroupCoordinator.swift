import SegmentLog
import TopicsPartitions
import WireProtocol

/// Serves the APIs of consumer groups: routes each request to its group's machine, writes what the machine wants
/// written to the group's partition of `__consumer_offsets`, and answers once that is durable.
///
///     try coordinator.serve(call, body, from: client, of: view, at: now, &partitions, &server, &effects)
///     …
///     coordinator.advance(at: now, isAwake: isAwake, &partitions, &server, &effects)  // after every event
///
/// The state of a partition's groups is what its log says (ADR-0405): it is read from there at the start, and again
/// where an append has failed.
///
/// - I4.30: no answer tells of a state that is not durable.
public struct GroupCoordinator {
    let settings: GroupSettings
    /// The groups by the number of their partition; none before `__consumer_offsets` is there.
    var shards: [GroupShard] = []
    /// The shards' numbers by the keys of their partitions.
    private var numbers: [Int: Int] = [:]
    /// Requests that wait for their group's answer.
    private var waiting: [GroupWaiter: (call: Call, shard: Int)] = [:]
    private var nextWaiter: UInt64 = 0
    /// Answers that wait for the disk.
    private var held: [UInt64: HeldAnswer] = [:]
    private var nextHeld: UInt64 = 0
    /// When groups are to be told the time.
    private var deadlines = DeadlineQueue<ExactText>()
    /// When it is looked for offsets that are too old; nil until there are any groups.
    private var cleanupAt: Instant?
    /// The shard whose turn it is then.
    private var cleanupShard = 0
    /// The time that was last asked for.
    private var wakeAt: Instant?
    /// The changes of topics that the groups know of; nil before the first look.
    private var knownChanges: Int?
    var random: SplitMix64
    /// What ended the coordinator: the groups cannot be read. Nothing more may be answered.
    public private(set) var failure: String?

    /// An answer that waits until what it tells of is durable.
    private struct HeldAnswer {
        var call: Call
        var response: any GroupResponse
        /// How many partitions it still waits for.
        var missing: Int
    }

    /// How much of a log is read before others have their turn.
    private static let loadBytes = 1 << 20
    /// How long a shard waits before it is read again: the disk that refused a record may still be full.
    private static let reloadDelayMilliseconds: Int64 = 100

    /// Coordinates no groups yet; `seed` begins all randomness: members' ids.
    public init(_ settings: GroupSettings, seed: UInt64) {
        self.settings = settings
        random = SplitMix64(seed: seed)
    }

    /// Whether no answer waits for the disk.
    public var isIdle: Bool { held.isEmpty }

    // MARK: Inputs, and what comes of them

    /// A number for a request that a group is to answer.
    mutating func waiter(for call: Call, of shard: Int) -> GroupWaiter {
        let waiter = GroupWaiter(nextWaiter)
        nextWaiter += 1
        waiting[waiter] = (call, shard)
        return waiter
    }

    /// Does what a shard's machines want done. Where the records cannot be written, the shard is read again: these
    /// answers become the error that is returned, and everybody else who waits is to ask again.
    ///
    /// - Parameter isAtomic: whether the records must go together; others may be as many as they like.
    @discardableResult
    mutating func perform(
        _ actions: GroupActions, of group: String?, isAtomic: Bool = true, _ number: Int, at now: Instant,
        _ partitions: inout PartitionServer, _ server: inout RequestServer, _ effects: inout Effects
    ) -> ErrorCode {
        if !actions.records.isEmpty {
            do {
                let end = try partitions.append(
                    actions.records, isAtomic: isAtomic, to: shards[number].partition, at: now, &server, &effects)
                if let end { shards[number].queue.append(.init(end: end.offset, what: .records(actions.records))) }
            } catch {
                let code = error.isBatchTooLarge ? ErrorCode.unknownServerError : .notCoordinator
                effects.log(
                    .error, "groups_not_written",
                    ["partition": shards[number].partition.name, "error": error.description])
                for (waiter, _) in actions.answers {
                    guard let (call, _) = waiting.removeValue(forKey: waiter) else { continue }
                    server.answer(call, with: call.api.groupResponse(refusing: code), &effects)
                }
                reload(number, at: now, &server, &effects)
                return code
            }
        }
        for (waiter, answer) in actions.answers {
            guard let (call, _) = waiting.removeValue(forKey: waiter) else { continue }
            hold(call, answer.response, behind: [number], &server, &effects)
        }
        if let deadline = actions.deadline, let group { deadlines.add(ExactText(group), at: deadline) }
        return .none
    }

    /// Answers, once all that was written to these shards so far is durable.
    mutating func hold(
        _ call: Call, _ response: any GroupResponse, behind numbers: [Int], _ server: inout RequestServer,
        _ effects: inout Effects
    ) {
        let busy = numbers.filter { !shards[$0].queue.isEmpty }
        if busy.isEmpty { return server.answer(call, with: response, &effects) }
        held[nextHeld] = HeldAnswer(call: call, response: response, missing: busy.count)
        for number in busy {
            guard let end = shards[number].queue.last?.end else { continue }
            shards[number].queue.append(.init(end: end, what: .answer(nextHeld)))
        }
        nextHeld += 1
    }

    /// Lets go of what waited for a shard's log to be durable as far as it is.
    private mutating func release(_ number: Int, _ server: inout RequestServer, _ effects: inout Effects) {
        let end = shards[number].partition.highWatermark.offset
        let ready = shards[number].queue.prefix { $0.end <= end }
        shards[number].queue.removeFirst(ready.count)
        for waiting in ready {
            switch waiting.what {
            case .records(let records):
                for record in records {
                    // What this coordinator wrote it can read.
                    _ = try? shards[number].offsets.replay(record)
                }
            case .answer(let id): release(answer: id, &server, &effects)
            }
        }
    }

    private mutating func release(answer id: UInt64, _ server: inout RequestServer, _ effects: inout Effects) {
        held[id]?.missing -= 1
        guard let answer = held[id], answer.missing == 0 else { return }
        held[id] = nil
        server.answer(answer.call, with: answer.response, &effects)
    }

    /// Forgets what a shard has, which the log may not have, and begins to read the log again.
    private mutating func reload(
        _ number: Int, at now: Instant, _ server: inout RequestServer, _ effects: inout Effects
    ) {
        let shard = shards[number]
        shards[number] = GroupShard(shard.partition, hasLog: true, settings)
        shards[number].loadAt = now.advanced(byMilliseconds: Self.reloadDelayMilliseconds)
        for waiting in shard.queue {
            guard case .answer(let id) = waiting.what else { continue }
            held[id]?.response.refuse(.notCoordinator)
            release(answer: id, &server, &effects)
        }
        refuse(.notCoordinator, &server, &effects) { $0 == number }
    }

    /// Answers whoever waits for a group, so that the node can stop: clients ask for the coordinator again.
    public mutating func stop(_ server: inout RequestServer, _ effects: inout Effects) {
        refuse(.notCoordinator, &server, &effects) { _ in true }
    }

    private mutating func refuse(
        _ code: ErrorCode, _ server: inout RequestServer, _ effects: inout Effects, where isOne: (_ shard: Int) -> Bool
    ) {
        for waiter in waiting.keys.sorted(by: { $0.value < $1.value }) {
            guard let (call, shard) = waiting[waiter], isOne(shard) else { continue }
            waiting[waiter] = nil
            server.answer(call, with: call.api.groupResponse(refusing: code), &effects)
        }
    }

    // MARK: What happens besides requests

    /// Takes in what an event has changed: topics, what is on disk, and the time. To be called after every event.
    ///
    /// - Parameter isAwake: whether the event is that the node woke: whoever waits for a later time asks again.
    public mutating func advance(
        at now: Instant, isAwake: Bool, _ partitions: inout PartitionServer, _ server: inout RequestServer,
        _ effects: inout Effects
    ) {
        if knownChanges != partitions.topics.changeCount { takeTopics(at: now, &partitions, &server, &effects) }
        for partition in partitions.takeAdvanced() {
            if let number = numbers[partition.key] { release(number, &server, &effects) }
        }
        load(at: now, &partitions, &server, &effects)
        let moment = Moment(now: now, time: partitions.clock.milliseconds(at: now))
        while let group = deadlines.removeExpired(at: now)?.text {
            let number = number(of: group)
            var actions = GroupActions()
            shards[number].expire(group, partitions.topics.image, moment, &actions)
            perform(actions, of: group, number, at: now, &partitions, &server, &effects)
        }
        if let due = cleanupAt, due <= now { cleanUp(moment, &partitions, &server, &effects) }
        let next = [deadlines.next, cleanupAt].compactMap { $0 }.min()
        if let next, isAwake || wakeAt.map({ next < $0 || $0 <= now }) ?? true {
            wakeAt = next
            effects.append(.wake(at: next))
        }
    }

    /// Topics have come, gone or grown.
    private mutating func takeTopics(
        at now: Instant, _ partitions: inout PartitionServer, _ server: inout RequestServer, _ effects: inout Effects
    ) {
        knownChanges = partitions.topics.changeCount
        if shards.isEmpty, let topic = partitions.topics[OffsetsTopic.name] {
            shards = topic.partitions.map { partition in
                let hasLog = partition.opened != nil || partitions.topics.directory.contains(partition.name)
                return GroupShard(partition, hasLog: hasLog, settings)
            }
            numbers = Dictionary(uniqueKeysWithValues: shards.enumerated().map { ($1.partition.key, $0) })
            cleanupAt = now.advanced(byMilliseconds: settings.offsetsRetentionCheckIntervalMilliseconds)
        }
        let removed = partitions.takeRemovedTopics()
        for number in shards.indices where shards[number].loader == nil {
            if !removed.isEmpty {
                var actions = GroupActions()
                shards[number].offsets.deleteAll(ofTopics: removed).forEach { actions.write($0) }
                perform(actions, of: nil, isAtomic: false, number, at: now, &partitions, &server, &effects)
            }
            for id in shards[number].consumer.ids {
                var actions = GroupActions()
                shards[number].change(consumer: id) { $0.topicsChanged(partitions.topics.image, &actions) }
                perform(actions, of: id, number, at: now, &partitions, &server, &effects)
            }
        }
    }

    private mutating func load(
        at now: Instant, _ partitions: inout PartitionServer, _ server: inout RequestServer, _ effects: inout Effects
    ) {
        if let number = shards.firstIndex(where: { $0.loader != nil && $0.loadAt <= now }), failure == nil {
            do {
                if try shards[number].load(maxBytes: Self.loadBytes, &effects) {
                    finishLoading(number, at: now, &partitions, &server, &effects)
                }
            } catch {
                failure = error.description
            }
        }
        let next = shards.lazy.filter { $0.loader != nil }.map(\.loadAt).min()
        if let next { effects.append(.wake(at: max(next, now))) }
    }

    private mutating func finishLoading(
        _ number: Int, at now: Instant, _ partitions: inout PartitionServer, _ server: inout RequestServer,
        _ effects: inout Effects
    ) {
        let moment = Moment(now: now, time: partitions.clock.milliseconds(at: now))
        var actions = GroupActions()
        shards[number].finishLoading(partitions.topics, moment, &actions)
        if let deadline = actions.deadline {
            for id in shards[number].ids { deadlines.add(ExactText(id), at: deadline) }
        }
        perform(actions, of: nil, isAtomic: false, number, at: now, &partitions, &server, &effects)
        effects.log(
            .info, "groups_loaded",
            ["partition": shards[number].partition.name, "groups": "\(shards[number].ids.count)"])
    }

    /// One shard, and others have their turn before the next.
    private mutating func cleanUp(
        _ moment: Moment, _ partitions: inout PartitionServer, _ server: inout RequestServer, _ effects: inout Effects
    ) {
        let number = cleanupShard
        cleanupShard = (number + 1) % shards.count
        let interval = cleanupShard == 0 ? settings.offsetsRetentionCheckIntervalMilliseconds : 0
        cleanupAt = moment.now.advanced(byMilliseconds: interval)
        guard shards[number].loader == nil else { return }
        for id in shards[number].ids {
            var actions = GroupActions()
            shards[number].cleanUp(id, moment, &actions)
            let failure = perform(
                actions, of: id, isAtomic: false, number, at: moment.now, &partitions, &server, &effects)
            // The shard is being read again: the next time will do.
            if failure != .none { return }
        }
    }

    // MARK: Where groups are

    /// The number of a group's partition. There must be one.
    func number(of group: String) -> Int {
        Int(OffsetsTopic.partition(of: group, count: Int32(clamping: shards.count)))
    }

    /// Why the coordinator cannot serve a group, or none.
    func unavailability(of group: String) -> ErrorCode {
        if shards.isEmpty { return .coordinatorNotAvailable }
        return shards[number(of: group)].loader == nil ? .none : .coordinatorLoadInProgress
    }
}

extension LogError {
    fileprivate var isBatchTooLarge: Bool {
        if case .batchTooLarge = self { true } else { false }
    }
}
