import SegmentLog
import WireProtocol

@testable import LogbookClient

/// A coordinator of one classic group, as small as can be, which says what a test wants where the test wants
/// something else.
final class FakeCoordinator {
    typealias Reply = (any Message) throws -> Void

    struct Seen {
        var api: ApiKey
        var version: Int16
        var body: Bytes
        var broker: Int32

        func decoded<Body: Request>(as _: Body.Type) throws -> Body { try Body(decoding: body, version: version) }
    }

    private struct Member {
        var instanceID: String?
        var protocols: [JoinGroupRequest.GroupProtocol] = []
        var assignment = Bytes()
        var joining: Reply?
        var syncing: Reply?
    }

    private enum State { case preparing, completing, stable }

    let served: [ApiKey] = [
        .findCoordinator, .joinGroup, .syncGroup, .heartbeat, .leaveGroup, .offsetCommit, .offsetFetch,
        .consumerGroupHeartbeat,
    ]
    /// The newest version of some APIs, where it is not the newest of all.
    var newest: [ApiKey: Int16] = [:]
    /// The broker that coordinates; others say NOT_COORDINATOR.
    var node: Int32 = 1
    /// What is answered instead of the truth, once each.
    var script: [ApiKey: [any Message]] = [:]
    /// What is not answered at all.
    var silent: Set<ApiKey> = []
    /// Offsets of the group.
    var committed: [TopicPartition: Int64] = [:]
    private(set) var generation: Int32 = 0
    private(set) var seen: [Seen] = []
    private var state = State.preparing
    private var members: [String: Member] = [:]
    private var order: [String] = []
    private var protocolName = ""
    private var memberCount = 0

    var memberIDs: [String] { order }

    func asked<Body: Request>(_: Body.Type) throws -> [Body] {
        try seen.filter { $0.api == Body.apiKey }.map { try $0.decoded(as: Body.self) }
    }

    func serve(
        _ api: ApiKey, _ body: Bytes, _ version: Int16, from _: ConnectionID, at broker: Int32, _ reply: @escaping Reply
    ) throws {
        let request = Seen(api: api, version: version, body: body, broker: broker)
        seen.append(request)
        if silent.contains(api) { return }
        if var answers = script[api], !answers.isEmpty {
            let answer = answers.removeFirst()
            script[api] = answers
            // Who is told that it is unknown is.
            if let heartbeat = answer as? HeartbeatResponse, heartbeat.errorCode == .unknownMemberID {
                forget(try request.decoded(as: HeartbeatRequest.self).memberID)
            }
            if let sync = answer as? SyncGroupResponse, sync.errorCode == .unknownMemberID {
                forget(try request.decoded(as: SyncGroupRequest.self).memberID)
            }
            return try reply(answer)
        }
        switch api {
        case .findCoordinator: try reply(found())
        case .joinGroup: try join(try request.decoded(as: JoinGroupRequest.self), version, broker, reply)
        case .syncGroup: try sync(try request.decoded(as: SyncGroupRequest.self), reply)
        case .heartbeat: try reply(heartbeat(try request.decoded(as: HeartbeatRequest.self), broker))
        case .leaveGroup: try leave(try request.decoded(as: LeaveGroupRequest.self), reply)
        case .offsetCommit: try reply(commit(try request.decoded(as: OffsetCommitRequest.self), broker))
        case .offsetFetch: try reply(fetch(try request.decoded(as: OffsetFetchRequest.self), version))
        case .consumerGroupHeartbeat:
            // Nothing has changed.
            var response = ConsumerGroupHeartbeatResponse()
            response.memberEpoch = try request.decoded(as: ConsumerGroupHeartbeatRequest.self).memberEpoch
            response.heartbeatIntervalMilliseconds = 1_000
            try reply(response)
        default: break
        }
    }

    /// A member's session is over.
    func expire(_ id: String) throws {
        forget(id)
        try prepare()
    }

    private func forget(_ id: String) {
        members[id] = nil
        order.removeAll { $0 == id }
    }

    /// Begins a rebalance; whoever waits for the last one's assignment waits in vain.
    private func prepare() throws {
        state = .preparing
        for id in order {
            guard let syncing = members[id]?.syncing else { continue }
            members[id]?.syncing = nil
            var response = SyncGroupResponse()
            response.errorCode = .rebalanceInProgress
            try syncing(response)
        }
        try completeJoin()
    }

