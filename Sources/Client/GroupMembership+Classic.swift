import ConsumerGroups
import SegmentLog
import WireProtocol

/// The classic protocol: JoinGroup, SyncGroup, Heartbeat.
extension GroupMembership {
    /// How much longer than the members may take an answer to JoinGroup is waited for, in milliseconds.
    private static let joinLapseMilliseconds: Int64 = 5_000

    mutating func proceedAsClassicMember(_ wire: inout WireClient, at now: Instant, _ effects: inout Effects) {
        if case .member = state {
            // A topic of the group has grown, come or gone: its leader assigns anew.
            if let counts = assignedCounts, self.counts(of: counts.keys, wire.cluster) != counts { needsRejoin = true }
            if needsRejoin, steps.isEmpty { prepareToJoin() }
        }
        sendHeartbeat(&wire, at: now, &effects)
        if let retryAt, retryAt > now { return }
        retryAt = nil
        switch state {
        case .preparing: if steps.isEmpty { join(&wire, at: now, &effects) }
        case .assigning(let response): assign(response, &wire, at: now, &effects)
        default: break
        }
    }

    /// Gives up what has to be given up before the member can join again: everything, or where rebalances are
    /// cooperative what is no longer subscribed to.
    private mutating func prepareToJoin() {
        needsRejoin = false
        state = .preparing
        let going = isCooperative ? owned.filter { !subscription.contains($0.topic) } : owned
        if !going.isEmpty { addStep(.revoked, going) }
    }

    // MARK: Joining

    private mutating func join(_ wire: inout WireClient, at now: Instant, _ effects: inout Effects) {
        guard let destination = coordinator.destination(&wire, at: now, &effects) else { return }
        var request = JoinGroupRequest()
        request.groupID = groupID
        request.sessionTimeoutMilliseconds = configuration.sessionTimeoutMilliseconds
        request.rebalanceTimeoutMilliseconds = configuration.maxPollIntervalMilliseconds
        request.memberID = memberID
        request.groupInstanceID = configuration.groupInstanceID
        request.protocolType = "consumer"
        for assignor in configuration.partitionAssignmentStrategy {
            var entry = JoinGroupRequest.GroupProtocol()
            entry.name = assignor.name
            do throws(CodingError) {
                entry.metadata = try subscription(for: assignor)
                    .encoded(version: ConsumerProtocolSubscription.versions.upperBound)
            } catch {
                return fail(.refused("the subscription cannot be written: \(error)"))
            }
            request.protocols.append(entry)
        }
        needsRejoin = false
        (heartbeat, heartbeatAt, sessionDeadline) = (nil, nil, nil)
        let patience = Int64(configuration.maxPollIntervalMilliseconds) + Self.joinLapseMilliseconds
        let timeout = max(configuration.requestTimeoutMilliseconds, patience)
        state = .joining(wire.send(request, to: destination, at: now, timeoutMilliseconds: timeout, &effects))
    }

    private func subscription(for assignor: any ConsumerPartitionAssignor) -> ConsumerProtocolSubscription {
        var wanted = ConsumerProtocolSubscription()
        wanted.topics = subscription
        wanted.ownedPartitions = owned.protocolTopics
        wanted.generationID = epoch
        wanted.userData = assignor.userData(
            owned: lastAssignment.partitions.protocolTopics, generation: lastAssignment.generation)
        return wanted
    }

    mutating func takeAsClassicMember(_ id: CallID, _ result: Result<Answer, ClientError>, at now: Instant) -> Bool {
        if id == heartbeat?.call {
            takeHeartbeat(result, at: now)
            return true
        }
        switch state {
        case .joining(id): takeJoin(result, at: now)
        case .syncing(id): takeSync(result, at: now)
        default: return false
        }
        return true
    }

    private mutating func takeJoin(_ result: Result<Answer, ClientError>, at now: Instant) {
        state = .preparing
        let response: JoinGroupResponse
        do throws(ClientError) {
            response = try result.get().decoded(as: JoinGroupResponse.self)
        } catch {
            return failed(error, at: now)
        }
        switch response.errorCode {
        case .none: joined(response, at: now)
        case .memberIDRequired:
            // KIP-394: asked again at once, under the name that it was given.
            memberID = response.memberID
            epoch = -1
        case .unknownMemberID: reset(keepsMemberID: false)
        case .illegalGeneration: reset(keepsMemberID: true)
        case .rebalanceInProgress: retry(at: now, forgettingCoordinator: false)
        case let code: failed(.broker(code, what: "joining group \(groupID)"), at: now)
        }
    }

