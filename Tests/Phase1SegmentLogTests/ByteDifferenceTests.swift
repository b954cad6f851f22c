import SegmentLog
import TestSupport
import Testing

@Suite("The difference of bytes")
struct ByteDifferenceTests {
    private static let layout = ByteDifference.Layout([("one", 2), ("two", 1)])

    @Test("shows the fields up to the first one that differs, with a caret under the byte")
    func caret() {
        let difference = ByteDifference([0, 1, 3, 9], [0, 1, 2, 9], Self.layout)
        #expect(
            difference.description == """

                   0  00 01                    one
                   2  02                       two
                found 03
                      ^^ byte 2
                """)
    }

    @Test("goes on in eights behind the last field, and shows an end that comes too soon or too late")
    func ends() {
        let bytes = (0..<14).map { UInt8($0) }
        let tooSoon = ByteDifference(bytes.prefix(12), bytes, Self.layout).description
        #expect(tooSoon.hasSuffix("11  0b 0c 0d\nfound 0b                       it ends here\n         ^^ byte 12"))
        let tooLate = ByteDifference(bytes, bytes.prefix(12), Self.layout).description
        #expect(tooLate.hasSuffix("found 2 bytes more than the 12 that were wanted"))
        #expect(ByteDifference(bytes, bytes).description == "the bytes are the same")
    }

    @Test("knows the header of a batch")
    func batch() {
        var builder = RecordBatchBuilder(baseTimestamp: 1)
        builder.append(key: nil, value: nil)
        let wanted = builder.finish().bytes
        var found = wanted.array
        found[16] = 1
        #expect(ByteDifference(Bytes(found), wanted, .batch).description.contains("magic\nfound 01\n"))
    }
}
