import ConsumerGroups
import SegmentLog
import WireProtocol

/// A member of a classic group whose requests are written by hand.
struct HandMember {
    let name: String
    let group: String
    let topic: String
    let sessionMilliseconds: Int32
    let connection: BlockingConnection
    /// What the coordinator calls it: its client's id, and 32 random digits.
    var id = ""
    var generation: Int32 = -1

    init(_ name: String, in group: String, of topic: String, session: Int32, at address: SocketAddress) throws {
        (self.name, self.group, self.topic, sessionMilliseconds) = (name, group, topic, session)
        connection = try BlockingConnection(to: address)
    }

    /// What it wants.
    var subscription: ConsumerProtocolSubscription {
        var subscription = ConsumerProtocolSubscription()
        subscription.topics = [topic]
        return subscription
    }

    /// Asks to become a member, or to stay one.
    func joinRequest() throws -> JoinGroupRequest {
        var range = JoinGroupRequest.GroupProtocol()
        (range.name, range.metadata) = ("range", try subscription.encoded(version: 3))
        var request = JoinGroupRequest()
        (request.groupID, request.memberID, request.protocolType) = (group, id, "consumer")
        (request.sessionTimeoutMilliseconds, request.rebalanceTimeoutMilliseconds) = (sessionMilliseconds, 30_000)
        request.protocols = [range]
        return request
    }

    /// The first round of KIP-394: it is told the id under which it is to come again.
    mutating func askForID() throws -> ErrorCode {
        let answer = try connection.ask(try joinRequest(), as: name)
        id = answer.memberID
        return answer.errorCode
    }

    mutating func join() throws -> JoinGroupResponse {
        try take(try connection.ask(try joinRequest(), as: name))
    }

    /// Sends JoinGroup, and does not wait.
    func sendJoin() throws {
        let version = JoinGroupRequest.apiKey.versions.upperBound
        try connection.send(try joinRequest().frame(version: version, correlationID: 1, clientID: name))
    }

    /// Waits for the answer to `sendJoin`.
    mutating func awaitJoin() throws -> JoinGroupResponse {
        guard let frame = try connection.receiveFrame() else { throw DemoFailure("no answer") }
        let version = JoinGroupRequest.apiKey.versions.upperBound
        return try take(try JoinGroupResponse.decodeResponse(frame, version: version).body)
    }

    private mutating func take(_ answer: JoinGroupResponse) throws -> JoinGroupResponse {
        guard answer.errorCode == .none else { throw DemoFailure("\(name) cannot join: \(answer.errorCode)") }
        (id, generation) = (answer.memberID, answer.generationID)
        return answer
    }

    /// Asks for its assignment; the leader brings everybody's.
    func sync(bringing all: [String: [ConsumerProtocolTopicPartitions]] = [:]) throws -> [Int32] {
        var request = SyncGroupRequest()
        (request.groupID, request.generationID, request.memberID) = (group, generation, id)
        (request.protocolType, request.protocolName) = ("consumer", "range")
        request.assignments = try all.sorted { $0.key < $1.key }.map { member, topics in
            var content = ConsumerProtocolAssignment()
            content.assignedPartitions = topics
            var assignment = SyncGroupRequest.Assignment()
            (assignment.memberID, assignment.assignment) = (member, try content.encoded(version: 3))
            return assignment
        }
        let answer = try connection.ask(request, as: name)
        guard answer.errorCode == .none else { throw DemoFailure("\(name) gets nothing: \(answer.errorCode)") }
        return try ConsumerProtocolAssignment(decoding: answer.assignment).assignedPartitions.flatMap(\.partitions)
    }

    func heartbeat(generation: Int32) throws -> ErrorCode {
        var request = HeartbeatRequest()
        (request.groupID, request.generationID, request.memberID) = (group, generation, id)
        return try connection.ask(request, as: name).errorCode
    }

    func commit(_ offset: Int64) throws -> ErrorCode {
        var partition = OffsetCommitRequest.Partition()
        partition.committedOffset = offset
        var named = OffsetCommitRequest.Topic()
        (named.name, named.partitions) = (topic, [partition])
        var request = OffsetCommitRequest()
        (request.groupID, request.generationIDOrMemberEpoch, request.memberID) = (group, generation, id)
        request.topics = [named]
        return try connection.ask(request, as: name).topics.first?.partitions.first?.errorCode ?? .unknownServerError
    }

    func leave() throws -> ErrorCode {
        var member = LeaveGroupRequest.Member()
        member.memberID = id
        var request = LeaveGroupRequest()
        (request.groupID, request.members) = (group, [member])
        return try connection.ask(request, as: name).members.first?.errorCode ?? .unknownServerError
    }
}
