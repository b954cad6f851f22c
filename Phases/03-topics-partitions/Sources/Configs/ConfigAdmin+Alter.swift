import WireProtocol

extension ConfigAdmin {
    /// Answers AlterConfigs: each resource has what the request says, and what it does not say goes back
    /// to its default. Returns the response, and the changes to append together.
    public func alter(_ request: AlterConfigsRequest) -> (AlterConfigsResponse, changes: [MetadataRecord]) {
        let alterations = request.resources.map { asked in
            Alteration(
                resource: MetadataImage.Resource(kind: asked.resourceType, name: asked.resourceName),
                changes: asked.configs.map { Change(name: $0.name, operation: .set, value: $0.value) },
                replacesAll: true)
        }
        var response = AlterConfigsResponse()
        var changes: [MetadataRecord]
        (response.responses, changes) = apply(alterations)
        if request.validateOnly { changes = [] }
        return (response, changes)
    }

    /// Answers IncrementalAlterConfigs (KIP-339): what the request does not say stays. Returns the
    /// response, and the changes to append together.
    public func alter(
        _ request: IncrementalAlterConfigsRequest
    ) -> (IncrementalAlterConfigsResponse, changes: [MetadataRecord]) {
        let alterations = request.resources.map { asked in
            Alteration(
                resource: MetadataImage.Resource(kind: asked.resourceType, name: asked.resourceName),
                changes: asked.configs.map { config in
                    Change(
                        name: config.name, operation: Operation(rawValue: config.configOperation),
                        number: config.configOperation, value: config.value)
                }, replacesAll: false)
        }
        var response = IncrementalAlterConfigsResponse()
        var changes: [MetadataRecord]
        (response.responses, changes) = apply(alterations)
        if request.validateOnly { changes = [] }
        return (response, changes)
    }

    private enum Operation: Int8 {
        case set, delete, append, subtract
    }

    private struct Change {
        var name: String
        /// Nil for one that Kafka does not have either.
        var operation: Operation?
        var number: Int8 = 0
        var value: String?
    }

    private struct Alteration {
        var resource: MetadataImage.Resource
        var changes: [Change]
        /// Whether what is not among the changes goes back to its default.
        var replacesAll: Bool
    }

    /// The answer for each resource, and the changes of those that are not refused: all of a resource's or
    /// none.
    private func apply(_ alterations: [Alteration]) -> ([AlterConfigsResult], [MetadataRecord]) {
        var counts: [MetadataImage.Resource: Int] = [:]
        for alteration in alterations { counts[alteration.resource, default: 0] += 1 }
        var changes: [MetadataRecord] = []
        let results = alterations.map { alteration in
            var result = AlterConfigsResult()
            result.resourceType = alteration.resource.kind
            result.resourceName = alteration.resource.name
            do throws(Refusal) {
                guard counts[alteration.resource] == 1 else {
                    throw Refusal(.invalidRequest, "the request names this resource more than once")
                }
                changes += try records(of: alteration)
            } catch {
                result.refuse(error)
            }
            return result
        }
        return (results, changes)
    }

    private func records(of alteration: Alteration) throws(Refusal) -> [MetadataRecord] {
        let resource = alteration.resource
        try checkForm(alteration)
        let before = image.configs[resource] ?? [:]
        var after = alteration.replacesAll ? [:] : before
        for change in alteration.changes { try apply(change, to: &after, of: resource) }
        if resource.isTopic { try checkTopic(resource.name, after) } else { try checkBroker(resource, after) }
        return Set(before.keys).union(after.keys).sorted().filter { before[$0] != after[$0] }.map { name in
            .config(ConfigRecord(resource, name: name, value: after[name]))
        }
    }

