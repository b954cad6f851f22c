import SegmentLog
import TestSupport
import Testing
import TopicsPartitions
import WireProtocol

@testable import ConsumerGroups

@Suite("The offsets topic")
struct OffsetsTopicTests {
    @Test(
        "has the partition for a group that Java's hash names",
        arguments: [
            // Java's String.hashCode of these is 0, 97, 99162322, -609428141, 1498789909, -2147483648 and 3139.
            ("", 50, 0), ("a", 50, 47), ("hello", 50, 22), ("The quick brown fox jumps over the lazy dog", 50, 41),
            ("Hello, World!", 50, 9), ("polygenelubricants", 50, 0), ("be", 7, 3139 % 7), ("hello", 1, 0),
        ] as [(String, Int32, Int32)])
    func partitions(group: String, count: Int32, expected: Int32) {
        #expect(OffsetsTopic.partition(of: group, count: count) == expected)
    }

    @Test("hashes a group's name by UTF-16, as Java does")
    func utf16() {
        // U+1F600 is D83D DE00: 55357 * 31 + 56832 = 1772899.
        #expect(OffsetsTopic.partition(of: "\u{1F600}", count: 1000) == 899)
    }

    @Test("is made once, compacted, with the number of partitions and the size of segments that are set")
    func made() throws {
        let disk = MemoryDisk()
        var settings = GroupSettings()
        (settings.offsetsPartitionCount, settings.offsetsSegmentBytes) = (3, 5_000)
        let node = try OffsetsNode(disk, settings)
        let topic = try #require(node.partitions.topics[OffsetsTopic.name])
        #expect(topic.partitions.count == 3)
        #expect(topic.config.cleanupPolicy == .compact)
        #expect(topic.config.log.segmentBytes == 5_000)
        #expect(topic.isInternal)
        settings.offsetsPartitionCount = 9
        let again = try OffsetsNode(disk.afterPowerLoss(seed: 1), settings)
        #expect(again.partitions.topics[OffsetsTopic.name]?.id == topic.id)
        #expect(again.partitions.topics[OffsetsTopic.name]?.partitions.count == 3)
    }

    @Test("is not made where its settings cannot be, and the operator is told")
    func refused() throws {
        var partitions = PartitionServer(
            try Topics(in: MemoryStorage(), nodeID: 1, defaults: TopicConfig()) { _, _ in }, maxFetchBytes: 1, seed: 1)
        var server = RequestServer([.produce], maxInFlight: 1)
        var effects = Effects()
        let alone = ClusterView(clusterID: "test", brokers: [], controllerID: 1)
        let code = partitions.makeOffsetsTopic(
            GroupSettings(), of: alone, at: Instant(nanoseconds: 0), &server, &effects)
        #expect(code == .invalidReplicationFactor)
        #expect(partitions.topics[OffsetsTopic.name] == nil)
        #expect(effects.all.count == 1)
    }
}
