import LogbookClient
import TopicsPartitions

/// `logbook topic`: creates, lists, describes, deletes and alters topics.
enum TopicCommand {
    static let usage = """
        usage: logbook topic create TOPIC... [-p N] [-r N] [-c NAME=VALUE]... [--if-not-exists] [--dry-run]
               logbook topic list
               logbook topic describe [TOPIC...] [--under-replicated-partitions]
               logbook topic delete TOPIC... [--dry-run]
               logbook topic alter TOPIC... [-p N] [-c NAME=VALUE | -c NAME]... [--dry-run]

        Each topic has an outcome of its own; status 1 if one has failed.

          -p, --partitions N               create: how many partitions (the broker's num.partitions);
                                           alter: how many in all
          -r, --replication-factor N       how many replicas each has (the broker's default.replication.factor)
          -c, --config NAME=VALUE          a setting of the topic, any number of times; alter: NAME alone takes it
                                           back to its default, NAME+=VALUE and NAME-=VALUE change a list
              --if-not-exists              a topic that is there is no failure
              --dry-run                    changes nothing, and says what would happen
              --under-replicated-partitions  only partitions with a replica that is not in sync; of all topics
                                           where none is named
        \(ClientOptions.usage)

        Settings for -X: \(ClientProperty.admin.map(\.name).joined(separator: ", ")).
        """

    static func run(_ arguments: [String]) async throws {
        var rest = arguments[...]
        guard let action = rest.popFirst() else { throw UsageError("topic needs an action\n\n" + usage) }
        let own: (valued: [String], plain: [String])
        switch action {
        case "create":
            own = (["-p|--partitions", "-r|--replication-factor", "-c|--config"], ["--if-not-exists", "--dry-run"])
        case "list": own = ([], [])
        case "describe": own = ([], ["--under-replicated-partitions"])
        case "delete": own = ([], ["--dry-run"])
        case "alter": own = (["-p|--partitions", "-c|--config"], ["--dry-run"])
        case "--help", "-h": return Output.line(usage)
        default: throw UsageError("there is no topic \(action)\n\n" + usage)
        }
        let parsed = try Arguments(
            Array(rest), valued: ClientOptions.valued + own.valued, plain: ClientOptions.plain + own.plain)
        if parsed.has("-h") { return Output.line(usage) }
        let mayNameNone = action == "list" || action == "describe"
        guard mayNameNone || !parsed.positional.isEmpty else { throw UsageError("topic \(action) needs a topic") }
        if action == "list", let extra = parsed.positional.first { throw UsageError("unexpected argument \(extra)") }
        switch action {
        case "create": try await create(parsed)
        case "list": try await list(parsed)
        case "describe": try await TopicDescriber(parsed).run()
        case "delete": try await delete(parsed)
        default: try await TopicAlteration(parsed).run()
        }
    }

    private static func create(_ arguments: Arguments) async throws {
        let options = try ClientOptions(arguments)
        let isDryRun = arguments.has("--dry-run")
        var topics: [NewTopic] = []
        let configs = try arguments.values("-c").map { try nameAndValue($0, of: "-c") }
        for name in unique(arguments.positional) {
            var topic = NewTopic(
                name, partitionCount: try arguments.number("-p", in: 1...Int32.max),
                replicationFactor: try arguments.number("-r", in: 1...Int16.max))
            topic.configs = Dictionary(configs.map { ($0.name, $0.value) }) { $1 }
            topics.append(topic)
        }
        let outcomes = try await options.admin().createTopics(topics, validateOnly: isDryRun)
        var report = OutcomeReport(options, of: "TOPIC", ["PARTITIONS", "REPLICATION-FACTOR", "ID"])
        for topic in topics {
            switch outcomes[topic.name] {
            case .success(let created)?:
                report.append(
                    topic.name, isDryRun ? "would be created" : "created",
                    [JSON(created.partitionCount), JSON(created.replicationFactor), JSON(created.id)])
            case .failure(.broker(.topicAlreadyExists, _))? where arguments.has("--if-not-exists"):
                report.append(topic.name, "exists", [.null, .null, .null])
            case .failure(let error)?: report.fail("creating", topic.name, error)
            case nil: report.fail("creating", topic.name, .closed)
            }
        }
        try report.finish()
    }

    private static func delete(_ arguments: Arguments) async throws {
        let options = try ClientOptions(arguments)
        let isDryRun = arguments.has("--dry-run")
        let names = unique(arguments.positional)
        let admin = try options.admin()
        var errors: [String: ClientError] = [:]
        if isDryRun {
            for (name, outcome) in try await admin.describeTopics(names) { errors[name] = outcome.error }
        } else {
            for (name, outcome) in try await admin.deleteTopics(names) { errors[name] = outcome.error }
        }
        var report = OutcomeReport(options, of: "TOPIC", [])
        for name in names {
            if let error = errors[name] {
                report.fail("deleting", name, error)
            } else {
                report.append(name, isDryRun ? "would be deleted" : "deleted", [])
            }
        }
        try report.finish()
    }

    private static func list(_ arguments: Arguments) async throws {
        let options = try ClientOptions(arguments)
        let topics = try await options.admin().listTopics(listsInternal: true)
        if options.format == .json {
            return Output.line(JSON.array(topics.map(\.summary)).text)
        }
        let isWide = options.format == .wide
        var table = Table(["TOPIC", "PARTITIONS", "REPLICATION-FACTOR"] + (isWide ? ["INTERNAL", "ID"] : []))
        for topic in topics {
            let more = isWide ? [topic.isInternal ? "yes" : "no", topic.id == .zero ? nil : "\(topic.id)"] : []
            table.append([topic.name, "\(topic.partitions.count)", topic.replicationFactor.map(String.init)] + more)
        }
        Output.table(table, options)
    }

    /// Each name once, in order.
    static func unique(_ names: [String]) -> [String] {
        var seen: Set<String> = []
        return names.filter { seen.insert($0).inserted }
    }
}

extension TopicDescription {
    /// That of the first partition; partitions differ only while they are being moved.
    var replicationFactor: Int? { partitions.first?.replicas.count }

    var summary: JSON {
        JSON.members([
            ("topic", .string(name)), ("id", JSON(id)), ("internal", .bool(isInternal)),
            ("partitions", JSON(partitions.count)), ("replicationFactor", JSON(replicationFactor)),
        ])
    }
}
