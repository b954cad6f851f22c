import LogbookClient

extension ConsumerConfiguration {
    /// That of a member of `group`, with what the command line says.
    ///
    /// - Parameter start: where a partition begins that the group has no offset of, where that was said.
    static func member(of group: String, _ options: ClientOptions, _ start: StartOffset?) throws -> Self {
        var configuration = Self(bootstrapServers: options.bootstrapServers)
        configuration.groupID = group
        // To read a topic must not create it.
        configuration.allowsTopicCreation = false
        // As an admin here: who ends it by a signal does not wait for a broker that is away.
        configuration.defaultApiTimeoutMilliseconds = 10_000
        switch start {
        case .position(.earliest)?, nil: configuration.autoOffsetReset = .earliest
        case .position(.latest)?: configuration.autoOffsetReset = .latest
        case .some:
            throw UsageError(
                "--offset: with -g it takes start or end, for partitions that the group has no offset of; "
                    + "`logbook group seek` moves a group")
        }
        let given = Set(options.properties.map(\.name))
        if start != nil, given.contains("auto.offset.reset") {
            throw UsageError("--offset and -X auto.offset.reset say the same: give one")
        }
        try ClientProperty.apply(
            options.properties, ClientProperty.consumer + ClientProperty.member, to: &configuration)
        // As in Kafka's consumer: what would not be looked at is refused.
        let idle =
            configuration.groupProtocol == .classic
            ? ["group.remote.assignor"]
            : ["partition.assignment.strategy", "session.timeout.ms", "heartbeat.interval.ms"]
        if let name = idle.first(where: given.contains) {
            let kind = configuration.groupProtocol == .classic ? "consumer" : "classic"
            throw UsageError("-X: \(name) is for group.protocol=\(kind)")
        }
        return configuration
    }
}

extension ConsumeJob {
    /// Prints what the group gives to this process, commits what was printed, and leaves.
    ///
    /// - Parameter ends: where to stop in each partition; nil to go on.
    func readAsMember(_ consumer: Consumer, until ends: [TopicPartition: Int64]?) async throws {
        StopSignal.watch()
        var failure: (any Error)?
        do {
            try consumer.subscribe(topics)
            try await readShare(consumer, until: ends)
        } catch {
            failure = error
        }
        do {
            if configuration.enableAutoCommit { try await consumer.commit() }
        } catch ClientError.broker(.rebalanceInProgress, _) {
            // Stored by `close` once the rebalance is over, as far as it leaves the partitions here.
        } catch {
            failure = failure ?? CommandFailure("what was printed last could not be committed: \(error)")
        }
        await consumer.close(timeout: .seconds(10))
        if let failure { throw failure }
        StopSignal.endByWhatWasRaised()
    }

    private func readShare(_ consumer: Consumer, until ends: [TopicPartition: Int64]?) async throws {
        var count = 0
        var output: [UInt8] = []
        var progress = Progress()
        while count < limit, !StopSignal.isRaised, !isAtEnd(consumer, ends) {
            let records = try await consumer.poll(maxRecords: min(5_000, limit - count), timeout: .milliseconds(200))
            var firsts: [TopicPartition: Int64] = [:]
            var finished: [TopicPartition: Int64] = [:]
            for record in records {
                let name = record.topicPartition
                if let end = ends?[name], record.offset + 1 >= end { finished[name] = end }
                guard ends?[name].map({ record.offset < $0 }) ?? true else { continue }
                if firsts[name] == nil { firsts[name] = record.offset }
                shape.write(record, to: &output)
                count += 1
            }
            guard Output.flush(&output) else {
                // Nobody has read these: the group has not, either.
                return goBack(firsts, consumer)
            }
            progress.show(count, "records")
            // What lies behind the end was not printed.
            goBack(finished, consumer)
            try? consumer.pause(Array(finished.keys))
        }
    }

    /// Whether each partition that the group has given to this process is read to where it is to end.
    private func isAtEnd(_ consumer: Consumer, _ ends: [TopicPartition: Int64]?) -> Bool {
        guard let ends else { return false }
        let assigned = consumer.assignment
        let positions = consumer.positions
        return !assigned.isEmpty && assigned.allSatisfy { name in (positions[name] ?? -1) >= ends[name] ?? 0 }
    }

    /// Has the group go on with these offsets, where the partitions are still here.
    private func goBack(_ offsets: [TopicPartition: Int64], _ consumer: Consumer) {
        for (name, offset) in offsets { try? consumer.seek(name, to: .offset(offset)) }
    }
}
