import SegmentLog
import Testing

@Suite("A sparse index")
struct SparseIndexTests {
    @Test("finds what a walk over all entries finds, at every density", arguments: [1, 2, 3, 10, 100, 1000])
    func lookup(density: Int32) {
        var random = SplitMix64(seed: UInt64(density))
        for _ in 0..<50 {
            var index = OffsetIndex()
            var key: Int32 = -1
            for position in 0..<Int32(random.below(60)) {
                key += 1 + Int32(random.below(Int(density)))
                index.append(OffsetIndexEntry(relativeOffset: key, position: position * 100))
            }
            for wanted in -2...(key + 2) {
                #expect(index.last(atMost: wanted) == index.entries.last { $0.relativeOffset <= wanted })
            }
        }
    }

    @Test("leaves out an entry whose key does not ascend")
    func ascending() {
        var index = TimeIndex()
        for (timestamp, offset) in [(10, 1), (10, 2), (9, 3), (11, 4)] as [(Int64, Int32)] {
            index.append(TimeIndexEntry(timestamp: timestamp, relativeOffset: offset))
        }
        #expect(index.entries.map(\.relativeOffset) == [1, 4])
    }

    @Test("has Kafka's layouts, and refuses a file that cannot be one")
    func layout() {
        var offsets = OffsetIndex()
        offsets.append(OffsetIndexEntry(relativeOffset: 5, position: 4200))
        offsets.append(OffsetIndexEntry(relativeOffset: 9, position: 8400))
        #expect(offsets.encoded() == [0, 0, 0, 5, 0, 0, 0x10, 0x68, 0, 0, 0, 9, 0, 0, 0x20, 0xD0])
        #expect(OffsetIndex(decoding: offsets.encoded())?.entries == offsets.entries)
        #expect(OffsetIndex(decoding: offsets.encoded().slice(0..<15)) == nil)
        #expect(OffsetIndex(decoding: [0, 0, 0, 5, 0, 0, 0, 1, 0, 0, 0, 5, 0, 0, 0, 2]) == nil)
        #expect(OffsetIndex(decoding: [])?.entries == [])

        var times = TimeIndex()
        times.append(TimeIndexEntry(timestamp: 1_000, relativeOffset: 7))
        #expect(times.encoded() == [0, 0, 0, 0, 0, 0, 0x03, 0xE8, 0, 0, 0, 7])
        #expect(TimeIndex(decoding: times.encoded())?.entries == times.entries)
    }
}
