import LogbookClient

/// `logbook topic alter`: settings and the number of partitions.
struct TopicAlteration {
    private let options: ClientOptions
    private let topics: [String]
    private let changes: [ConfigChange]
    private let partitionCount: Int32?
    private let isDryRun: Bool

    init(_ arguments: Arguments) throws {
        options = try ClientOptions(arguments)
        topics = TopicCommand.unique(arguments.positional)
        changes = try arguments.values("-c").map(Self.change)
        partitionCount = try arguments.number("-p", in: 1...Int32.max)
        isDryRun = arguments.has("--dry-run")
        guard !changes.isEmpty || partitionCount != nil else { throw UsageError("topic alter needs -c or -p") }
    }

    /// What a `-c` says: name=value, name+=value, name-=value, or name.
    static func change(_ text: String) throws -> ConfigChange {
        guard text.contains("=") else {
            guard !text.isEmpty else { throw UsageError("-c names no setting") }
            return .delete(text)
        }
        let (name, value) = try nameAndValue(text, of: "-c")
        switch name.last {
        case "+" where name.count > 1: return .append(String(name.dropLast()), value)
        case "-" where name.count > 1: return .subtract(String(name.dropLast()), value)
        default: return .set(name, to: value)
        }
    }

    func run() async throws {
        let admin = try options.admin()
        var errors: [String: ClientError] = [:]
        if !changes.isEmpty {
            let asked = Dictionary(topics.map { (ConfigResource.topic($0), changes) }) { first, _ in first }
            let outcomes = try await admin.incrementalAlterConfigs(asked, validateOnly: isDryRun)
            for topic in topics { errors[topic] = outcomes[.topic(topic)]?.error }
        }
        // Where a topic's settings were refused, its partitions stay as they are.
        let rest = topics.filter { errors[$0] == nil }
        if let partitionCount {
            let asked = Dictionary(rest.map { ($0, partitionCount) }) { first, _ in first }
            let outcomes = try await admin.createPartitions(asked, validateOnly: isDryRun)
            for topic in rest { errors[topic] = outcomes[topic]?.error }
        }
        var report = OutcomeReport(options, of: "TOPIC", [])
        for topic in topics {
            if let error = errors[topic] {
                report.fail("altering", topic, error)
            } else {
                report.append(topic, isDryRun ? "would be altered" : "altered", [])
            }
        }
        try report.finish()
    }
}
