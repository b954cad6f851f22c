import SegmentLog
import WireProtocol

/// A group whose members assign the partitions themselves: they join, the coordinator makes one of them the leader
/// and tells it who is there, the leader's SyncGroup brings everybody's assignment. Kafka's `ClassicGroup`, as a machine.
///
///     Empty ──join──▶ PreparingRebalance ──all have joined──▶ CompletingRebalance ──the leader's sync──▶ Stable
///       ▲                 │        ▲                                  │                                   │
///       └───nobody left───┘        └──────────── a member comes, changes, leaves or falls silent ─────────┘
///
/// A group that nobody knows is one that is `Empty`: it answers requests as Kafka answers those to unknown groups.
///
/// - I4.1: a group's generation only grows, and each has one leader and one protocol that all its members know.
/// - I4.2: what the members of a generation are assigned comes from one SyncGroup of its leader.
/// - I4.3: a commit with a generation is accepted only from a member, in the group's generation.
/// - I4.4: a request is answered at most once, and at last.
/// - I4.10: whoever can fall silent has a deadline, and the group has asked to be woken by then.
public struct ClassicGroup {
    /// Kafka's states, by the names that clients see. A group that is removed is dropped; "Dead" is one that is not there.
    public enum State: String, Sendable {
        /// There are no members.
        case empty = "Empty"
        /// The members are to join again, or for the first time.
        case preparingRebalance = "PreparingRebalance"
        /// All have joined; the leader's SyncGroup is missing.
        case completingRebalance = "CompletingRebalance"
        /// Everybody has an assignment.
        case stable = "Stable"
    }

    /// The first rebalance of an empty group waits for more members, in steps of milliseconds.
    struct InitialRebalance: Equatable {
        /// The step under way.
        var delay: Int64
        /// How much longer it may be put off.
        var remaining: Int64
        /// Whether somebody came during the step, which is worth another one.
        var hasNewMember = false
    }

    /// The group's name.
    public let id: String
    let settings: GroupSettings
    /// The group's state.
    public internal(set) var state = State.empty
    /// When it came into this state, in milliseconds since 1970; nil where an old record does not say.
    public internal(set) var stateTimestamp: Int64?
    /// The number of the generation; 0 for none yet.
    public internal(set) var generation: Int32 = 0
    /// What kind of group it is, "consumer" for consumers; nil where nobody has joined yet.
    public internal(set) var protocolType: String?
    /// The protocol that the generation uses.
    public internal(set) var protocolName: String?
    /// The topics that the members subscribe to; nil where that is not known, as in groups of another type.
    public internal(set) var subscribedTopics: Set<String>?
    /// Whether a record in the log tells of the group. One that neither has a record nor offsets need not be kept.
    public internal(set) var isRecorded = false
    /// The member that assigns.
    var leaderID: String?

    var members: [String: ClassicMember] = [:]
    /// The members' ids by the ids of their instances.
    var staticMembers: [String: String] = [:]
    /// Ids that were given to members to come (KIP-394), and until when they are good.
    var pendingMembers: [String: Instant] = [:] {
        didSet { if pendingMembers.isEmpty { (givenIDs, oldestGivenID) = ([], 0) } }
    }
    /// The last ids that were given, in a ring, and the place of the oldest once it is full.
    var givenIDs: [String] = []
    var oldestGivenID = 0
    /// How many members know a protocol.
    var supporters: [String: Int] = [:]
    /// How many bytes the members' protocols have.
    var protocolBytes = 0
    /// How many members' JoinGroups wait.
    var joinedCount = 0
    /// The number of the next member.
    var nextNumber: UInt64 = 0
    /// The members' ids by their numbers, and a number below which there is no member: whoever is next to lead is found
    /// without a look at all.
    var numbered: [UInt64: String] = [:]
    var leastNumber: UInt64 = 0

    /// The first rebalance, while it is prepared.
    var initialRebalance: InitialRebalance?
    /// Until when members may join, or, once they have joined, ask for their assignment.
    var phaseEnd: Instant?
    /// When the group has last asked to be woken; nil once that has come.
    var wake: Instant?

    /// An empty group.
    public init(id: String, settings: GroupSettings, time: Int64) {
        self.id = id
        self.settings = settings
        stateTimestamp = time
    }

    /// The group that a record tells of. `start` begins its members' sessions, once all is loaded.
    public init(id: String, settings: GroupSettings, restoring value: GroupMetadataValue) {
        self.id = id
        self.settings = settings
        isRecorded = true
        generation = value.generation
        protocolType = value.protocolType.isEmpty ? nil : value.protocolType
        protocolName = value.protocolName
        stateTimestamp = value.currentStateTimestamp < 0 ? nil : value.currentStateTimestamp
        for member in value.members where members[member.memberID] == nil {
            if let instance = member.groupInstanceID, staticMembers[instance] != nil { continue }
            insert(ClassicMember(member, number: nextNumber, protocolName: protocolName))
        }
        leaderID = value.leader.flatMap { members[$0]?.id } ?? memberIDs.first
        state = members.isEmpty ? .empty : .stable
        subscribedTopics = readSubscribedTopics()
    }

    /// Begins the sessions of members that were loaded; a group that is larger than allowed is made to rebalance.
    public mutating func start(at now: Instant, time: Int64, _ actions: inout GroupActions) {
        for id in memberIDs { startSession(of: id, at: now, &actions) }
        if members.count > settings.maxSize { prepareRebalance(at: Moment(now: now, time: time), &actions) }
    }

    /// Whether there are no members, and none are about to join.
    public var isEmpty: Bool { state == .empty }

    /// How many members there are.
    public var memberCount: Int { members.count }
}

/// When an input comes.
struct Moment {
    /// By the clock that deadlines go by.
    var now: Instant
    /// By the clock on the wall, in milliseconds since 1970.
    var time: Int64
}
