import LogbookClient
import TopicsPartitions

/// `logbook group describe`: a summary of groups, and how far each has read which partition.
struct GroupDescriber {
    private let options: ClientOptions
    private let names: [String]

    init(_ arguments: Arguments) throws {
        options = try ClientOptions(arguments)
        names = TopicCommand.unique(arguments.positional)
    }

    func run() async throws {
        let admin = try options.admin()
        var failures: [String] = []
        let all = try await find(admin, &failures)
        if options.format == .json {
            Output.line(JSON.array(all.map(\.object)).text)
        } else {
            for (index, group) in all.enumerated() {
                if index > 0 { Output.line("") }
                group.show(options)
            }
        }
        try CommandFailure.check(failures)
    }

    private func find(_ admin: Admin, _ failures: inout [String]) async throws -> [GroupReport] {
        let names = self.names.isEmpty ? try await admin.listGroups().map(\.id) : self.names
        let described = try await admin.describeGroups(names)
        let coordinators = try await admin.findCoordinators(of: names)
        let brokers = try await admin.describeCluster().brokers
        var found: [(group: GroupDescription, committed: [TopicPartition: OffsetAndMetadata])] = []
        for name in names {
            switch described[name] {
            case .success(let group)?:
                found.append((group, try await admin.listConsumerGroupOffsets(name)))
            case .failure(let error)?: failures.append(error.text("describing", name))
            case nil: continue
            }
        }
        let partitions = found.flatMap { $0.group.members.flatMap(\.assignment) + $0.committed.keys }
        let ranges = try await LogRanges(of: partitions, admin)
        failures += ranges.failures
        return found.map { group, committed in
            let coordinator = try? coordinators[group.id]?.get()
            return GroupReport(
                group, coordinator: coordinator, brokers.first { $0.id == coordinator },
                GroupReport.rows(group, committed, starts: ranges.starts, ends: ranges.ends))
        }
    }
}

/// A group as it is shown.
struct GroupReport {
    /// A partition of the group, or a member without one.
    struct Row: Equatable {
        var partition: TopicPartition?
        var committed: OffsetAndMetadata?
        var logStart: Int64?
        var logEnd: Int64?
        var member: GroupDescription.Member?

        /// How many offsets the group is behind; nil where it has none, or the log's end is not known.
        var lag: Int64? {
            guard let committed, let logEnd else { return nil }
            // A client may commit any number.
            let (lag, overflow) = logEnd.subtractingReportingOverflow(committed.offset)
            return overflow ? .max : lag
        }
    }

    private let group: GroupDescription
    private let coordinator: Int32?
    private let broker: ClusterDescription.Broker?
    let rows: [Row]

    init(_ group: GroupDescription, coordinator: Int32?, _ broker: ClusterDescription.Broker?, _ rows: [Row]) {
        self.group = group
        self.coordinator = coordinator
        self.broker = broker
        self.rows = rows
    }

    /// The partitions that the group has an offset of or a member has, in order; then the members that have none.
    static func rows(
        _ group: GroupDescription, _ committed: [TopicPartition: OffsetAndMetadata],
        starts: [TopicPartition: Int64], ends: [TopicPartition: Int64]
    ) -> [Row] {
        var owners: [TopicPartition: GroupDescription.Member] = [:]
        for member in group.members { for name in member.assignment { owners[name] = member } }
        let partitions = Set(owners.keys).union(committed.keys).sorted()
        return partitions.map { name in
            Row(
                partition: name, committed: committed[name], logStart: starts[name], logEnd: ends[name],
                member: owners[name])
        } + group.members.filter(\.assignment.isEmpty).map { Row(member: $0) }
    }

    /// All that is behind; nil where nothing is known of it. A group that is ahead of a log makes up for no other.
    var totalLag: Int64? {
        let lags = rows.compactMap(\.lag)
        return lags.isEmpty
            ? nil
            : lags.reduce(0) { sum, lag in
                let (more, overflow) = sum.addingReportingOverflow(max(0, lag))
                return overflow ? .max : more
            }
    }

    // MARK: Showing

    private static let columns = [
        "TOPIC", "PARTITION", "CURRENT-OFFSET", "LOG-START-OFFSET", "LOG-END-OFFSET", "LAG", "MEMBER-ID", "CLIENT-ID",
        "HOST",
    ]
    private static let wideColumns = ["INSTANCE-ID", "LEADER-EPOCH", "METADATA"]

    func show(_ options: ClientOptions) {
        let place = coordinator.map { id in broker.map { "\(id) (\($0.address))" } ?? "\(id)" }
        Output.line("GROUP        \(group.id)")
        Output.line("TYPE         \(group.type)")
        Output.line("COORDINATOR  \(place ?? "-")")
        Output.line("STATE        \(group.state)")
        Output.line("ASSIGNOR     \(group.assignor.isEmpty ? "-" : group.assignor)")
        Output.line("MEMBERS      \(group.members.count)")
        Output.line("TOTAL-LAG    \(totalLag.map(String.init) ?? "-")")
        Output.line("")
        let isWide = options.format == .wide
        var table = Table(Self.columns + (isWide ? Self.wideColumns : []))
        for row in rows { table.append((row.values + (isWide ? row.wideValues : [])).map(\.cell)) }
        Output.table(table, options)
    }

    var object: JSON {
        let summary = JSON.members([
            ("group", .string(group.id)), ("type", .string(group.type)), ("coordinator", JSON(coordinator)),
            ("coordinatorAddress", JSON(broker?.address)), ("state", .string(group.state)),
            ("assignor", group.assignor.isEmpty ? .null : .string(group.assignor)),
            ("members", JSON(group.members.count)), ("totalLag", JSON(totalLag)),
        ])
        let names = (Self.columns + Self.wideColumns).map(JSON.key)
        let partitions = rows.map { JSON.members(Array(zip(names, $0.values + $0.wideValues))) }
        return JSON.members([("summary", summary), ("partitions", .array(partitions))])
    }
}

extension GroupReport.Row {
    /// By the names of the columns.
    fileprivate var values: [JSON] {
        [
            JSON(partition?.topic), JSON(partition?.partition), JSON(committed?.offset), JSON(logStart), JSON(logEnd),
            JSON(lag), JSON(member?.id), JSON(member?.clientID), JSON(member?.host),
        ]
    }

    /// By the names of those that only the wide form has.
    fileprivate var wideValues: [JSON] {
        let epoch = committed?.leaderEpoch ?? -1
        let metadata = committed.flatMap { $0.metadata.isEmpty ? nil : $0.metadata }
        return [JSON(member?.instanceID), epoch < 0 ? .null : JSON(epoch), JSON(metadata)]
    }
}

extension ClusterDescription.Broker {
    /// Host and port, an IPv6 address in brackets.
    fileprivate var address: String { host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)" }
}
