import SegmentLog
import WireProtocol

/// What a machine of this phase wants done after an input: state that must be written, answers, and a time at which
/// it has to be told what time it is.
///
/// Answers go out once the records of these actions, and all before them in the same partition of
/// `__consumer_offsets`, are durable: no client is told of what a crash could take back (ADR-0403).
public struct GroupActions {
    /// What is to be appended, as one batch, in this order.
    public private(set) var records: [GroupRecord] = []
    /// Who is answered what, in this order.
    public private(set) var answers: [(waiter: GroupWaiter, answer: GroupAnswer)] = []
    /// The earliest time at which the group's `expire` is to be called.
    public private(set) var deadline: Instant?

    /// Nothing is to be done.
    public init() {}

    /// Writes a record.
    public mutating func write(_ record: GroupRecord) { records.append(record) }

    /// Answers a request.
    public mutating func answer(_ waiter: GroupWaiter, _ answer: GroupAnswer) { answers.append((waiter, answer)) }

    /// Asks to be told the time at `deadline`. It may come earlier and oftener: a group that still waits then asks
    /// again. A deadline that was moved later need not be taken back.
    public mutating func wake(at deadline: Instant) { self.deadline = min(self.deadline ?? deadline, deadline) }
}

/// A request that waits for a group's answer. It is answered at most once.
public struct GroupWaiter: Hashable, Sendable {
    /// Its number, ascending.
    public var value: UInt64

    /// The waiter of this number.
    public init(_ value: UInt64) { self.value = value }
}

/// An answer of a group.
public enum GroupAnswer: Sendable {
    /// To JoinGroup.
    case join(JoinGroupResponse)
    /// To SyncGroup.
    case sync(SyncGroupResponse)
    /// To Heartbeat.
    case heartbeat(HeartbeatResponse)
    /// To LeaveGroup.
    case leave(LeaveGroupResponse)
    /// To ConsumerGroupHeartbeat.
    case consumerHeartbeat(ConsumerGroupHeartbeatResponse)
}

/// Who sends a request, as DescribeGroups shows it.
public struct GroupClient: Equatable, Sendable {
    /// What the client calls itself in its requests' headers.
    public var id: String
    /// Its address, with a slash in front as Kafka shows it.
    public var host: String

    /// A client.
    public init(id: String, host: String) {
        self.id = id
        self.host = host
    }
}