    private mutating func joined(_ response: JoinGroupResponse, at now: Instant) {
        guard response.protocolType.map({ $0 == "consumer" }) ?? true,
            configuration.partitionAssignmentStrategy.contains(where: { $0.name == response.protocolName })
        else { return fail(.broker(.inconsistentGroupProtocol, what: "group \(groupID)")) }
        memberID = response.memberID
        epoch = response.generationID
        assignorName = response.protocolName ?? ""
        alive(at: now)
        heartbeatAt = now.advanced(byMilliseconds: heartbeatIntervalMilliseconds)
        state = .assigning(response)
    }

    // MARK: Assigning

    /// Sends the assignments of all members where this one is their leader, and asks for its own.
    private mutating func assign(
        _ response: JoinGroupResponse, _ wire: inout WireClient, at now: Instant, _ effects: inout Effects
    ) {
        var assignments: [SyncGroupRequest.Assignment] = []
        var counts: [String: Int32]?
        if response.leader == memberID {
            let members = response.members.map(GroupSubscriber.init).sorted { $0.memberID < $1.memberID }
            let topics = Set(members.flatMap(\.subscription.topics)).sorted()
            for topic in topics { wire.follow(topic, at: now, &effects) }
            // Metadata says of each topic something, if only that it is not there.
            guard topics.allSatisfy({ wire.cluster.topics[$0] != nil }) else { return }
            let known = self.counts(of: topics, wire.cluster)
            counts = known
            do throws(CodingError) {
                if !response.skipAssignment { assignments = try assign(members, known) }
            } catch {
                return fail(.refused("the assignment of group \(groupID) cannot be written: \(error)"))
            }
        }
        guard let destination = coordinator.destination(&wire, at: now, &effects) else { return }
        var request = SyncGroupRequest()
        request.groupID = groupID
        request.generationID = epoch
        request.memberID = memberID
        request.groupInstanceID = configuration.groupInstanceID
        request.protocolType = "consumer"
        request.protocolName = assignorName
        request.assignments = assignments
        assignedCounts = counts
        let timeout = max(
            configuration.requestTimeoutMilliseconds, Int64(configuration.maxPollIntervalMilliseconds))
        state = .syncing(wire.send(request, to: destination, at: now, timeoutMilliseconds: timeout, &effects))
    }

    private func assign(
        _ members: [GroupSubscriber], _ counts: [String: Int32]
    ) throws(CodingError) -> [SyncGroupRequest.Assignment] {
        let assignor = configuration.partitionAssignmentStrategy.first { $0.name == assignorName }
        let assigned = assignor?.assign(members, partitionCounts: counts.filter { $0.value > 0 }) ?? [:]
        var assignments: [SyncGroupRequest.Assignment] = []
        for member in members {
            var content = ConsumerProtocolAssignment()
            content.assignedPartitions = assigned[member.memberID] ?? []
            var assignment = SyncGroupRequest.Assignment()
            assignment.memberID = member.memberID
            assignment.assignment = try content.encoded(version: ConsumerProtocolAssignment.versions.upperBound)
            assignments.append(assignment)
        }
        return assignments
    }

    /// How many partitions each topic has; 0 for one that is not there.
    private func counts(of topics: some Sequence<String>, _ cluster: Cluster) -> [String: Int32] {
        Dictionary(topics.map { ($0, Int32(clamping: cluster.partitionCount(of: $0) ?? 0)) }) { first, _ in first }
    }

    private mutating func takeSync(_ result: Result<Answer, ClientError>, at now: Instant) {
        state = .preparing
        do throws(ClientError) {
            let response = try result.get().decoded(as: SyncGroupResponse.self)
            switch response.errorCode {
            case .none: try synced(response)
            case .unknownMemberID: reset(keepsMemberID: false)
            case .illegalGeneration: reset(keepsMemberID: true)
            // Another rebalance has begun: nothing was given, so nothing has to be given up.
            case .rebalanceInProgress: break
            case let code: failed(.broker(code, what: "the assignment of group \(groupID)"), at: now)
            }
        } catch {
            failed(error, at: now)
        }
    }

