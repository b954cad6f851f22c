import LogbookClient
import TopicsPartitions

/// `logbook topic describe`: a summary, the settings, and the partitions of topics.
struct TopicDescriber {
    private let options: ClientOptions
    private let names: [String]
    private let showsOnlyUnderReplicated: Bool

    /// A topic and what was found out of it; nil where that could not be had.
    private struct Found {
        var topic: TopicDescription
        var configs: [ConfigEntry]?
        var logStarts: [Int32: Int64] = [:]
        var highWatermarks: [Int32: Int64] = [:]
    }

    init(_ arguments: Arguments) throws {
        options = try ClientOptions(arguments)
        names = TopicCommand.unique(arguments.positional)
        showsOnlyUnderReplicated = arguments.has("--under-replicated-partitions")
    }

    func run() async throws {
        let admin = try options.admin()
        var failures: [String] = []
        var topics: [TopicDescription] = []
        if names.isEmpty {
            topics = try await admin.listTopics(listsInternal: true)
        } else {
            let outcomes = try await admin.describeTopics(names)
            for name in names {
                switch outcomes[name] {
                case .success(let topic)?: topics.append(topic)
                case .failure(let error)?: failures.append(error.text("describing", name))
                case nil: continue
                }
            }
        }
        if showsOnlyUnderReplicated {
            showUnderReplicated(topics)
        } else {
            show(try await complete(topics, admin, &failures))
        }
        try CommandFailure.check(failures)
    }

    // MARK: Finding out

    private func complete(
        _ topics: [TopicDescription], _ admin: Admin, _ failures: inout [String]
    ) async throws -> [Found] {
        let configs = try await admin.describeConfigs(topics.map { .topic($0.name) })
        // A partition without a leader has nobody to ask.
        let led = topics.flatMap { topic in
            topic.partitions.filter { $0.leader != nil }.map { TopicPartition(topic.name, $0.index) }
        }
        let starts = try await admin.listOffsets(Dictionary(led.map { ($0, .earliest) }) { first, _ in first })
        let ends = try await admin.listOffsets(Dictionary(led.map { ($0, .latest) }) { first, _ in first })
        var all: [Found] = []
        for topic in topics {
            var found = Found(topic: topic, configs: try? configs[.topic(topic.name)]?.get())
            if let error = configs[.topic(topic.name)]?.error {
                failures.append(error.text("describing the settings of", topic.name))
            }
            for partition in topic.partitions {
                let name = TopicPartition(topic.name, partition.index)
                if let error = starts[name]?.error ?? ends[name]?.error {
                    failures.append(error.text("looking up the offsets of", "\(name)"))
                }
                found.logStarts[partition.index] = try? starts[name]?.get().offset
                found.highWatermarks[partition.index] = try? ends[name]?.get().offset
            }
            all.append(found)
        }
        return all
    }

    // MARK: Showing

    private func show(_ all: [Found]) {
        if options.format == .json { return Output.line(JSON.array(all.map(object)).text) }
        for (index, found) in all.enumerated() {
            if index > 0 { Output.line("") }
            let topic = found.topic
            Output.line("TOPIC               \(topic.name)")
            Output.line("ID                  \(topic.id == .zero ? "-" : "\(topic.id)")")
            Output.line("PARTITIONS          \(topic.partitions.count)")
            Output.line("REPLICATION-FACTOR  \(topic.replicationFactor.map(String.init) ?? "-")")
            Output.line("INTERNAL            \(topic.isInternal ? "yes" : "no")")
            Output.line("")
            showConfigs(found.configs ?? [])
            var table = Table(["PARTITION", "LEADER", "EPOCH", "REPLICAS", "ISR", "LOG-START", "HIGH-WATERMARK"])
            for partition in topic.partitions {
                table.append(
                    partition.cells + [
                        found.logStarts[partition.index].map(String.init),
                        found.highWatermarks[partition.index].map(String.init),
                    ])
            }
            Output.table(table, options)
        }
    }

    private func showConfigs(_ configs: [ConfigEntry]) {
        guard !configs.isEmpty else { return }
        var table = Table(["CONFIG", "VALUE", "SOURCE"])
        for config in configs { table.append([config.name, config.value, config.source.name]) }
        Output.table(table, options)
        Output.line("")
    }

    private func showUnderReplicated(_ topics: [TopicDescription]) {
        let partitions = topics.flatMap { topic in
            topic.partitions.filter(\.isUnderReplicated).map { (topic: topic.name, partition: $0) }
        }
        if options.format == .json {
            let objects = partitions.map { JSON.members([("topic", .string($0.topic))] + $0.partition.members) }
            return Output.line(JSON.array(objects).text)
        }
        var table = Table(["TOPIC", "PARTITION", "LEADER", "EPOCH", "REPLICAS", "ISR"])
        for (topic, partition) in partitions { table.append([topic] + partition.cells) }
        Output.table(table, options)
    }

    private func object(_ found: Found) -> JSON {
        let configs = found.configs?.map { config in
            JSON.members([
                ("name", .string(config.name)), ("value", JSON(config.value)),
                ("source", .string(config.source.name)), ("readOnly", .bool(config.isReadOnly)),
                ("sensitive", .bool(config.isSensitive)),
            ])
        }
        let partitions = found.topic.partitions.map { partition in
            JSON.members(
                partition.members + [
                    ("logStart", JSON(found.logStarts[partition.index])),
                    ("highWatermark", JSON(found.highWatermarks[partition.index])),
                ])
        }
        return JSON.members([
            ("summary", found.topic.summary), ("configs", configs.map { .array($0) } ?? .null),
            ("partitions", .array(partitions)),
        ])
    }
}

extension PartitionDescription {
    /// PARTITION, LEADER, EPOCH, REPLICAS, ISR.
    fileprivate var cells: [String?] {
        [
            "\(index)", leader.map(String.init), leaderEpoch < 0 ? nil : "\(leaderEpoch)",
            replicas.map(String.init).joined(separator: ","), inSyncReplicas.map(String.init).joined(separator: ","),
        ]
    }

    fileprivate var members: [(String, JSON)] {
        [
            ("partition", JSON(index)), ("leader", JSON(leader)),
            ("epoch", leaderEpoch < 0 ? .null : JSON(leaderEpoch)),
            ("replicas", .array(replicas.map { JSON($0) })), ("isr", .array(inSyncReplicas.map { JSON($0) })),
        ]
    }
}

extension ConfigEntry.Source {
    /// Kafka's name for it, as its own tools print it.
    fileprivate var name: String {
        switch self {
        case .unknown: "UNKNOWN"
        case .topic: "DYNAMIC_TOPIC_CONFIG"
        case .broker: "DYNAMIC_BROKER_CONFIG"
        case .allBrokers: "DYNAMIC_DEFAULT_BROKER_CONFIG"
        case .brokerFile: "STATIC_BROKER_CONFIG"
        case .standard: "DEFAULT_CONFIG"
        }
    }
}
