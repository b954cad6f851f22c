import BenchmarkSupport
import Foundation

/// One thing that is measured round by round, where it can be beside the same work without the log.
struct Comparison {
    /// What the figure must reach.
    enum Goal {
        /// The log's figure over the bare one.
        case ratio(Double)
        /// The log's figure itself, where more is better.
        case atLeast(Double)
        /// The log's figure itself, where less is better.
        case atMost(Double)
    }

    let name: String
    let unit: String
    /// What the log is compared with; empty for nothing.
    var against = ""
    var goal: Goal?
    private var bare: [Double] = []
    private var log: [Double] = []

    init(_ name: String, _ unit: String, against: String = "", goal: Goal? = nil) {
        self.name = name
        self.unit = unit
        self.against = against
        self.goal = goal
    }

    /// Measures `amount` of work on both sides, one right after the other; which comes first changes
    /// from round to round.
    mutating func round(of amount: Double, bare bareBody: () throws -> Void, log logBody: () throws -> Void) rethrows {
        var bareSeconds: Seconds = 0
        let isBareFirst = log.count % 2 == 0
        if isBareFirst { bareSeconds = try measure(bareBody) }
        let logSeconds = try measure(logBody)
        if !isBareFirst { bareSeconds = try measure(bareBody) }
        add(bare: amount / bareSeconds, log: amount / logSeconds)
    }

    /// Takes one round's figures.
    mutating func add(bare bareFigure: Double? = nil, log logFigure: Double) {
        if let bareFigure { bare.append(bareFigure) }
        log.append(logFigure)
    }

    // MARK: Judging

    /// The median of the rounds' ratios; nil where there is nothing to compare with.
    var ratio: Double? { bare.isEmpty ? nil : median(zip(log, bare).map { $0 / $1 }) }

    var isMet: Bool? {
        switch goal {
        case nil: nil
        case .ratio(let least): ratio ?? 0 >= least
        case .atLeast(let least): median(log) >= least
        case .atMost(let most): median(log) <= most
        }
    }

    /// Whether the figure is so far off that no neighbour on the machine explains it.
    ///
    /// Both sides of a ratio have the same neighbours: half of a goal is lost only to another kind of work,
    /// a copy or a system call or generic code that is not specialised. A figure alone may also be of a slower
    /// machine: a third. A count has no noise: nothing is allowed.
    var isFarOff: Bool {
        switch goal {
        case nil: false
        case .ratio(let least): ratio ?? 0 < least / 2
        case .atLeast(let least): median(log) < least / 3
        case .atMost: isMet == false
        }
    }

    // MARK: Showing

    static let header = """
        | what | against | unit | bare | log | ratio | goal | met |
        |---|---|---|--:|--:|--:|---|---|
        """

    var row: String {
        let cells = [
            name, against, unit, bare.isEmpty ? "" : shown(median(bare)), shown(median(log)), ratio.map(shown) ?? "",
            goalText, isMet.map { $0 ? "yes" : "no" } ?? "",
        ]
        return "| " + cells.joined(separator: " | ") + " |"
    }

    private var goalText: String {
        switch goal {
        case nil: ""
        case .ratio(let least): "ratio ≥ \(shown(least))"
        case .atLeast(let least): "≥ \(shown(least))"
        case .atMost(let most): "≤ \(shown(most))"
        }
    }

    /// The same for programs.
    struct Encoded: Encodable {
        var name: String
        var against: String?
        var unit: String
        var bare: Double?
        var log: Double
        var ratio: Double?
        var rounds: Int
        var goal: String?
        var isMet: Bool?
    }

    var encoded: Encoded {
        Encoded(
            name: name, against: against.isEmpty ? nil : against, unit: unit,
            bare: bare.isEmpty ? nil : rounded(median(bare)), log: rounded(median(log)), ratio: ratio.map(rounded),
            rounds: log.count, goal: goal == nil ? nil : goalText, isMet: isMet)
    }
}
