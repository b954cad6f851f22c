import LogbookClient

/// `logbook consume`: prints the records of topics.
enum ConsumeCommand {
    static let usage = """
        usage: logbook consume TOPIC... [--offset FROM] [-p PARTITION]... [-n COUNT] [-e] [-f FORMAT]
               logbook consume TOPIC... -g GROUP [--offset start|end] [-n COUNT] [-e] [-f FORMAT]

        Prints the values of records, a line for each; those of one partition in their order. It goes on with
        what comes until it is interrupted.

          --offset FROM     start, end, N, -N for the last N of each partition, @MS for the first with that
                            timestamp in milliseconds since 1970 or a later one, @-AGE the same with a timestamp
                            that long ago, as in @-15m (start)
          -p PARTITION      only this partition, any number of times
          -n COUNT          ends after so many records
          -e                ends behind the records that were there when it began
          -f FORMAT         what to print of a record ('%v\\n')
          --isolation-level read_uncommitted; read_committed is refused: this client passes over no aborted
                            records
          -g, --group GROUP joins this group, and reads the partitions that it is given. What was printed is
                            committed every auto.commit.interval.ms, when partitions go to another member, and
                            at the end, also at SIGINT and SIGTERM; then it leaves the group. --offset says
                            where it begins in a partition that the group has no offset of: start or end, and
                            nothing else (`logbook group seek` moves a group). -p is refused. -e ends behind
                            the records that were there in the partitions that it then has
        \(ClientOptions.usage)

        \(RecordFormat.usage)
        With -o wide lines are TOPIC, PARTITION@OFFSET, TIMESTAMP, KEY and VALUE; with -o json each line is an
        object with topic, partition, offset, timestamp, key, keyEncoding, value, valueEncoding and headers,
        where an encoding is utf8 or base64. Settings for -X: \(
            ClientProperty.consumer.map(\.name).joined(separator: ", ")); with -g also \(
            ClientProperty.member.map(\.name).joined(separator: ", ")).
        """

    static func run(_ arguments: [String]) async throws {
        let arguments = try Arguments(
            arguments,
            valued: ClientOptions.valued + [
                "--offset", "-p|--partition", "-g|--group", "-n|--num", "-f|--format", "--isolation-level",
            ],
            plain: ClientOptions.plain + ["-e|--exit"])
        if arguments.has("-h") { return Output.line(usage) }
        let job = try ConsumeJob(arguments)
        try await job.run()
    }
}

/// What is to be consumed, and how it is shown.
struct ConsumeJob {
    let topics: [String]
    /// Where one is given: the group that says what is read.
    let group: String?
    let options: ClientOptions
    let configuration: ConsumerConfiguration
    let limit: Int
    let stopsAtEnd: Bool
    let shape: RecordShape
    private let start: StartOffset
    private let partitions: [Int32]

    init(_ arguments: Arguments) throws {
        topics = TopicCommand.unique(arguments.positional)
        guard !topics.isEmpty else { throw UsageError("consume needs a topic") }
        let isolation = arguments.value("--isolation-level") ?? "read_uncommitted"
        guard isolation == "read_uncommitted" else {
            throw UsageError(
                isolation == "read_committed"
                    ? "--isolation-level read_committed: this client passes over no aborted records"
                    : "--isolation-level takes read_uncommitted or read_committed, not \(isolation)")
        }
        options = try ClientOptions(arguments)
        group = arguments.value("-g")
        start = try StartOffset(arguments.value("--offset") ?? "start", of: "--offset")
        partitions = try arguments.values("-p").map { text in
            guard let partition = Int32(text), partition >= 0 else {
                throw UsageError("-p takes a partition's number, not \(text)")
            }
            return partition
        }
        if group != nil, !partitions.isEmpty {
            throw UsageError("-p: with -g the group says which partitions are read")
        }
        limit = try arguments.number("-n", in: 1...Int.max) ?? .max
        stopsAtEnd = arguments.has("-e")
        if let format = arguments.value("-f") {
            guard options.format != .json else { throw UsageError("-f and -o json are two forms of the same") }
            shape = .format(try RecordFormat(format))
        } else {
            shape =
                options.format == .json ? .json : options.format == .wide ? .wide : .format(try RecordFormat("%v\\n"))
        }
        if let group {
            configuration = try .member(of: group, options, arguments.has("--offset") ? start : nil)
        } else {
            var configuration = ConsumerConfiguration(bootstrapServers: options.bootstrapServers)
            configuration.autoOffsetReset = .none
            // To read a topic must not create it.
            configuration.allowsTopicCreation = false
            try ClientProperty.apply(options.properties, ClientProperty.consumer, to: &configuration)
            self.configuration = configuration
        }
    }

