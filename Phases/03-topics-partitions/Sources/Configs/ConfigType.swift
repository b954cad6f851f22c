/// The type of a config's value, by its number in DescribeConfigs (KIP-569).
public enum ConfigType: Int8, Sendable {
    /// `true` or `false`.
    case boolean = 1
    /// Any text.
    case string = 2
    /// A whole number of 32 bits.
    case int = 3
    /// A whole number of 64 bits.
    case long = 5
    /// A number with a fraction.
    case double = 6
    /// Texts separated by commas.
    case list = 7

    /// A value of this type in the form in which Kafka shows it: without spaces around it, a number
    /// without leading zeros. Throws where the text is no value of this type.
    public func canonical(_ text: String) throws(ConfigError) -> String {
        let text = text.trimmingSpaces
        switch self {
        case .boolean:
            let word = text.lowercased()
            guard word == "true" || word == "false" else {
                throw ConfigError("must be true or false")
            }
            return word
        case .string: return text
        case .int: return try number(Int32(text))
        case .long: return try number(Int64(text))
        case .double: return try number(Double(text))
        case .list: return Self.parts(of: text).joined(separator: ",")
        }
    }

    /// The texts of a list; an empty text is an empty list, and between two commas is an empty part.
    public static func parts(of list: String) -> [String] {
        guard !list.trimmingSpaces.isEmpty else { return [] }
        return list.split(separator: ",", omittingEmptySubsequences: false).map { String($0).trimmingSpaces }
    }

    private func number(_ value: (some CustomStringConvertible)?) throws(ConfigError) -> String {
        guard let value else { throw ConfigError("must be a number of type \(self)") }
        return value.description
    }
}

/// A config that does not fit.
public struct ConfigError: Error, Equatable, Sendable, CustomStringConvertible {
    /// The reason in words.
    public var reason: String
    /// The config's name, and the value that does not fit. Nil where the reason says it all.
    public var name: String?, value: String?

    /// An error of no single value.
    public init(_ reason: String) { self.reason = reason }

    /// The same error, told of this value of this config.
    func of(_ name: String, _ value: String) -> ConfigError {
        var error = self
        error.name = name
        error.value = value
        return error
    }

    /// What is wrong with what.
    public var description: String {
        guard let name, let value else { return reason }
        return "\(name)=\(value): \(reason)"
    }
}

extension String {
    /// Without spaces at both ends.
    package var trimmingSpaces: String {
        var rest = self[...]
        while rest.first?.isWhitespace == true { rest.removeFirst() }
        while rest.last?.isWhitespace == true { rest.removeLast() }
        return String(rest)
    }
}
