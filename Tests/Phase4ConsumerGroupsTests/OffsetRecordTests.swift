import SegmentLog
import Testing
import WireProtocol

@testable import ConsumerGroups

@Suite("A record of a committed offset")
struct OffsetRecordTests {
    private let key = OffsetCommitKey(group: "grp", topic: "t", partition: 7)

    private var value: OffsetCommitValue {
        var value = OffsetCommitValue()
        (value.offset, value.leaderEpoch, value.metadata, value.commitTimestamp) = (258, 3, "md", 1_000)
        return value
    }

    @Test("has a key of kind 1, and is read with kind 0 as well")
    func keys() throws {
        let bytes: [UInt8] = [0, 1, 0, 3, 0x67, 0x72, 0x70, 0, 1, 0x74, 0, 0, 0, 7]
        #expect(try key.encoded().array == bytes)
        #expect(try OffsetCommitKey(decoding: Bytes(bytes)) == key)
        #expect(try OffsetCommitKey(decoding: Bytes([0, 0] + bytes[2...])) == key)
        #expect(throws: CodingError.self) { try OffsetCommitKey(decoding: Bytes(bytes + [0])) }
    }

    @Test("is written in version 4, with the topic's id as a tag")
    func version4() throws {
        let plain: [UInt8] =
            [0, 4, 0, 0, 0, 0, 0, 0, 1, 2, 0, 0, 0, 3, 3, 0x6D, 0x64, 0, 0, 0, 0, 0, 0, 3, 0xE8]
        #expect(try value.encoded().array == plain + [0])
        var named = value
        named.topicID = Uuid(high: 1, low: 2)
        let tag: [UInt8] = [1, 0, 16, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 2]
        #expect(try named.encoded().array == plain + tag)
        #expect(try OffsetCommitValue(decoding: Bytes(plain + tag)) == named)
        #expect(try OffsetCommitValue(decoding: Bytes(plain + [0])) == value)
    }

    @Test("is written in version 1 where it has a time of expiry")
    func version1() throws {
        var expiring = value
        expiring.expireTimestamp = 5
        let bytes: [UInt8] =
            [0, 1, 0, 0, 0, 0, 0, 0, 1, 2, 0, 2, 0x6D, 0x64, 0, 0, 0, 0, 0, 0, 3, 0xE8, 0, 0, 0, 0, 0, 0, 0, 5]
        #expect(try expiring.encoded().array == bytes)
        expiring.leaderEpoch = -1
        #expect(try OffsetCommitValue(decoding: Bytes(bytes)) == expiring, "version 1 has no leader epoch")
    }

    @Test("is read in the versions of older brokers")
    func olderVersions() throws {
        let offset: [UInt8] = [0, 0, 0, 0, 0, 0, 1, 2]
        let rest: [UInt8] = [0, 2, 0x6D, 0x64, 0, 0, 0, 0, 0, 0, 3, 0xE8]
        var old = value
        old.leaderEpoch = -1
        #expect(try OffsetCommitValue(decoding: Bytes([0, 0] + offset + rest)) == old)
        #expect(try OffsetCommitValue(decoding: Bytes([0, 2] + offset + rest)) == old)
        #expect(try OffsetCommitValue(decoding: Bytes([0, 3] + offset + [0, 0, 0, 3] + rest)) == value)
        #expect(throws: CodingError.self) { try OffsetCommitValue(decoding: Bytes([0, 5] + offset + rest)) }
    }

    @Test("whose bytes are cut short or turned is read or refused, and never traps")
    func damaged() throws {
        var named = value
        named.topicID = Uuid(high: 1, low: 2)
        let whole = try GroupRecord(key, named)
        var offsets = GroupOffsets()
        for (key, value) in [(whole.key, try #require(whole.value)), (try #require(whole.value), whole.key)] {
            for count in 0..<key.count {
                let cut = GroupRecord(key: key.slice(0..<count), value: value)
                #expect(throws: CodingError.self) {
                    if try !offsets.replay(cut) { throw CodingError.unexpectedNull(at: 0) }
                }
            }
        }
        let bytes = try #require(whole.value).array
        for index in bytes.indices {
            for mask in [0x01, 0x80, 0xFF] as [UInt8] {
                var turned = bytes
                turned[index] ^= mask
                _ = try? offsets.replay(GroupRecord(key: whole.key, value: Bytes(turned)))
            }
        }
    }
}
