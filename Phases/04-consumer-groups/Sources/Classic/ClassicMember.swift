import SegmentLog
import WireProtocol

/// A member of a classic group.
struct ClassicMember {
    /// The id that the coordinator gave it.
    var id: String
    /// Its place in the order of joining.
    var number: UInt64
    /// The id that a static member keeps when it restarts (KIP-345).
    var instanceID: String?
    /// Who it is.
    var client: GroupClient
    /// How long it may take to join again, in milliseconds.
    var rebalanceTimeoutMilliseconds: Int32
    /// How long it may be silent, in milliseconds.
    var sessionTimeoutMilliseconds: Int32
    /// The protocols that it knows, the preferred one first.
    var protocols: [JoinGroupRequest.GroupProtocol] = []
    /// What the leader assigned to it.
    var assignment = Bytes()

    /// Its JoinGroup that waits for the others, and the version to answer in.
    var join: (waiter: GroupWaiter, version: Int16)?
    /// Its SyncGroup that waits for the leader's.
    var sync: GroupWaiter?
    /// Whether it has not yet been told its id: it sends no heartbeats, so its session ends even while it waits.
    var isNew = false
    /// Whether it has joined the generation without having asked for its assignment.
    var owesSync = false
    /// When its session ends; nil while it waits for an answer, which begins a new one.
    var sessionEnd: Instant?

    /// Whether a request of it waits, so that its silence is not its fault.
    var isWaiting: Bool { join != nil || sync != nil }

    /// The names of the protocols that it knows, each once.
    var protocolNames: Set<String> { Set(protocols.map(\.name)) }

    /// What it said under a protocol; empty where it does not know it.
    func metadata(of name: String?) -> Bytes { protocols.first { $0.name == name }?.metadata ?? Bytes() }

    /// Takes over what a member says when it joins. The bytes are copied: those of the request are part of its frame.
    mutating func update(from request: JoinGroupRequest) {
        protocols = request.protocols.map { offered in
            var copy = offered
            copy.metadata = Bytes(offered.metadata.array)
            return copy
        }
        sessionTimeoutMilliseconds = request.sessionTimeoutMilliseconds
        let rebalance = request.rebalanceTimeoutMilliseconds
        rebalanceTimeoutMilliseconds = rebalance < 0 ? request.sessionTimeoutMilliseconds : rebalance
    }
}

extension ClassicMember {
    /// A member that joins.
    init(id: String, number: UInt64, from client: GroupClient, request: JoinGroupRequest) {
        self.init(
            id: id, number: number, instanceID: request.groupInstanceID, client: client,
            rebalanceTimeoutMilliseconds: 0, sessionTimeoutMilliseconds: 0)
        update(from: request)
    }

    /// A member as a record tells of it, which knows the protocol that was chosen and no other.
    init(_ value: GroupMetadataValue.Member, number: UInt64, protocolName: String?) {
        let rebalance = value.rebalanceTimeoutMilliseconds
        self.init(
            id: value.memberID, number: number, instanceID: value.groupInstanceID,
            client: GroupClient(id: value.clientID, host: value.clientHost),
            rebalanceTimeoutMilliseconds: rebalance < 0 ? value.sessionTimeoutMilliseconds : rebalance,
            sessionTimeoutMilliseconds: value.sessionTimeoutMilliseconds)
        var known = JoinGroupRequest.GroupProtocol()
        known.name = protocolName ?? ""
        known.metadata = Bytes(value.subscription.array)
        protocols = [known]
        assignment = Bytes(value.assignment.array)
    }

    /// What a record says of it.
    func value(protocolName: String?) -> GroupMetadataValue.Member {
        var value = GroupMetadataValue.Member()
        value.memberID = id
        value.groupInstanceID = instanceID
        value.clientID = client.id
        value.clientHost = client.host
        value.rebalanceTimeoutMilliseconds = rebalanceTimeoutMilliseconds
        value.sessionTimeoutMilliseconds = sessionTimeoutMilliseconds
        value.subscription = metadata(of: protocolName)
        value.assignment = assignment
        return value
    }
}