    private func found() -> FindCoordinatorResponse {
        var response = FindCoordinatorResponse()
        var entry = FindCoordinatorResponse.Coordinator()
        entry.nodeID = node
        response.coordinators = [entry]
        response.nodeID = node
        return response
    }

    // MARK: Membership

    private func join(_ request: JoinGroupRequest, _ version: Int16, _ broker: Int32, _ reply: @escaping Reply) throws {
        var response = JoinGroupResponse()
        response.memberID = request.memberID
        response.protocolName = ""
        if broker != node {
            response.errorCode = .notCoordinator
            return try reply(response)
        }
        var id = request.memberID
        if id.isEmpty {
            memberCount += 1
            id = "member-\(memberCount)"
            if request.groupInstanceID == nil, version >= 4 {
                response.errorCode = .memberIDRequired
                response.memberID = id
                return try reply(response)
            }
        }
        if let instance = request.groupInstanceID, let old = order.first(where: { members[$0]?.instanceID == instance })
        {
            forget(old)
        }
        if members[id] == nil { order.append(id) }
        members[id, default: Member()].protocols = request.protocols
        members[id]?.instanceID = request.groupInstanceID
        members[id]?.joining = reply
        try prepare()
    }

    private func completeJoin() throws {
        guard !order.isEmpty, order.allSatisfy({ members[$0]?.joining != nil }) else { return }
        generation += 1
        state = .completing
        let first = members[order[0]]?.protocols.map(\.name) ?? []
        protocolName =
            first.first { name in order.allSatisfy { members[$0]?.protocols.contains { $0.name == name } ?? false } }
            ?? ""
        for id in order {
            var response = JoinGroupResponse()
            response.generationID = generation
            response.protocolType = "consumer"
            response.protocolName = protocolName
            response.leader = order[0]
            response.memberID = id
            if id == order[0] {
                response.members = order.map { name in
                    var member = JoinGroupResponse.Member()
                    member.memberID = name
                    member.groupInstanceID = members[name]?.instanceID
                    member.metadata = members[name]?.protocols.first { $0.name == protocolName }?.metadata ?? Bytes()
                    return member
                }
            }
            let joining = members[id]?.joining
            members[id]?.joining = nil
            members[id]?.assignment = Bytes()
            try joining?(response)
        }
    }

    private func check(_ id: String, _ generation: Int32) -> ErrorCode {
        guard members[id] != nil else { return .unknownMemberID }
        return generation == self.generation ? .none : .illegalGeneration
    }

    private func sync(_ request: SyncGroupRequest, _ reply: @escaping Reply) throws {
        var response = SyncGroupResponse()
        response.errorCode = check(request.memberID, request.generationID)
        if response.errorCode == .none, state == .preparing { response.errorCode = .rebalanceInProgress }
        guard response.errorCode == .none else { return try reply(response) }
        members[request.memberID]?.syncing = reply
        for assignment in request.assignments {
            members[assignment.memberID]?.assignment = Bytes(assignment.assignment.array)
        }
        if request.memberID == order[0] { state = .stable }
        guard state == .stable else { return }
        for id in order {
            guard let syncing = members[id]?.syncing else { continue }
            members[id]?.syncing = nil
            var response = SyncGroupResponse()
            response.protocolType = "consumer"
            response.protocolName = protocolName
            response.assignment = members[id]?.assignment ?? Bytes()
            try syncing(response)
        }
    }

    private func heartbeat(_ request: HeartbeatRequest, _ broker: Int32) -> HeartbeatResponse {
        var response = HeartbeatResponse()
        response.errorCode = broker == node ? check(request.memberID, request.generationID) : .notCoordinator
        if response.errorCode == .none, state == .preparing { response.errorCode = .rebalanceInProgress }
        return response
    }

    private func leave(_ request: LeaveGroupRequest, _ reply: Reply) throws {
        try reply(LeaveGroupResponse())
        for member in request.members { try expire(member.memberID) }
    }

    // MARK: Offsets

    private func commit(_ request: OffsetCommitRequest, _ broker: Int32) -> OffsetCommitResponse {
        var code = broker == node ? ErrorCode.none : .notCoordinator
        if code == .none, !members.isEmpty {
            code = check(request.memberID, request.generationIDOrMemberEpoch)
            if code == .none, state == .completing { code = .rebalanceInProgress }
        }
        var response = OffsetCommitResponse()
        response.topics = request.topics.map { topic in
            topic.map { partition in
                if code == .none { committed[TopicPartition(topic.name, partition.index)] = partition.committedOffset }
                var answer = PartitionError()
                answer.index = partition.index
                answer.errorCode = code
                return answer
            }
        }
        return response
    }

