import SegmentLog
import WireProtocol

extension PartitionServer {
    /// The APIs that `serve` serves.
    public static let served: [ApiKey] = [
        .produce, .fetch, .listOffsets, .metadata, .createTopics, .deleteTopics, .deleteRecords, .offsetForLeaderEpoch,
        .describeConfigs, .alterConfigs, .describeLogDirs, .createPartitions, .incrementalAlterConfigs,
        .describeCluster, .describeTopicPartitions,
    ]

    /// Serves a call of one of the APIs in `served`: answers it, or lets it wait.
    ///
    /// - Parameters:
    ///   - body: the request behind its header.
    ///   - view: the cluster as the client sees it.
    /// - Throws: where the body cannot be read.
    public mutating func serve(
        _ call: Call, _ body: Bytes, of view: ClusterView, at now: Instant, _ server: inout RequestServer,
        _ effects: inout Effects
    ) throws(CodingError) {
        let version = call.version
        switch call.api {
        case .produce:
            let request = try ProduceRequest(decoding: body, version: version)
            produce(request, call, at: now, &server, &effects)
        case .fetch:
            let request = try FetchRequest(decoding: body, version: version)
            fetch(request, call, at: now, &server, &effects)
        case .listOffsets:
            let request = try ListOffsetsRequest(decoding: body, version: version)
            server.answer(call, with: listOffsets(request, &effects), &effects)
        case .offsetForLeaderEpoch:
            let request = try OffsetForLeaderEpochRequest(decoding: body, version: version)
            server.answer(call, with: offsetForLeaderEpoch(request, &effects), &effects)
        case .deleteRecords:
            let request = try DeleteRecordsRequest(decoding: body, version: version)
            server.answer(call, with: deleteRecords(request, at: now, &effects), &effects)
        case .describeConfigs, .alterConfigs, .incrementalAlterConfigs:
            try serveConfigs(call, body, at: now, &server, &effects)
        default: try serveTopics(call, body, of: view, at: now, &server, &effects)
        }
    }

    private mutating func serveConfigs(
        _ call: Call, _ body: Bytes, at now: Instant, _ server: inout RequestServer, _ effects: inout Effects
    ) throws(CodingError) {
        let version = call.version
        switch call.api {
        case .describeConfigs:
            let request = try DescribeConfigsRequest(decoding: body, version: version)
            server.answer(call, with: describeConfigs(request), &effects)
        case .alterConfigs:
            let request = try AlterConfigsRequest(decoding: body, version: version)
            server.answer(call, with: alterConfigs(request, at: now, &server, &effects), &effects)
        default:
            let request = try IncrementalAlterConfigsRequest(decoding: body, version: version)
            server.answer(call, with: incrementalAlterConfigs(request, at: now, &server, &effects), &effects)
        }
    }

    private mutating func serveTopics(
        _ call: Call, _ body: Bytes, of view: ClusterView, at now: Instant, _ server: inout RequestServer,
        _ effects: inout Effects
    ) throws(CodingError) {
        let version = call.version
        switch call.api {
        case .metadata:
            // librdkafka's request for all topics has three bytes too many from version 9 on (its issue 5049).
            let request = try MetadataRequest(decoding: body, version: version, passingOverRest: version >= 9)
            let response = metadata(request, version: version, of: view, at: now, &server, &effects)
            server.answer(call, with: response, &effects)
        case .createTopics:
            let request = try CreateTopicsRequest(decoding: body, version: version)
            let response = createTopics(request, version: version, of: view, at: now, &server, &effects)
            server.answer(call, with: response, &effects)
        case .deleteTopics:
            let request = try DeleteTopicsRequest(decoding: body, version: version)
            let response = deleteTopics(request, version: version, at: now, &server, &effects)
            server.answer(call, with: response, &effects)
        case .createPartitions:
            let request = try CreatePartitionsRequest(decoding: body, version: version)
            let response = createPartitions(request, of: view, at: now, &server, &effects)
            server.answer(call, with: response, &effects)
        case .describeTopicPartitions:
            let request = try DescribeTopicPartitionsRequest(decoding: body, version: version)
            server.answer(call, with: describeTopicPartitions(request, of: view), &effects)
        case .describeLogDirs:
            let request = try DescribeLogDirsRequest(decoding: body, version: version)
            server.answer(call, with: describeLogDirs(request, &effects), &effects)
        case .describeCluster:
            let request = try DescribeClusterRequest(decoding: body, version: version)
            server.answer(call, with: view.describe(request, version: version), &effects)
        // A server that offers what `served` names has refused all else.
        default: break
        }
    }
}
