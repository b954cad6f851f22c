/// Reads flags of the form `--name value` or `--name=value`, and what is not a flag.
struct Arguments {
    private var rest: ArraySlice<String>
    /// What is not a flag, in order.
    private(set) var positional: [String] = []
    private(set) var flags: [(name: String, value: String?)] = []

    /// Splits `arguments`; the flags in `valued` take a value, those in `plain` take none.
    init(_ arguments: [String], valued: [String], plain: [String]) throws {
        rest = arguments[...]
        while let argument = rest.popFirst() {
            guard argument.hasPrefix("-"), argument != "-" else {
                positional.append(argument)
                continue
            }
            let parts = argument.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            let name = String(parts[0])
            if plain.contains(name), parts.count == 1 {
                flags.append((name, nil))
            } else if valued.contains(name) {
                guard let value = parts.count == 2 ? String(parts[1]) : rest.popFirst() else {
                    throw UsageError("\(name) needs a value")
                }
                flags.append((name, value))
            } else {
                throw UsageError("unknown flag \(argument)")
            }
        }
    }

    /// Whether the flag was given.
    func has(_ name: String) -> Bool { flags.contains { $0.name == name } }
}
