import BenchmarkSupport
import SegmentLog
import WireProtocol

/// The topic that the groups read.
struct ReadTopic {
    var name: String
    var id: Uuid
    var partitionCount: Int
}

/// A member of a group, as a machine: it makes requests, and an answer may lead to the next one.
protocol GroupMember {
    /// How its kind of group is called.
    static var kind: String { get }
    /// How often a client sends a heartbeat unless it is told otherwise, in seconds.
    static var heartbeatInterval: Seconds { get }
    /// Whether a member that joins is answered only once the others have joined again.
    static var waitsForOthers: Bool { get }

    /// A member that has not joined.
    init(of group: String, reading topic: ReadTopic, number: Int)
    /// Whether it is in the group.
    var isMember: Bool { get }
    /// The generation, or the member's epoch.
    var epoch: Int32 { get }
    /// What it has.
    var partitions: [Int32] { get }

    /// Asks to join.
    mutating func join() throws -> Bytes
    /// A heartbeat with nothing new.
    mutating func heartbeat() throws -> Bytes
    /// Leaves.
    mutating func leave() throws -> Bytes
    /// Commits an offset of one of its partitions.
    mutating func commit(_ offset: Int64) throws -> Bytes
    /// Takes the answer to its request. Returns what is to be sent at once, nil where there is nothing.
    mutating func take(_ answer: Bytes) throws -> Bytes?
}

extension GroupMember {
    /// The client's names for itself.
    static var clientID: String { "bench-groups" }

    func frame(_ request: some Request, version: Int16) throws -> Bytes {
        try request.frame(version: version, correlationID: 1, clientID: Self.clientID).bytes()
    }

    func commitFrame(_ group: String, _ memberID: String, _ topic: ReadTopic, _ offset: Int64) throws -> Bytes {
        var partition = OffsetCommitRequest.Partition()
        partition.index = partitions.first ?? 0
        partition.committedOffset = offset
        var committed = OffsetCommitRequest.Topic()
        committed.name = topic.name
        committed.partitions = [partition]
        var request = OffsetCommitRequest()
        request.groupID = group
        request.memberID = memberID
        request.generationIDOrMemberEpoch = epoch
        request.topics = [committed]
        return try frame(request, version: 9)
    }

    func takeCommit(_ answer: Bytes) throws {
        let response = try OffsetCommitResponse.decodeResponse(answer, version: 9).body
        guard response.topics.first?.partitions.first?.errorCode == ErrorCode.none else {
            throw BenchmarkFailure("a commit was refused: \(response)")
        }
    }
}
