import SegmentLog
import Testing
import WireProtocol

@testable import ConsumerGroups

private struct ToyKey: GroupRecordKey {
    static let kind: Int16 = 77
    typealias Value = ToyValue
    var name = ""
    mutating func code(_ c: inout some MessageCoder) throws(CodingError) { try c.field(&name) }
}

private struct ToyValue: GroupRecordValue {
    static let versions: ClosedRange<Int16> = 0...1
    static let written: Int16 = 1
    static let firstFlexible: Int16 = 1
    var number: Int32 = 0
    mutating func code(_ c: inout some MessageCoder) throws(CodingError) {
        try c.field(&number)
        try c.tags()
    }
}

@Suite("A record of the offsets topic")
struct GroupRecordTests {
    @Test("begins with its kind and its version, and comes back as it was")
    func roundTrip() throws {
        var key = ToyKey()
        key.name = "g"
        var value = ToyValue()
        value.number = 5
        let record = try GroupRecord(key, value)
        #expect(record.key.array == [0, 77, 0, 1, UInt8(ascii: "g")])
        #expect(record.value?.array == [0, 1, 0, 0, 0, 5, 0])
        #expect(try record.kind == 77)
        #expect(try ToyKey(decoding: record.key) == key)
        #expect(try ToyValue(decoding: try #require(record.value)) == value)
        #expect(try GroupRecord(removing: key).value == nil)
    }

    @Test("of an older version is read, one of a version to come is refused")
    func versions() throws {
        #expect(try ToyValue(decoding: Bytes([0, 0, 0, 0, 0, 9])).number == 9)
        #expect(throws: CodingError.self) { try ToyValue(decoding: Bytes([0, 2, 0, 0, 0, 9, 0])) }
        #expect(throws: CodingError.self) { try ToyValue(decoding: Bytes([0])) }
        #expect(throws: CodingError.self) { try ToyKey(decoding: Bytes([0])) }
        #expect(throws: CodingError.self) { try GroupRecord(key: Bytes([]), value: nil).kind }
    }
}
