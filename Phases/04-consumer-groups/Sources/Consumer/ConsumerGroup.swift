import SegmentLog
import TopicsPartitions
import WireProtocol

/// A consumer group of KIP-848, as a machine: the broker decides who gets which partitions, and leads each member there.
///
///     var group = ConsumerGroup(id: "orders", settings: settings)
///     group.heartbeat(request, version: 1, from: client, waiter: waiter, topics: image, at: now, random: &random, &actions)
///
/// Three things follow each other. The *group epoch* grows with each change of the members, of what they subscribe to,
/// and of the topics. A *target assignment* is made for each group epoch. A *member's epoch* is that of the target which
/// it has reached: it goes from one to the next at its own pace, in its own heartbeats (`MemberAssignment`).
///
/// All its state but the deadlines is written: `replay` makes the same group of the same records (I4.8). A heartbeat that
/// changes nothing costs the same in a group of any size.
public struct ConsumerGroup: Sendable {
    /// Kafka's `ConsumerGroupState`.
    public enum State: String, Sendable {
        /// It has no members.
        case empty = "Empty"
        /// The target is older than the group epoch.
        case assigning = "Assigning"
        /// Some member has not reached the target.
        case reconciling = "Reconciling"
        /// Every member has what it is to have.
        case stable = "Stable"
        /// There is no such group.
        case dead = "Dead"
    }

    /// A member.
    struct Member: Sendable {
        var metadata = ConsumerGroupMemberMetadataValue()
        var assignment = MemberAssignment()
        /// When it is taken for dead.
        var sessionDeadline = Instant(nanoseconds: .max)
        /// When it must have given up what is pending revocation.
        var revocationDeadline: Instant?
    }

    /// A regular expression that members subscribe to.
    struct Expression: Sendable {
        /// Nil where the log has one that cannot be compiled: it keeps the topics that it had.
        var compiled: RegularExpression?
        /// The topics that it matches, ascending.
        var topics: [String] = []
        /// Whether they are all that it matches of `knownTopics`.
        var isResolved = false
        /// How many members subscribe to it.
        var memberCount = 0
    }

    /// The group's id.
    public let id: String
    let settings: GroupSettings

    /// The group epoch; 0 before the first member.
    var epoch: Int32 = 0
    /// The group epoch that the target was made for.
    var assignmentEpoch: Int32 = 0
    /// Until when the next target is put off; nil where it is not. It is not written: a group that was loaded has waited.
    var assignmentHeldUntil: Instant?
    /// Stands for the subscribed topics as the group epoch knows them.
    var metadataHash: Int64 = 0
    /// The members by id.
    var members: [String: Member] = [:]
    /// What each member is to have: topics that have partitions, and these ascending.
    var targets: [String: [Uuid: [Int32]]] = [:]
    /// The regular expressions by their text.
    var expressions: [String: Expression] = [:]

    // What follows from the rest, so that nothing has to be searched for.

    /// Who has which partition, assigned or pending revocation.
    var owners: [TopicIDPartition: String] = [:]
    /// The static members' ids by their instance ids.
    var instances: [String: String] = [:]
    /// How many members name each topic.
    var subscribers: [String: Int] = [:]
    /// The names that the expressions have been matched against; none without expressions.
    var knownTopics: Set<String> = []

    /// A group that does not exist, until a member joins or records are replayed.
    public init(id: String, settings: GroupSettings) {
        self.id = id
        self.settings = settings
    }

    /// Whether there is such a group: it has had a member, and was not deleted since.
    public var exists: Bool { epoch > 0 || !members.isEmpty }

    /// The group's state. It looks at all members.
    public var state: State {
        if !exists { return .dead }
        if members.isEmpty { return .empty }
        if epoch > assignmentEpoch { return .assigning }
        return members.values.allSatisfy { $0.assignment.isReconciled(to: assignmentEpoch) } ? .stable : .reconciling
    }

    /// Whether a member subscribes to the topic of this name: its offsets are kept then.
    public func isSubscribed(to topic: String) -> Bool {
        subscribers[topic] != nil || expressions.values.contains { $0.memberCount > 0 && $0.topics.contains(topic) }
    }

    /// The names of all topics that members subscribe to, whether they exist or not.
    public var subscribedTopics: Set<String> {
        expressions.values.reduce(into: Set(subscribers.keys)) { if $1.memberCount > 0 { $0.formUnion($1.topics) } }
    }
}
