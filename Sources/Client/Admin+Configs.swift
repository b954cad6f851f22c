import WireProtocol

/// What has settings.
public enum ConfigResource: Hashable, Sendable, CustomStringConvertible {
    /// The topic of this name.
    case topic(String)
    /// The broker with this id.
    case broker(Int32)
    /// What all brokers share that say nothing else.
    case allBrokers

    /// "topic orders", "broker 1", "all brokers".
    public var description: String {
        switch self {
        case .topic(let name): "topic \(name)"
        case .broker(let id): "broker \(id)"
        case .allBrokers: "all brokers"
        }
    }
}

/// A setting and where it comes from.
public struct ConfigEntry: Equatable, Sendable {
    /// Where a value comes from, the first that says something.
    public enum Source: Int8, Sendable {
        /// The broker does not say.
        case unknown = 0
        /// The topic's own.
        case topic = 1
        /// Given to the broker while it runs.
        case broker = 2
        /// Given to all brokers while they run.
        case allBrokers = 3
        /// The broker's file, or its command line.
        case brokerFile = 4
        /// Nobody has said anything else.
        case standard = 5
    }

    /// Its name, such as "retention.ms".
    public var name: String
    /// Its value; nil where it is kept secret.
    public var value: String?
    /// Where the value comes from.
    public var source: Source
    /// Whether it cannot be changed while the broker runs.
    public var isReadOnly: Bool
    /// Whether its value is kept secret.
    public var isSensitive: Bool
    /// What it does, where that was asked for.
    public var documentation: String?
}

/// A change of one setting (KIP-339).
public enum ConfigChange: Equatable, Sendable {
    /// Gives it this value.
    case set(String, to: String)
    /// Has it go back to its default.
    case delete(String)
    /// Appends values to its list.
    case append(String, String)
    /// Removes values from its list.
    case subtract(String, String)
}

extension Admin {
    /// The settings of topics and brokers, by name.
    ///
    /// - Parameter includesDocumentation: also what each of them does.
    public func describeConfigs(
        _ resources: [ConfigResource], includesDocumentation: Bool = false
    ) async throws(ClientError) -> [ConfigResource: Result<[ConfigEntry], ClientError>] {
        try await ask("describing configs", resources, target: \.target) { resources in
            var request = DescribeConfigsRequest()
            request.includeDocumentation = includesDocumentation
            request.resources = resources.map { resource in
                var asked = DescribeConfigsRequest.Resource()
                (asked.resourceType, asked.resourceName) = resource.wire
                return asked
            }
            return request
        } read: { answer throws(ClientError) in
            var answers: [ConfigResource: AdminAnswer<[ConfigEntry]>] = [:]
            for result in try answer.decoded(as: DescribeConfigsResponse.self).results {
                guard let resource = ConfigResource(result.resourceType, result.resourceName) else { continue }
                answers[resource] = AdminAnswer(
                    errorCode: result.errorCode, message: result.errorMessage,
                    value: result.configs.map(ConfigEntry.init).sorted { $0.name < $1.name })
            }
            return answers
        }
    }

    /// Changes some settings, and leaves the others as they are; those of one resource all or none.
    ///
    /// - Parameter validateOnly: only asks whether they could be changed.
    public func incrementalAlterConfigs(
        _ changes: [ConfigResource: [ConfigChange]], validateOnly: Bool = false
    ) async throws(ClientError) -> [ConfigResource: Result<Void, ClientError>] {
        let resources = changes.keys.sorted { $0.wire < $1.wire }
        return try await ask("altering configs", resources, target: \.target) { resources in
            var request = IncrementalAlterConfigsRequest()
            request.validateOnly = validateOnly
            request.resources = resources.map { resource in
                var altered = IncrementalAlterConfigsRequest.Resource()
                (altered.resourceType, altered.resourceName) = resource.wire
                altered.configs = (changes[resource] ?? []).map(\.wire)
                return altered
            }
            return request
        } read: { answer throws(ClientError) in
            var answers: [ConfigResource: AdminAnswer<Void>] = [:]
            for result in try answer.decoded(as: IncrementalAlterConfigsResponse.self).responses {
                guard let resource = ConfigResource(result.resourceType, result.resourceName) else { continue }
                answers[resource] = AdminAnswer(errorCode: result.errorCode, message: result.errorMessage, value: ())
            }
            return answers
        }
    }
}

extension ConfigResource {
    /// A broker's own settings are known to that broker only.
    fileprivate var target: AdminTarget { if case .broker(let id) = self { .broker(id) } else { .any } }

    /// The type and the name, as in `DescribeConfigsRequest`.
    fileprivate var wire: (Int8, String) {
        switch self {
        case .topic(let name): (2, name)
        case .broker(let id): (4, "\(id)")
        case .allBrokers: (4, "")
        }
    }

    fileprivate init?(_ type: Int8, _ name: String) {
        switch (type, Int32(name)) {
        case (2, _): self = .topic(name)
        case (4, let id?): self = .broker(id)
        case (4, nil) where name.isEmpty: self = .allBrokers
        default: return nil
        }
    }
}

extension ConfigChange {
    fileprivate var wire: IncrementalAlterConfigsRequest.Config {
        var config = IncrementalAlterConfigsRequest.Config()
        switch self {
        case .set(let name, let value): (config.configOperation, config.name, config.value) = (0, name, value)
        case .delete(let name): (config.configOperation, config.name) = (1, name)
        case .append(let name, let value): (config.configOperation, config.name, config.value) = (2, name, value)
        case .subtract(let name, let value): (config.configOperation, config.name, config.value) = (3, name, value)
        }
        return config
    }
}

extension ConfigEntry {
    fileprivate init(_ config: DescribeConfigsResponse.Config) {
        self.init(
            name: config.name, value: config.value, source: Source(rawValue: config.configSource) ?? .unknown,
            isReadOnly: config.isReadOnly, isSensitive: config.isSensitive, documentation: config.documentation)
    }
}
