import WireProtocol

/// A consumer as a member of a group.
///
///     var configuration = ConsumerConfiguration(bootstrapServers: "localhost:9092")
///     configuration.groupID = "billing"
///     configuration.autoOffsetReset = .earliest
///     let consumer = try Consumer(configuration)
///     try consumer.subscribe(["orders"])
///     for try await record in consumer.records {
///         try await bill(record)        // committed once the next record is asked for, within auto.commit.interval.ms
///     }
extension Consumer {
    // MARK: Membership

    /// Reads these topics together with the other members of `group.id`, each partition by one of them.
    ///
    /// The consumer joins when it is read for the first time. Partitions come and go between two reads; they begin at
    /// the offset that the group has committed, or where `auto.offset.reset` says. Called again it changes the topics
    /// and the listener.
    ///
    /// - Throws: `refused` without a `group.id`, without topics, or where partitions were assigned by `assign`.
    public func subscribe(_ topics: [String], listener: (any RebalanceListener)? = nil) throws(ClientError) {
        try change { machine throws(ClientError) in try machine.subscribe(topics, listener: listener) }
    }

    /// The topics that it is subscribed to, in ascending order.
    public var subscription: [String] { thread.withMachine { $0.group?.subscription ?? [] } }

    /// Leaves the group: tells the listener that all partitions are revoked, commits what was read where
    /// `enable.auto.commit` is set, and says goodbye. Not to be called while records are being read.
    public func unsubscribe() async throws(ClientError) {
        await tellOfTheEnd()
        try change { machine throws(ClientError) in machine.leaveGroup() }
        _ = try await ask(.farewell, what: "leaving the group")
    }

    /// Ends the consumer as `close()` does, but first tells the listener that all partitions are revoked, and waits
    /// until what was read is committed and the group has been left, for `timeout` at most.
    public func close(timeout: Duration) async {
        // A task of its own: that a consumer is ended by one that was cancelled is the rule rather than the exception.
        await Task { await self.sayFarewell(within: timeout) }.value
        close()
    }

    private func sayFarewell(within timeout: Duration) async {
        do throws(ClientError) {
            try change { machine throws(ClientError) in machine.endReading() }
            await tellOfTheEnd()
            try change { machine throws(ClientError) in machine.leaveGroup() }
            let what = "leaving the group"
            _ = try await ask(.farewell, what: what, timeoutMilliseconds: max(0, timeout.milliseconds))
        } catch {
            // There is nobody to say goodbye to.
        }
    }

    private func tellOfTheEnd() async {
        let (listener, lost, owned) = thread.withMachine { ($0.listener, $0.untoldLosses, $0.group?.owned ?? []) }
        guard let listener else { return }
        if !lost.isEmpty { await listener.partitionsLost(lost, from: self) }
        if !owned.isEmpty { await listener.partitionsRevoked(owned, from: self) }
    }

    /// Has a listener do its part of a rebalance.
    func tell(_ listener: any RebalanceListener, of step: RebalanceStep) async {
        switch step.kind {
        case .assigned: await listener.partitionsAssigned(step.partitions, to: self)
        case .revoked: await listener.partitionsRevoked(step.partitions, from: self)
        case .lost: await listener.partitionsLost(step.partitions, from: self)
        }
        thread.withMachine { $0.finishStep(step.id) }
        thread.announceWork()
    }

    // MARK: Offsets

    /// Stores the positions of all partitions for the group: everything that was returned counts as read. Tried again
    /// for `default.api.timeout.ms` where that may help.
    ///
    /// - Throws: REBALANCE_IN_PROGRESS where a rebalance is under way, so that it is worth another try after the next
    ///   read; UNKNOWN_MEMBER_ID or ILLEGAL_GENERATION where the partitions may be another member's already.
    public func commit() async throws(ClientError) { try await commit(nil, isRetried: true) }

    /// Stores these offsets for the group: of each partition that of the next record to read.
    ///
    ///     try await consumer.commit([record.topicPartition: OffsetAndMetadata(record.offset + 1)])
    public func commit(_ offsets: [TopicPartition: OffsetAndMetadata]) async throws(ClientError) {
        try Self.check(offsets)
        try await commit(offsets, isRetried: true)
    }

    /// Stores offsets, or the positions of all partitions for nil, and does not wait for it. One try; `whenDone` is
    /// called on the consumer's own thread. Commits are stored in the order in which they were asked for.
    public func commitAsync(
        _ offsets: [TopicPartition: OffsetAndMetadata]? = nil,
        whenDone: @escaping @Sendable (Result<Void, ClientError>) -> Void = { _ in }
    ) throws(ClientError) {
        try Self.check(offsets ?? [:])
        try change { machine throws(ClientError) in
            if machine.group == nil { throw Self.noGroup }
            let id = machine.number()
            _ = machine.ask(id, .commit(offsets, isRetried: false), what: "a commit") { whenDone($0.map { _ in }) }
        }
    }

    /// The offsets that the group has committed; none for a partition that it has not read.
    public func committed(
        _ partitions: [TopicPartition]
    ) async throws(ClientError) -> [TopicPartition: OffsetAndMetadata] {
        if thread.withMachine({ $0.group == nil }) { throw Self.noGroup }
        if partitions.isEmpty { return [:] }
        let reply = try await ask(.committed(partitions), what: "asking for committed offsets")
        guard case .committed(let found) = reply else { throw .closed }
        return found
    }

    private func commit(
        _ offsets: [TopicPartition: OffsetAndMetadata]?, isRetried: Bool
    ) async throws(ClientError) {
        if thread.withMachine({ $0.group == nil }) { throw Self.noGroup }
        _ = try await ask(.commit(offsets, isRetried: isRetried), what: "a commit")
    }

    private static var noGroup: ClientError { .refused("without group.id there are no committed offsets") }

    private static func check(_ offsets: [TopicPartition: OffsetAndMetadata]) throws(ClientError) {
        for (name, offset) in offsets where offset.offset < 0 {
            throw .refused("\(name) has no offset \(offset.offset)")
        }
    }
}
