import LogbookClient
import Testing

@testable import logbook

/// What a wrong command line is told; nil where it is accepted.
func complaint(_ body: () throws -> some Any) -> String? {
    do {
        _ = try body()
        return nil
    } catch let error as UsageError {
        return error.message
    } catch {
        Issue.record("not a UsageError: \(error)")
        return nil
    }
}

@Suite("A command line")
struct ArgumentsTests {
    private func parse(_ line: String...) throws -> Arguments {
        try Arguments(line, valued: ["-p|--partitions", "-X", "--offset"], plain: ["-e|--exit", "--dry-run"])
    }

    @Test("has flags in every form, and one name for each")
    func forms() throws {
        let arguments = try parse("a", "-p", "3", "--partitions=4", "-p5", "--exit", "-Xa=b", "-X", "c=d=e", "b")
        #expect(arguments.positional == ["a", "b"])
        #expect(arguments.values("-p") == ["3", "4", "5"])
        #expect(arguments.value("-p") == "5")
        #expect(arguments.values("-X") == ["a=b", "c=d=e"])
        #expect(arguments.has("-e"))
        #expect(!arguments.has("--dry-run"))
    }

    @Test("gives a flag a value that looks like a flag, takes a dash alone for a name, and ends flags at two")
    func dashes() throws {
        let arguments = try parse("--offset", "-5", "-", "--", "-p", "--", "--exit")
        #expect(arguments.value("--offset") == "-5")
        #expect(arguments.positional == ["-", "-p", "--", "--exit"])
        #expect(arguments.values("-p") == [])
    }

    @Test("is told what is wrong with it")
    func wrong() {
        #expect(complaint { try parse("-q") } == "unknown flag -q")
        #expect(complaint { try parse("--partition", "3") } == "unknown flag --partition")
        #expect(complaint { try parse("-p") } == "-p needs a value")
        #expect(complaint { try parse("--exit=yes") } == "--exit takes no value")
        let number = { (text: String) in try parse("-p", text).number("-p", in: 1...Int32.max) }
        for text in ["0", "-1", "x", "", "1.5", "2147483648", " 1"] {
            #expect(complaint { try number(text) } == "-p takes a number from 1 to 2147483647, not \(text)")
        }
        #expect((try? number("2147483647")) == 2_147_483_647)
    }

    @Test("names the settings that there are, and what they take")
    func properties() throws {
        func set(_ name: String, _ value: String) throws -> ProducerConfiguration {
            var configuration = try ProducerConfiguration(bootstrapServers: "localhost:9092")
            try ClientProperty.apply(
                [(name, value)], ClientProperty.producer, to: &configuration, passingOver: ["default.api.timeout.ms"])
            return configuration
        }
        #expect(try set("linger.ms", "17").lingerMilliseconds == 17)
        #expect(try set("partitioner", "round_robin").partitioner == .roundRobin)
        #expect(try set("acks", "-1").acks == .all)
        #expect(try set("allow.auto.create.topics", "false").allowsTopicCreation == false)
        #expect(try set("compression.type", "zstd").compression == .zstd)
        #expect(complaint { try set("default.api.timeout.ms", "whatever") } == nil)
        #expect(complaint { try set("linger", "1") }?.contains("no setting linger here; there are acks, ") == true)
        #expect(
            complaint { try set("acks", "2") } == "-X: acks takes one of all, -1, 1, 0, not 2")
        #expect(complaint { try set("batch.size", "big") }?.hasPrefix("-X: batch.size takes a number from") == true)
        for kind in ProducerConfiguration.Partitioner.allCases {
            #expect(try set("partitioner", kind.rawValue).partitioner == kind)
        }
    }

    @Test("of topic alter changes settings in four ways")
    func changes() {
        #expect((try? TopicAlteration.change("a=1")) == .set("a", to: "1"))
        #expect((try? TopicAlteration.change("a=")) == .set("a", to: ""))
        #expect((try? TopicAlteration.change("a=b=c")) == .set("a", to: "b=c"))
        #expect((try? TopicAlteration.change("a")) == .delete("a"))
        #expect((try? TopicAlteration.change("a+=1")) == .append("a", "1"))
        #expect((try? TopicAlteration.change("a-=1")) == .subtract("a", "1"))
        #expect(complaint { try TopicAlteration.change("=1") } == "-c takes name=value, not =1")
        #expect(complaint { try TopicAlteration.change("") } == "-c names no setting")
    }

    @Test("of consume says where to begin")
    func offsets() {
        func read(_ text: String) -> StartOffset? { try? StartOffset(text, of: "--offset") }
        #expect(read("start") == .position(.earliest))
        #expect(read("end") == .position(.latest))
        #expect(read("0") == .position(.offset(0)))
        #expect(read("-3") == .beforeEnd(3))
        #expect(read("@1700000000000") == .position(.timestamp(1_700_000_000_000)))
        #expect(read("@-90s") == .age(milliseconds: 90_000))
        #expect(read("@-15m") == .age(milliseconds: 900_000))
        #expect(read("@-2h") == .age(milliseconds: 7_200_000))
        #expect(read("@-7d") == .age(milliseconds: 604_800_000))
        let wrong = [
            "", "x", "@", "@-1", "@x", "1.5", "-9223372036854775808", "9223372036854775808", "+1", "--1", "@-s",
            "@--1s", "@-1w", "@-9223372036854775807d", "@+1", "-", "١",
        ]
        for text in wrong {
            #expect(
                complaint { try StartOffset(text, of: "--offset") }
                    == "--offset takes start, end, N, -N, @MS or @-AGE, not \(text)")
        }
    }

    @Test("has an age counted from the time of day, and from 1970 at most")
    func ages() {
        #expect(StartOffset.age(milliseconds: 300).at(1_000) == .position(.timestamp(700)))
        #expect(StartOffset.age(milliseconds: 3_000).at(1_000) == .position(.timestamp(0)))
        #expect(StartOffset.beforeEnd(3).at(1_000) == .beforeEnd(3))
    }
}
