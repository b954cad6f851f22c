import Testing

@testable import WireProtocol

@Suite("Log lines")
struct LogLineTests {
    @Test("are one line of logfmt, in the order of the facts")
    func logfmt() {
        let line = LogLine(.warn, "request_refused", ["peer": "[::1]:51234", "reason": "it has 3 bytes", "empty": ""])
        #expect("\(line)" == #"level=warn event=request_refused peer=[::1]:51234 reason="it has 3 bytes" empty="""#)
        #expect(line["reason"] == "it has 3 bytes" && line["none"] == nil)
    }

    @Test(
        "quote what could be taken for something else",
        arguments: [
            ("plain-word_1.0/é", #""plain-word_1.0/é""#), ("a=b", #""a=b""#), (#"say "yes""#, #""say \"yes\"""#),
            (#"back\slash"#, #""back\\slash""#), ("two\nlines\r\n", #""two\nlines\r\n""#), ("tab\t", #""tab\t""#),
            ("\u{0}\u{1B}[31m", #""\u0000\u001b[31m""#), ("\u{85}\u{2028}\u{202E}", #""\u0085\u2028\u202e""#),
            ("\u{E0001}", #""\udb40\udc01""#), ("x level=error event=forged", #""x level=error event=forged""#),
        ])
    func quoting(value: String, quoted: String) {
        #expect(LogLine.quoted(value) == quoted)
    }

    @Test("cut long values, and say so")
    func long() {
        #expect(LogLine.quoted(String(repeating: "x", count: 400)) == String(repeating: "x", count: 400))
        #expect(LogLine.quoted(String(repeating: "x", count: 401)) == "\"" + String(repeating: "x", count: 400) + "…\"")
        #expect(LogLine.quoted(String(repeating: "\n", count: 100_000)).utf8.count < 1_000)
    }

    @Test("of one event are ten in ten seconds; the next one says how many were left out")
    func limiter() {
        var limiter = LogLimiter()
        let start = Instant(nanoseconds: 0)
        let flood = LogLine(.warn, "flood")
        var admitted: [LogLine] = []
        for time in 0..<1000 {
            if let line = limiter.admit(flood, at: start.advanced(byMilliseconds: Int64(time))) {
                admitted.append(line)
            }
        }
        #expect(admitted == [LogLine](repeating: flood, count: 10))
        let (other, debug) = (LogLine(.warn, "other"), LogLine(.debug, "flood"))
        let (otherAdmitted, debugAdmitted) = (limiter.admit(other, at: start), limiter.admit(debug, at: start))
        #expect(otherAdmitted == other && debugAdmitted == debug)
        let surplus = limiter.admit(flood, at: start.advanced(byMilliseconds: 9_999))
        #expect(surplus == nil)
        let next = limiter.admit(flood, at: start.advanced(byMilliseconds: 10_000))
        #expect(next?["suppressed"] == "991")
        let last = limiter.admit(flood, at: start.advanced(byMilliseconds: 10_001))
        #expect(last == flood)
    }

    @Test("have levels by name, and by weight", arguments: LogLevel.allCases)
    func levels(level: LogLevel) {
        #expect(LogLevel(named: "\(level)") == level)
        #expect(level <= .error && LogLevel(named: "WARN") == nil)
    }
}
