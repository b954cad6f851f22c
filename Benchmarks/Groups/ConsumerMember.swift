import BenchmarkSupport
import SegmentLog
import WireProtocol

/// A member of a group of KIP-848. What it is assigned it takes, and says so at once, as Java's client does.
struct ConsumerMember: GroupMember {
    static let kind = "KIP-848"
    static let heartbeatInterval: Seconds = 5
    static let waitsForOthers = false

    private enum Asked { case nothing, heartbeat, leave, commit }

    private let group: String
    private let topic: ReadTopic
    private let id: String
    private var asked = Asked.nothing
    private(set) var isMember = false
    private(set) var epoch: Int32 = 0
    private(set) var partitions: [Int32] = []

    init(of group: String, reading topic: ReadTopic, number: Int) {
        self.group = group
        self.topic = topic
        var random = SplitMix64(seed: UInt64(number))
        id = Uuid.random(using: &random).description
    }

    mutating func join() throws -> Bytes {
        epoch = 0
        var request = ConsumerGroupHeartbeatRequest()
        request.rebalanceTimeoutMilliseconds = 300_000
        request.subscribedTopicNames = [topic.name]
        request.topicPartitions = []
        return try send(request)
    }

    mutating func heartbeat() throws -> Bytes { try send(ConsumerGroupHeartbeatRequest()) }

    mutating func leave() throws -> Bytes {
        epoch = -1
        defer { asked = .leave }
        return try send(ConsumerGroupHeartbeatRequest())
    }

    mutating func commit(_ offset: Int64) throws -> Bytes {
        asked = .commit
        return try commitFrame(group, id, topic, offset)
    }

    mutating func take(_ answer: Bytes) throws -> Bytes? {
        defer { if asked != .heartbeat { asked = .nothing } }
        switch asked {
        case .heartbeat, .leave:
            let response = try ConsumerGroupHeartbeatResponse.decodeResponse(answer, version: 1).body
            guard response.errorCode == .none else {
                throw BenchmarkFailure("the heartbeat of \(id) in \(group): \(response)")
            }
            isMember = asked == .heartbeat
            epoch = response.memberEpoch
            guard isMember else {
                partitions = []
                return nil
            }
            guard let assignment = response.assignment else { return nil }
            let owned = assignment.topicPartitions.flatMap(\.partitions)
            let isNew = owned != partitions
            partitions = owned
            return isNew ? try acknowledge() : nil
        case .commit: try takeCommit(answer)
        case .nothing: throw BenchmarkFailure("an answer to no request")
        }
        return nil
    }

    private mutating func acknowledge() throws -> Bytes {
        var owned = ConsumerGroupHeartbeatRequest.TopicPartitions()
        owned.topicID = topic.id
        owned.partitions = partitions
        var request = ConsumerGroupHeartbeatRequest()
        request.topicPartitions = partitions.isEmpty ? [] : [owned]
        return try send(request)
    }

    private mutating func send(_ request: ConsumerGroupHeartbeatRequest) throws -> Bytes {
        var request = request
        request.groupID = group
        request.memberID = id
        request.memberEpoch = epoch
        asked = .heartbeat
        return try frame(request, version: 1)
    }
}