    func run() async throws {
        let configuration = configuration
        let consumer = try refusalsAsUsage { try Consumer(configuration) }
        let others = ClientProperty.consumer + ClientProperty.member
        let admin = try options.admin(passingOver: others.map(\.name))
        let names = try await partitions(admin)
        var ends: [TopicPartition: Int64]?
        if stopsAtEnd { ends = try await offsets(names, .latest, admin) }
        if group != nil {
            admin.close()
            return try await readAsMember(consumer, until: ends)
        }
        let starts = try await self.starts(names, admin)
        admin.close()
        try consumer.assign(starts)
        try await read(consumer, until: ends)
        consumer.close()
    }

    private func partitions(_ admin: Admin) async throws -> [TopicPartition] {
        let described = try await admin.describeTopics(topics)
        var names: [TopicPartition] = []
        for topic in topics {
            guard let found = try described[topic]?.get() else { continue }
            for partition in partitions where !found.partitions.contains(where: { $0.index == partition }) {
                throw CommandFailure(
                    "topic \(topic) has \(found.partitions.count) partitions, and no partition \(partition)")
            }
            let chosen = partitions.isEmpty ? found.partitions.map(\.index) : partitions
            names += chosen.map { TopicPartition(topic, $0) }
        }
        return names
    }

    private func starts(_ names: [TopicPartition], _ admin: Admin) async throws -> [TopicPartition: StartPosition] {
        switch start.at(WallClock.milliseconds()) {
        case .position(let position): return Dictionary(names.map { ($0, position) }) { first, _ in first }
        case .beforeEnd(let count):
            let first = try await offsets(names, .earliest, admin)
            let ends = try await offsets(names, .latest, admin)
            return ends.reduce(into: [:]) { starts, end in
                starts[end.key] = .offset(max(first[end.key] ?? 0, end.value - count))
            }
        case .age: preconditionFailure("an age is a point in time by now")
        }
    }

    private func offsets(
        _ names: [TopicPartition], _ spec: OffsetSpec, _ admin: Admin
    ) async throws -> [TopicPartition: Int64] {
        try await admin.listOffsets(Dictionary(names.map { ($0, spec) }) { first, _ in first })
            .mapValues { try $0.get().offset }
    }

    /// - Parameter ends: where to stop in each partition; nil to go on.
    private func read(_ consumer: Consumer, until ends: [TopicPartition: Int64]?) async throws {
        var unfinished = ends
        var count = 0
        var output: [UInt8] = []
        var progress = Progress()
        try await finish(&unfinished, consumer)
        while unfinished?.isEmpty != true, count < limit {
            let records = try await consumer.poll(maxRecords: min(5_000, limit - count), timeout: .milliseconds(200))
            for record in records where ends?[record.topicPartition].map({ record.offset < $0 }) ?? true {
                shape.write(record, to: &output)
                count += 1
                if let end = ends?[record.topicPartition], record.offset + 1 >= end {
                    unfinished?[record.topicPartition] = nil
                    try consumer.pause([record.topicPartition])
                }
            }
            // Where nobody reads on there is nothing left to do.
            guard Output.flush(&output) else { return }
            progress.show(count, "records")
            // The last offsets may be without records.
            if records.isEmpty { try await finish(&unfinished, consumer) }
        }
    }

    /// Takes out the partitions that have been read to where they are to end.
    private func finish(_ unfinished: inout [TopicPartition: Int64]?, _ consumer: Consumer) async throws {
        for (partition, end) in unfinished ?? [:] where try await consumer.position(of: partition) >= end {
            unfinished?[partition] = nil
        }
    }
}