    private mutating func synced(_ response: SyncGroupResponse) throws(ClientError) {
        guard response.protocolType.map({ $0 == "consumer" }) ?? true,
            response.protocolName.map({ $0 == assignorName }) ?? true
        else { throw .broker(.inconsistentGroupProtocol, what: "group \(groupID)") }
        var assignment = ConsumerProtocolAssignment()
        do throws(CodingError) {
            // A member that the leader has forgotten gets no bytes at all.
            if response.assignment.count > 0 {
                assignment = try ConsumerProtocolAssignment(decoding: response.assignment)
            }
        } catch {
            throw .unreadable(what: "the assignment of group \(groupID): \(error)")
        }
        var target: Set<TopicPartition> = []
        for topic in assignment.assignedPartitions {
            for index in topic.partitions where index >= 0 { target.insert(TopicPartition(topic.topic, index)) }
        }
        state = .member
        let sorted = target.sorted()
        lastAssignment = (sorted, epoch)
        // KIP-429: what another member is to have is given up first, and handed on by the next rebalance.
        if owned.contains(where: { !target.contains($0) }) { needsRejoin = true }
        install(sorted)
    }

    // MARK: Heartbeats

    private var isAlive: Bool {
        switch state {
        case .preparing: epoch >= 0
        case .assigning, .syncing, .member: true
        case .outside, .joining, .failed: false
        }
    }

    private mutating func sendHeartbeat(_ wire: inout WireClient, at now: Instant, _ effects: inout Effects) {
        guard isAlive, heartbeat == nil, let heartbeatAt, heartbeatAt <= now,
            let destination = coordinator.destination(&wire, at: now, &effects)
        else { return }
        var request = HeartbeatRequest()
        request.groupID = groupID
        request.generationID = epoch
        request.memberID = memberID
        request.groupInstanceID = configuration.groupInstanceID
        let timeout = min(
            configuration.requestTimeoutMilliseconds, Int64(configuration.sessionTimeoutMilliseconds))
        let call = wire.send(request, to: destination, at: now, timeoutMilliseconds: timeout, &effects)
        heartbeat = Heartbeat(call: call, memberID: memberID, epoch: epoch)
        self.heartbeatAt = now.advanced(byMilliseconds: heartbeatIntervalMilliseconds)
    }

    private mutating func alive(at now: Instant) {
        sessionDeadline = now.advanced(byMilliseconds: Int64(configuration.sessionTimeoutMilliseconds))
    }

    private mutating func takeHeartbeat(_ result: Result<Answer, ClientError>, at now: Instant) {
        let sent = heartbeat
        heartbeat = nil
        let code: ErrorCode
        do throws(ClientError) {
            code = try result.get().decoded(as: HeartbeatResponse.self).errorCode
        } catch {
            guard error.isRetriable else { return fail(error) }
            coordinator.forget()
            heartbeatAt = retryTime(after: now)
            return
        }
        let isCurrent = sent?.memberID == memberID && sent?.epoch == epoch
        switch code {
        case .none: alive(at: now)
        case .rebalanceInProgress:
            // The coordinator hears from it; that it has to join again it may know already.
            alive(at: now)
            if case .member = state { needsRejoin = true }
        case .illegalGeneration: if isCurrent { reset(keepsMemberID: true) }
        case .unknownMemberID: if isCurrent { reset(keepsMemberID: false) }
        case .notCoordinator, .coordinatorNotAvailable:
            coordinator.forget()
            heartbeatAt = retryTime(after: now)
        case .coordinatorLoadInProgress: heartbeatAt = retryTime(after: now)
        case let code: if isCurrent { fail(.broker(code, what: "the heartbeat to group \(groupID)")) }
        }
    }

    /// An answer to JoinGroup or SyncGroup that is none: asked again where that may help.
    private mutating func failed(_ error: ClientError, at now: Instant) {
        switch error {
        case .disconnected, .timedOut, .broker(.notCoordinator, _), .broker(.coordinatorNotAvailable, _):
            retry(at: now, forgettingCoordinator: true)
        case .broker(.coordinatorLoadInProgress, _): retry(at: now, forgettingCoordinator: false)
        default: fail(error)
        }
    }
}

extension GroupSubscriber {
    /// A member as the leader is told of it. One whose subscription cannot be read wants nothing.
    fileprivate init(_ member: JoinGroupResponse.Member) {
        let subscription = try? ConsumerProtocolSubscription(decoding: member.metadata)
        self.init(
            memberID: member.memberID, instanceID: member.groupInstanceID,
            subscription: subscription ?? ConsumerProtocolSubscription())
    }
}

extension [TopicPartition] {
    /// The same by topic, as members tell each other.
    var protocolTopics: [ConsumerProtocolTopicPartitions] {
        var topics: [ConsumerProtocolTopicPartitions] = []
        for name in self {
            if topics.last?.topic != name.topic {
                var topic = ConsumerProtocolTopicPartitions()
                topic.topic = name.topic
                topics.append(topic)
            }
            topics[topics.count - 1].partitions.append(name.partition)
        }
        return topics
    }
}
