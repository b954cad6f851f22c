import SegmentLog
import TopicsPartitions
import WireProtocol

/// Why a heartbeat is refused.
struct HeartbeatRefusal: Error {
    var code: ErrorCode
    var reason: String

    init(_ code: ErrorCode, _ reason: String) {
        self.code = code
        self.reason = reason
    }
}

extension ConsumerGroup {
    /// Takes a heartbeat: a member joins (epoch 0), goes on, leaves (-1), or leaves for a while (-2, a static member).
    ///
    /// `random` is asked for the id of a member of version 0, which brings none. `topics` are the cluster's.
    public mutating func heartbeat(
        _ request: ConsumerGroupHeartbeatRequest, version: Int16, from client: GroupClient, waiter: GroupWaiter,
        topics: MetadataImage, at now: Instant, random: inout SplitMix64, _ actions: inout GroupActions
    ) {
        var response = ConsumerGroupHeartbeatResponse()
        do {
            try check(request, version: version)
            if request.memberEpoch < 0 {
                try leave(request, topics, &actions)
                response.memberID = request.memberID
                response.memberEpoch = request.memberEpoch
            } else {
                let id = request.memberID.isEmpty ? Uuid.random(using: &random).description : request.memberID
                response = try accept(request, of: id, from: client, topics, at: now, &actions)
            }
        } catch {
            response.errorCode = error.code
            response.errorMessage = error.reason
        }
        actions.answer(waiter, .consumerHeartbeat(response))
    }

    private mutating func accept(
        _ request: ConsumerGroupHeartbeatRequest, of id: String, from client: GroupClient, _ topics: MetadataImage,
        at now: Instant, _ actions: inout GroupActions
    ) throws(HeartbeatRefusal) -> ConsumerGroupHeartbeatResponse {
        let before = try admit(id, request)
        let expression = try compiled(request.subscribedTopicRegex)
        var mustGrow = epoch == 0
        if let before, before != id { mustGrow = replace(before, by: id, &actions) }

        let had = members[id]?.assignment.assigned
        let old = members[id]?.metadata
        let new = (old ?? ConsumerGroupMemberMetadataValue()).updated(by: request, from: client)
        if new != old {
            set(new, of: id, &actions)
            if let regex = new.regex, let expression {
                expressions[regex]?.compiled = expression
                resolveExpressions(topics, &actions)
            }
        }
        if new.subscribedTopicNames != old?.subscribedTopicNames ?? [] || new.regex != old?.regex {
            mustGrow = true
            // Of a topic that it gives up, a member is not left with partitions until the next target.
            if old != nil { assignmentHeldUntil = nil }
        }
        if mustGrow { growEpoch(topics, &actions) }
        if epoch > assignmentEpoch, assignmentHeldUntil.map({ $0 <= now }) ?? true { assign(topics, at: now, &actions) }
        reconcile(id, owned: request.topicPartitions, topics, at: now, &actions)

        let deadline = now.advanced(byMilliseconds: Int64(settings.consumerSessionTimeoutMilliseconds))
        members[id]?.sessionDeadline = deadline
        actions.wake(at: deadline)
        return answer(to: request, of: id, had: had)
    }

    private mutating func reconcile(
        _ id: String, owned: [ConsumerGroupHeartbeatRequest.TopicPartitions]?, _ topics: MetadataImage,
        at now: Instant, _ actions: inout GroupActions
    ) {
        guard let member = members[id], !member.assignment.isReconciled(to: assignmentEpoch) else { return }
        var assignment = member.assignment
        assignment.reconcile(
            to: TopicIDPartition.all(targets[id] ?? [:]), epoch: assignmentEpoch, owned: owned.map(Self.partitions),
            isFree: { owners[$0] == nil || owners[$0] == id })
        if assignment.state == .unrevokedPartitions {
            let subscribed = Set(self.topics(of: member.metadata))
            assignment.release { topics[$0].map { subscribed.contains($0.name) } ?? false }
        }
        guard assignment != member.assignment else { return }
        set(assignment, of: id, &actions)
        if assignment.state == .unrevokedPartitions {
            let deadline = now.advanced(byMilliseconds: Int64(max(member.metadata.rebalanceTimeoutMilliseconds, 0)))
            members[id]?.revocationDeadline = deadline
            actions.wake(at: deadline)
        } else {
            members[id]?.revocationDeadline = nil
        }
    }

    /// The answer: with the assignment where it has changed, or where the member tells all of itself, as it does when
    /// it cannot know whether an answer was lost.
    private func answer(
        to request: ConsumerGroupHeartbeatRequest, of id: String, had: [TopicIDPartition: Int32]?
    ) -> ConsumerGroupHeartbeatResponse {
        var response = ConsumerGroupHeartbeatResponse()
        guard let assignment = members[id]?.assignment else { return response }
        response.memberID = id
        response.memberEpoch = assignment.epoch
        response.heartbeatIntervalMilliseconds = settings.consumerHeartbeatIntervalMilliseconds
        let tellsAll =
            request.rebalanceTimeoutMilliseconds != -1 && request.topicPartitions != nil
            && (request.subscribedTopicNames != nil || request.subscribedTopicRegex != nil)
        if request.memberEpoch == 0 || tellsAll || assignment.assigned.keys != had?.keys {
            var assigned = ConsumerGroupHeartbeatResponse.Assignment()
            for (topicID, partitions) in assignment.assigned.keys.byTopic {
                var topic = ConsumerGroupHeartbeatResponse.TopicPartitions()
                topic.topicID = topicID
                topic.partitions = partitions
                assigned.topicPartitions.append(topic)
            }
            response.assignment = assigned
        }
        return response
    }

    /// The partitions of a request.
    static func partitions(_ topics: [ConsumerGroupHeartbeatRequest.TopicPartitions]) -> Set<TopicIDPartition> {
        var all: Set<TopicIDPartition> = []
        for topic in topics {
            for partition in topic.partitions {
                all.insert(TopicIDPartition(topicID: topic.topicID, partition: partition))
            }
        }
        return all
    }
}

extension ConsumerGroupMemberMetadataValue {
    /// What a member asks for after a heartbeat: what is null, or a timeout of -1, stays.
    fileprivate func updated(by request: ConsumerGroupHeartbeatRequest, from client: GroupClient) -> Self {
        var new = self
        new.instanceID = request.instanceID ?? instanceID
        new.rackID = request.rackID ?? rackID
        new.clientID = client.id
        new.clientHost = client.host
        if let names = request.subscribedTopicNames { new.subscribedTopicNames = Set(names).sorted() }
        new.subscribedTopicRegex = request.subscribedTopicRegex ?? subscribedTopicRegex
        if request.rebalanceTimeoutMilliseconds != -1 {
            new.rebalanceTimeoutMilliseconds = request.rebalanceTimeoutMilliseconds
        }
        new.serverAssignor = request.serverAssignor ?? serverAssignor
        return new
    }
}
