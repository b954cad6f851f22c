import SegmentLog
import TopicsPartitions
import WireProtocol

extension BrokerNode {
    /// The APIs that are served, each in every version that is described.
    public static let served: [ApiKey] = [
        .produce, .fetch, .listOffsets, .metadata, .findCoordinator, .apiVersions, .createTopics, .deleteTopics,
        .deleteRecords, .offsetForLeaderEpoch, .describeConfigs, .alterConfigs, .describeLogDirs, .createPartitions,
        .incrementalAlterConfigs, .describeCluster, .describeTopicPartitions,
    ]

    mutating func receive(_ frame: Bytes, on connection: ConnectionID, at now: Instant, _ effects: inout Effects) {
        guard !isStopping, let (call, body) = server.receive(frame, on: connection, &effects) else { return }
        do {
            try serve(call, body, at: now, &effects)
        } catch {
            server.refuse(connection, unreadable: error, &effects)
        }
    }

    private mutating func serve(
        _ call: Call, _ body: Bytes, at now: Instant, _ effects: inout Effects
    ) throws(CodingError) {
        let version = call.version
        switch call.api {
        case .produce:
            let request = try ProduceRequest(decoding: body, version: version)
            partitions.produce(request, call, at: now, &server, &effects)
        case .fetch:
            let request = try FetchRequest(decoding: body, version: version)
            partitions.fetch(request, call, at: now, &server, &effects)
        case .listOffsets:
            let request = try ListOffsetsRequest(decoding: body, version: version)
            server.answer(call, with: partitions.listOffsets(request, &effects), &effects)
        case .offsetForLeaderEpoch:
            let request = try OffsetForLeaderEpochRequest(decoding: body, version: version)
            server.answer(call, with: partitions.offsetForLeaderEpoch(request, &effects), &effects)
        case .findCoordinator:
            let request = try FindCoordinatorRequest(decoding: body, version: version)
            server.answer(call, with: findCoordinator(request), &effects)
        case .describeConfigs, .alterConfigs, .incrementalAlterConfigs:
            try serveConfigs(call, body, at: now, &effects)
        default: try administer(call, body, at: now, &effects)
        }
    }

    private mutating func serveConfigs(
        _ call: Call, _ body: Bytes, at now: Instant, _ effects: inout Effects
    ) throws(CodingError) {
        let version = call.version
        switch call.api {
        case .describeConfigs:
            let request = try DescribeConfigsRequest(decoding: body, version: version)
            server.answer(call, with: partitions.describeConfigs(request), &effects)
        case .alterConfigs:
            let request = try AlterConfigsRequest(decoding: body, version: version)
            let response = partitions.alterConfigs(request, at: now, &server, &effects)
            server.answer(call, with: response, &effects)
        default:
            let request = try IncrementalAlterConfigsRequest(decoding: body, version: version)
            let response = partitions.incrementalAlterConfigs(request, at: now, &server, &effects)
            server.answer(call, with: response, &effects)
        }
    }

    private mutating func administer(
        _ call: Call, _ body: Bytes, at now: Instant, _ effects: inout Effects
    ) throws(CodingError) {
        let version = call.version
        let view = view(for: call)
        switch call.api {
        case .metadata:
            // librdkafka's request for all topics has three bytes too many from version 9 on (its issue 5049).
            let request = try MetadataRequest(decoding: body, version: version, passingOverRest: version >= 9)
            let response = partitions.metadata(request, version: version, of: view, at: now, &server, &effects)
            server.answer(call, with: response, &effects)
        case .createTopics:
            let request = try CreateTopicsRequest(decoding: body, version: version)
            let response = partitions.createTopics(request, version: version, of: view, at: now, &server, &effects)
            server.answer(call, with: response, &effects)
        case .deleteTopics:
            let request = try DeleteTopicsRequest(decoding: body, version: version)
            let response = partitions.deleteTopics(request, version: version, at: now, &server, &effects)
            server.answer(call, with: response, &effects)
        case .createPartitions:
            let request = try CreatePartitionsRequest(decoding: body, version: version)
            let response = partitions.createPartitions(request, of: view, at: now, &server, &effects)
            server.answer(call, with: response, &effects)
        case .deleteRecords:
            let request = try DeleteRecordsRequest(decoding: body, version: version)
            server.answer(call, with: partitions.deleteRecords(request, at: now, &effects), &effects)
        case .describeTopicPartitions:
            let request = try DescribeTopicPartitionsRequest(decoding: body, version: version)
            server.answer(call, with: partitions.describeTopicPartitions(request, of: view), &effects)
        case .describeLogDirs:
            let request = try DescribeLogDirsRequest(decoding: body, version: version)
            server.answer(call, with: partitions.describeLogDirs(request, &effects), &effects)
        case .describeCluster:
            let request = try DescribeClusterRequest(decoding: body, version: version)
            server.answer(call, with: view.describe(request, version: version), &effects)
        // What `served` does not name has been refused.
        default: break
        }
    }

    private func view(for call: Call) -> ClusterView {
        ClusterView(
            clusterID: identity.clusterID,
            brokers: [.init(id: identity.nodeID, address: advertisedAddress(on: call.id.connection))],
            controllerID: identity.nodeID)
    }

    /// There are no groups yet to coordinate.
    private func findCoordinator(_ request: FindCoordinatorRequest) -> FindCoordinatorResponse {
        let message = "this broker does not coordinate groups or transactions"
        var response = FindCoordinatorResponse()
        response.errorCode = .coordinatorNotAvailable
        response.errorMessage = message
        response.nodeID = -1
        response.port = -1
        response.coordinators = request.coordinatorKeys.map { key in
            var coordinator = FindCoordinatorResponse.Coordinator()
            coordinator.key = key
            coordinator.nodeID = -1
            coordinator.port = -1
            coordinator.errorCode = .coordinatorNotAvailable
            coordinator.errorMessage = message
            return coordinator
        }
        return response
    }
}
