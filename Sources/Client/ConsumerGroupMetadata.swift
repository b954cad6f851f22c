/// A consumer's place in its group, as its coordinator knows it: what a commit is signed with.
public struct ConsumerGroupMetadata: Hashable, Sendable {
    /// `group.id`.
    public let groupID: String
    /// The generation of a classic group, or the member's epoch in one of KIP-848; -1 outside the group.
    public let generationID: Int32
    /// What the member is called; empty while the coordinator of a classic group has given no name.
    public let memberID: String
    /// `group.instance.id`.
    public let groupInstanceID: String?
}

extension Consumer {
    /// The consumer's place in its group at this moment.
    ///
    /// While a listener is told of a rebalance the generation stands still: in `partitionsAssigned` it is that of the
    /// assignment. Between two reads it may go on before the listener hears of what that brings.
    ///
    /// - Throws: `refused` without a `group.id`.
    public func groupMetadata() throws(ClientError) -> ConsumerGroupMetadata {
        try thread.withMachine { machine throws(ClientError) in
            guard let group = machine.group else { throw .refused("a consumer without group.id has no group") }
            return ConsumerGroupMetadata(
                groupID: group.groupID, generationID: group.epoch, memberID: group.memberID,
                groupInstanceID: group.configuration.groupInstanceID)
        }
    }
}
