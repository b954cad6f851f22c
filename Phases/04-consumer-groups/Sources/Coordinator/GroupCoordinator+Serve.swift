import SegmentLog
import TopicsPartitions
import WireProtocol

extension GroupCoordinator {
    /// The APIs that `serve` serves.
    public static let served: [ApiKey] = [
        .offsetCommit, .offsetFetch, .findCoordinator, .joinGroup, .heartbeat, .leaveGroup, .syncGroup,
        .describeGroups, .listGroups, .deleteGroups, .offsetDelete, .consumerGroupHeartbeat, .consumerGroupDescribe,
    ]

    /// Serves a call of one of the APIs in `served`: answers it, or lets it wait.
    ///
    /// - Parameters:
    ///   - body: the request behind its header.
    ///   - host: the client's address.
    ///   - view: the cluster as the client sees it.
    /// - Throws: where the body cannot be read.
    public mutating func serve(
        _ call: Call, _ body: Bytes, from host: String, of view: ClusterView, at now: Instant,
        _ partitions: inout PartitionServer, _ server: inout RequestServer, _ effects: inout Effects
    ) throws(CodingError) {
        switch call.api {
        case .findCoordinator:
            let request = try FindCoordinatorRequest(decoding: body, version: call.version)
            let response = findCoordinator(
                request, version: call.version, of: view, at: now, &partitions, &server, &effects)
            server.answer(call, with: response, &effects)
        case .joinGroup, .syncGroup, .heartbeat, .leaveGroup, .consumerGroupHeartbeat:
            let client = GroupClient(id: call.header.clientID ?? "", host: "/" + host)
            try serveMember(call, body, from: client, at: now, &partitions, &server, &effects)
        case .offsetCommit:
            let request = try OffsetCommitRequest(decoding: body, version: call.version)
            commit(request, call, at: now, &partitions, &server, &effects)
        case .offsetFetch:
            let request = try OffsetFetchRequest(decoding: body, version: call.version)
            fetchOffsets(request, call, partitions, &server, &effects)
        case .offsetDelete:
            let request = try OffsetDeleteRequest(decoding: body, version: call.version)
            deleteOffsets(request, call, at: now, &partitions, &server, &effects)
        case .deleteGroups:
            let request = try DeleteGroupsRequest(decoding: body, version: call.version)
            deleteGroups(request, call, at: now, &partitions, &server, &effects)
        default: try serveDescription(call, body, partitions, &server, &effects)
        }
    }

    // MARK: FindCoordinator

    private mutating func findCoordinator(
        _ request: FindCoordinatorRequest, version: Int16, of view: ClusterView, at now: Instant,
        _ partitions: inout PartitionServer, _ server: inout RequestServer, _ effects: inout Effects
    ) -> FindCoordinatorResponse {
        var response = FindCoordinatorResponse()
        let keys = version >= 4 ? request.coordinatorKeys : [request.key]
        response.coordinators = keys.map { key in
            var answer = FindCoordinatorResponse.Coordinator()
            answer.key = key
            answer.nodeID = -1
            answer.port = -1
            (answer.errorCode, answer.errorMessage) = whyNotFound(
                key, type: request.keyType, of: view, at: now, &partitions, &server, &effects)
            guard answer.errorCode == .none else { return answer }
            let leader = view.brokers.first { $0.id == view.controllerID }
            answer.nodeID = leader?.id ?? -1
            answer.host = leader?.address.host ?? ""
            answer.port = leader.map { Int32($0.address.port) } ?? -1
            return answer
        }
        guard version < 4, let only = response.coordinators.first else { return response }
        response.errorCode = only.errorCode
        response.errorMessage = only.errorMessage
        response.nodeID = only.nodeID
        response.host = only.host
        response.port = only.port
        response.coordinators = []
        return response
    }

    /// The topic is made when somebody first asks for a group's coordinator.
    private mutating func whyNotFound(
        _ key: String, type: Int8, of view: ClusterView, at now: Instant, _ partitions: inout PartitionServer,
        _ server: inout RequestServer, _ effects: inout Effects
    ) -> (ErrorCode, String?) {
        switch type {
        case 0:
            let code = partitions.makeOffsetsTopic(settings, of: view, at: now, &server, &effects)
            if code == .none { return (.none, nil) }
            return (.coordinatorNotAvailable, "\(OffsetsTopic.name) could not be made; the broker's log says why")
        case 1: return (.coordinatorNotAvailable, "this broker does not coordinate transactions")
        default: return (.invalidRequest, "coordinators are of type 0, groups, or 1, transactions; asked was \(type)")
        }
    }

