import SegmentLog
import WireProtocol

/// The protocol of KIP-848: ConsumerGroupHeartbeat says everything, and each member comes to its target by itself.
extension GroupMembership {
    private static let joinEpoch: Int32 = 0
    private static let leaveEpoch: Int32 = -1
    private static let leaveForAWhileEpoch: Int32 = -2

    mutating func proceedAsServerMember(_ wire: inout WireClient, at now: Instant, _ effects: inout Effects) {
        if case .member = state, steps.isEmpty { reconcile(&wire, at: now, &effects) }
        if let retryAt, retryAt > now { return }
        retryAt = nil
        guard heartbeat == nil else { return }
        switch state {
        case .preparing:
            guard steps.isEmpty else { return }
            epoch = Self.joinEpoch
            repeatsAll = true
        case .member:
            let isDue = heartbeatAt.map { $0 <= now } ?? true
            guard isDue || needsRejoin || (acknowledges && steps.isEmpty) else { return }
        default: return
        }
        guard let destination = coordinator.destination(&wire, at: now, &effects) else {
            if case .preparing = state { epoch = -1 }
            return
        }
        let tellsWhatItHas = repeatsAll || (acknowledges && steps.isEmpty)
        let request = serverHeartbeat(tellsWhatItHas: tellsWhatItHas)
        let call = wire.send(request, to: destination, at: now, &effects)
        heartbeat = Heartbeat(call: call, memberID: memberID, epoch: epoch)
        heartbeatAt = now.advanced(byMilliseconds: heartbeatIntervalMilliseconds)
        if case .preparing = state { state = .joining(call) }
        // What was said while partitions were still to be given up has to be said again when they are.
        if tellsWhatItHas, steps.isEmpty { acknowledges = false }
        (needsRejoin, repeatsAll) = (false, false)
    }

    /// What has changed since the last heartbeat, or everything.
    private func serverHeartbeat(tellsWhatItHas: Bool) -> ConsumerGroupHeartbeatRequest {
        var request = serverRequest(epoch: epoch)
        if repeatsAll {
            request.rebalanceTimeoutMilliseconds = configuration.maxPollIntervalMilliseconds
            request.serverAssignor = configuration.groupRemoteAssignor
        }
        if repeatsAll || needsRejoin { request.subscribedTopicNames = subscription }
        if tellsWhatItHas {
            var topics: [ConsumerGroupHeartbeatRequest.TopicPartitions] = []
            for topic in owned.protocolTopics {
                guard let id = topicIDs[topic.topic] else { continue }
                var entry = ConsumerGroupHeartbeatRequest.TopicPartitions()
                entry.topicID = id
                entry.partitions = topic.partitions
                topics.append(entry)
            }
            request.topicPartitions = topics
        }
        return request
    }

    private func serverRequest(epoch: Int32) -> ConsumerGroupHeartbeatRequest {
        var request = ConsumerGroupHeartbeatRequest()
        request.groupID = groupID
        request.memberID = memberID
        request.memberEpoch = epoch
        request.instanceID = configuration.groupInstanceID
        return request
    }

    /// Says that the member leaves; a static one is expected back.
    func serverFarewell() -> ConsumerGroupHeartbeatRequest {
        serverRequest(epoch: configuration.groupInstanceID == nil ? Self.leaveEpoch : Self.leaveForAWhileEpoch)
    }

    // MARK: Reconciliation

    /// Goes to the target, as far as the topics' names are known, and tells the coordinator once it is there.
    private mutating func reconcile(_ wire: inout WireClient, at now: Instant, _ effects: inout Effects) {
        guard let target else { return }
        topicIDs.merge(wire.cluster.topicIDs) { _, new in new }
        let names = Dictionary(topicIDs.map { ($0.value, $0.key) }) { first, _ in first }
        var wanted: Set<TopicPartition> = []
        var isComplete = true
        for topic in target {
            guard let name = names[topic.topicID] else {
                isComplete = false
                continue
            }
            for index in topic.partitions where index >= 0 { wanted.insert(TopicPartition(name, index)) }
        }
        let sorted = wanted.sorted()
        if sorted != owned {
            install(sorted)
            acknowledges = true
        }
        if isComplete { self.target = nil } else { wire.refresh(at: now, &effects) }
    }

    // MARK: Answers

    mutating func takeAsServerMember(_ id: CallID, _ result: Result<Answer, ClientError>, at now: Instant) -> Bool {
        guard let sent = heartbeat, sent.call == id else { return false }
        heartbeat = nil
        if case .joining = state { state = .preparing }
        let response: ConsumerGroupHeartbeatResponse
        do throws(ClientError) {
            response = try result.get().decoded(as: ConsumerGroupHeartbeatResponse.self)
        } catch {
            guard error.isRetriable else {
                fail(error)
                return true
            }
            askAgain(at: now, forgettingCoordinator: true)
            return true
        }
        switch response.errorCode {
        case .none: accepted(response, at: now)
        case .unknownMemberID, .fencedMemberEpoch: reset(keepsMemberID: true)
        case .notCoordinator, .coordinatorNotAvailable: askAgain(at: now, forgettingCoordinator: true)
        case .coordinatorLoadInProgress: askAgain(at: now, forgettingCoordinator: false)
        case let code:
            let reason = response.errorMessage.map { " (\($0))" } ?? ""
            fail(.broker(code, what: "the membership in group \(groupID)\(reason)"))
        }
        return true
    }

    private mutating func accepted(_ response: ConsumerGroupHeartbeatResponse, at now: Instant) {
        // What was answered after the member has dropped out is about another membership.
        if case .outside = state { return }
        if let name = response.memberID, !name.isEmpty { memberID = name }
        epoch = response.memberEpoch
        state = .member
        heartbeatIntervalMilliseconds = Int64(max(1, response.heartbeatIntervalMilliseconds))
        heartbeatAt = now.advanced(byMilliseconds: heartbeatIntervalMilliseconds)
        if let assignment = response.assignment { target = assignment.topicPartitions }
    }

    /// The last heartbeat may not have arrived: the next one says everything.
    private mutating func askAgain(at now: Instant, forgettingCoordinator forgets: Bool) {
        retry(at: now, forgettingCoordinator: forgets)
        heartbeatAt = retryAt
        repeatsAll = true
        if case .preparing = state { epoch = -1 }
    }
}
