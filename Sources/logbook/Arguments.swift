/// Reads flags of the form `--name value` or `--name=value`, one-letter flags also as `-nvalue`, and what
/// is not a flag. Behind `--` nothing is a flag.
struct Arguments {
    private var rest: ArraySlice<String>
    /// What is not a flag, in order.
    private(set) var positional: [String] = []
    private(set) var flags: [(name: String, value: String?)] = []

    /// Splits `arguments`; the flags in `valued` take a value, those in `plain` take none. Names of one
    /// flag are written together, as in "-p|--partitions"; the first one stands for all.
    init(_ arguments: [String], valued: [String], plain: [String]) throws {
        rest = arguments[...]
        let valued = Self.names(valued)
        let plain = Self.names(plain)
        while let argument = rest.popFirst() {
            if argument == "--" {
                positional += rest
                return
            }
            guard argument.hasPrefix("-"), argument != "-" else {
                positional.append(argument)
                continue
            }
            let (name, attached) = Self.split(argument, valued)
            if let first = plain[name], attached == nil {
                flags.append((first, nil))
            } else if let first = valued[name] {
                guard let value = attached ?? rest.popFirst() else { throw UsageError("\(name) needs a value") }
                flags.append((first, value))
            } else if plain[name] != nil {
                throw UsageError("\(name) takes no value")
            } else {
                throw UsageError("unknown flag \(argument)")
            }
        }
    }

    /// Each name of a flag, with the first of its names.
    private static func names(_ groups: [String]) -> [String: String] {
        var names: [String: String] = [:]
        for group in groups {
            let all = group.split(separator: "|").map(String.init)
            for name in all { names[name] = all[0] }
        }
        return names
    }

    private static func split(_ argument: String, _ valued: [String: String]) -> (name: String, value: String?) {
        if !argument.hasPrefix("--"), argument.count > 2, valued[String(argument.prefix(2))] != nil {
            return (String(argument.prefix(2)), String(argument.dropFirst(2)))
        }
        let parts = argument.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
        return (String(parts[0]), parts.count == 2 ? String(parts[1]) : nil)
    }

    /// Whether the flag was given, by the first of its names.
    func has(_ name: String) -> Bool { flags.contains { $0.name == name } }

    /// The values that the flag was given, in order.
    func values(_ name: String) -> [String] { flags.filter { $0.name == name }.compactMap(\.value) }

    /// The flag's last value.
    func value(_ name: String) -> String? { values(name).last }

    /// The flag's last value as a number of this range.
    func number<Number: FixedWidthInteger>(_ name: String, in range: ClosedRange<Number>) throws -> Number? {
        guard let text = value(name) else { return nil }
        guard let number = Number(text), range.contains(number) else {
            throw UsageError("\(name) takes a number from \(range.lowerBound) to \(range.upperBound), not \(text)")
        }
        return number
    }
}

/// "name=value" in two.
func nameAndValue(_ text: String, of flag: String) throws -> (name: String, value: String) {
    let parts = text.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
    guard parts.count == 2, !parts[0].isEmpty else { throw UsageError("\(flag) takes name=value, not \(text)") }
    return (String(parts[0]), String(parts[1]))
}