    // MARK: Members

    private mutating func serveMember(
        _ call: Call, _ body: Bytes, from client: GroupClient, at now: Instant, _ partitions: inout PartitionServer,
        _ server: inout RequestServer, _ effects: inout Effects
    ) throws(CodingError) {
        switch call.api {
        case .joinGroup:
            let request = try JoinGroupRequest(decoding: body, version: call.version)
            change(classic: request.groupID, call, at: now, &partitions, &server, &effects) {
                group, waiter, moment, random, actions in
                group.join(
                    request, version: call.version, from: client, waiter: waiter, at: moment.now, time: moment.time,
                    random: &random, &actions)
            }
        case .syncGroup:
            let request = try SyncGroupRequest(decoding: body, version: call.version)
            change(classic: request.groupID, call, at: now, &partitions, &server, &effects) {
                group, waiter, moment, _, actions in
                group.sync(request, waiter: waiter, at: moment.now, time: moment.time, &actions)
            }
        case .heartbeat:
            let request = try HeartbeatRequest(decoding: body, version: call.version)
            change(classic: request.groupID, call, at: now, &partitions, &server, &effects) {
                group, waiter, moment, _, actions in
                group.heartbeat(request, waiter: waiter, at: moment.now, &actions)
            }
        case .leaveGroup:
            let request = try LeaveGroupRequest(decoding: body, version: call.version)
            change(classic: request.groupID, call, at: now, &partitions, &server, &effects) {
                group, waiter, moment, _, actions in
                group.leave(
                    request, version: call.version, waiter: waiter, at: moment.now, time: moment.time, &actions)
            }
        default:
            let request = try ConsumerGroupHeartbeatRequest(decoding: body, version: call.version)
            heartbeat(request, call, from: client, at: now, &partitions, &server, &effects)
        }
    }

    private mutating func change(
        classic id: String, _ call: Call, at now: Instant, _ partitions: inout PartitionServer,
        _ server: inout RequestServer, _ effects: inout Effects,
        _ input: (inout ClassicGroup, GroupWaiter, Moment, inout SplitMix64, inout GroupActions) -> Void
    ) {
        var code = unavailability(of: id)
        // A member whose coordinator is still reading stays a member: its session begins when all is read.
        if call.api == .heartbeat, code == .coordinatorLoadInProgress {
            code = .none
        } else if code == .none {
            let number = number(of: id)
            let moment = Moment(now: now, time: partitions.clock.milliseconds(at: now))
            var actions = GroupActions()
            if call.api == .joinGroup, shards[number].consumer[id]?.members.isEmpty == false {
                code = .inconsistentGroupProtocol
            } else {
                let waiter = waiter(for: call, of: number)
                shards[number].change(classic: id, time: moment.time) {
                    input(&$0, waiter, moment, &random, &actions)
                }
                shards[number].makeRoom(forClassic: id, &actions)
                perform(actions, of: id, number, at: now, &partitions, &server, &effects)
                return
            }
        }
        server.answer(call, with: call.api.groupResponse(refusing: code), &effects)
    }

    private mutating func heartbeat(
        _ request: ConsumerGroupHeartbeatRequest, _ call: Call, from client: GroupClient, at now: Instant,
        _ partitions: inout PartitionServer, _ server: inout RequestServer, _ effects: inout Effects
    ) {
        let id = request.groupID
        var response = ConsumerGroupHeartbeatResponse()
        response.errorCode = unavailability(of: id)
        if response.errorCode == .none {
            let number = number(of: id)
            var actions = GroupActions()
            if request.memberEpoch == 0
                ? shards[number].classic[id]?.isEmpty != false : shards[number].classic[id] == nil
            {
                let waiter = waiter(for: call, of: number)
                let topics = partitions.topics.image
                shards[number].change(consumer: id) {
                    $0.heartbeat(
                        request, version: call.version, from: client, waiter: waiter, topics: topics, at: now,
                        random: &random, &actions)
                }
                shards[number].makeRoom(forConsumer: id, &actions)
                perform(actions, of: id, number, at: now, &partitions, &server, &effects)
                return
            }
            response.errorCode = .groupIDNotFound
            response.errorMessage = "\(id) is a group of the classic protocol, and has members"
        }
        server.answer(call, with: response, &effects)
    }
}
