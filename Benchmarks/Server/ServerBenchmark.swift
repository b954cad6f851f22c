import BenchmarkSupport
import Foundation
import SegmentLog
import WireProtocol

/// `bench-server [--quick] [--write FILE] [--only TEXT]`: the server against a bare loop over epoll, in one run, as ratios.
///
/// Every server is a process of its own, and gets the same load from the same client. Each round measures all
/// sides one right after the other, and the median of the rounds' ratios is what counts. With `--quick` it is
/// short, writes nothing, and fails only where a goal is missed by far.
@main
struct ServerBenchmark {
    static func main() throws {
        let arguments = Array(CommandLine.arguments.dropFirst())
        #if os(Linux)
            if arguments.first == "serve" { return try Served.run(Array(arguments.dropFirst())) }
            try measureAll(arguments)
        #else
            print("bench-server compares with a loop over epoll, which only Linux has")
        #endif
    }

    #if os(Linux)
        private static func measureAll(_ arguments: [String]) throws {
            raiseDescriptorLimit()
            let isQuick = arguments.contains("--quick")
            let only = value(of: "--only", in: arguments)
            let scope = try Scope(root: FileManager.default.currentDirectoryPath + "/.build/bench-server")
            defer { scope.remove() }
            var scenarios = try Scenarios.echoes() + Scenarios.acknowledgements() + Scenarios.produces()
            scenarios += try Scenarios.fetches(of: scope.root + "/fetched")
            if let only { scenarios.removeAll { !$0.name.contains(only) } }
            for index in scenarios.indices {
                for round in 0..<(isQuick ? 5 : 9) {
                    try scenarios[index].round(round, seconds: isQuick ? 0.12 : 0.25, in: scope)
                }
            }
            let table = ([Scenario.header] + scenarios.flatMap(\.rows)).joined(separator: "\n")
            print(table)
            let results = scenarios.flatMap(\.encoded)
            if let path = value(of: "--write", in: arguments), !isQuick, only == nil {
                try Report.replace(
                    "bench-server", in: path, with: table + "\n\n```json\n" + (try json(results)) + "\n```")
            }
            for one in results where one.isMet == false {
                let far = one.isFarOff ? ", by far" : ""
                print("\(one.name), \(one.connections) connections, \(one.server): below its goal\(far)")
            }
            if results.contains(where: { isQuick ? $0.isFarOff : $0.isMet == false }) {
                scope.remove()
                exit(1)
            }
        }
    #endif

    private static func value(of flag: String, in arguments: [String]) -> String? {
        guard let place = arguments.firstIndex(of: flag), place + 1 < arguments.count else { return nil }
        return arguments[place + 1]
    }

    private struct Encoded: Encodable {
        var processor: String
        var cores: Int
        var results: [Scenario.Encoded]
    }

    private static func json(_ results: [Scenario.Encoded]) throws -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        let contents = Encoded(
            processor: processor(), cores: ProcessInfo.processInfo.activeProcessorCount, results: results)
        return String(decoding: try encoder.encode(contents), as: UTF8.self)
    }

    /// Each connection takes a descriptor.
    private static func raiseDescriptorLimit() {
        #if os(Linux)
            var limit = rlimit()
            let kind = __rlimit_resource_t(RLIMIT_NOFILE.rawValue)
            guard unsafe getrlimit(kind, &limit) == 0 else { return }
            limit.rlim_cur = limit.rlim_max
            _ = unsafe setrlimit(kind, &limit)
        #endif
    }
}

/// Where the servers' files go.
struct Scope {
    let root: String

    /// Everything goes below `root`, which is made anew.
    init(root: String) throws {
        self.root = root
        remove()
        try FileManager.default.createDirectory(atPath: root, withIntermediateDirectories: true)
    }

    /// Removes what is left.
    func remove() { try? FileManager.default.removeItem(atPath: root) }

    /// Runs `body` with an empty directory, and removes it.
    func withDirectory<Result>(_ body: (String) throws -> Result) throws -> Result {
        let path = root + "/" + UUID().uuidString
        defer { try? FileManager.default.removeItem(atPath: path) }
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
        return try body(path)
    }
}
