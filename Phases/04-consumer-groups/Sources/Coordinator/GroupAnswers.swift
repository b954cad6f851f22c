import WireProtocol

/// An answer that may wait for the disk, and has a place for the reason where that fails.
protocol GroupResponse: Message {
    /// Says this error instead of everything.
    mutating func refuse(_ code: ErrorCode)
}

/// An answer with one error for all of it.
protocol SingleErrorResponse: GroupResponse {
    var errorCode: ErrorCode { get set }
}

extension SingleErrorResponse {
    mutating func refuse(_ code: ErrorCode) {
        self = Self()
        errorCode = code
    }
}

extension SyncGroupResponse: SingleErrorResponse {}
extension HeartbeatResponse: SingleErrorResponse {}
extension LeaveGroupResponse: SingleErrorResponse {}
extension ConsumerGroupHeartbeatResponse: SingleErrorResponse {}
extension OffsetDeleteResponse: SingleErrorResponse {}
extension ListGroupsResponse: SingleErrorResponse {}

extension JoinGroupResponse: GroupResponse {
    mutating func refuse(_ code: ErrorCode) {
        self = JoinGroupResponse()
        // Null only from version 7 on; an empty name can be written in all.
        protocolName = ""
        errorCode = code
    }
}

extension OffsetCommitResponse: GroupResponse {
    mutating func refuse(_ code: ErrorCode) {
        for topic in topics.indices {
            for partition in topics[topic].partitions.indices { topics[topic].partitions[partition].errorCode = code }
        }
    }
}

extension OffsetFetchResponse: GroupResponse {
    mutating func refuse(_ code: ErrorCode) {
        topics = []
        errorCode = code
        groups = groups.map { group in
            var refused = Group()
            refused.groupID = group.groupID
            refused.errorCode = code
            return refused
        }
    }
}

extension DeleteGroupsResponse: GroupResponse {
    mutating func refuse(_ code: ErrorCode) {
        for place in results.indices { results[place].errorCode = code }
    }
}

extension DescribeGroupsResponse: GroupResponse {
    mutating func refuse(_ code: ErrorCode) {
        for place in groups.indices { groups[place].errorCode = code }
    }
}

extension ConsumerGroupDescribeResponse: GroupResponse {
    mutating func refuse(_ code: ErrorCode) {
        for place in groups.indices { groups[place].errorCode = code }
    }
}

extension GroupAnswer {
    /// The body of the answer.
    var response: any GroupResponse {
        switch self {
        case .join(let response): response
        case .sync(let response): response
        case .heartbeat(let response): response
        case .leave(let response): response
        case .consumerHeartbeat(let response): response
        }
    }
}

extension ApiKey {
    /// An answer of an API whose requests wait for their group.
    func groupResponse(refusing code: ErrorCode) -> any GroupResponse {
        var response: any GroupResponse =
            switch self {
            case .joinGroup: JoinGroupResponse()
            case .syncGroup: SyncGroupResponse()
            case .heartbeat: HeartbeatResponse()
            case .leaveGroup: LeaveGroupResponse()
            default: ConsumerGroupHeartbeatResponse()
            }
        response.refuse(code)
        return response
    }
}
