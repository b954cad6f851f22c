import ConsumerGroups
import SegmentLog
import WireProtocol

/// A consumer's place in its group: joins it, stays in it with heartbeats, takes over the assignments, and leaves.
///
/// It fetches nothing. What a rebalance gives and takes becomes `steps`, which the consumer's machine begins and its
/// reader finishes; the membership goes on when they are done. `GroupMembership+Classic` speaks the classic protocol,
/// `GroupMembership+Consumer` that of KIP-848.
///
/// - IC.4: nothing is joined, and no new assignment is taken over, before every partition that had to be given up is.
/// - IC.5: a member that is no longer in its group has no partitions: they are lost with its epoch.
struct GroupMembership: Sendable {
    enum State: Sendable {
        /// Not in the group: nothing is subscribed to, or the application does not read.
        case outside
        /// Joins as soon as the steps are done.
        case preparing
        /// Has asked to join.
        case joining(CallID)
        /// Has joined as the leader, and learns the topics of all members to assign them.
        case assigning(JoinGroupResponse)
        /// Has asked for its assignment.
        case syncing(CallID)
        /// Is in the group.
        case member
        /// Cannot be in the group until the reader has been told why.
        case failed(ClientError)
    }

    /// A heartbeat on its way, and whose it is.
    struct Heartbeat: Sendable {
        var call: CallID
        var memberID: String
        var epoch: Int32
    }

    let configuration: ConsumerConfiguration
    let groupID: String
    var coordinator: GroupCoordinator
    var state = State.outside
    /// The topics, in ascending order.
    private(set) var subscription: [String] = []
    /// Empty while the coordinator has given none.
    var memberID = ""
    /// The generation, or the member's epoch in a group of KIP-848; -1 outside.
    var epoch: Int32 = -1
    /// What the consumer reads for the group, in ascending order.
    var owned: [TopicPartition] = []
    /// What the machine and the reader have to do, in this order.
    private(set) var steps: [RebalanceStep] = []
    /// The number of the last step that was added.
    private(set) var lastStep: UInt64 = 0
    /// Whether the subscription or the group has changed: the member joins again, or says so.
    var needsRejoin = false
    /// Nothing is asked before this time.
    var retryAt: Instant?

    var heartbeat: Heartbeat?
    var heartbeatAt: Instant?
    var sessionDeadline: Instant?
    /// When the application has not read for too long.
    private var pollDeadline: Instant?
    /// The farewell, until it is answered.
    private var farewell: (request: any Request, call: CallID?)?

    /// The protocol that the members agreed on, in a classic group.
    var assignorName = ""
    /// What was assigned last, and in which generation: what a sticky assignor is told.
    var lastAssignment: (partitions: [TopicPartition], generation: Int32) = ([], -1)
    /// How many partitions the topics of the group had when this leader assigned them; nil for others.
    var assignedCounts: [String: Int32]?

    /// What the coordinator of KIP-848 wants this member to have; nil where that is not known.
    var target: [ConsumerGroupHeartbeatResponse.TopicPartitions]?
    /// The ids of topics as they were known last: metadata may say nothing of a topic for a while.
    var topicIDs: [String: Uuid] = [:]
    /// Whether the coordinator is to be told what the member has, and everything else anew.
    var acknowledges = false, repeatsAll = false
    var heartbeatIntervalMilliseconds: Int64

    /// Not in the group `groupID` yet. `memberID` is what a member of KIP-848 calls itself.
    init(_ groupID: String, _ configuration: ConsumerConfiguration, memberID: String) {
        self.groupID = groupID
        self.configuration = configuration
        coordinator = GroupCoordinator(of: groupID)
        heartbeatIntervalMilliseconds = Int64(configuration.heartbeatIntervalMilliseconds)
        if usesServerProtocol { self.memberID = memberID }
    }

    var usesServerProtocol: Bool { configuration.groupProtocol == .consumer }

    /// Whether partitions that stay are read on during a rebalance (KIP-429).
    var isCooperative: Bool {
        usesServerProtocol || configuration.partitionAssignmentStrategy.allSatisfy(\.isCooperative)
    }

    /// Whether there is something to hear from the coordinator before the consumer may end.
    var isSayingFarewell: Bool { farewell != nil }

    // MARK: Inputs

    /// Wants these topics from now on.
    mutating func subscribe(_ topics: [String]) {
        let wanted = Set(topics).sorted()
        guard wanted != subscription else { return }
        subscription = wanted
        if case .outside = state { return }
        needsRejoin = true
    }

    /// The application reads.
    mutating func polled(at now: Instant) {
        pollDeadline = now.advanced(byMilliseconds: Int64(configuration.maxPollIntervalMilliseconds))
        if case .outside = state, !subscription.isEmpty { state = .preparing }
    }

    /// Leaves the group for good, or until `subscribe` and the next read. What it owned is the caller's to drop.
    mutating func unsubscribe() {
        subscription = []
        leave(because: "the consumer unsubscribed from all topics")
        steps = []
        owned = []
    }

    /// Takes the reason why the consumer is not in its group. It tries again, unless another member has taken its place.
    mutating func takeFailure() -> ClientError? {
        guard case .failed(let error) = state, steps.isEmpty else { return nil }
        if case .broker(.fencedInstanceID, _) = error { return error }
        state = .outside
        return error
    }

