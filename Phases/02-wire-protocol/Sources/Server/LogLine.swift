/// One event for the operator's log: what happened, and the facts of it by name.
///
///     LogLine(.warn, "request_refused", ["peer": "10.0.0.7:51234", "reason": "it has 3 bytes"])
///     // level=warn event=request_refused peer=10.0.0.7:51234 reason="it has 3 bytes"
public struct LogLine: Sendable, Equatable, CustomStringConvertible {
    /// One fact.
    public struct Field: Sendable, Equatable {
        /// What it is: lower-case words, joined by underscores.
        public var name: String
        /// Any text, also a client's.
        public var value: String
    }

    /// How much it matters.
    public var level: LogLevel
    /// What happened: lower-case words, joined by underscores. Always the same for the same kind of event.
    public var event: String
    /// The facts, in the order in which they are written.
    public var fields: [Field]

    /// A line with these facts.
    public init(_ level: LogLevel, _ event: String, _ fields: KeyValuePairs<String, String> = [:]) {
        self.level = level
        self.event = event
        self.fields = fields.map { Field(name: $0.key, value: $0.value) }
    }

    /// The fact of this name, if there is one.
    public subscript(name: String) -> String? { fields.first { $0.name == name }?.value }

    /// The line as `logfmt`, without a time and always one line: see `quoted`.
    public var description: String {
        fields.reduce("level=\(level) event=\(event)") { $0 + " \($1.name)=\(Self.quoted($1.value))" }
    }

    /// Longer values are cut, and end in "…".
    static let maxValueScalars = 400

    /// A value as `logfmt` writes it: plain where it is a word of printable ASCII, otherwise in quotes, with
    /// the escapes of a JSON string for whatever could end the quotes or the line, or is not visible.
    public static func quoted(_ value: String) -> String {
        let isPlain = value.utf8.allSatisfy {
            $0 > 0x20 && $0 < 0x7F && $0 != UInt8(ascii: "\"") && $0 != UInt8(ascii: "=") && $0 != UInt8(ascii: "\\")
        }
        if isPlain, !value.isEmpty, value.utf8.count <= maxValueScalars { return value }
        var text = "\""
        var scalars = value.unicodeScalars.makeIterator()
        for _ in 0..<maxValueScalars {
            guard let scalar = scalars.next() else { return text + "\"" }
            text += escaped(scalar)
        }
        return text + (scalars.next() == nil ? "\"" : "…\"")
    }

    private static func escaped(_ scalar: Unicode.Scalar) -> String {
        switch scalar {
        case "\"": return "\\\""
        case "\\": return "\\\\"
        case "\n": return "\\n"
        case "\r": return "\\r"
        case "\t": return "\\t"
        default: break
        }
        switch scalar.properties.generalCategory {
        case .control, .format, .lineSeparator, .paragraphSeparator, .privateUse, .unassigned, .surrogate:
            // JSON's escapes have four digits: what needs more is a pair of surrogates.
            return String(scalar).utf16.reduce("") { text, unit in
                let digits = String(unit, radix: 16)
                return text + "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
            }
        default: return String(scalar)
        }
    }
}

/// How much a log line matters, from little to much.
public enum LogLevel: Int, Sendable, Comparable, CaseIterable, CustomStringConvertible {
    /// Only for who looks for something: connections that begin and end.
    case debug
    /// Something worth knowing.
    case info
    /// Something that somebody should look at.
    case warn
    /// Something is broken.
    case error

    /// The name in lower case.
    public var description: String {
        switch self {
        case .debug: "debug"
        case .info: "info"
        case .warn: "warn"
        case .error: "error"
        }
    }

    /// The level of this name.
    public init?(named name: String) {
        guard let level = Self.allCases.first(where: { $0.description == name }) else { return nil }
        self = level
    }

    /// What matters less is less.
    public static func < (left: LogLevel, right: LogLevel) -> Bool { left.rawValue < right.rawValue }
}

/// Lets through ten lines of an event in ten seconds: clients cause most of them, as often as they like.
/// The first line after others were left out says how many, as `suppressed`. Debug lines are not counted.
struct LogLimiter {
    static let maxLines = 10
    static let windowMilliseconds: Int64 = 10_000

    private struct Window {
        var ends: Instant
        var count = 0
        var suppressed = 0
    }

    /// By event: the events are the program's own words, so there are only so many.
    private var windows: [String: Window] = [:]

    /// The line to write, or nil where there were too many like it.
    mutating func admit(_ line: LogLine, at now: Instant) -> LogLine? {
        guard line.level > .debug else { return line }
        let fresh = Window(ends: now.advanced(byMilliseconds: Self.windowMilliseconds))
        var window = windows[line.event] ?? fresh
        if window.ends <= now {
            let suppressed = window.suppressed
            window = fresh
            window.suppressed = suppressed
        }
        defer { windows[line.event] = window }
        guard window.count < Self.maxLines else {
            window.suppressed += 1
            return nil
        }
        window.count += 1
        guard window.suppressed > 0 else { return line }
        var line = line
        line.fields.append(LogLine.Field(name: "suppressed", value: "\(window.suppressed)"))
        window.suppressed = 0
        return line
    }
}
