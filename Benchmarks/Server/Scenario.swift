import BenchmarkSupport
import SegmentLog
import WireProtocol

/// One load on several servers, and the figures of each, round by round.
struct Scenario {
    /// One of the servers.
    struct Side {
        enum Kind: String {
            case bare, reactor, broker
        }
        let kind: Kind
        /// The least ratio of requests per second to the bare server's.
        var goal: Double?
        /// Starts the server with an empty directory of its own.
        let start: (_ directory: String) throws -> ServerProcess
        var rounds: [Figures] = []
    }

    let name: String
    let load: Load
    /// What the bytes per second count: the longer one of request and answer.
    let payloadBytes: Int
    /// The bare one is the first.
    var sides: [Side]

    init(_ name: String, _ load: Load, _ sides: [Side]) {
        self.name = name
        self.load = load
        payloadBytes = max(load.requests[0].count, load.answerBytes)
        self.sides = sides
    }

    /// Measures all sides, one right after the other; the first one changes from round to round.
    mutating func round(_ index: Int, seconds: Seconds, in scope: Scope) throws {
        for place in sides.indices {
            let side = (place + index) % sides.count
            let figures = try scope.withDirectory { directory in
                let server = try sides[side].start(directory)
                defer { server.kill() }
                return try LoadGenerator(load, on: server).run(warmUp: seconds / 4, seconds: seconds)
            }
            sides[side].rounds.append(figures)
        }
    }

    // MARK: Showing

    static let header = """
        | what | connections × in flight | server | requests/s | MB/s | p50 µs | p99 µs | CPU s/GB | CPU ratio | ratio | goal | met |
        |---|--:|---|--:|--:|--:|--:|--:|--:|--:|---|---|
        """

    /// A line for each side.
    var rows: [String] {
        sides.map { side in
            let result = encoded(side)
            let cells = [
                name, "\(load.connections) × \(load.depth)", result.server, shown(result.requestsPerSecond),
                shown(result.megabytesPerSecond), shown(result.p50Microseconds), shown(result.p99Microseconds),
                shown(result.processorSecondsPerGigabyte), result.processorRatio.map(shown) ?? "",
                result.ratio.map(shown) ?? "",
                result.goal.map { "≥ \(shown($0))" } ?? "", result.isMet.map { $0 ? "yes" : "no" } ?? "",
            ]
            return "| " + cells.joined(separator: " | ") + " |"
        }
    }

    /// The same for programs.
    struct Encoded: Encodable {
        var name: String
        var connections: Int
        var inFlight: Int
        var server: String
        var requestsPerSecond: Double
        var megabytesPerSecond: Double
        var p50Microseconds: Double
        var p99Microseconds: Double
        var processorSecondsPerGigabyte: Double
        /// The server's processor time for a request over the bare server's.
        var processorRatio: Double?
        /// The requests per second over the bare server's.
        var ratio: Double?
        var goal: Double?
        var isMet: Bool?
        var rounds: Int

        /// Whether the figures are so far off that no neighbour on the machine explains them.
        var isFarOff: Bool {
            guard let goal, let ratio, let processorRatio else { return false }
            return ratio < goal / 2 || processorRatio > 2 / goal
        }
    }

    /// The medians of each side.
    var encoded: [Encoded] { sides.map(encoded) }

    private func encoded(_ side: Side) -> Encoded {
        let middle = { (figure: (Figures) -> Double) in rounded(median(side.rounds.map(figure))) }
        let bytes = Double(payloadBytes)
        let isBare = side.kind == .bare
        let pairs = zip(side.rounds, sides[0].rounds)
        let ratio = isBare ? nil : median(pairs.map { $0.perSecond / $1.perSecond })
        let processorRatio =
            isBare ? nil : median(pairs.map { $0.serverSecondsPerRequest / $1.serverSecondsPerRequest })
        return Encoded(
            name: name, connections: load.connections, inFlight: load.depth, server: side.kind.rawValue,
            requestsPerSecond: middle(\.perSecond), megabytesPerSecond: middle { $0.perSecond * bytes / 1e6 },
            p50Microseconds: middle(\.p50Microseconds), p99Microseconds: middle(\.p99Microseconds),
            processorSecondsPerGigabyte: middle { $0.serverSeconds / (Double($0.requests) * bytes / 1e9) },
            processorRatio: processorRatio.map(rounded), ratio: ratio.map(rounded), goal: side.goal,
            isMet: side.goal.flatMap { goal in ratio.map { $0 >= goal } },
            rounds: side.rounds.count)
    }
}
