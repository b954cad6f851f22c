import LogbookClient
import TopicsPartitions

/// `logbook group`: lists, describes, moves and deletes consumer groups.
enum GroupCommand {
    static let usage = """
        usage: logbook group list [--state STATE]... [--type TYPE]...
               logbook group describe [GROUP...]
               logbook group seek GROUP (--to PLACE | --by N) [-t TOPIC[:PARTITION,...]]... [--execute]
               logbook group delete GROUP... [--dry-run]

        Groups of both protocols, classic and consumer (KIP-848).

          --state STATE     only groups in this state, any number of times:
                            \(GroupFilter.states.joined(separator: ", "))
          --type TYPE       only groups of this type, any number of times: \(GroupFilter.types.joined(separator: ", "))

        describe shows a summary of each group, or of all, and a row for each partition that the group has an
        offset of or a member has, and for each member that has none. LAG is LOG-END-OFFSET less CURRENT-OFFSET;
        TOTAL-LAG adds up what is behind.

        seek says where the group would go on, and with --execute sets that. It is refused while the group has
        members: stop them first.

          --to PLACE        start, end, an offset N, -N for the last N of each partition, @MS for the first
                            record with that timestamp in milliseconds since 1970 or a later one, @-AGE the same
                            with a timestamp that long ago, as in @-90s, @-15m, @-2h, @-7d
          --by N            N records on from where the group is; back for -N
          -t, --topic TOPIC[:PARTITION,...]
                            this topic, or these partitions of it, any number of times (all that the group has
                            offsets of); they need no offset yet, and neither need the group be there
              --execute     sets the offsets
              --dry-run     changes nothing, and says what would happen; seek does so anyway

        An offset outside of a partition's log becomes its start or its end, and NOTE says so; so it does where no
        record is that young.
        \(ClientOptions.usage)

        Each group has an outcome of its own; status 1 if one has failed. Settings for -X: \(
            ClientProperty.admin.map(\.name).joined(separator: ", ")).
        """

    static func run(_ arguments: [String]) async throws {
        var rest = arguments[...]
        guard let action = rest.popFirst() else { throw UsageError("group needs an action\n\n" + usage) }
        let own: (valued: [String], plain: [String])
        switch action {
        case "list": own = (["--state", "--type"], [])
        case "describe": own = ([], [])
        case "seek": own = (["--to", "--by", "-t|--topic"], ["--execute", "--dry-run"])
        case "delete": own = ([], ["--dry-run"])
        case "--help", "-h": return Output.line(usage)
        default: throw UsageError("there is no group \(action)\n\n" + usage)
        }
        let parsed = try Arguments(
            Array(rest), valued: ClientOptions.valued + own.valued, plain: ClientOptions.plain + own.plain)
        if parsed.has("-h") { return Output.line(usage) }
        switch action {
        case "list": try await list(parsed)
        case "describe": try await GroupDescriber(parsed).run()
        case "seek": try await GroupSeek(parsed).run()
        default: try await delete(parsed)
        }
    }

    private static func list(_ arguments: Arguments) async throws {
        let options = try ClientOptions(arguments)
        if let extra = arguments.positional.first { throw UsageError("unexpected argument \(extra)") }
        let filter = try GroupFilter(arguments)
        let groups = try await options.admin().listGroups(states: filter.states, types: filter.types)
        if options.format == .json {
            let objects = groups.map { group in
                JSON.members([
                    ("group", .string(group.id)), ("type", JSON(group.type)), ("protocol", JSON(group.protocolName)),
                    ("state", JSON(group.state)),
                ])
            }
            return Output.line(JSON.array(objects).text)
        }
        var table = Table(["GROUP", "TYPE", "PROTOCOL", "STATE"])
        for group in groups { table.append([group.id, group.type, group.protocolName, group.state]) }
        Output.table(table, options)
    }

    private static func delete(_ arguments: Arguments) async throws {
        let options = try ClientOptions(arguments)
        let isDryRun = arguments.has("--dry-run")
        let names = TopicCommand.unique(arguments.positional)
        guard !names.isEmpty else { throw UsageError("group delete needs a group") }
        let admin = try options.admin()
        var errors: [String: ClientError] = [:]
        if isDryRun {
            for (name, outcome) in try await admin.describeGroups(names) {
                switch outcome {
                case .success(let group):
                    if !group.members.isEmpty { errors[name] = .broker(.nonEmptyGroup, what: name) }
                case .failure(let error): errors[name] = error
                }
            }
        } else {
            for (name, outcome) in try await admin.deleteGroups(names) { errors[name] = outcome.error }
        }
        var report = OutcomeReport(options, of: "GROUP", [])
        for name in names {
            switch errors[name] {
            case .broker(.nonEmptyGroup, _)?:
                report.fail("deleting \(name): it has members (NON_EMPTY_GROUP); stop them first")
            case let error?: report.fail("deleting", name, error)
            case nil: report.append(name, isDryRun ? "would be deleted" : "deleted", [])
            }
        }
        try report.finish()
    }
}

/// Which groups are listed.
struct GroupFilter: Equatable {
    /// Kafka's names of them.
    static let states = [
        "Empty", "PreparingRebalance", "CompletingRebalance", "Assigning", "Reconciling", "Stable", "Dead",
    ]
    static let types = ["classic", "consumer"]

    let states: [String]
    let types: [String]

    init(_ arguments: Arguments) throws {
        states = try arguments.values("--state").map { try Self.known($0, of: "--state", Self.states) }
        types = try arguments.values("--type").map { try Self.known($0, of: "--type", Self.types) }
    }

    /// As Kafka writes it, whatever the case of its letters here.
    private static func known(_ text: String, of flag: String, _ names: [String]) throws -> String {
        guard let name = names.first(where: { $0.lowercased() == text.lowercased() }) else {
            throw UsageError("\(flag) takes one of \(names.joined(separator: ", ")), not \(text)")
        }
        return name
    }
}

extension GroupListing {
    /// What it is for; nil where nobody has said.
    fileprivate var protocolName: String? { protocolType.isEmpty ? nil : protocolType }
}
