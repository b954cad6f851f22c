/// Kafka's error codes by name, up to those of Kafka 4.1.
extension ErrorCode {
    /// UNKNOWN_SERVER_ERROR.
    public static let unknownServerError = ErrorCode(rawValue: -1)
    /// NONE.
    public static let none = ErrorCode(rawValue: 0)
    /// OFFSET_OUT_OF_RANGE.
    public static let offsetOutOfRange = ErrorCode(rawValue: 1)
    /// CORRUPT_MESSAGE: a CRC or a size does not fit.
    public static let corruptMessage = ErrorCode(rawValue: 2)
    /// UNKNOWN_TOPIC_OR_PARTITION.
    public static let unknownTopicOrPartition = ErrorCode(rawValue: 3)
    /// INVALID_FETCH_SIZE.
    public static let invalidFetchSize = ErrorCode(rawValue: 4)
    /// LEADER_NOT_AVAILABLE: an election is going on.
    public static let leaderNotAvailable = ErrorCode(rawValue: 5)
    /// NOT_LEADER_OR_FOLLOWER: this broker does not lead the partition, or does not hold it.
    public static let notLeaderOrFollower = ErrorCode(rawValue: 6)
    /// REQUEST_TIMED_OUT: the wait for replicas or for the controller took too long.
    public static let requestTimedOut = ErrorCode(rawValue: 7)
    /// BROKER_NOT_AVAILABLE.
    public static let brokerNotAvailable = ErrorCode(rawValue: 8)
    /// REPLICA_NOT_AVAILABLE.
    public static let replicaNotAvailable = ErrorCode(rawValue: 9)
    /// MESSAGE_TOO_LARGE: a batch is larger than `message.max.bytes`.
    public static let messageTooLarge = ErrorCode(rawValue: 10)
    /// STALE_CONTROLLER_EPOCH.
    public static let staleControllerEpoch = ErrorCode(rawValue: 11)
    /// OFFSET_METADATA_TOO_LARGE.
    public static let offsetMetadataTooLarge = ErrorCode(rawValue: 12)
    /// NETWORK_EXCEPTION: the connection ended; only a client says this.
    public static let networkException = ErrorCode(rawValue: 13)
    /// COORDINATOR_LOAD_IN_PROGRESS: the coordinator reads its log.
    public static let coordinatorLoadInProgress = ErrorCode(rawValue: 14)
    /// COORDINATOR_NOT_AVAILABLE.
    public static let coordinatorNotAvailable = ErrorCode(rawValue: 15)
    /// NOT_COORDINATOR: another broker coordinates the group or the transaction.
    public static let notCoordinator = ErrorCode(rawValue: 16)
    /// INVALID_TOPIC_EXCEPTION: a name that no topic can have.
    public static let invalidTopic = ErrorCode(rawValue: 17)
    /// RECORD_LIST_TOO_LARGE: a batch is larger than a segment.
    public static let recordListTooLarge = ErrorCode(rawValue: 18)
    /// NOT_ENOUGH_REPLICAS: fewer in sync than `min.insync.replicas`.
    public static let notEnoughReplicas = ErrorCode(rawValue: 19)
    /// NOT_ENOUGH_REPLICAS_AFTER_APPEND: appended, but fewer in sync than `min.insync.replicas`.
    public static let notEnoughReplicasAfterAppend = ErrorCode(rawValue: 20)
    /// INVALID_REQUIRED_ACKS: not -1, 0 or 1.
    public static let invalidRequiredAcks = ErrorCode(rawValue: 21)
    /// ILLEGAL_GENERATION: the member is of an older generation.
    public static let illegalGeneration = ErrorCode(rawValue: 22)
    /// INCONSISTENT_GROUP_PROTOCOL: the members have no protocol in common.
    public static let inconsistentGroupProtocol = ErrorCode(rawValue: 23)
    /// INVALID_GROUP_ID.
    public static let invalidGroupID = ErrorCode(rawValue: 24)
    /// UNKNOWN_MEMBER_ID: the group has no such member.
    public static let unknownMemberID = ErrorCode(rawValue: 25)
    /// INVALID_SESSION_TIMEOUT.
    public static let invalidSessionTimeout = ErrorCode(rawValue: 26)
    /// REBALANCE_IN_PROGRESS: the member must join again.
    public static let rebalanceInProgress = ErrorCode(rawValue: 27)
    /// INVALID_COMMIT_OFFSET_SIZE.
    public static let invalidCommitOffsetSize = ErrorCode(rawValue: 28)
    /// TOPIC_AUTHORIZATION_FAILED.
    public static let topicAuthorizationFailed = ErrorCode(rawValue: 29)
    /// GROUP_AUTHORIZATION_FAILED.
    public static let groupAuthorizationFailed = ErrorCode(rawValue: 30)
    /// CLUSTER_AUTHORIZATION_FAILED.
    public static let clusterAuthorizationFailed = ErrorCode(rawValue: 31)
    /// INVALID_TIMESTAMP.
    public static let invalidTimestamp = ErrorCode(rawValue: 32)
    /// UNSUPPORTED_SASL_MECHANISM.
    public static let unsupportedSaslMechanism = ErrorCode(rawValue: 33)
    /// ILLEGAL_SASL_STATE.
    public static let illegalSaslState = ErrorCode(rawValue: 34)
    /// UNSUPPORTED_VERSION.
    public static let unsupportedVersion = ErrorCode(rawValue: 35)
    /// TOPIC_ALREADY_EXISTS.
    public static let topicAlreadyExists = ErrorCode(rawValue: 36)
    /// INVALID_PARTITIONS.
    public static let invalidPartitions = ErrorCode(rawValue: 37)
    /// INVALID_REPLICATION_FACTOR: fewer brokers than replicas.
    public static let invalidReplicationFactor = ErrorCode(rawValue: 38)
    /// INVALID_REPLICA_ASSIGNMENT.
    public static let invalidReplicaAssignment = ErrorCode(rawValue: 39)
    /// INVALID_CONFIG.
    public static let invalidConfig = ErrorCode(rawValue: 40)
    /// NOT_CONTROLLER: another broker is the controller.
    public static let notController = ErrorCode(rawValue: 41)
    /// INVALID_REQUEST.
    public static let invalidRequest = ErrorCode(rawValue: 42)
    /// UNSUPPORTED_FOR_MESSAGE_FORMAT: a message format before magic 2.
    public static let unsupportedForMessageFormat = ErrorCode(rawValue: 43)
    /// POLICY_VIOLATION.
    public static let policyViolation = ErrorCode(rawValue: 44)
    /// OUT_OF_ORDER_SEQUENCE_NUMBER: a batch is missing before this one.
    public static let outOfOrderSequenceNumber = ErrorCode(rawValue: 45)
    /// DUPLICATE_SEQUENCE_NUMBER: the batch is there already.
    public static let duplicateSequenceNumber = ErrorCode(rawValue: 46)
    /// INVALID_PRODUCER_EPOCH: the epoch is older than the one known.
    public static let invalidProducerEpoch = ErrorCode(rawValue: 47)
    /// INVALID_TXN_STATE.
    public static let invalidTxnState = ErrorCode(rawValue: 48)
    /// INVALID_PRODUCER_ID_MAPPING: the transactional id has another producer id.
    public static let invalidProducerIDMapping = ErrorCode(rawValue: 49)
    /// INVALID_TRANSACTION_TIMEOUT.
    public static let invalidTransactionTimeout = ErrorCode(rawValue: 50)
    /// CONCURRENT_TRANSACTIONS: another operation on the transaction goes on.
    public static let concurrentTransactions = ErrorCode(rawValue: 51)
    /// TRANSACTION_COORDINATOR_FENCED.
    public static let transactionCoordinatorFenced = ErrorCode(rawValue: 52)
    /// TRANSACTIONAL_ID_AUTHORIZATION_FAILED.
    public static let transactionalIDAuthorizationFailed = ErrorCode(rawValue: 53)
    /// SECURITY_DISABLED.
    public static let securityDisabled = ErrorCode(rawValue: 54)
    /// OPERATION_NOT_ATTEMPTED: another part of the same request failed.
    public static let operationNotAttempted = ErrorCode(rawValue: 55)
    /// KAFKA_STORAGE_ERROR: the disk failed.
    public static let storageError = ErrorCode(rawValue: 56)
    /// LOG_DIR_NOT_FOUND.
    public static let logDirNotFound = ErrorCode(rawValue: 57)
    /// SASL_AUTHENTICATION_FAILED.
    public static let saslAuthenticationFailed = ErrorCode(rawValue: 58)
    /// UNKNOWN_PRODUCER_ID: nothing of this producer is left in the log.
    public static let unknownProducerID = ErrorCode(rawValue: 59)
    /// REASSIGNMENT_IN_PROGRESS.
    public static let reassignmentInProgress = ErrorCode(rawValue: 60)
    /// DELEGATION_TOKEN_AUTH_DISABLED.
    public static let delegationTokenAuthDisabled = ErrorCode(rawValue: 61)
    /// DELEGATION_TOKEN_NOT_FOUND.
    public static let delegationTokenNotFound = ErrorCode(rawValue: 62)
    /// DELEGATION_TOKEN_OWNER_MISMATCH.
    public static let delegationTokenOwnerMismatch = ErrorCode(rawValue: 63)
    /// DELEGATION_TOKEN_REQUEST_NOT_ALLOWED.
    public static let delegationTokenRequestNotAllowed = ErrorCode(rawValue: 64)
    /// DELEGATION_TOKEN_AUTHORIZATION_FAILED.
    public static let delegationTokenAuthorizationFailed = ErrorCode(rawValue: 65)
    /// DELEGATION_TOKEN_EXPIRED.
    public static let delegationTokenExpired = ErrorCode(rawValue: 66)
    /// INVALID_PRINCIPAL_TYPE.
    public static let invalidPrincipalType = ErrorCode(rawValue: 67)
    /// NON_EMPTY_GROUP: the group has members.
    public static let nonEmptyGroup = ErrorCode(rawValue: 68)
    /// GROUP_ID_NOT_FOUND.
    public static let groupIDNotFound = ErrorCode(rawValue: 69)
    /// FETCH_SESSION_ID_NOT_FOUND.
    public static let fetchSessionIDNotFound = ErrorCode(rawValue: 70)
    /// INVALID_FETCH_SESSION_EPOCH.
    public static let invalidFetchSessionEpoch = ErrorCode(rawValue: 71)
    /// LISTENER_NOT_FOUND: the leader has no listener like the one asked.
    public static let listenerNotFound = ErrorCode(rawValue: 72)
    /// TOPIC_DELETION_DISABLED.
    public static let topicDeletionDisabled = ErrorCode(rawValue: 73)
    /// FENCED_LEADER_EPOCH: the client knows an older leader.
    public static let fencedLeaderEpoch = ErrorCode(rawValue: 74)
    /// UNKNOWN_LEADER_EPOCH: the client knows a newer leader.
    public static let unknownLeaderEpoch = ErrorCode(rawValue: 75)
    /// UNSUPPORTED_COMPRESSION_TYPE.
    public static let unsupportedCompressionType = ErrorCode(rawValue: 76)
    /// STALE_BROKER_EPOCH.
    public static let staleBrokerEpoch = ErrorCode(rawValue: 77)
    /// OFFSET_NOT_AVAILABLE: the leader is new, and its high watermark may be too low.
    public static let offsetNotAvailable = ErrorCode(rawValue: 78)
    /// MEMBER_ID_REQUIRED: come again with the member id in the answer (KIP-394).
    public static let memberIDRequired = ErrorCode(rawValue: 79)
    /// PREFERRED_LEADER_NOT_AVAILABLE.
    public static let preferredLeaderNotAvailable = ErrorCode(rawValue: 80)
    /// GROUP_MAX_SIZE_REACHED.
    public static let groupMaxSizeReached = ErrorCode(rawValue: 81)
    /// FENCED_INSTANCE_ID: another member has the same instance id.
    public static let fencedInstanceID = ErrorCode(rawValue: 82)
    /// ELIGIBLE_LEADERS_NOT_AVAILABLE.
    public static let eligibleLeadersNotAvailable = ErrorCode(rawValue: 83)
    /// ELECTION_NOT_NEEDED.
    public static let electionNotNeeded = ErrorCode(rawValue: 84)
    /// NO_REASSIGNMENT_IN_PROGRESS.
    public static let noReassignmentInProgress = ErrorCode(rawValue: 85)
    /// GROUP_SUBSCRIBED_TO_TOPIC: a member reads the topic.
    public static let groupSubscribedToTopic = ErrorCode(rawValue: 86)
    /// INVALID_RECORD: a batch that breaks a rule.
    public static let invalidRecord = ErrorCode(rawValue: 87)
    /// UNSTABLE_OFFSET_COMMIT: an open transaction may change the offsets.
    public static let unstableOffsetCommit = ErrorCode(rawValue: 88)
    /// THROTTLING_QUOTA_EXCEEDED.
    public static let throttlingQuotaExceeded = ErrorCode(rawValue: 89)
    /// PRODUCER_FENCED: a newer producer has the transactional id.
    public static let producerFenced = ErrorCode(rawValue: 90)
    /// RESOURCE_NOT_FOUND.
    public static let resourceNotFound = ErrorCode(rawValue: 91)
    /// DUPLICATE_RESOURCE.
    public static let duplicateResource = ErrorCode(rawValue: 92)
    /// UNACCEPTABLE_CREDENTIAL.
    public static let unacceptableCredential = ErrorCode(rawValue: 93)
    /// INCONSISTENT_VOTER_SET.
    public static let inconsistentVoterSet = ErrorCode(rawValue: 94)
    /// INVALID_UPDATE_VERSION.
    public static let invalidUpdateVersion = ErrorCode(rawValue: 95)
    /// FEATURE_UPDATE_FAILED.
    public static let featureUpdateFailed = ErrorCode(rawValue: 96)
    /// PRINCIPAL_DESERIALIZATION_FAILURE.
    public static let principalDeserializationFailure = ErrorCode(rawValue: 97)
    /// SNAPSHOT_NOT_FOUND.
    public static let snapshotNotFound = ErrorCode(rawValue: 98)
    /// POSITION_OUT_OF_RANGE.
    public static let positionOutOfRange = ErrorCode(rawValue: 99)
    /// UNKNOWN_TOPIC_ID: no topic has this id.
    public static let unknownTopicID = ErrorCode(rawValue: 100)
    /// DUPLICATE_BROKER_REGISTRATION.
    public static let duplicateBrokerRegistration = ErrorCode(rawValue: 101)
    /// BROKER_ID_NOT_REGISTERED.
    public static let brokerIDNotRegistered = ErrorCode(rawValue: 102)
    /// INCONSISTENT_TOPIC_ID: the log is of another topic with that name.
    public static let inconsistentTopicID = ErrorCode(rawValue: 103)
    /// INCONSISTENT_CLUSTER_ID.
    public static let inconsistentClusterID = ErrorCode(rawValue: 104)
    /// TRANSACTIONAL_ID_NOT_FOUND.
    public static let transactionalIDNotFound = ErrorCode(rawValue: 105)
    /// FETCH_SESSION_TOPIC_ID_ERROR.
    public static let fetchSessionTopicIDError = ErrorCode(rawValue: 106)
    /// INELIGIBLE_REPLICA.
    public static let ineligibleReplica = ErrorCode(rawValue: 107)
    /// NEW_LEADER_ELECTED.
    public static let newLeaderElected = ErrorCode(rawValue: 108)
    /// OFFSET_MOVED_TO_TIERED_STORAGE.
    public static let offsetMovedToTieredStorage = ErrorCode(rawValue: 109)
    /// FENCED_MEMBER_EPOCH: the member must give everything up and join again.
    public static let fencedMemberEpoch = ErrorCode(rawValue: 110)
    /// UNRELEASED_INSTANCE_ID: another member has the instance id.
    public static let unreleasedInstanceID = ErrorCode(rawValue: 111)
    /// UNSUPPORTED_ASSIGNOR.
    public static let unsupportedAssignor = ErrorCode(rawValue: 112)
    /// STALE_MEMBER_EPOCH: the member must wait for its epoch (KIP-848).
    public static let staleMemberEpoch = ErrorCode(rawValue: 113)
    /// MISMATCHED_ENDPOINT_TYPE.
    public static let mismatchedEndpointType = ErrorCode(rawValue: 114)
    /// UNSUPPORTED_ENDPOINT_TYPE.
    public static let unsupportedEndpointType = ErrorCode(rawValue: 115)
    /// UNKNOWN_CONTROLLER_ID.
    public static let unknownControllerID = ErrorCode(rawValue: 116)
    /// UNKNOWN_SUBSCRIPTION_ID.
    public static let unknownSubscriptionID = ErrorCode(rawValue: 117)
    /// TELEMETRY_TOO_LARGE.
    public static let telemetryTooLarge = ErrorCode(rawValue: 118)
    /// INVALID_REGISTRATION.
    public static let invalidRegistration = ErrorCode(rawValue: 119)
    /// TRANSACTION_ABORTABLE: the transaction must be aborted.
    public static let transactionAbortable = ErrorCode(rawValue: 120)
    /// INVALID_RECORD_STATE.
    public static let invalidRecordState = ErrorCode(rawValue: 121)
    /// SHARE_SESSION_NOT_FOUND.
    public static let shareSessionNotFound = ErrorCode(rawValue: 122)
    /// INVALID_SHARE_SESSION_EPOCH.
    public static let invalidShareSessionEpoch = ErrorCode(rawValue: 123)
    /// FENCED_STATE_EPOCH.
    public static let fencedStateEpoch = ErrorCode(rawValue: 124)
    /// INVALID_VOTER_KEY.
    public static let invalidVoterKey = ErrorCode(rawValue: 125)
    /// DUPLICATE_VOTER.
    public static let duplicateVoter = ErrorCode(rawValue: 126)
    /// VOTER_NOT_FOUND.
    public static let voterNotFound = ErrorCode(rawValue: 127)
    /// INVALID_REGULAR_EXPRESSION.
    public static let invalidRegularExpression = ErrorCode(rawValue: 128)
    /// REBOOTSTRAP_REQUIRED: the client must begin with its bootstrap servers again (KIP-1102).
    public static let rebootstrapRequired = ErrorCode(rawValue: 129)
    /// STREAMS_INVALID_TOPOLOGY.
    public static let streamsInvalidTopology = ErrorCode(rawValue: 130)
    /// STREAMS_INVALID_TOPOLOGY_EPOCH.
    public static let streamsInvalidTopologyEpoch = ErrorCode(rawValue: 131)
    /// STREAMS_TOPOLOGY_FENCED.
    public static let streamsTopologyFenced = ErrorCode(rawValue: 132)
    /// SHARE_SESSION_LIMIT_REACHED.
    public static let shareSessionLimitReached = ErrorCode(rawValue: 133)
}
