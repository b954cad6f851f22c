@testable import LogbookClient
import Testing

@testable import logbook

@Suite("A command line for groups")
struct GroupCommandTests {
    private func parse(_ line: [String]) throws -> Arguments {
        try Arguments(
            line, valued: ClientOptions.valued + ["--to", "--by", "-t|--topic", "--state", "--type"],
            plain: ClientOptions.plain + ["--execute", "--dry-run"])
    }

    @Test("says where a group is to go on, in one way")
    func targets() throws {
        func target(_ line: String...) throws -> SeekTarget { try SeekTarget(parse(line)) }
        #expect(try target("--to", "start") == .place(.position(.earliest)))
        #expect(try target("--to", "-5") == .place(.beforeEnd(5)))
        #expect(try target("--to=@-15m").at(1_000_000).timestamp == 100_000)
        #expect(try target("--by", "-5") == .shift(-5))
        #expect(try target("--by", "+5") == .shift(5))
        #expect(complaint { try target() } == "group seek needs --to or --by")
        #expect(complaint { try target("--to", "end", "--by", "1") }?.contains("give one") == true)
        #expect(complaint { try target("--by", "x") } == "--by takes a number of records, not x")
        #expect(
            complaint { try target("--to", "+5") } == "--to takes start, end, N, -N, @MS or @-AGE, not +5")
    }

    @Test("chooses topics, and partitions of them")
    func choices() throws {
        #expect(try TopicChoice("orders").partitions == nil)
        let some = try TopicChoice("orders:3,0")
        #expect(some.topic == "orders" && some.partitions == [3, 0])
        for text in ["", ":1", "orders:", "orders:x", "orders:-1", "orders:1,", "orders:1:2"] {
            #expect(complaint { try TopicChoice(text) } == "-t takes TOPIC or TOPIC:PARTITION,..., not \(text)")
        }
    }

    @Test("knows Kafka's states and types, whatever the case of their letters")
    func filters() throws {
        func filter(_ line: String...) throws -> GroupFilter { try GroupFilter(parse(line)) }
        let both = try filter("--state", "stable", "--state=EMPTY", "--type", "Consumer")
        #expect(both.states == ["Stable", "Empty"] && both.types == ["consumer"])
        #expect(complaint { try filter("--state", "busy") }?.hasPrefix("--state takes one of Empty, ") == true)
        #expect(complaint { try filter("--type", "share") } == "--type takes one of classic, consumer, not share")
    }

    @Test("of seek moves one group, and not both for real and not")
    func seek() {
        func seek(_ line: String...) throws -> GroupSeek { try GroupSeek(parse(line)) }
        #expect(complaint { try seek("g", "--to", "end") } == nil)
        #expect(complaint { try seek("--to", "end") } == "group seek needs a group")
        #expect(complaint { try seek("g", "h", "--to", "end") } == "group seek moves one group at a time, not g h")
        #expect(complaint { try seek("g", "--to", "end", "--execute", "--dry-run") }?.contains("exclude") == true)
    }
}

@Suite("A new offset of a group")
struct SeekTargetTests {
    private func offset(_ target: SeekTarget, current: Int64? = 50, found: Int64? = nil) -> Int64? {
        target.offset(current: current, log: 10...100, found: found)?.offset
    }

    private func note(_ target: SeekTarget, current: Int64? = 50, found: Int64? = nil) -> String? {
        target.offset(current: current, log: 10...100, found: found)?.note
    }

    @Test("is what was asked for where the log has it")
    func inside() {
        #expect(offset(.place(.position(.earliest))) == 10)
        #expect(offset(.place(.position(.latest))) == 100)
        #expect(offset(.place(.position(.offset(100)))) == 100)
        #expect(offset(.place(.beforeEnd(3))) == 97)
        #expect(offset(.shift(5)) == 55)
        #expect(offset(.shift(-40)) == 10)
        #expect(offset(.place(.position(.timestamp(1))), found: 20) == 20)
        #expect(note(.shift(-40)) == nil && note(.place(.position(.offset(100)))) == nil)
    }

    @Test("is never outside of the log, and says so")
    func outside() {
        #expect(offset(.place(.position(.offset(9)))) == 10)
        #expect(note(.place(.position(.offset(9)))) == "9 is before the log's start")
        #expect(offset(.place(.position(.offset(101)))) == 100)
        #expect(note(.place(.position(.offset(101)))) == "101 is behind the log's end")
        #expect(offset(.place(.beforeEnd(.max))) == 10)
        #expect(offset(.shift(51)) == 100)
        #expect(offset(.shift(.max)) == 100)
        #expect(offset(.shift(.min), current: 0) == 10)
        #expect(offset(.shift(0), current: 3) == 10)
        #expect(offset(.place(.position(.timestamp(1))), found: -1) == 100)
        #expect(note(.place(.position(.timestamp(1))), found: -1) == "no record is of that time or later")
    }

