import SegmentLog
import TopicsPartitions
import WireProtocol

extension GroupCoordinator {
    mutating func serveDescription(
        _ call: Call, _ body: Bytes, _ partitions: borrowing PartitionServer, _ server: inout RequestServer,
        _ effects: inout Effects
    ) throws(CodingError) {
        switch call.api {
        case .describeGroups:
            let request = try DescribeGroupsRequest(decoding: body, version: call.version)
            var response = DescribeGroupsResponse()
            var seen: Set<ExactText> = []
            response.groups = request.groups.map { id in
                var group = describe(id, version: call.version, isRepeated: !seen.insert(ExactText(id)).inserted)
                // Every operation on a group: read, delete, describe, and their configs.
                if request.includeAuthorizedOperations { group.authorizedOperations = Self.operations }
                return group
            }
            hold(call, response, behind: numbers(of: request.groups), &server, &effects)
        case .consumerGroupDescribe:
            let request = try ConsumerGroupDescribeRequest(decoding: body, version: call.version)
            var response = ConsumerGroupDescribeResponse()
            let image = partitions.topics.image
            var seen: Set<ExactText> = []
            response.groups = request.groupIDs.map { id in
                var group = describe(consumer: id, image, isRepeated: !seen.insert(ExactText(id)).inserted)
                if request.includeAuthorizedOperations { group.authorizedOperations = Self.operations }
                return group
            }
            hold(call, response, behind: numbers(of: request.groupIDs), &server, &effects)
        default:
            let request = try ListGroupsRequest(decoding: body, version: call.version)
            hold(call, list(request), behind: Array(shards.indices), &server, &effects)
        }
    }

    private static let operations: Int32 = [3, 6, 8, 10, 11].reduce(0) { $0 | 1 << $1 }

    private func numbers(of groups: [String]) -> [Int] {
        shards.isEmpty ? [] : Set(groups.map(number)).sorted()
    }

    /// A group that is named again gets an error: it would make a long answer of a short request.
    private func describe(_ id: String, version: Int16, isRepeated: Bool) -> DescribeGroupsResponse.Group {
        let code = isRepeated ? .invalidRequest : unavailability(of: id)
        guard code == .none else {
            var group = DescribeGroupsResponse.Group()
            group.groupID = id
            group.errorCode = code
            return group
        }
        return shards[number(of: id)].classic[id]?.describe() ?? ClassicGroup.describeUnknown(id, version: version)
    }

    private func describe(
        consumer id: String, _ image: MetadataImage, isRepeated: Bool
    ) -> ConsumerGroupDescribeResponse.Group {
        var group = ConsumerGroupDescribeResponse.Group()
        group.groupID = id
        group.errorCode = id.isEmpty ? .invalidGroupID : isRepeated ? .invalidRequest : unavailability(of: id)
        guard group.errorCode == .none else { return group }
        if let found = shards[number(of: id)].consumer[id] { return found.described(image) }
        group.groupState = "Dead"
        group.errorCode = .groupIDNotFound
        group.errorMessage = "there is no group \(id) of the consumer protocol"
        return group
    }

    /// The groups in ascending order of their ids, of these states and types, whatever the case of the letters.
    private func list(_ request: ListGroupsRequest) -> ListGroupsResponse {
        var response = ListGroupsResponse()
        if shards.contains(where: { $0.loader != nil }) { response.errorCode = .coordinatorLoadInProgress }
        let states = Set(request.statesFilter.map { $0.lowercased() })
        let types = Set(request.typesFilter.map { $0.lowercased() })
        var groups = shards.flatMap { $0.classic.unordered.map { $0.listed() } + $0.consumer.unordered.map(\.listed) }
        groups.removeAll { group in
            !states.isEmpty && !states.contains(group.groupState.lowercased())
                || !types.isEmpty && !types.contains(group.groupType.lowercased())
        }
        response.groups = groups.sorted { ExactText($0.groupID) < ExactText($1.groupID) }
        return response
    }
}
