import SegmentLog
import Testing
import WireProtocol

/// Bodies written out by hand, of what `KnownBytesTests` does not have: bytes, structures that may be
/// null, and the first flexible version of some APIs.
@Suite("A body on the wire")
struct KnownBodyTests {
    private func check<Body: Message>(
        _ body: Body, version: Int16, _ parts: [UInt8]..., sourceLocation: SourceLocation = #_sourceLocation
    ) throws {
        let expected = Bytes(parts.flatMap { $0 })
        #expect(try body.encoded(version: version).bytes().array == expected.array, sourceLocation: sourceLocation)
        #expect(try Body(decoding: expected, version: version) == body, sourceLocation: sourceLocation)
    }

    @Test("of JoinGroup 5 has the member's own bytes behind four of length")
    func joinGroup5() throws {
        var range = JoinGroupRequest.GroupProtocol()
        (range.name, range.metadata) = ("range", [0, 1, 2])
        var request = JoinGroupRequest()
        (request.groupID, request.sessionTimeoutMilliseconds, request.rebalanceTimeoutMilliseconds) = ("g", 3000, 5000)
        (request.memberID, request.protocolType, request.protocols) = ("m", "consumer", [range])
        try check(
            request, version: 5,
            [0, 1, 0x67], [0, 0, 0x0B, 0xB8], [0, 0, 0x13, 0x88],  // group, session and rebalance timeout
            [0, 1, 0x6D], [0xFF, 0xFF],  // member id, null instance id
            [0, 8, 0x63, 0x6F, 0x6E, 0x73, 0x75, 0x6D, 0x65, 0x72],  // protocol type
            [0, 0, 0, 1], [0, 5, 0x72, 0x61, 0x6E, 0x67, 0x65],  // number of protocols, name
            [0, 0, 0, 3], [0, 1, 2])  // length of the metadata, the metadata
    }

    @Test("of JoinGroup 6 has them behind a compact length")
    func joinGroup6() throws {
        var response = JoinGroupResponse()
        var member = JoinGroupResponse.Member()
        (member.memberID, member.metadata) = ("m", [7])
        (response.generationID, response.protocolName, response.leader) = (2, "r", "m")
        (response.memberID, response.members) = ("m", [member])
        try check(
            response, version: 6,
            [0, 0, 0, 0], [0, 0], [0, 0, 0, 2],  // throttle time, error code, generation id
            [2, 0x72], [2, 0x6D], [2, 0x6D],  // protocol name, leader, member id
            [2], [2, 0x6D], [0], [2, 7], [0],  // members and one, id, null instance id, metadata, tags
            [0])  // tags
    }

    @Test("of OffsetCommit 4 has a retention time, and of 8 an instance id instead")
    func offsetCommit() throws {
        var partition = OffsetCommitRequest.Partition()
        (partition.index, partition.committedOffset, partition.committedLeaderEpoch) = (1, 258, -1)
        var topic = OffsetCommitRequest.Topic()
        (topic.name, topic.partitions) = ("ab", [partition])
        var request = OffsetCommitRequest()
        (request.groupID, request.generationIDOrMemberEpoch, request.memberID) = ("g", 3, "m")
        request.topics = [topic]
        try check(
            request, version: 4,
            [0, 1, 0x67], [0, 0, 0, 3], [0, 1, 0x6D],  // group, generation id, member id
            [0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF],  // retention time
            [0, 0, 0, 1], [0, 2, 0x61, 0x62], [0, 0, 0, 1], [0, 0, 0, 1],  // topics, name, partitions, index
            [0, 0, 0, 0, 0, 0, 1, 2], [0xFF, 0xFF])  // offset, null metadata
        try check(
            request, version: 8,
            [2, 0x67], [0, 0, 0, 3], [2, 0x6D], [0],  // group, generation id, member id, null instance id
            [2], [3, 0x61, 0x62], [2], [0, 0, 0, 1],  // topics and one, name, partitions and one, index
            [0, 0, 0, 0, 0, 0, 1, 2], [0xFF, 0xFF, 0xFF, 0xFF], [0],  // offset, leader epoch, null metadata
            [0], [0], [0])  // tags of the partition, the topic and the request
    }

