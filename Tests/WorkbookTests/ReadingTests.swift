import Foundation
import Testing

@testable import WorkbookKit

@Suite("The outcome of a test process")
struct TestRunTests {
    private static func verdict(_ ending: Command.Outcome.Ending, _ output: String) -> TestRun.Verdict {
        TestRun.verdict(of: Command.Outcome(ending: ending, output: output))
    }

    @Test("is a pass only if tests ran")
    func passes() {
        #expect(Self.verdict(.exited(0), "✔ Test run with 3 tests in 1 suite passed after 0.1 seconds.") == .passed(3))
        #expect(Self.verdict(.exited(0), "✔ Test run with 0 tests in 0 suites passed") == .noTests)
        #expect(Self.verdict(.exited(0), "") == .noTests)
    }

    @Test("names the exercise whose stub was called")
    func stub() {
        let line = "Exercise 1.12, a thing, is not written yet. Read it; its tests ask for it."
        #expect(Self.verdict(.exited(86), "◇ Test started.\n\(line)\n") == .stopped("1.12"))
    }

    @Test("that is a failure has the first two issues, with what was said about them")
    func issues() {
        let output = """
            ◇ Test "adds" started.
            ✘ Test "adds" recorded an issue at A.swift:3:9: Expectation failed: (a → 1) == 2
            ↳ found 01
                    ^^ byte 0
            ✘ Test "adds" recorded an issue at A.swift:4:9: Expectation failed
            ✘ Test "adds" recorded an issue at A.swift:5:9: Expectation failed
            ✘ Test "adds" failed after 0.001 seconds with 3 issues.
            """
        #expect(
            Self.verdict(.exited(1), output)
                == .failed([
                    "Test \"adds\"", "  at A.swift:3:9: Expectation failed: (a → 1) == 2", "  found 01",
                    "          ^^ byte 0", "Test \"adds\"", "  at A.swift:4:9: Expectation failed",
                ]))
    }

    @Test("that is a trap says where, and one without end that it has none")
    func crashes() {
        let fatal = "Toy/Toy.swift:3: Fatal error: Index out of range"
        #expect(Self.verdict(.signalled(4), fatal) == .failed([fatal]))
        #expect(Self.verdict(.signalled(11), "") == .failed(["The tests' process ended with signal 11."]))
        guard case .failed(let lines) = Self.verdict(.outOfTime, "") else { return #expect(Bool(false)) }
        #expect(lines == ["It did not end in time: a loop without end?"])
    }

    @Test("that is a trap names the test that was running, and the learner's lines that led to it")
    func pathToTrap() {
        let output = """
            ◇ Test run started.
            ◇ Suite "A toy" started.
            ◇ Test "adds" started.
            ✔ Test "adds" passed after 0.001 seconds.
            ◇ Test "divides" started.
            Swift/Integers.swift:3324: Fatal error: Division by zero
              0 0x01 _assertionFailure + 225 in libswiftCore.so
              1 0x02 a + 4 in tests at /w/01-toy/.workbook/check/Sources/Toy.swift:33:9
              2 0x03 b + 8 in tests at /w/01-toy/.workbook/check/Sources/Deep/Other.swift:7:1
              3 0x04 c + 8 in tests at /w/01-toy/.workbook/check/Linked/ToyTests/ToyTests.swift:5:1
            """
        let fatal = "Swift/Integers.swift:3324: Fatal error: Division by zero"
        #expect(
            Self.verdict(.signalled(4), output)
                == .failed([
                    "Test \"divides\" was running:", fatal, "  reached from Toy.swift:33, from Deep/Other.swift:7",
                ]))
        guard case .failed(let lines) = Self.verdict(.outOfTime, output) else { return #expect(Bool(false)) }
        #expect(lines.first == "Test \"divides\" was running:")
    }

    @Test("is wrapped at spaces where it is long, and what stands in front of a caret stays")
    func wrapping() {
        #expect("one two three".wrapped(to: 8) == ["one two", "three"])
        #expect("one two three".wrapped(to: 8, indent: "  ") == ["one two", "  three"])
        #expect("   ^^ a".wrapped(to: 5) == ["   ^^", "a"] && "  ^^".wrapped(to: 4) == ["  ^^"])
        #expect("".wrapped(to: 4) == [""] && "seventeen".wrapped(to: 4) == ["seventeen"])
    }

    @Test("that is interrupted ends the program that runs", .timeLimit(.minutes(15)))
    func interrupt() async throws {
        let fifo = NSTemporaryDirectory() + "/workbook-" + UUID().uuidString
        #expect(mkfifo(fifo, 0o600) == 0)
        defer { unlink(fifo) }
        let reading = open(fifo, O_RDONLY | O_NONBLOCK)
        defer { close(reading) }
        await #expect(processExitsWith: .exitCode(128 + SIGINT)) { [fifo = fifo as String] in
            let loop = "exec 3>\(fifo); kill -INT $PPID; while :; do :; done"
            _ = try Command(["sh", "-c", loop], in: "/").run()
        }
        // The program held the only writing end: the end of the file comes when it is gone.
        var ended = pollfd(fd: reading, events: Int16(POLLIN), revents: 0)
        #expect(poll(&ended, 1, 60_000) == 1 && ended.revents & Int16(POLLHUP) != 0, "it still runs")
    }

    @Test("comes within its time, also of a process without end")
    func timeLimit() throws {
        let command = Command(["sh", "-c", "echo before; while :; do :; done"], in: "/").bounded
        let outcome = try command.run(seconds: 1)
        #expect(outcome.ending == .outOfTime && outcome.output == "before\n")
        #expect(try Command(["sh", "-c", "exit 86"], in: "/").run(seconds: 60).ending == .exited(86))
    }

    @Test("comes once a process has said what is waited for, and not before")
    func until() throws {
        let command = Command(["sh", "-c", "echo before; sleep 0.2; echo enough; while :; do sleep 1; done"], in: "/")
        let outcome = try command.run(seconds: 60, until: "enough")
        #expect(outcome.ending == .saidEnough && outcome.output == "before\nenough\n")
        #expect(try Command(["echo", "much"], in: "/").run(seconds: 60, until: "enough").ending == .exited(0))
    }

    @Test("is of the tests named: whole suites, or single tests of them")
    func filter() {
        #expect(TestRun.filter(["A", "B/c"], "Phase1Tests") == "^Phase1Tests\\.(A/|B/c\\()")
    }

    @Test("of a compiler gives each error once, with its place")
    func compilerErrors() {
        let output = "/a/b.swift:3:7: error: no x\n  note\n/a/b.swift:3:7: error: no x\n/a/b.swift:4:1: warning: y\n"
        #expect(CompilerError.all(in: output) == [CompilerError(file: "/a/b.swift", line: 3, message: "no x")])
    }
}

