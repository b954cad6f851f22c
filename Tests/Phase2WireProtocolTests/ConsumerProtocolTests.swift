import SegmentLog
import Testing
import WireProtocol

@Suite("What consumers tell each other through the coordinator")
struct ConsumerProtocolTests {
    private static var subscription: ConsumerProtocolSubscription {
        var owned = ConsumerProtocolTopicPartitions()
        (owned.topic, owned.partitions) = ("ab", [1])
        var subscription = ConsumerProtocolSubscription()
        (subscription.topics, subscription.userData, subscription.ownedPartitions) = (["ab"], [9], [owned])
        (subscription.generationID, subscription.rackID) = (5, "r")
        return subscription
    }

    private static let fields: [[UInt8]] = [
        [0, 0, 0, 1, 0, 2, 0x61, 0x62, 0, 0, 0, 1, 9],  // one topic, one byte of user data
        [0, 0, 0, 1, 0, 2, 0x61, 0x62, 0, 0, 0, 1, 0, 0, 0, 1],  // owned: one topic, one partition
        [0, 0, 0, 5],  // generation id
        [0, 1, 0x72],  // rack id
    ]

    @Test("is a subscription whose versions add fields at its end", arguments: 0...3)
    func subscription(version: Int) throws {
        let bytes = Bytes([0, UInt8(version)] + Self.fields[...version].flatMap { $0 })
        #expect(try Self.subscription.encoded(version: Int16(version)) == bytes)
        var expected = Self.subscription
        if version < 3 { expected.rackID = nil }
        if version < 2 { expected.generationID = -1 }
        if version < 1 { expected.ownedPartitions = [] }
        #expect(try ConsumerProtocolSubscription(decoding: bytes) == expected)
    }

    @Test("is an assignment that is the same in every version", arguments: ConsumerProtocolAssignment.versions)
    func assignment(version: Int16) throws {
        var partitions = ConsumerProtocolTopicPartitions()
        (partitions.topic, partitions.partitions) = ("ab", [3, 4])
        var assignment = ConsumerProtocolAssignment()
        assignment.assignedPartitions = [partitions]
        let bytes = Bytes(
            [0, UInt8(version), 0, 0, 0, 1, 0, 2, 0x61, 0x62]  // version, one topic
                + [0, 0, 0, 2, 0, 0, 0, 3, 0, 0, 0, 4]  // two partitions
                + [0xFF, 0xFF, 0xFF, 0xFF])  // no user data
        #expect(try assignment.encoded(version: version) == bytes)
        #expect(try ConsumerProtocolAssignment(decoding: bytes) == assignment)
    }

    @Test("is read as version 3 where it comes from a version that is not known, with what follows left alone")
    func versionToCome() throws {
        let known = try Self.subscription.encoded(version: 3)
        for version in [4, 0x7FFF] as [Int16] {
            let bytes = Bytes([UInt8(version >> 8), UInt8(version & 0xFF)] + known.dropFirst(2).array + [1, 2, 3])
            #expect(try ConsumerProtocolSubscription(decoding: bytes) == Self.subscription)
        }
    }

    @Test("is refused where it is cut off, or has a version below 0")
    func malformed() throws {
        let bytes = try Self.subscription.encoded(version: 3)
        for count in 0..<bytes.count {
            #expect(throws: CodingError.self, "\(count) bytes") {
                try ConsumerProtocolSubscription(decoding: bytes.slice(0..<count))
            }
        }
        #expect(throws: CodingError.self) {
            try ConsumerProtocolSubscription(decoding: Bytes([0xFF, 0xFF] + bytes.dropFirst(2).array))
        }
    }

    @Test("comes back, or is refused, when its bytes are changed at random", arguments: 0..<200 as Range<UInt64>)
    func mutated(seed: UInt64) throws {
        var random = SplitMix64(seed: seed)
        var bytes = try Self.subscription.encoded(version: 3).array
        for _ in 0...random.below(3) { bytes[random.below(bytes.count)] = UInt8(random.below(256)) }
        guard let decoded = try? ConsumerProtocolSubscription(decoding: Bytes(bytes)) else { return }
        // Compared as bytes: the version that was read says which fields there are.
        let again = try ConsumerProtocolSubscription(decoding: decoded.encoded(version: 3))
        #expect(again == decoded)
    }
}
