/// Is told what a rebalance gives to a consumer and takes from it.
///
/// It is called by the task that reads, between two records, as part of `poll` or of the iteration: nothing is read
/// meanwhile, and everything that was returned before has been worked on. The consumer may be asked and told things
/// as ever: to commit what was done with partitions that go, or to seek in those that come.
///
///     struct Store: RebalanceListener {
///         func partitionsRevoked(_ partitions: [TopicPartition], from consumer: Consumer) async {
///             await flush(partitions)
///             try? await consumer.commit()
///         }
///     }
///
/// The group waits for it, for `max.poll.interval.ms` at most.
public protocol RebalanceListener: Sendable {
    /// These partitions have come; none of their records has been read yet. Called after each rebalance, with an
    /// empty list where a cooperative one brought nothing new (KIP-429).
    func partitionsAssigned(_ partitions: [TopicPartition], to consumer: Consumer) async
    /// These partitions go. They are still this consumer's until this returns.
    func partitionsRevoked(_ partitions: [TopicPartition], from consumer: Consumer) async
    /// These partitions are gone: the consumer was taken for dead, and another may have them. Nothing of them can be
    /// committed any more.
    func partitionsLost(_ partitions: [TopicPartition], from consumer: Consumer) async
}

extension RebalanceListener {
    /// Does nothing.
    public func partitionsAssigned(_ partitions: [TopicPartition], to consumer: Consumer) async {}
    /// Does nothing.
    public func partitionsRevoked(_ partitions: [TopicPartition], from consumer: Consumer) async {}
    /// The same as for partitions that were revoked.
    public func partitionsLost(_ partitions: [TopicPartition], from consumer: Consumer) async {
        await partitionsRevoked(partitions, from: consumer)
    }
}

/// A part of a rebalance that the reader takes part in.
struct RebalanceStep: Equatable, Sendable {
    enum Kind: Equatable, Sendable { case assigned, revoked, lost }

    var id: UInt64
    var kind: Kind
    /// In ascending order.
    var partitions: [TopicPartition]
    /// Whether the consumer's machine has done its part: the listener may be called.
    var isBegun = false
}
