import SegmentLog
import Testing
import WireProtocol

@testable import ConsumerGroups

@Suite("User data of the sticky assignors")
struct StickyUserDataTests {
    private let owned = [topicPartitions("alpha", [0, 2]), topicPartitions("beta", [1])]
    // aiokafka 0.14: StickyAssignorUserDataV1([("alpha", [0, 2]), ("beta", [1])], 7).encode()
    private let version1: Bytes = [
        0, 0, 0, 2, 0, 5, 0x61, 0x6C, 0x70, 0x68, 0x61, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 2, 0, 4, 0x62, 0x65, 0x74,
        0x61,
        0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 7,
    ]

    @Test("is written byte for byte as other clients write it")
    func golden() {
        #expect(StickyAssignor().userData(owned: owned, generation: 7) == version1)
        #expect(StickyAssignor().userData(owned: [], generation: -1) == nil)
        #expect(StickyAssignor().userData(owned: [], generation: 7) == [0, 0, 0, 0, 0, 0, 0, 7])
        #expect(CooperativeStickyAssignor().userData(owned: owned, generation: 258) == [0, 0, 1, 2])
        #expect(CooperativeStickyAssignor().userData(owned: [], generation: -1) == [255, 255, 255, 255])
        #expect(RangeAssignor().userData(owned: owned, generation: 7) == nil)
    }

    @Test("is read in version 1, in version 0, which has no generation, and with kafka-python's two bytes in front")
    func versions() {
        let newer = StickyUserData(previousAssignment: owned, generation: 7)
        #expect(StickyUserData(decoding: version1) == newer)
        let older = StickyUserData(previousAssignment: owned, generation: -1)
        #expect(StickyUserData(decoding: version1.slice(0..<version1.count - 4)) == older)
        // kafka-python 3.0: StickyAssignorUserData([("alpha", [0, 2]), ("beta", [1])], 7).encode()
        #expect(StickyUserData(decoding: Bytes([0, 1] + version1.array)) == newer)
        #expect(StickyUserData(decoding: [0, 1, 0, 0, 0, 0, 0, 0, 0, 7])?.generation == 7)
    }

    @Test("that cannot be read is left alone, and its member is assigned as if it had had nothing")
    func broken() {
        var generator = SplitMix64(seed: 9)
        var data: [Bytes] = [[], [0], [0, 1], [0, 1, 0], Bytes([UInt8](repeating: 255, count: 64))]
        for length in 0..<version1.count where length != version1.count - 4 { data.append(version1.slice(0..<length)) }
        for bytes in data { #expect(StickyUserData(decoding: bytes) == nil) }
        for _ in 0..<2_000 {
            var bytes = version1.array
            for _ in 0...generator.below(4) { bytes[generator.below(bytes.count)] = UInt8(generator.below(256)) }
            data.append(Bytes(bytes.prefix(generator.below(bytes.count + 1))))
        }
        for bytes in data {
            var subscription = ConsumerProtocolSubscription()
            subscription.topics = ["alpha", "beta"]
            subscription.userData = bytes
            let members = ["a", "b"].map { GroupSubscriber(memberID: $0, subscription: subscription) }
            for assignor in [StickyAssignor() as any ConsumerPartitionAssignor, CooperativeStickyAssignor()] {
                let assignment = assignor.assign(members, partitionCounts: ["alpha": 3, "beta": 3])
                #expect(assignment.values.map { $0.reduce(0) { $0 + $1.partitions.count } } == [3, 3])
            }
        }
    }
}
