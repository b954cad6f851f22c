import BenchmarkSupport

/// What was measured of one kind of group.
struct Figures {
    var memberCount = 0
    var residentBytesBefore = 0
    var residentBytesAfter = 0
    /// Until all of many groups were stable, and what that took of the processor.
    var manyStable: Seconds = 0
    var manyJoinProcessor: Seconds = 0
    var heartbeatsPerSecond = 0.0
    /// What the broker uses of the processor for a heartbeat, and that over an ApiVersions request.
    var heartbeatMicroseconds = 0.0
    var heartbeatRatio = 0.0
    /// What the broker uses of one core at the default interval.
    var intervalShare = 0.0
    var manyRebalances: [Seconds] = []
    var commitsPerSecond = 0.0
    var commitMicroseconds = 0.0
    var restartReady: Seconds = 0
    var restartLoaded: Seconds = 0
    var restartAnswered: Seconds = 0

    var largeJoined: Seconds = 0
    var largeStable: Seconds = 0
    var largeJoinProcessor: Seconds = 0
    var largeHeartbeatRatio = 0.0
    var largeLeft: [Seconds] = []
    var largeRejoined: [Seconds] = []
    /// Nil where each join makes all others join again, which `largeRejoined` has.
    var oneByOne: (joined: Seconds, lastTenth: Seconds, processor: Seconds)?
    /// All join at once, where targets are put off for a second; nil where there is no such thing.
    var withInterval: (stable: Seconds, processor: Seconds)?

    private var residentBytesPerMember: Double {
        Double(residentBytesAfter - residentBytesBefore) / Double(max(memberCount, 1))
    }

    /// Figures that no neighbour on the machine explains.
    var farOff: [String] {
        var found: [String] = []
        func expect(_ what: String, _ value: Double, atMost limit: Double) {
            if value > limit { found.append("\(what): \(shown(value)), at most \(shown(limit))") }
        }
        expect("processor time of a heartbeat to ApiVersions", heartbeatRatio, atMost: 4)
        expect("the same in a large group, to that in a small one", largeHeartbeatRatio / heartbeatRatio, atMost: 2)
        return found
    }

    /// The figures of both kinds beside each other.
    static func table(_ columns: [(kind: String, figures: Figures)], _ scale: Scale) -> String {
        var rows: [String] = []
        func add(_ what: String, _ cells: [String]) {
            rows.append("| " + ([what] + cells).joined(separator: " | ") + " |")
        }
        func add(_ what: String, _ figure: (Figures) -> String) { add(what, columns.map { figure($0.figures) }) }
        func heading(_ text: String) { add("**\(text)**", columns.map { _ in "" }) }

        add("what", columns.map(\.kind))
        rows.append("|---|" + columns.map { _ in "--:|" }.joined())
        heading("\(scale.groupCount) groups of \(scale.groupSize) members, \(scale.partitionCount) partitions")
        add("all join at once: until all groups are stable, s") { shown($0.manyStable) }
        add("… processor time of the broker, s") { shown($0.manyJoinProcessor) }
        add("memory of the broker before, all being connected, MiB") {
            shown(Double($0.residentBytesBefore) / 1_048_576)
        }
        add("memory after, MiB") { shown(Double($0.residentBytesAfter) / 1_048_576) }
        add("memory for a member, KiB") { shown($0.residentBytesPerMember / 1024) }
        add("heartbeats/s, each connection's next one after the answer") { shown($0.heartbeatsPerSecond) }
        add("processor time for a heartbeat, µs") { shown($0.heartbeatMicroseconds) }
        add("… to an ApiVersions request, ratio") { shown($0.heartbeatRatio) }
        add("share of one core, all members at the default interval (3 s; 5 s), %") { shown($0.intervalShare * 100) }
        add("a member leaves or joins, the others at that interval: p50, ms") {
            shown(percentile(0.5, of: $0.manyRebalances) * 1000)
        }
        add("… p99, ms") { shown(percentile(0.99, of: $0.manyRebalances) * 1000) }
        add("offset commits/s, one member of each group") { shown($0.commitsPerSecond) }
        add("processor time for a commit, µs") { shown($0.commitMicroseconds) }
        add("killed and restarted: until ready, s") { shown($0.restartReady) }
        add("… until all groups are loaded and all members connected, s") { shown($0.restartLoaded) }
        add("… until each member had a heartbeat answered, s") { shown($0.restartAnswered) }

        heading("one group of \(scale.largeSize) members, \(scale.largeSize) partitions")
        add("all join at once: until all are answered, s") { shown($0.largeJoined) }
        add("… until the group is stable, s") { shown($0.largeStable) }
        add("… processor time of the broker, s") { shown($0.largeJoinProcessor) }
        add("processor time for a heartbeat, to an ApiVersions request, ratio") { shown($0.largeHeartbeatRatio) }
        add("… to the ratio in groups of \(scale.groupSize)") { shown($0.largeHeartbeatRatio / $0.heartbeatRatio) }
        add("a member leaves: until the group is stable, median, ms") { shown(median($0.largeLeft) * 1000) }
        add("it joins again: the same, ms") { shown(median($0.largeRejoined) * 1000) }
        add("all join one after the other, s") { $0.oneByOne.map { shown($0.joined) } ?? "-" }
        add("… the last tenth: for each, ms") {
            $0.oneByOne.map { shown($0.lastTenth / Double(scale.largeSize / 10) * 1000) } ?? "-"
        }
        add("… processor time of the broker, s") { $0.oneByOne.map { shown($0.processor) } ?? "-" }
        add("all at once with `group.consumer.assignment.interval.ms=1000`: until stable, s") {
            $0.withInterval.map { shown($0.stable) } ?? "-"
        }
        add("… processor time of the broker, s") { $0.withInterval.map { shown($0.processor) } ?? "-" }
        return rows.joined(separator: "\n")
    }
}
