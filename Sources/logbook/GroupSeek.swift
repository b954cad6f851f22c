import LogbookClient
import TopicsPartitions

/// `logbook group seek`: says where a group would go on, and sets it.
struct GroupSeek {
    private let options: ClientOptions
    private let group: String
    private let target: SeekTarget
    private let choices: [TopicChoice]
    private let isExecuted: Bool

    /// What a partition's offset is to become.
    private struct Move {
        var partition: TopicPartition
        var current: Int64?
        var new: Int64
        var note: String?
    }

    init(_ arguments: Arguments) throws {
        options = try ClientOptions(arguments)
        guard let group = arguments.positional.first else { throw UsageError("group seek needs a group") }
        guard arguments.positional.count == 1 else {
            throw UsageError("group seek moves one group at a time, not \(arguments.positional.joined(separator: " "))")
        }
        self.group = group
        target = try SeekTarget(arguments)
        choices = try arguments.values("-t").map(TopicChoice.init)
        isExecuted = arguments.has("--execute")
        if isExecuted && arguments.has("--dry-run") { throw UsageError("--execute and --dry-run exclude each other") }
    }

    func run() async throws {
        let admin = try options.admin()
        try await checkMembers(admin)
        let committed = try await admin.listConsumerGroupOffsets(group)
        let partitions = choices.isEmpty ? committed.keys.sorted() : try await chosen(admin)
        guard !partitions.isEmpty else {
            throw CommandFailure("group \(group) has no offsets; choose by -t which topics it is to begin")
        }
        let moves = try await plan(partitions, committed, admin)
        var errors: [TopicPartition: ClientError] = [:]
        if isExecuted {
            let offsets = Dictionary(moves.map { ($0.partition, OffsetAndMetadata($0.new)) }) { first, _ in first }
            let outcomes = try await admin.alterConsumerGroupOffsets(group, offsets)
            for move in moves { errors[move.partition] = outcomes[move.partition]?.error }
        }
        try show(moves, errors)
    }

    /// A group with members is refused by the broker; so is what it would be asked.
    private func checkMembers(_ admin: Admin) async throws {
        switch try await admin.describeGroups([group])[group] {
        case .success(let found)? where !found.members.isEmpty:
            let count = found.members.count == 1 ? "a member" : "\(found.members.count) members"
            throw CommandFailure("group \(group) has \(count), and is \(found.state); \(Self.advice)")
        case .failure(.broker(.groupIDNotFound, _))?:
            // As with Kafka's tool, offsets may be there before the group's first member.
            guard choices.isEmpty else { return }
            throw CommandFailure("there is no group \(group); to begin one, choose its topics by -t")
        case .failure(let error)?: throw CommandFailure(error.text("describing", group))
        case .success?, nil: return
        }
    }

    private static let advice = """
        its offsets can be set when nobody reads: stop its members, or wait until their sessions are over
        """

    private func chosen(_ admin: Admin) async throws -> [TopicPartition] {
        let topics = try await admin.describeTopics(TopicCommand.unique(choices.map(\.topic)))
        var names: Set<TopicPartition> = []
        for choice in choices {
            guard let found = topics[choice.topic] else { continue }
            if let error = found.error { throw CommandFailure(error.text("looking for", choice.topic)) }
            let there = try found.get().partitions.map(\.index)
            for partition in choice.partitions ?? there {
                guard there.contains(partition) else {
                    throw CommandFailure(
                        "topic \(choice.topic) has \(there.count) partitions, and no partition \(partition)")
                }
                names.insert(TopicPartition(choice.topic, partition))
            }
        }
        return names.sorted()
    }

    /// The new offsets. Where one cannot be found, nothing is to be changed.
    private func plan(
        _ partitions: [TopicPartition], _ committed: [TopicPartition: OffsetAndMetadata], _ admin: Admin
    ) async throws -> [Move] {
        let target = target.at(WallClock.milliseconds())
        let ranges = try await LogRanges(of: partitions, admin)
        var failures = ranges.failures
        var found: [TopicPartition: Result<OffsetAndTimestamp, ClientError>] = [:]
        if let time = target.timestamp {
            found = try await admin.listOffsets(
                Dictionary(ranges.ends.keys.map { ($0, .timestamp(time)) }) { first, _ in first })
        }
        var moves: [Move] = []
        for name in partitions {
            guard let start = ranges.starts[name], let end = ranges.ends[name] else {
                if ranges.failures.isEmpty { failures.append("\(name) has no leader, or is not there") }
                continue
            }
            if let error = found[name]?.error {
                failures.append(error.text("looking up a time in", "\(name)"))
                continue
            }
            let current = committed[name]?.offset
            let place = target.offset(
                current: current, log: start...max(start, end), found: try found[name]?.get().offset)
            guard let place else {
                failures.append("group \(group) has no offset in \(name) to move --by: say --to")
                continue
            }
            moves.append(Move(partition: name, current: current, new: place.offset, note: place.note))
        }
        try CommandFailure.check(failures)
        return moves
    }

    private func show(_ moves: [Move], _ errors: [TopicPartition: ClientError]) throws {
        let columns = ["TOPIC", "PARTITION", "STATUS", "CURRENT-OFFSET", "NEW-OFFSET", "NOTE"]
        var table = Table(columns)
        var objects: [JSON] = []
        for move in moves where errors[move.partition] == nil {
            let values = [
                JSON(move.partition.topic), JSON(move.partition.partition),
                .string(isExecuted ? "set" : "would be set"), JSON(move.current), JSON(move.new), JSON(move.note),
            ]
            table.append(values.map(\.cell))
            objects.append(JSON.members(Array(zip(columns.map(JSON.key), values))))
        }
        if options.format == .json {
            Output.line(JSON.array(objects).text)
        } else if !objects.isEmpty {
            Output.table(table, options)
        }
        try CommandFailure.check(
            moves.compactMap { move in errors[move.partition].map { failure($0, move.partition) } })
    }

    private func failure(_ error: ClientError, _ partition: TopicPartition) -> String {
        if case .broker(.unknownMemberID, _) = error {
            return "setting the offset of \(partition): group \(group) has members; \(Self.advice)"
        }
        return error.text("setting the offset of", "\(partition)")
    }
}