    /// Does what is due.
    mutating func proceed(_ wire: inout WireClient, at now: Instant, _ effects: inout Effects) {
        sendFarewell(&wire, at: now, &effects)
        if let pollDeadline, pollDeadline <= now { stopForSilence() }
        if let sessionDeadline, sessionDeadline <= now {
            // The coordinator is not there, or not the right one.
            coordinator.forget()
            self.sessionDeadline = nil
        }
        if usesServerProtocol {
            proceedAsServerMember(&wire, at: now, &effects)
        } else {
            proceedAsClassicMember(&wire, at: now, &effects)
        }
    }

    /// Takes an answer; false where it was for something else.
    mutating func take(
        _ id: CallID, _ result: Result<Answer, ClientError>, at now: Instant
    ) -> Bool {
        let retryAt = self.retryTime(after: now)
        do throws(ClientError) {
            if try coordinator.take(id, result, retryAt: retryAt) { return true }
        } catch {
            fail(error)
            return true
        }
        if farewell?.call == id {
            // Whoever cannot say goodbye is missed when the session ends.
            farewell = nil
            return true
        }
        return usesServerProtocol
            ? takeAsServerMember(id, result, at: now) : takeAsClassicMember(id, result, at: now)
    }

    /// When `proceed` has something to do without an event.
    func nextDeadline(after now: Instant) -> Instant? {
        [retryAt, coordinator.retryAt, heartbeat == nil ? heartbeatAt : nil, sessionDeadline, pollDeadline]
            .compactMap { $0 }.filter { $0 > now }.min()
    }

    func retryTime(after now: Instant) -> Instant {
        now.advanced(byMilliseconds: max(1, configuration.retryBackoffMilliseconds))
    }

    // MARK: Steps

    /// Has the machine and the reader do something.
    mutating func addStep(_ kind: RebalanceStep.Kind, _ partitions: [TopicPartition]) {
        lastStep += 1
        steps.append(RebalanceStep(id: lastStep, kind: kind, partitions: partitions))
    }

    /// The machine has done its part of the first step.
    mutating func beginStep() {
        guard let step = steps.first else { return }
        steps[0].isBegun = true
        switch step.kind {
        case .assigned: owned = (owned + step.partitions).sorted()
        case .lost: owned.removeAll { step.partitions.contains($0) }
        case .revoked: break
        }
    }

    /// The first step is done.
    mutating func finishStep() {
        guard let step = steps.first, step.isBegun else { return }
        steps.removeFirst()
        if step.kind == .revoked { owned.removeAll { step.partitions.contains($0) } }
    }

    /// Goes from what the member has to what it is to have: first what it loses, then what it gets.
    mutating func install(_ target: [TopicPartition]) {
        let (before, after) = (Set(owned), Set(target))
        let revoked = owned.filter { !after.contains($0) }
        if !revoked.isEmpty { addStep(.revoked, revoked) }
        addStep(.assigned, target.filter { !before.contains($0) })
    }

    // MARK: Leaving

    /// The member is no longer in the group, as the coordinator says: it joins again.
    mutating func reset(keepsMemberID: Bool) {
        dropOut(keepsMemberID: keepsMemberID)
        state = .preparing
    }

    /// What no retry mends: the reader is told.
    mutating func fail(_ error: ClientError) {
        dropOut(keepsMemberID: false)
        state = .failed(error)
    }

    /// A failure that has another try, after a while.
    mutating func retry(at now: Instant, forgettingCoordinator forgets: Bool) {
        if forgets { coordinator.forget() }
        retryAt = retryTime(after: now)
    }

    private mutating func dropOut(keepsMemberID: Bool) {
        epoch = -1
        if !keepsMemberID, !usesServerProtocol { memberID = "" }
        (heartbeat, heartbeatAt, sessionDeadline) = (nil, nil, nil)
        (needsRejoin, target, assignedCounts, acknowledges) = (false, nil, nil, false)
        steps.removeAll { !$0.isBegun }
        let going = steps.first.map { $0.kind == .assigned ? [] : $0.partitions } ?? []
        let lost = owned.filter { !going.contains($0) }
        if !lost.isEmpty { addStep(.lost, lost) }
    }

    /// The application has stopped reading: others get its partitions (KIP-62).
    private mutating func stopForSilence() {
        pollDeadline = nil
        switch state {
        case .outside, .failed: return
        default: leave(because: "max.poll.interval.ms is over without a poll")
        }
    }

    private mutating func leave(because reason: String) {
        if usesServerProtocol {
            if epoch >= 0 { farewell = (serverFarewell(), nil) }
        } else if !memberID.isEmpty, configuration.groupInstanceID == nil {
            // A static member is expected back.
            var member = LeaveGroupRequest.Member()
            member.memberID = memberID
            member.reason = reason
            var request = LeaveGroupRequest()
            request.groupID = groupID
            request.memberID = memberID
            request.members = [member]
            farewell = (request, nil)
        }
        dropOut(keepsMemberID: false)
        state = .outside
    }

    private mutating func sendFarewell(_ wire: inout WireClient, at now: Instant, _ effects: inout Effects) {
        guard let (request, call) = farewell, call == nil else { return }
        guard let destination = coordinator.destination(&wire, at: now, &effects) else { return }
        farewell?.call = wire.send(request, to: destination, at: now, &effects)
    }
}