    /// Checks what can be told without what is there.
    private func checkForm(_ alteration: Alteration) throws(Refusal) {
        let names = alteration.changes.map(\.name)
        guard Set(names).count == names.count else {
            throw Refusal(.invalidRequest, "the request names a config more than once")
        }
        if let unknown = alteration.changes.first(where: { $0.operation == nil }) {
            throw Refusal(.invalidRequest, "there is no operation \(unknown.number)")
        }
        let nulls = alteration.changes.filter { $0.operation != .delete && $0.value == nil }.map(\.name)
        guard nulls.isEmpty else {
            throw Refusal(.invalidRequest, "these have no value: \(nulls.joined(separator: ", "))")
        }
        let resource = alteration.resource
        guard resource.isTopic || resource.isBroker else {
            throw Refusal(.invalidRequest, "resources of type \(resource.kind) have no configs here")
        }
        guard !resource.isBroker || resource == .allBrokers || resource == .broker(brokerID) else {
            throw Refusal(
                .invalidRequest,
                Int32(resource.name) == nil
                    ? "a broker is named by its number, not \(resource.name)"
                    : "this is broker \(brokerID), not \(resource.name)")
        }
        guard resource.isTopic else { return }
        guard !resource.name.isEmpty else {
            throw Refusal(.invalidRequest, "a topic has a name")
        }
        try checkTopicName(resource.name)
    }

    private func apply(
        _ change: Change, to configs: inout [String: String], of resource: MetadataImage.Resource
    ) throws(Refusal) {
        switch change.operation {
        case .set, nil: configs[change.name] = change.value
        case .delete: configs[change.name] = nil
        case .append, .subtract:
            let key =
                resource.isTopic ? TopicConfigKey.named(change.name) : TopicConfigKey.behind(setting: change.name)
            let isAppend = change.operation == .append
            guard let key, key.type == .list else {
                throw Refusal(
                    .invalidConfig,
                    """
                    \(change.name) is no list: \(isAppend ? "APPEND" : "SUBTRACT") does not apply to it
                    """)
            }
            // As in Kafka, a list that is not set begins with the default, whatever the broker's file says.
            var parts = ConfigType.parts(of: configs[change.name] ?? key.defaultValue)
            let given = ConfigType.parts(of: change.value ?? "")
            if isAppend {
                for part in given where !parts.contains(part) { parts.append(part) }
            } else {
                parts.removeAll(where: given.contains)
            }
            configs[change.name] = parts.joined(separator: ",")
        }
    }

    private func checkTopic(_ name: String, _ overrides: [String: String]) throws(Refusal) {
        do throws(ConfigError) {
            let defaults = try image.topicDefaults(onBroker: brokerID, startedWith: startedWith)
            try TopicConfig(overriding: overrides, defaults: defaults).checkTogether()
        } catch {
            throw Refusal(.invalidConfig, error.description)
        }
        guard image.topics[name] != nil else {
            throw unknownTopic(name)
        }
    }

    private func checkBroker(_ resource: MetadataImage.Resource, _ configs: [String: String]) throws(Refusal) {
        let names = configs.keys.sorted()
        if let unknown = names.first(where: { setting($0) == nil }) {
            throw Refusal(.invalidConfig, "there is no config \(unknown)")
        }
        let fixed = names.filter { TopicConfigKey.behind(setting: $0)?.synonyms.first?.name != $0 }
        guard fixed.isEmpty else {
            throw Refusal(
                .invalidRequest, "these are set at the start only: \(fixed.joined(separator: ", "))")
        }
        do throws(ConfigError) {
            var next = startedWith
            // What all brokers share stands behind what this one sets.
            let shared = resource == .allBrokers ? configs : image.configs[.allBrokers] ?? [:]
            let own = resource == .allBrokers ? image.configs[.broker(brokerID)] ?? [:] : configs
            for settings in [shared, own] { next = try TopicConfig(brokerSettings: settings, defaults: next) }
            try next.checkTogether()
        } catch {
            // Not INVALID_CONFIG, and not in Kafka either (KAFKA-13609).
            throw Refusal(.invalidRequest, error.description)
        }
    }
}
