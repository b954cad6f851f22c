/// Which messages belong to an API: for whoever has a key and a frame, and knows nothing else.
extension ApiKey {
    /// The type of the request's body.
    public var requestType: any Request.Type {
        switch self {
        case .produce: ProduceRequest.self
        case .fetch: FetchRequest.self
        case .listOffsets: ListOffsetsRequest.self
        case .metadata: MetadataRequest.self
        case .offsetCommit: OffsetCommitRequest.self
        case .offsetFetch: OffsetFetchRequest.self
        case .findCoordinator: FindCoordinatorRequest.self
        case .joinGroup: JoinGroupRequest.self
        case .heartbeat: HeartbeatRequest.self
        case .leaveGroup: LeaveGroupRequest.self
        case .syncGroup: SyncGroupRequest.self
        case .describeGroups: DescribeGroupsRequest.self
        case .listGroups: ListGroupsRequest.self
        case .saslHandshake: SaslHandshakeRequest.self
        case .apiVersions: ApiVersionsRequest.self
        case .createTopics: CreateTopicsRequest.self
        case .deleteTopics: DeleteTopicsRequest.self
        case .deleteRecords: DeleteRecordsRequest.self
        case .initProducerId: InitProducerIdRequest.self
        case .offsetForLeaderEpoch: OffsetForLeaderEpochRequest.self
        case .addPartitionsToTxn: AddPartitionsToTxnRequest.self
        case .addOffsetsToTxn: AddOffsetsToTxnRequest.self
        case .endTxn: EndTxnRequest.self
        case .txnOffsetCommit: TxnOffsetCommitRequest.self
        case .describeConfigs: DescribeConfigsRequest.self
        case .alterConfigs: AlterConfigsRequest.self
        case .describeLogDirs: DescribeLogDirsRequest.self
        case .saslAuthenticate: SaslAuthenticateRequest.self
        case .createPartitions: CreatePartitionsRequest.self
        case .deleteGroups: DeleteGroupsRequest.self
        case .incrementalAlterConfigs: IncrementalAlterConfigsRequest.self
        case .offsetDelete: OffsetDeleteRequest.self
        case .describeCluster: DescribeClusterRequest.self
        case .consumerGroupHeartbeat: ConsumerGroupHeartbeatRequest.self
        case .consumerGroupDescribe: ConsumerGroupDescribeRequest.self
        case .describeTopicPartitions: DescribeTopicPartitionsRequest.self
        }
    }

    /// The type of the response's body.
    public var responseType: any Message.Type {
        func response<Body: Request>(to _: Body.Type) -> any Message.Type { Body.Response.self }
        return response(to: requestType)
    }

    /// Kafka's name, such as "OffsetCommit".
    public var name: String { String("\(requestType)".dropLast("Request".count)) }
}