@Suite("Documents")
struct DocumentTests {
    @Test("get what commands print in place of what is there, as a block or as it is")
    func outputs() throws {
        let text =
            "a\n<!-- transcript: x -->\n```\nold\n```\n<!-- /transcript -->\n<!-- table: y -->\n<!-- /table -->\nb\n"
        let fresh = try Outputs.refreshed(text, "d.md") { "\($0) at 127.0.0.1:4711\n" }
        #expect(
            fresh == """
                a
                <!-- transcript: x -->
                ```
                x at 127.0.0.1:PORT
                ```
                <!-- /transcript -->
                <!-- table: y -->
                y at 127.0.0.1:PORT
                <!-- /table -->
                b

                """)
        #expect(try Outputs.refreshed(fresh, "d.md") { "\($0) at 127.0.0.1:9\n" } == fresh)
        #expect(throws: WorkbookError.self) { try Outputs.refreshed("<!-- table: x -->\n", "d.md") { _ in "" } }
    }

    @Test("have the anchors that GitHub gives their headings")
    func anchors() {
        let document = Markdown(
            "d.md", text: "# A `b`, c!\n## Same\n## Same\n```\n## not this\n```\n<a id=\"own\"></a>\n")
        #expect(document.anchors == ["a-b-c", "same", "same-1", "own"])
    }

    @Test("with a link to no file, or to no heading, are told")
    func links() throws {
        let toy = try ToyRepository()
        try toy.write("A.md", "# One\n[a](ADR/B.md#two) [b](#one) [c](https://x.y) `[d](none)`\n")
        try toy.write("ADR/B.md", "# Two\n[a](../A.md) [b](../Phases) [c](../C.md) [d](../A.md#two) ![e](e.svg)\n")
        let problems = try Links(toy.root).problems()
        #expect(problems.count == 3)
        for wrong in ["../C.md", "../A.md#two", "e.svg"] {
            #expect(problems.contains { $0.hasPrefix("ADR/B.md:2: ") && $0.hasSuffix(wrong) }, "\(wrong)")
        }
    }

    @Test("that are decisions have all sections, none empty, and few lines")
    func records() {
        let sections = ["Question", "Evidence"]
        let sound = "# 0001: X\n\nStatus: accepted\n\n## Question\nWhy?\n\n## Evidence\n```\n1\n```\n"
        #expect(Records.problems(of: Markdown("r.md", text: sound), sections: sections) == [])
        let empty = sound.replacingOccurrences(of: "Why?\n", with: "")
        #expect(Records.problems(of: Markdown("r.md", text: empty), sections: sections).count == 1)
        let long = sound + String(repeating: "x\n", count: 80)
        #expect(Records.problems(of: Markdown("r.md", text: long), sections: sections).count == 1)
    }

    @Test("name types, members, tests, files and rules that are there")
    func names() throws {
        let toy = try ToyRepository()
        try toy.write("Makefile", "run stroll: build\n\techo walk: x\n")
        let symbols = try Symbols(toy.root, ["Phases", "Tests"])
        let records = Records(toy.root)
        for (code, isSound) in [
            ("Toy.sum", true), ("Toy.sum(_:_:)", true), ("Toy.difference", false), ("Bear.sum", false),
            ("make run", true), ("make stroll", true), ("make walk", false), ("swift test --filter SumTests", true),
            ("swift test --filter BearTests", false), ("Tests/Support/Early.swift", true),
            ("Tests/Support/Gone.swift", false), ("Early.swift", true), ("Gone.swift", false), ("segment.bytes", true),
        ] {
            let problem = try records.problem(with: code, in: "Decision", symbols)
            #expect((problem == nil) == isSound, "\(code): \(problem ?? "sound")")
        }
        #expect(try records.problem(with: "Bear", in: "In the code", symbols) != nil)
        #expect(try records.problem(with: "Bear", in: "Decision", symbols) == nil)
        #expect(try records.problem(with: "Bear.sum", in: "Kafka does", symbols) == nil)
    }

    @Test("are compared with what is declared, in extensions, in enums and in nested types")
    func symbols() {
        let symbols = Symbols(
            of: SwiftSource(
                """
                struct A { struct B { var c = 1 }
                    enum D { case e(Int), f, g(String, x: Int)
                        case h } }
                extension A.B { func i() { let j = 1; switch j { case .k: l } } }
                protocol P { associatedtype T; init() }
                """))
        #expect(symbols.members["A"]?.isSuperset(of: ["B", "D"]) == true)
        #expect(symbols.members["B"]?.isSuperset(of: ["c", "i"]) == true)
        #expect(symbols.members["D"] == ["e", "f", "g", "h"])
        #expect(symbols.members["P"] == ["T", "init"])
    }
}

