import SegmentLog
import TestSupport
import Testing
import WireProtocol

@Suite("A message as text")
struct MessageTextTests {
    private static var response: FetchResponse {
        var partition = FetchResponse.Partition()
        partition.errorCode = .unknownTopicOrPartition
        partition.records = .bytes([1, 0xAB])
        var topic = FetchResponse.Topic()
        (topic.name, topic.partitions) = ("a\"b", [partition])
        var response = FetchResponse()
        response.topics = [topic]
        return response
    }

    @Test("has a line for each field by its name, deeper ones further in")
    func fields() {
        #expect(
            Self.response.lines == [
                "FetchResponse", "  throttleTimeMilliseconds: 0", "  errorCode: NONE (0)", "  sessionID: 0",
                "  topics: 1", "    [0]", "      name: \"a\\\"b\"", "      topicID: AAAAAAAAAAAAAAAAAAAAAA",
                "      partitions: 1", "        [0]", "          index: 0",
                "          errorCode: UNKNOWN_TOPIC_OR_PARTITION (3)", "          highWatermark: -1",
                "          lastStableOffset: -1", "          logStartOffset: -1", "          divergingEpoch",
                "            epoch: -1", "            endOffset: -1", "          currentLeader",
                "            leaderID: -1", "            leaderEpoch: -1", "          snapshotID",
                "            endOffset: -1", "            epoch: -1", "          abortedTransactions: null",
                "          preferredReadReplica: -1", "          records: 2 bytes: 01 ab", "  nodeEndpoints: []",
            ])
    }

    @Test("tells bytes apart that begin alike")
    func longBytes() {
        var left = SaslAuthenticateRequest()
        var right = left
        left.authBytes = Bytes([UInt8](repeating: 0, count: 30))
        right.authBytes = Bytes([UInt8](repeating: 0, count: 29) + [1])
        #expect(left.lines != right.lines)
    }

    @Test("is there for every message in every version", arguments: MessageCase.all)
    func all(of message: MessageCase) throws {
        func check<Body: Message>(_: Body.Type) throws {
            let value = try ValueGenerator.value(of: Body.self, version: message.version, seed: 3)
            #expect(value.lines.first == "\(Body.self)")
            // No line shows a Swift type where a value belongs.
            #expect(!value.lines.contains { $0.contains("WireProtocol.") || $0.contains("Optional(") })
        }
        try check(message.type)
    }

    @Test("marks the first field in which two messages differ")
    func difference() {
        var other = Self.response
        other.topics[0].partitions[0].highWatermark = 7
        let text = firstDifference(between: Self.response, and: other)
        #expect(text.contains("> " + "          highWatermark: -1"))
        #expect(text.contains("< " + "          highWatermark: 7"))
        #expect(firstDifference(between: other, and: other) == "no field differs")
    }
}