    @Test("of OffsetFetch 1 asks for one group, and of 9 for many")
    func offsetFetch() throws {
        var topic = OffsetFetchRequest.Topic()
        (topic.name, topic.partitionIndexes) = ("ab", [1])
        var old = OffsetFetchRequest()
        (old.groupID, old.topics) = ("g", [topic])
        try check(
            old, version: 1,
            [0, 1, 0x67], [0, 0, 0, 1], [0, 2, 0x61, 0x62],  // group, topics, name
            [0, 0, 0, 1], [0, 0, 0, 1])  // partitions, index
        var group = OffsetFetchRequest.Group()
        (group.groupID, group.memberID, group.memberEpoch) = ("g", "m", 4)
        var request = OffsetFetchRequest()
        (request.groups, request.requireStable) = ([group], true)
        try check(
            request, version: 9,
            [2], [2, 0x67], [2, 0x6D], [0, 0, 0, 4],  // groups and one, group, member id, member epoch
            [0], [0],  // null: all topics; tags of the group
            [1], [0])  // require stable, tags
    }

    @Test("of ConsumerGroupHeartbeat has a byte before the assignment, or in its place")
    func assignmentOrNull() throws {
        var response = ConsumerGroupHeartbeatResponse()
        (response.memberEpoch, response.heartbeatIntervalMilliseconds) = (3, 5000)
        let head: [UInt8] = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 3, 0, 0, 0x13, 0x88]
        try check(response, version: 1, head, [0xFF], [0])  // null, tags
        var partitions = ConsumerGroupHeartbeatResponse.TopicPartitions()
        (partitions.topicID, partitions.partitions) = (Uuid(high: 1, low: 2), [7])
        response.assignment = .init()
        try check(response, version: 1, head, [1], [1], [0], [0])  // there, no topics, its tags, tags
        response.assignment?.topicPartitions = [partitions]
        try check(
            response, version: 1, head, [1], [2],  // there, topics and one
            [0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 2], [2], [0, 0, 0, 7], [0],  // id, partitions, tags
            [0], [0])  // tags of the assignment, tags
        // As in Kafka, any byte that is not negative stands for a structure.
        let other = Bytes(head + [0x7F, 1, 0, 0])
        #expect(try ConsumerGroupHeartbeatResponse(decoding: other, version: 1).assignment?.topicPartitions == [])
        #expect(
            try ConsumerGroupHeartbeatResponse(decoding: Bytes(head + [0x80, 0]), version: 1).assignment == nil)
    }

    @Test("of DescribeTopicPartitions 0 may say where to go on")
    func cursor() throws {
        var request = DescribeTopicPartitionsRequest()
        try check(request, version: 0, [1], [0, 0, 7, 0xD0], [0xFF], [0])  // no topics, limit, null, tags
        var cursor = TopicPartitionCursor()
        (cursor.topicName, cursor.partitionIndex) = ("ab", 4)
        request.cursor = cursor
        try check(
            request, version: 0,
            [1], [0, 0, 7, 0xD0],  // no topics, limit
            [1], [3, 0x61, 0x62], [0, 0, 0, 4], [0],  // there, topic, partition, tags
            [0])  // tags
    }

    @Test("of CreateTopics 5 tells of its settings' error in a tag")
    func createTopicsResponse5() throws {
        var topic = CreateTopicsResponse.Topic()
        (topic.name, topic.topicConfigErrorCode, topic.configs) = ("ab", .topicAuthorizationFailed, nil)
        (topic.partitionCount, topic.replicationFactor) = (3, 1)
        var response = CreateTopicsResponse()
        response.topics = [topic]
        try check(
            response, version: 5,
            [0, 0, 0, 0], [2], [3, 0x61, 0x62],  // throttle time, topics and one, name
            [0, 0], [0], [0, 0, 0, 3], [0, 1], [0],  // error, null message, partitions, replicas, null settings
            [1, 0, 2, 0, 29],  // one tag: tag 0 of 2 bytes, error code
            [0])  // tags
    }

    @Test("of SaslHandshake and OffsetDelete is flexible in no version")
    func neverFlexible() throws {
        var handshake = SaslHandshakeResponse()
        handshake.mechanisms = ["PLAIN"]
        try check(handshake, version: 1, [0, 0], [0, 0, 0, 1], [0, 5, 0x50, 0x4C, 0x41, 0x49, 0x4E])
        #expect(ApiKey.allCases.filter { !$0.isFlexible($0.versions.upperBound) } == [.saslHandshake, .offsetDelete])
    }
}