    private func fetch(_ request: OffsetFetchRequest, _ version: Int16) -> OffsetFetchResponse {
        var group = OffsetFetchResponse.Group()
        group.groupID = request.groups.first?.groupID ?? request.groupID
        group.topics = ((version >= 8 ? request.groups.first?.topics : request.topics) ?? []).map { asked in
            var topic = OffsetFetchResponse.Topic()
            topic.name = asked.name
            topic.partitions = asked.partitionIndexes.map { index in
                var partition = OffsetFetchResponse.Partition()
                partition.index = index
                partition.committedOffset = committed[TopicPartition(asked.name, index)] ?? -1
                return partition
            }
            return topic
        }
        var response = OffsetFetchResponse()
        response.groups = [group]
        response.topics = group.topics
        return response
    }
}

/// Keeps what it was told.
final class RecordingListener: RebalanceListener, @unchecked Sendable {
    // Sendable: a simulated cluster has one thread.
    var steps: [RebalanceStep] = []
    /// What the reader does while it is told.
    var meanwhile: (RebalanceStep) -> Void = { _ in }

    func take(_ step: RebalanceStep) {
        steps.append(step)
        meanwhile(step)
    }

    /// As in "assigned t-0 t-1".
    var log: [String] {
        steps.map { step in (["\(step.kind)"] + step.partitions.map(\.description)).joined(separator: " ") }
    }
}

/// Members of one group, each with the same logs before it, and one clock.
final class GroupWorld {
    let coordinator = FakeCoordinator()
    private(set) var members: [SimulatedCluster] = []
    let partitions: [TopicPartition]
    private let configure: (inout ConsumerConfiguration, Int) -> Void
    /// Members that crash are not moved on.
    private(set) var crashed: Set<Int> = []
    /// Members that have ended are not read.
    private(set) var ended: Set<Int> = []
    private(set) var logs: [TopicPartition: [String]] = [:]

    init(partitions: Int32, _ configure: @escaping (inout ConsumerConfiguration, Int) -> Void = { _, _ in }) {
        self.partitions = (0..<partitions).map { TopicPartition("t", $0) }
        self.configure = configure
    }

    /// Adds a member that reads as often as time moves on.
    @discardableResult
    func add(listener: RecordingListener? = nil) throws -> SimulatedCluster {
        let number = members.count
        let member = try SimulatedCluster { configuration in
            configuration.groupID = "g"
            configuration.autoOffsetReset = .earliest
            configure(&configuration, number)
        }
        member.coordinator = coordinator
        for name in partitions {
            member.partitions[name] = .init()
            for value in logs[name] ?? [] { try member.append([value], to: name) }
        }
        if let now = members.first?.driver.now { member.driver.now = now }
        try member.machine.subscribe(["t"], listener: listener)
        members.append(member)
        return member
    }

    func append(_ value: String, to name: TopicPartition) throws {
        logs[name, default: []].append(value)
        for member in members { try member.append([value], to: name) }
    }

    /// A member is gone without a word; the coordinator notices when its session ends.
    func crash(_ number: Int) { crashed.insert(number) }

    /// A member ends in good order. It is moved on with the others until it has.
    func stop(_ number: Int) throws {
        ended.insert(number)
        try members[number].driver.deliver(.stopping)
    }

    /// Has everything happen that can at this time.
    func settle() throws {
        for (number, member) in members.enumerated() where !crashed.contains(number) {
            try member.driver.deliver(.woke)
        }
        var isBusy = true
        while isBusy {
            isBusy = false
            for (number, member) in members.enumerated() where !crashed.contains(number) {
                while try member.step() { isBusy = true }
            }
        }
    }

    /// Moves time on for all, and has each of `readers` read; those read all for nil. Returns what each read.
    @discardableResult
    func turn(_ milliseconds: Int64 = 100, readers: [Int]? = nil) throws -> [[ConsumerRecord]] {
        for (number, member) in members.enumerated() where !crashed.contains(number) {
            try member.driver.advance(milliseconds: milliseconds)
        }
        try settle()
        var read: [[ConsumerRecord]] = []
        for (number, member) in members.enumerated() {
            let reads = !crashed.contains(number) && !ended.contains(number) && readers?.contains(number) ?? true
            read.append(reads ? try member.read().records : [])
        }
        try settle()
        return read
    }

    /// What each member owns and reads.
    var assignments: [[String]] { members.map { $0.machine.partitions.map(\.name.description) } }
}