    @Test("needs an old one to be shifted from, and no other")
    func without() {
        #expect(offset(.shift(1), current: nil) == nil)
        #expect(offset(.place(.position(.earliest)), current: nil) == 10)
    }
}

@Suite("A group that is described")
struct GroupReportTests {
    private let one = GroupDescription.Member(
        id: "one", instanceID: nil, clientID: "c", host: "/h", assignment: [TopicPartition("t", 1)])
    private let idle = GroupDescription.Member(id: "idle", instanceID: nil, clientID: "c", host: "/h", assignment: [])

    private func report(_ committed: [TopicPartition: Int64], ends: [TopicPartition: Int64]) -> GroupReport {
        let group = GroupDescription(
            id: "g", type: "classic", state: "Stable", assignor: "range", members: [idle, one])
        let rows = GroupReport.rows(group, committed.mapValues { OffsetAndMetadata($0) }, starts: [:], ends: ends)
        return GroupReport(group, coordinator: 1, nil, rows)
    }

    @Test("has a row for what is committed, for what is assigned, and for a member without anything")
    func rows() {
        let (t0, t1, a0) = (TopicPartition("t", 0), TopicPartition("t", 1), TopicPartition("a", 0))
        let report = report([t0: 5, a0: 7], ends: [t0: 9, t1: 4, a0: 7])
        #expect(report.rows.map(\.partition) == [a0, t0, t1, nil])
        #expect(report.rows.map(\.member?.id) == [nil, nil, "one", "idle"])
        #expect(report.rows.map(\.lag) == [0, 4, nil, nil])
        #expect(report.totalLag == 4)
    }

    @Test("is behind by the sum of what it is behind, as far as that is known")
    func lag() {
        let (t0, t1) = (TopicPartition("t", 0), TopicPartition("t", 1))
        #expect(report([:], ends: [t1: 4]).totalLag == nil)
        #expect(report([t0: 5], ends: [:]).totalLag == nil)
        // A log that was cut below the group's offset.
        #expect(report([t0: 5, t1: 1], ends: [t0: 3, t1: 4]).totalLag == 3)
        #expect(report([t0: .min, t1: .min], ends: [t0: 3, t1: 4]).totalLag == .max)
    }
}

@Suite("A member of a group")
struct MemberConfigurationTests {
    private func member(_ line: String...) throws -> ConsumerConfiguration {
        let arguments = try Arguments(line, valued: ClientOptions.valued + ["--offset"], plain: [])
        let start = try arguments.value("--offset").map { try StartOffset($0, of: "--offset") }
        return try ConsumerConfiguration.member(of: "g", ClientOptions(arguments), start)
    }

    @Test("has its group's settings by Kafka's names")
    func settings() throws {
        let configuration = try member(
            "-X", "session.timeout.ms=6000", "-X", "partition.assignment.strategy=sticky,range", "-X",
            "group.instance.id=one", "-X", "enable.auto.commit=false")
        #expect(configuration.groupID == "g" && configuration.groupInstanceID == "one")
        #expect(configuration.sessionTimeoutMilliseconds == 6000 && !configuration.enableAutoCommit)
        #expect(configuration.partitionAssignmentStrategy.map(\.name) == ["sticky", "range"])
        #expect(!configuration.allowsTopicCreation)
        #expect(try member("-X", "group.protocol=consumer").groupProtocol == .consumer)
        #expect(
            complaint { try member("-X", "partition.assignment.strategy=range,best") }
                == "-X: partition.assignment.strategy takes some of range, roundrobin, sticky, cooperative-sticky, "
                + "the preferred one first, not range,best")
        #expect(complaint { try member("-X", "group.instance.id=") }?.contains("takes text") == true)
    }

    @Test("begins at the start without a committed offset, or where it is told")
    func starts() throws {
        #expect(try member().autoOffsetReset == .earliest)
        #expect(try member("--offset", "start").autoOffsetReset == .earliest)
        #expect(try member("--offset", "end").autoOffsetReset == .latest)
        #expect(try member("-X", "auto.offset.reset=none").autoOffsetReset == .none)
        for text in ["5", "-5", "@5", "@-5m"] {
            #expect(complaint { try member("--offset", text) }?.contains("with -g it takes start or end") == true)
        }
        #expect(
            complaint { try member("--offset", "end", "-X", "auto.offset.reset=none") }?.contains("give one") == true)
    }

    @Test("is not told what its protocol would not look at")
    func idleSettings() {
        #expect(
            complaint { try member("-X", "group.remote.assignor=range") }
                == "-X: group.remote.assignor is for group.protocol=consumer")
        #expect(
            complaint { try member("-X", "group.protocol=consumer", "-X", "session.timeout.ms=6000") }
                == "-X: session.timeout.ms is for group.protocol=classic")
    }
}