@Suite("What is made of texts")
struct TextTests {
    @Test("of variants has the reference, the stub and each mutation in one body")
    func variants() throws {
        let toy = try ToyRepository()
        let variants = Variants(try toy.phase().exercises)
        #expect(variants.all.map(\.number) == [1, 2, 3, 4])
        let text = try variants.text(of: ToyRepository.sum, "Toy.swift")
        #expect(text.contains("if exerciseVariant == 1 { exercise(\"1.1\") }"))
        #expect(text.contains("if exerciseVariant == 4 {\n return a + b\n }\n return a * b"))
        #expect(Variants.hasResult(SwiftSource.words(of: "func f(_ g: () -> Int)")) == false)
        #expect(Variants.hasResult(SwiftSource.words(of: "func f() throws(E) -> Int")))
        #expect(Variants.mutate("a + a", Exercise.Mutation(replace: "a", with: "b")) == nil)
    }

    @Test("of two texts shows what was taken out and put in")
    func difference() {
        let difference = LineDifference(from: "\n  a\n  b\n  c\n", to: "\n  a\n  d\n  c\n")
        #expect(difference.rendered == ["    a", "-   b", "+   d", "    c"])
        #expect(LineDifference(from: " a\n", to: "\n a\n").isEmpty)
    }
}
