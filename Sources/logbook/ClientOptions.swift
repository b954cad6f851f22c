#if canImport(Darwin)
    import Darwin
#else
    import Glibc
#endif
import LogbookClient

/// The flags that every command of a client has.
struct ClientOptions {
    /// How a command shows what it has found.
    enum Format: String, CaseIterable {
        /// Columns for people.
        case table
        /// Columns with everything.
        case wide
        /// JSON with stable keys; one object in each line for what comes as a stream.
        case json
    }

    static let valued = ["-b|--bootstrap-server", "-X", "-o|--output"]
    static let plain = ["--no-color", "-h|--help"]
    static let usage = """
          -b, --bootstrap-server HOST:PORT[,…]  where to look for the cluster (localhost:9092)
          -X NAME=VALUE                         a setting of the client by Kafka's name, any number of times
          -o, --output table|wide|json          how to show it (table)
              --no-color                        no colours, also on a terminal
        """

    let bootstrapServers: String
    let properties: [(name: String, value: String)]
    let format: Format
    let isColored: Bool

    init(_ arguments: Arguments) throws {
        bootstrapServers = arguments.value("-b") ?? "localhost:9092"
        properties = try arguments.values("-X").map { try nameAndValue($0, of: "-X") }
        let format = arguments.value("-o") ?? Format.table.rawValue
        guard let known = Format(rawValue: format) else {
            throw UsageError("-o takes table, wide or json, not \(format)")
        }
        self.format = known
        isColored =
            known != .json && !arguments.has("--no-color") && isatty(STDOUT_FILENO) == 1
            && Environment.value("NO_COLOR") == nil
    }

    /// An admin with these settings. It gives up after 10 seconds, where Kafka's waits for a minute.
    ///
    /// - Parameter others: settings that are for another client of the same command, and are passed over.
    func admin(passingOver others: [String] = []) throws -> Admin {
        var configuration = try refusalsAsUsage { try AdminConfiguration(bootstrapServers: bootstrapServers) }
        configuration.defaultApiTimeoutMilliseconds = 10_000
        try ClientProperty.apply(properties, ClientProperty.admin, to: &configuration, passingOver: others)
        return try refusalsAsUsage { try Admin(configuration) }
    }
}

/// What the process was told by its environment.
enum Environment {
    static func value(_ name: String) -> String? {
        unsafe getenv(name).map { unsafe String(cString: $0) }
    }
}

/// Has a setting that the client refuses end with the status of a wrong command line.
func refusalsAsUsage<Value>(_ body: () throws -> Value) throws -> Value {
    do {
        return try body()
    } catch ClientError.refused(let reason) {
        throw UsageError(reason)
    }
}
