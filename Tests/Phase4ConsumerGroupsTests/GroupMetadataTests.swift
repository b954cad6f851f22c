import SegmentLog
import Testing
import WireProtocol

@testable import ConsumerGroups

@Suite("The record of a classic group")
struct GroupMetadataTests {
    private var value: GroupMetadataValue {
        var member = GroupMetadataValue.Member()
        member.memberID = "m"
        member.groupInstanceID = "i"
        member.clientID = "c"
        member.clientHost = "/h"
        member.rebalanceTimeoutMilliseconds = 3
        member.sessionTimeoutMilliseconds = 4
        member.subscription = [5]
        member.assignment = [6, 7]
        var value = GroupMetadataValue()
        value.protocolType = "t"
        value.generation = 2
        value.protocolName = "p"
        value.leader = "m"
        value.currentStateTimestamp = 8
        value.members = [member]
        return value
    }

    @Test("has Kafka's bytes, in version 3")
    func bytes() throws {
        let record = try GroupRecord(GroupMetadataKey(group: "g"), value)
        #expect(record.key.array == [0, 2, 0, 1, 103])
        let head: [UInt8] = [0, 3, 0, 1, 116, 0, 0, 0, 2, 0, 1, 112, 0, 1, 109, 0, 0, 0, 0, 0, 0, 0, 8]
        let member: [UInt8] =
            [0, 0, 0, 1, 0, 1, 109, 0, 1, 105, 0, 1, 99, 0, 2, 47, 104, 0, 0, 0, 3, 0, 0, 0, 4]
            + [0, 0, 0, 1, 5, 0, 0, 0, 2, 6, 7]
        #expect(record.value?.array == head + member)
        #expect(try GroupMetadataValue(decoding: try #require(record.value)) == value)
        #expect(try GroupMetadataKey(decoding: record.key).group == "g")
    }

    @Test("is read in every version", arguments: [Int16(0), 1, 2, 3, 4])
    func versions(version: Int16) throws {
        let bytes = try value.encoded(behind: version, version: version, isFlexible: version >= 4)
        let read = try GroupMetadataValue(decoding: bytes)
        #expect(read.currentStateTimestamp == (version >= 2 ? 8 : -1))
        #expect(read.members.first?.rebalanceTimeoutMilliseconds == (version >= 1 ? 3 : -1))
        #expect(read.members.first?.groupInstanceID == (version >= 3 ? "i" : nil))
        let group = ClassicGroup(id: "g", settings: GroupSettings(), restoring: read)
        #expect(group.members["m"]?.rebalanceTimeoutMilliseconds == (version >= 1 ? 3 : 4))
        #expect(group.stateTimestamp == (version >= 2 ? 8 : nil))
        #expect(group.state == .stable && group.checkCounts() == nil)
    }

    @Test("of a group that contradicts itself is loaded as far as it makes sense")
    func contradictions() {
        var bad = value
        bad.members += [bad.members[0], bad.members[0]]
        bad.members[2].memberID = "n"
        bad.leader = "nobody"
        bad.protocolName = nil
        bad.generation = .max
        var group = ClassicGroup(id: "g", settings: GroupSettings(), restoring: bad)
        #expect(group.memberCount == 1 && group.leaderID == "m")
        var actions = GroupActions()
        group.start(at: Instant(nanoseconds: 0), time: 0, &actions)
        group.expire(at: Instant(nanoseconds: 1_000_000_000), time: 1, &actions)
        #expect(group.state == .empty && group.generation == 0)
    }

    @Test("is not read where it has a text that could not be written again")
    func longTexts() throws {
        let changes: [(inout GroupMetadataValue, String) -> Void] = [
            { $0.protocolType = $1 }, { $0.protocolName = $1 }, { $0.leader = $1 }, { $0.members[0].memberID = $1 },
            { $0.members[0].groupInstanceID = $1 }, { $0.members[0].clientID = $1 },
            { $0.members[0].clientHost = $1 },
        ]
        for change in changes {
            var long = value
            change(&long, String(repeating: "x", count: 32_767))
            // Version 4 has compact lengths, one more than they are, in groups of seven bits.
            var bytes = try long.encoded(behind: Int16(4), version: 4, isFlexible: true).array
            #expect(try GroupMetadataValue(decoding: Bytes(bytes)) == long)
            let length: [UInt8] = [0x80, 0x80, 2]
            let place = try #require(bytes.indices.first { bytes[$0...].starts(with: length) })
            bytes.replaceSubrange(place..<place + 3, with: [0x81, 0x80, 2, 0x78])
            #expect(throws: CodingError.invalidLength(at: 0, 32_768)) {
                try GroupMetadataValue(decoding: Bytes(bytes))
            }
        }
        // In version 3, 20,000 bytes that are no text become as many signs of three bytes.
        var bytes = try value.encoded().array
        bytes.replaceSubrange(2..<5, with: [0x4E, 0x20] + [UInt8](repeating: 0xFF, count: 20_000))
        #expect(throws: CodingError.invalidLength(at: 0, 60_000)) { try GroupMetadataValue(decoding: Bytes(bytes)) }
    }

    @Test("of a group that is gone is a tombstone")
    func tombstone() throws {
        let record = try ClassicGroup(id: "g", settings: GroupSettings(), time: 0).tombstone()
        #expect(record.key.array == [0, 2, 0, 1, 103] && record.value == nil)
    }
}
