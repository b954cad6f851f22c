import SegmentLog
import WireProtocol

/// `sticky`: balanced to within one partition as far as subscriptions allow, and what a member had stays with it where
/// that balance lets it (KIP-54). Members revoke everything before they join, and say in user data what they had.
public struct StickyAssignor: ConsumerPartitionAssignor {
    /// `sticky`
    public let name = "sticky"

    /// The assignor.
    public init() {}

    /// The last assignment and its generation, as `StickyUserData`; nil before the first.
    public func userData(owned: [ConsumerProtocolTopicPartitions], generation: Int32) -> Bytes? {
        if generation < 0 && owned.isEmpty { return nil }
        return StickyUserData(previousAssignment: owned, generation: generation).encoded()
    }

    /// Who gets what.
    public func assign(
        _ members: [GroupSubscriber], partitionCounts: [String: Int32]
    ) -> [String: [ConsumerProtocolTopicPartitions]] {
        let table = PartitionTable(members, partitionCounts)
        var claims = ClaimedPartitions(table)
        for (member, subscriber) in members.enumerated() {
            guard let had = subscriber.subscription.userData.flatMap({ StickyUserData(decoding: $0) }) else { continue }
            claims.claim(had.previousAssignment, by: member, since: had.generation, in: table)
        }
        return table.assignments(of: members, StickyBalance(table, homes: claims.homes).owners)
    }
}

/// `cooperative-sticky`: assigns as `sticky` does, but members keep what they have during a rebalance (KIP-429).
///
/// A partition that another member still has is therefore given to nobody: the member sees that it is to give it up,
/// does so, and joins again, and the next rebalance gives it away.
public struct CooperativeStickyAssignor: ConsumerPartitionAssignor {
    /// `cooperative-sticky`
    public let name = "cooperative-sticky"
    /// Yes.
    public let isCooperative = true

    /// The assignor.
    public init() {}

    /// The generation in four bytes, as Java's clients have it. What is owned stands in the subscription itself.
    public func userData(owned: [ConsumerProtocolTopicPartitions], generation: Int32) -> Bytes? {
        Bytes((0..<4).map { UInt8(truncatingIfNeeded: generation >> (24 - 8 * $0)) })
    }

    /// Who gets what.
    public func assign(
        _ members: [GroupSubscriber], partitionCounts: [String: Int32]
    ) -> [String: [ConsumerProtocolTopicPartitions]] {
        let table = PartitionTable(members, partitionCounts)
        var claims = ClaimedPartitions(table)
        for (member, subscriber) in members.enumerated() {
            let generation = Self.generation(of: subscriber.subscription)
            claims.claim(subscriber.subscription.ownedPartitions, by: member, since: generation, in: table)
        }
        var owners = StickyBalance(table, homes: claims.homes).owners
        for (partition, owner) in owners.enumerated() where claims.homes[partition] != owner {
            if claims.claimants[partition].contains(where: { $0 != owner }) { owners[partition] = nil }
        }
        return table.assignments(of: members, owners)
    }

    /// Since when a member owns what it says it owns. Subscriptions before version 2 leave that to user data: four bytes
    /// from Java's clients, and from librdkafka what `sticky` says.
    private static func generation(of subscription: ConsumerProtocolSubscription) -> Int32 {
        if subscription.generationID >= 0 { return subscription.generationID }
        guard let userData = subscription.userData else { return -1 }
        if userData.count == 4 { return userData.array.reduce(0) { $0 << 8 | Int32($1) } }
        return StickyUserData(decoding: userData)?.generation ?? -1
    }
}

/// `uniform`, the default of the server-side protocol: balanced to within one partition as far as subscriptions
/// allow, with the fewest moves from the target so far (KIP-848).
public struct UniformAssignor: ServerAssignor {
    /// `uniform`
    public let name = "uniform"

    /// The assignor.
    public init() {}

    /// The new target.
    public func assign(_ input: TargetAssignmentInput) -> [String: [Uuid: [Int32]]] {
        let table = PartitionTable(input.members, input.partitionCounts)
        var homes = [Int?](repeating: nil, count: table.partitionCount)
        var isClaimed = [Bool](repeating: false, count: table.partitionCount)
        for (member, description) in input.members.enumerated() {
            for (topic, partitions) in description.target {
                for partition in partitions {
                    guard let (topic, partition) = table.find(topic, partition), table.isSubscribed(member, to: topic)
                    else { continue }
                    // Nobody has what two have, which no target of ours says. In which order topics come is all the same.
                    homes[partition] = isClaimed[partition] ? nil : member
                    isClaimed[partition] = true
                }
            }
        }
        return table.targets(of: input.members, StickyBalance(table, homes: homes).owners)
    }
}

extension ClaimedPartitions {
    fileprivate mutating func claim(
        _ owned: [ConsumerProtocolTopicPartitions], by member: Int, since generation: Int32,
        in table: PartitionTable<String>
    ) {
        for topic in owned {
            for partition in topic.partitions {
                claim(topic.topic, partition, by: member, since: generation, in: table)
            }
        }
    }
}
