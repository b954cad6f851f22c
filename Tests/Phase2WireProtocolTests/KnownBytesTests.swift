import SegmentLog
import TestSupport
import Testing
import WireProtocol

/// Whole frames, written down field by field from Kafka's specification.
@Suite("A frame on the wire")
struct KnownBytesTests {
    static let topicID = Uuid(high: 0x0011_2233_4455_6677, low: 0x8899_AABB_CCDD_EEFF)
    static let topicIDBytes: [UInt8] = [
        0x00, 0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77, 0x88, 0x99, 0xAA, 0xBB, 0xCC, 0xDD, 0xEE, 0xFF,
    ]

    /// Encodes a request of client "cli" with correlation id 7, and reads it back.
    private func check<Body: Request>(
        _ request: Body, version: Int16, _ parts: [UInt8]..., sourceLocation: SourceLocation = #_sourceLocation
    ) throws {
        let expected = Bytes(parts.flatMap { $0 })
        let encoded = try request.frame(version: version, correlationID: 7, clientID: "cli").bytes()
        #expect(
            encoded.array == expected.array, "\(ByteDifference(encoded, expected, .request(clientID: 3)))",
            sourceLocation: sourceLocation)
        let frame = expected.dropFirst(4)
        var header = try RequestHeader(fixedPartOf: frame)
        #expect(header.apiKey == Body.apiKey.rawValue && header.apiVersion == version, sourceLocation: sourceLocation)
        let body = try header.readRest(of: frame, as: Body.apiKey)
        #expect(header.correlationID == 7 && header.clientID == "cli", sourceLocation: sourceLocation)
        #expect(try Body(decoding: body, version: version) == request, sourceLocation: sourceLocation)
    }

    private func check<Body: Message>(
        response: Body, version: Int16, _ parts: [UInt8]..., sourceLocation: SourceLocation = #_sourceLocation
    ) throws {
        let expected = Bytes(parts.flatMap { $0 })
        let encoded = try response.responseFrame(version: version, correlationID: 7).bytes()
        #expect(
            encoded.array == expected.array, "\(ByteDifference(encoded, expected, .response))",
            sourceLocation: sourceLocation)
        let (correlationID, body) = try Body.decodeResponse(expected.dropFirst(4), version: version)
        #expect(correlationID == 7 && body == response, sourceLocation: sourceLocation)
    }

    @Test("of ApiVersions 0 has an empty body behind a header without tags")
    func apiVersionsRequest0() throws {
        try check(
            ApiVersionsRequest(), version: 0,
            [0, 0, 0, 13],  // length
            [0, 18], [0, 0], [0, 0, 0, 7],  // API key, version, correlation id
            [0, 3, 0x63, 0x6C, 0x69])  // client id
    }

    @Test("of ApiVersions 3 has tags behind a client id that keeps its two-byte length")
    func apiVersionsRequest3() throws {
        var request = ApiVersionsRequest()
        request.clientSoftwareName = "kcat"
        request.clientSoftwareVersion = "1.7"
        try check(
            request, version: 3,
            [0, 0, 0, 24],  // length
            [0, 18], [0, 3], [0, 0, 0, 7],  // API key, version, correlation id
            [0, 3, 0x63, 0x6C, 0x69], [0],  // client id, the header's tags
            [5, 0x6B, 0x63, 0x61, 0x74],  // client software name
            [4, 0x31, 0x2E, 0x37],  // client software version
            [0])  // tags
    }

    @Test("that answers ApiVersions 0 has four-byte array counts")
    func apiVersionsResponse0() throws {
        var response = ApiVersionsResponse()
        response.errorCode = .unsupportedVersion
        response.apiKeys = [Self.apiVersionsEntry]
        try check(
            response: response, version: 0,
            [0, 0, 0, 16], [0, 0, 0, 7],  // length, correlation id
            [0, 35], [0, 0, 0, 1],  // error code, number of APIs
            [0, 18], [0, 0], [0, 4])  // API key, lowest and highest version
    }

    @Test("that answers ApiVersions 3 has a header without tags before a flexible body")
    func apiVersionsResponse3() throws {
        var response = ApiVersionsResponse()
        response.apiKeys = [Self.apiVersionsEntry]
        response.throttleTimeMilliseconds = 5
        try check(
            response: response, version: 3,
            [0, 0, 0, 19], [0, 0, 0, 7],  // length, correlation id, and no tags
            [0, 0], [2],  // error code, number of APIs and one
            [0, 18], [0, 0], [0, 4], [0],  // API key, lowest and highest version, tags
            [0, 0, 0, 5], [0])  // throttle time, tags
    }

    @Test("that answers ApiVersions 3 carries what differs from its default as tags")
    func apiVersionsResponseTags() throws {
        var response = ApiVersionsResponse()
        response.finalizedFeaturesEpoch = 9
        response.zkMigrationReady = true
        try check(
            response: response, version: 3,
            [0, 0, 0, 25], [0, 0, 0, 7],  // length, correlation id
            [0, 0], [1], [0, 0, 0, 0],  // error code, no APIs, throttle time
            [2],  // two tags
            [1, 8, 0, 0, 0, 0, 0, 0, 0, 9],  // tag 1 of 8 bytes: finalized features epoch
            [3, 1, 1])  // tag 3 of 1 byte: ready for a migration
    }

    private static var apiVersionsEntry: ApiVersionsResponse.ApiVersion {
        var entry = ApiVersionsResponse.ApiVersion()
        entry.apiKey = 18
        entry.maxVersion = 4
        return entry
    }

    @Test("of Metadata 4 names topics, or asks for all of them with null")
    func metadataRequest4() throws {
        var topic = MetadataRequest.Topic()
        topic.name = "ab"
        var request = MetadataRequest()
        request.topics = [topic]
        request.allowAutoTopicCreation = false
        try check(
            request, version: 4,
            [0, 0, 0, 22],  // length
            [0, 3], [0, 4], [0, 0, 0, 7], [0, 3, 0x63, 0x6C, 0x69],  // header
            [0, 0, 0, 1], [0, 2, 0x61, 0x62],  // number of topics, name
            [0])  // may topics be created
        try check(
            MetadataRequest(), version: 4,
            [0, 0, 0, 18],  // length
            [0, 3], [0, 4], [0, 0, 0, 7], [0, 3, 0x63, 0x6C, 0x69],  // header
            [0xFF, 0xFF, 0xFF, 0xFF],  // null: all topics
            [1])  // may topics be created
    }

    @Test("of Metadata 12 asks by id with a null name")
    func metadataRequest12() throws {
        var topic = MetadataRequest.Topic()
        topic.topicID = Self.topicID
        var request = MetadataRequest()
        request.topics = [topic]
        request.includeTopicAuthorizedOperations = true
        try check(
            request, version: 12,
            [0, 0, 0, 36],  // length
            [0, 3], [0, 12], [0, 0, 0, 7], [0, 3, 0x63, 0x6C, 0x69], [0],  // header, its tags
            [2], Self.topicIDBytes, [0], [0],  // number of topics and one, id, null name, tags
            [1], [1],  // may topics be created, tell the operations on topics
            [0])  // tags
    }

    private static var produceRequest: ProduceRequest {
        var partition = ProduceRequest.Partition()
        partition.index = 1
        partition.records = .bytes([0x0A, 0x0B, 0x0C])
        var topic = ProduceRequest.Topic()
        topic.name = "ab"
        topic.partitions = [partition]
        var request = ProduceRequest()
        request.acks = -1
        request.timeoutMilliseconds = 1500
        request.topics = [topic]
        return request
    }

    @Test("of Produce 7 has the batches behind four bytes of length")
    func produceRequest7() throws {
        try check(
            Self.produceRequest, version: 7,
            [0, 0, 0, 44],  // length
            [0, 0], [0, 7], [0, 0, 0, 7], [0, 3, 0x63, 0x6C, 0x69],  // header
            [0xFF, 0xFF], [0xFF, 0xFF], [0, 0, 5, 0xDC],  // null transactional id, acks, timeout
            [0, 0, 0, 1], [0, 2, 0x61, 0x62],  // number of topics, name
            [0, 0, 0, 1], [0, 0, 0, 1],  // number of partitions, index
            [0, 0, 0, 3], [0x0A, 0x0B, 0x0C])  // length of the batches, the batches
    }

    @Test("of Produce 9 has the batches behind a compact length")
    func produceRequest9() throws {
        try check(
            Self.produceRequest, version: 9,
            [0, 0, 0, 37],  // length
            [0, 0], [0, 9], [0, 0, 0, 7], [0, 3, 0x63, 0x6C, 0x69], [0],  // header, its tags
            [0], [0xFF, 0xFF], [0, 0, 5, 0xDC],  // null transactional id, acks, timeout
            [2], [3, 0x61, 0x62],  // number of topics and one, name
            [2], [0, 0, 0, 1],  // number of partitions and one, index
            [4], [0x0A, 0x0B, 0x0C],  // length of the batches and one, the batches
            [0], [0], [0])  // tags of the partition, the topic and the request
    }

    /// A request for offset 258 of one partition; the rest depends on the version.
    private static func fetchRequest(_ change: (inout FetchRequest.Topic, inout FetchRequest.Partition) -> Void)
        -> FetchRequest
    {
        var partition = FetchRequest.Partition()
        partition.index = 1
        partition.fetchOffset = 258
        partition.maxBytes = 4096
        var topic = FetchRequest.Topic()
        change(&topic, &partition)
        topic.partitions = [partition]
        var request = FetchRequest()
        request.maxWaitMilliseconds = 500
        request.minBytes = 1
        request.maxBytes = 1 << 20
        request.isolationLevel = 1
        request.topics = [topic]
        return request
    }

    @Test("of Fetch 4 has neither sessions nor epochs")
    func fetchRequest4() throws {
        let request = Self.fetchRequest { topic, _ in topic.name = "ab" }
        try check(
            request, version: 4,
            [0, 0, 0, 58],  // length
            [0, 1], [0, 4], [0, 0, 0, 7], [0, 3, 0x63, 0x6C, 0x69],  // header
            [0xFF, 0xFF, 0xFF, 0xFF], [0, 0, 1, 0xF4], [0, 0, 0, 1],  // replica id, max wait, min bytes
            [0, 0x10, 0, 0], [1],  // max bytes, isolation level
            [0, 0, 0, 1], [0, 2, 0x61, 0x62],  // number of topics, name
            [0, 0, 0, 1], [0, 0, 0, 1],  // number of partitions, index
            [0, 0, 0, 0, 0, 0, 1, 2], [0, 0, 0x10, 0])  // offset, max bytes
    }

    @Test("of Fetch 12 ends with the cluster's id as a tag")
    func fetchRequest12() throws {
        var request = Self.fetchRequest { topic, partition in
            topic.name = "ab"
            partition.currentLeaderEpoch = 6
            partition.lastFetchedEpoch = 5
        }
        request.sessionID = 3
        request.rackID = "r1"
        request.clusterID = "c"
        try check(
            request, version: 12,
            [0, 0, 0, 87],  // length
            [0, 1], [0, 12], [0, 0, 0, 7], [0, 3, 0x63, 0x6C, 0x69], [0],  // header, its tags
            [0xFF, 0xFF, 0xFF, 0xFF], [0, 0, 1, 0xF4], [0, 0, 0, 1],  // replica id, max wait, min bytes
            [0, 0x10, 0, 0], [1],  // max bytes, isolation level
            [0, 0, 0, 3], [0xFF, 0xFF, 0xFF, 0xFF],  // session id, session epoch
            [2], [3, 0x61, 0x62],  // number of topics and one, name
            [2], [0, 0, 0, 1],  // number of partitions and one, index
            [0, 0, 0, 6], [0, 0, 0, 0, 0, 0, 1, 2], [0, 0, 0, 5],  // leader epoch, offset, last fetched epoch
            [0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF], [0, 0, 0x10, 0],  // log start offset, max bytes
            [0], [0],  // tags of the partition and the topic
            [1], [3, 0x72, 0x31],  // no forgotten topics, rack id
            [1], [0, 2, 2, 0x63])  // one tag: tag 0 of 2 bytes, the cluster's id
    }

    @Test("of Fetch 16 names topics by id, and the follower in a tag")
    func fetchRequest16() throws {
        var request = Self.fetchRequest { topic, partition in
            topic.topicID = Self.topicID
            partition.currentLeaderEpoch = 6
            partition.lastFetchedEpoch = 5
        }
        request.sessionID = 3
        request.rackID = "r1"
        request.replicaState.replicaID = 2
        request.replicaState.replicaEpoch = 4
        try check(
            request, version: 16,
            [0, 0, 0, 107],  // length
            [0, 1], [0, 16], [0, 0, 0, 7], [0, 3, 0x63, 0x6C, 0x69], [0],  // header, its tags
            [0, 0, 1, 0xF4], [0, 0, 0, 1], [0, 0x10, 0, 0], [1],  // max wait, min and max bytes, isolation level
            [0, 0, 0, 3], [0xFF, 0xFF, 0xFF, 0xFF],  // session id, session epoch
            [2], Self.topicIDBytes,  // number of topics and one, id
            [2], [0, 0, 0, 1],  // number of partitions and one, index
            [0, 0, 0, 6], [0, 0, 0, 0, 0, 0, 1, 2], [0, 0, 0, 5],  // leader epoch, offset, last fetched epoch
            [0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF], [0, 0, 0x10, 0],  // log start offset, max bytes
            [0], [0],  // tags of the partition and the topic
            [1], [3, 0x72, 0x31],  // no forgotten topics, rack id
            [1], [1, 13],  // one tag: tag 1 of 13 bytes
            [0, 0, 0, 2], [0, 0, 0, 0, 0, 0, 0, 4], [0])  // replica id, replica epoch, tags
    }

    private static func listOffsetsRequest(leaderEpoch: Int32, isolationLevel: Int8) -> ListOffsetsRequest {
        var partition = ListOffsetsRequest.Partition()
        partition.index = 1
        partition.currentLeaderEpoch = leaderEpoch
        partition.timestamp = ListOffsetsRequest.earliest
        var topic = ListOffsetsRequest.Topic()
        topic.name = "ab"
        topic.partitions = [partition]
        var request = ListOffsetsRequest()
        request.replicaID = -1
        request.isolationLevel = isolationLevel
        request.topics = [topic]
        return request
    }

    @Test("of ListOffsets 1 has no isolation level")
    func listOffsetsRequest1() throws {
        try check(
            Self.listOffsetsRequest(leaderEpoch: -1, isolationLevel: 0), version: 1,
            [0, 0, 0, 41],  // length
            [0, 2], [0, 1], [0, 0, 0, 7], [0, 3, 0x63, 0x6C, 0x69],  // header
            [0xFF, 0xFF, 0xFF, 0xFF],  // replica id
            [0, 0, 0, 1], [0, 2, 0x61, 0x62],  // number of topics, name
            [0, 0, 0, 1], [0, 0, 0, 1],  // number of partitions, index
            [0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFE])  // timestamp: earliest
    }

    @Test("of ListOffsets 6 is flexible, with a leader epoch")
    func listOffsetsRequest6() throws {
        try check(
            Self.listOffsetsRequest(leaderEpoch: 9, isolationLevel: 1), version: 6,
            [0, 0, 0, 43],  // length
            [0, 2], [0, 6], [0, 0, 0, 7], [0, 3, 0x63, 0x6C, 0x69], [0],  // header, its tags
            [0xFF, 0xFF, 0xFF, 0xFF], [1],  // replica id, isolation level
            [2], [3, 0x61, 0x62],  // number of topics and one, name
            [2], [0, 0, 0, 1], [0, 0, 0, 9],  // number of partitions and one, index, leader epoch
            [0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFE],  // timestamp: earliest
            [0], [0], [0])  // tags of the partition, the topic and the request
    }

    @Test("of FindCoordinator 2 has one key and its type")
    func findCoordinatorRequest2() throws {
        var request = FindCoordinatorRequest()
        request.key = "grp"
        try check(
            request, version: 2,
            [0, 0, 0, 19],  // length
            [0, 10], [0, 2], [0, 0, 0, 7], [0, 3, 0x63, 0x6C, 0x69],  // header
            [0, 3, 0x67, 0x72, 0x70], [0])  // key, key type
    }

    @Test("of FindCoordinator 4 has the type before many keys")
    func findCoordinatorRequest4() throws {
        var request = FindCoordinatorRequest()
        request.keyType = 1
        request.coordinatorKeys = ["a", "bc"]
        try check(
            request, version: 4,
            [0, 0, 0, 22],  // length
            [0, 10], [0, 4], [0, 0, 0, 7], [0, 3, 0x63, 0x6C, 0x69], [0],  // header, its tags
            [1], [3], [2, 0x61], [3, 0x62, 0x63],  // key type, number of keys and one, keys
            [0])  // tags
    }
}
