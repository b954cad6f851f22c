import BenchmarkSupport
import SegmentLog
import WireProtocol

/// A member of a classic group, which deals the partitions out in turn when it leads.
struct ClassicMember: GroupMember {
    static let kind = "classic"
    static let heartbeatInterval: Seconds = 3
    static let waitsForOthers = true

    private enum Asked { case nothing, join, sync, heartbeat, leave, commit }

    private let group: String
    private let topic: ReadTopic
    private let subscription: Bytes
    private var id = ""
    private var asked = Asked.nothing
    private(set) var isMember = false
    private(set) var epoch: Int32 = -1
    private(set) var partitions: [Int32] = []

    init(of group: String, reading topic: ReadTopic, number: Int) {
        self.group = group
        self.topic = topic
        var subscription = ConsumerProtocolSubscription()
        subscription.topics = [topic.name]
        self.subscription = (try? subscription.encoded(version: 3)) ?? Bytes()
    }

    mutating func join() throws -> Bytes {
        var offered = JoinGroupRequest.GroupProtocol()
        offered.name = "range"
        offered.metadata = subscription
        var request = JoinGroupRequest()
        request.groupID = group
        request.sessionTimeoutMilliseconds = 600_000
        request.rebalanceTimeoutMilliseconds = 600_000
        request.memberID = id
        request.protocolType = "consumer"
        request.protocols = [offered]
        asked = .join
        isMember = false
        return try frame(request, version: 9)
    }

    mutating func heartbeat() throws -> Bytes {
        var request = HeartbeatRequest()
        request.groupID = group
        request.generationID = epoch
        request.memberID = id
        asked = .heartbeat
        return try frame(request, version: 4)
    }

    mutating func leave() throws -> Bytes {
        var leaving = LeaveGroupRequest.Member()
        leaving.memberID = id
        var request = LeaveGroupRequest()
        request.groupID = group
        request.members = [leaving]
        asked = .leave
        return try frame(request, version: 5)
    }

    mutating func commit(_ offset: Int64) throws -> Bytes {
        asked = .commit
        return try commitFrame(group, id, topic, offset)
    }

    mutating func take(_ answer: Bytes) throws -> Bytes? {
        defer { if asked == .heartbeat || asked == .commit { asked = .nothing } }
        switch asked {
        case .join:
            let response = try JoinGroupResponse.decodeResponse(answer, version: 9).body
            id = response.memberID
            if response.errorCode == .memberIDRequired { return try join() }
            try check(response.errorCode, "JoinGroup")
            epoch = response.generationID
            return try sync(response.leader == id ? response.members.map(\.memberID) : [])
        case .sync:
            let response = try SyncGroupResponse.decodeResponse(answer, version: 5).body
            if response.errorCode == .rebalanceInProgress { return try join() }
            try check(response.errorCode, "SyncGroup")
            let assignment = try ConsumerProtocolAssignment(decoding: response.assignment)
            partitions = assignment.assignedPartitions.flatMap(\.partitions)
            isMember = true
        case .heartbeat:
            let response = try HeartbeatResponse.decodeResponse(answer, version: 4).body
            if response.errorCode == .rebalanceInProgress || response.errorCode == .illegalGeneration {
                return try join()
            }
            try check(response.errorCode, "Heartbeat")
        case .leave:
            let response = try LeaveGroupResponse.decodeResponse(answer, version: 5).body
            try check(response.members.first?.errorCode ?? response.errorCode, "LeaveGroup")
            (id, isMember, partitions) = ("", false, [])
        case .commit: try takeCommit(answer)
        case .nothing: throw BenchmarkFailure("an answer to no request")
        }
        return nil
    }

    private mutating func sync(_ members: [String]) throws -> Bytes {
        var request = SyncGroupRequest()
        request.groupID = group
        request.generationID = epoch
        request.memberID = id
        request.protocolType = "consumer"
        request.protocolName = "range"
        request.assignments = try members.enumerated().map { place, member in
            var owned = ConsumerProtocolTopicPartitions()
            owned.topic = topic.name
            owned.partitions = stride(from: place, to: topic.partitionCount, by: members.count).map { Int32($0) }
            var value = ConsumerProtocolAssignment()
            value.assignedPartitions = owned.partitions.isEmpty ? [] : [owned]
            var assignment = SyncGroupRequest.Assignment()
            assignment.memberID = member
            assignment.assignment = try value.encoded(version: 3)
            return assignment
        }
        asked = .sync
        return try frame(request, version: 5)
    }

    private func check(_ code: ErrorCode, _ what: String) throws {
        if code != .none { throw BenchmarkFailure("\(what) of \(id) in \(group): \(code)") }
    }
}
