import LogbookClient
import TopicsPartitions

/// What became of topics or groups, one after another.
struct OutcomeReport {
    private let options: ClientOptions
    private let kind: String
    private let columns: [String]
    private var table: Table
    private var objects: [JSON] = []
    private var failures: [String] = []

    /// - Parameters:
    ///   - kind: the column of the names, as in "TOPIC".
    ///   - columns: what is shown beside them and STATUS.
    init(_ options: ClientOptions, of kind: String, _ columns: [String]) {
        self.options = options
        self.kind = kind
        self.columns = columns
        table = Table([kind, "STATUS"] + columns)
    }

    mutating func append(_ name: String, _ status: String, _ values: [JSON]) {
        table.append([name, status] + values.map(\.cell))
        let members = zip(columns, values).map { (JSON.key($0), $1) }
        objects.append(JSON.members([(JSON.key(kind), .string(name)), ("status", .string(status))] + members))
    }

    mutating func fail(_ doing: String, _ name: String, _ error: ClientError) {
        failures.append(error.text(doing, name))
    }

    mutating func fail(_ failure: String) { failures.append(failure) }

    /// Prints what went well, and says on standard error what did not; throws then.
    func finish() throws {
        if options.format == .json {
            Output.line(JSON.array(objects).text)
        } else if !objects.isEmpty {
            Output.table(table, options)
        }
        try CommandFailure.check(failures)
    }
}

extension CommandFailure {
    /// Throws where there are failures; all but the last have been said then.
    static func check(_ failures: [String]) throws {
        for failure in failures.dropLast() { Output.diagnostic("logbook: \(failure)") }
        if let last = failures.last { throw CommandFailure(last) }
    }
}

extension ClientError {
    /// What failed, and why; a broker's error says itself what it is about.
    func text(_ doing: String, _ name: String) -> String {
        if case .broker = self { "\(doing) \(self)" } else { "\(doing) \(name): \(self)" }
    }
}

extension Result where Failure == ClientError {
    var error: ClientError? { if case .failure(let error) = self { error } else { nil } }
}
