import LogbookClient

/// A setting of a client by Kafka's name.
struct ClientProperty<Configuration> {
    let name: String
    /// What values it takes.
    let values: String
    /// Sets it; false where the value is none.
    let set: (inout Configuration, String) -> Bool

    static func number<Number: FixedWidthInteger>(
        _ name: String, _ path: WritableKeyPath<Configuration, Number>
    ) -> Self {
        Self(name: name, values: "a number from \(Number.min) to \(Number.max)") { configuration, text in
            guard let number = Number(text) else { return false }
            configuration[keyPath: path] = number
            return true
        }
    }

    static func text(_ name: String, _ path: WritableKeyPath<Configuration, String>) -> Self {
        Self(name: name, values: "text") { configuration, text in
            configuration[keyPath: path] = text
            return true
        }
    }

    static func text(_ name: String, _ path: WritableKeyPath<Configuration, String?>) -> Self {
        Self(name: name, values: "text") { configuration, text in
            configuration[keyPath: path] = text
            return !text.isEmpty
        }
    }

    static func bool(_ name: String, _ path: WritableKeyPath<Configuration, Bool>) -> Self {
        choice(name, path, ["true": true, "false": false])
    }

    static func choice<Value>(
        _ name: String, _ path: WritableKeyPath<Configuration, Value>, _ values: KeyValuePairs<String, Value>
    ) -> Self {
        let names = values.map(\.key).joined(separator: ", ")
        return Self(name: name, values: "one of \(names)") { configuration, text in
            guard let value = values.first(where: { $0.key == text })?.value else { return false }
            configuration[keyPath: path] = value
            return true
        }
    }

    /// Makes each setting; those that another client of the command knows are passed over.
    static func apply(
        _ settings: [(name: String, value: String)], _ known: [Self], to configuration: inout Configuration,
        passingOver others: [String] = []
    ) throws {
        for (name, value) in settings {
            guard let property = known.first(where: { $0.name == name }) else {
                if others.contains(name) { continue }
                let names = (known.map(\.name) + others).sorted().joined(separator: ", ")
                throw UsageError("-X: there is no setting \(name) here; there are \(names)")
            }
            guard property.set(&configuration, value) else {
                throw UsageError("-X: \(name) takes \(property.values), not \(value)")
            }
        }
    }
}

extension ClientProperty<AdminConfiguration> {
    static var admin: [Self] {
        [
            .text("client.id", \.clientID),
            .number("request.timeout.ms", \.requestTimeoutMilliseconds),
            .number("default.api.timeout.ms", \.defaultApiTimeoutMilliseconds),
            .number("retry.backoff.ms", \.retryBackoffMilliseconds),
        ]
    }
}

extension ClientProperty<ProducerConfiguration> {
    static let codecs: KeyValuePairs<String, ProducerConfiguration.Compression> = [
        "none": .none, "gzip": .gzip, "snappy": .snappy, "lz4": .lz4, "zstd": .zstd,
    ]
    static let allAcks: KeyValuePairs<String, ProducerConfiguration.Acks> = [
        "all": .all, "-1": .all, "1": .leader, "0": .none,
    ]

    static var producer: [Self] {
        [
            .text("client.id", \.clientID),
            .choice("acks", \.acks, allAcks),
            .choice("compression.type", \.compression, codecs),
            .choice(
                "partitioner", \.partitioner,
                ["murmur2_random": .murmur2Random, "sticky": .sticky, "round_robin": .roundRobin]),
            .number("linger.ms", \.lingerMilliseconds),
            .number("batch.size", \.batchBytes),
            .number("buffer.memory", \.bufferBytes),
            .number("max.request.size", \.maxRequestBytes),
            .number("max.block.ms", \.maxBlockMilliseconds),
            .number("max.in.flight.requests.per.connection", \.maxInFlight),
            .number("request.timeout.ms", \.requestTimeoutMilliseconds),
            .number("delivery.timeout.ms", \.deliveryTimeoutMilliseconds),
            .number("retry.backoff.ms", \.retryBackoffMilliseconds),
            .bool("allow.auto.create.topics", \.allowsTopicCreation),
        ]
    }
}

extension ClientProperty<ConsumerConfiguration> {
    static var consumer: [Self] {
        [
            .text("client.id", \.clientID),
            .number("fetch.min.bytes", \.fetchMinBytes),
            .number("fetch.max.wait.ms", \.fetchMaxWaitMilliseconds),
            .number("fetch.max.bytes", \.fetchMaxBytes),
            .number("max.partition.fetch.bytes", \.maxPartitionFetchBytes),
            .bool("check.crcs", \.checksCRCs),
            .choice(
                "auto.offset.reset", \.autoOffsetReset, ["earliest": .earliest, "latest": .latest, "none": .none]),
            .number("request.timeout.ms", \.requestTimeoutMilliseconds),
            .number("default.api.timeout.ms", \.defaultApiTimeoutMilliseconds),
            .number("retry.backoff.ms", \.retryBackoffMilliseconds),
            .number("metadata.max.age.ms", \.metadataMaxAgeMilliseconds),
        ]
    }

    private static let assignors: [any ConsumerPartitionAssignor] = [
        RangeAssignor(), RoundRobinAssignor(), StickyAssignor(), CooperativeStickyAssignor(),
    ]

    /// What only a member of a group is told.
    static var member: [Self] {
        let names = assignors.map(\.name).joined(separator: ", ")
        return [
            .choice("group.protocol", \.groupProtocol, ["classic": .classic, "consumer": .consumer]),
            .text("group.instance.id", \.groupInstanceID),
            .text("group.remote.assignor", \.groupRemoteAssignor),
            Self(name: "partition.assignment.strategy", values: "some of \(names), the preferred one first") {
                configuration, text in
                let wanted = text.split(separator: ",", omittingEmptySubsequences: false)
                let known = wanted.compactMap { name in assignors.first { $0.name == name } }
                configuration.partitionAssignmentStrategy = known
                return known.count == wanted.count
            },
            .number("session.timeout.ms", \.sessionTimeoutMilliseconds),
            .number("heartbeat.interval.ms", \.heartbeatIntervalMilliseconds),
            .number("max.poll.interval.ms", \.maxPollIntervalMilliseconds),
            .bool("enable.auto.commit", \.enableAutoCommit),
            .number("auto.commit.interval.ms", \.autoCommitIntervalMilliseconds),
        ]
    }
}
