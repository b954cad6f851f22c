import SegmentLog
import TestSupport
import Testing

@Suite("A sparse index")
struct SparseIndexTests {
    @Test("finds what a walk over all entries finds, at every density", arguments: [1, 2, 3, 10, 100, 1000])
    func lookup(density: Int32) {
        var random = SplitMix64(seed: UInt64(density))
        for _ in 0..<50 {
            var growing = GrowingIndex<OffsetIndexEntry>()
            var key: Int32 = -1
            for position in 0..<Int32(random.below(60)) {
                key += 1 + Int32(random.below(Int(density)))
                growing.append(OffsetIndexEntry(relativeOffset: key, position: position * 100))
            }
            let index = growing.view
            let entries = index.entries
            // Around each entry, and before the first: between those nothing changes.
            let keys = entries.map(\.relativeOffset)
            let around: [Int32] = [-2, -1, 0] + keys.flatMap { key in [key - 1, key, key + 1] }
            for wanted in around {
                let expected = entries.last { $0.relativeOffset <= wanted }
                let found = index.last(atMost: wanted)?.relativeOffset
                #expect(found == expected?.relativeOffset, "last(atMost: \(wanted)) of the keys \(keys)")
            }
        }
    }

    @Test("leaves out an entry whose key does not ascend")
    func ascending() {
        var index = GrowingIndex<TimeIndexEntry>()
        for (timestamp, offset) in [(10, 1), (10, 2), (9, 3), (11, 4)] as [(Int64, Int32)] {
            index.append(TimeIndexEntry(timestamp: timestamp, relativeOffset: offset))
        }
        #expect(index.view.entries.map(\.relativeOffset) == [1, 4])
    }

    @Test("has Kafka's layouts, and refuses a file that cannot be one")
    func layout() {
        var growing = GrowingIndex<OffsetIndexEntry>()
        growing.append(OffsetIndexEntry(relativeOffset: 5, position: 4200))
        growing.append(OffsetIndexEntry(relativeOffset: 9, position: 8400))
        let offsets = growing.view
        let expected: Bytes = [0, 0, 0, 5, 0, 0, 0x10, 0x68, 0, 0, 0, 9, 0, 0, 0x20, 0xD0]
        let encoded = offsets.encoded()
        #expect(encoded == expected, "\(ByteDifference(encoded, expected, .offsetIndex(2)))")
        #expect(OffsetIndex(decoding: offsets.encoded())?.entries == offsets.entries)
        #expect(OffsetIndex(decoding: offsets.encoded().slice(0..<15)) == nil)
        #expect(OffsetIndex(decoding: [0, 0, 0, 5, 0, 0, 0, 1, 0, 0, 0, 5, 0, 0, 0, 2]) == nil)
        #expect(OffsetIndex(decoding: [])?.entries == [])

        var growingTimes = GrowingIndex<TimeIndexEntry>()
        growingTimes.append(TimeIndexEntry(timestamp: 1_000, relativeOffset: 7))
        let times = growingTimes.view
        #expect(times.encoded() == [0, 0, 0, 0, 0, 0, 0x03, 0xE8, 0, 0, 0, 7])
        #expect(TimeIndex(decoding: times.encoded())?.entries == times.entries)
    }

    @Test("stays as it was seen while it grows by thousands of entries")
    func views() {
        var growing = GrowingIndex<OffsetIndexEntry>()
        var views: [OffsetIndex] = []
        for key in 0..<3000 as Range<Int32> {
            views.append(growing.view)
            growing.append(OffsetIndexEntry(relativeOffset: key, position: key * 10))
        }
        for (count, view) in views.enumerated() {
            #expect(view.count == count)
            #expect(view.last(atMost: .max)?.relativeOffset == (count == 0 ? nil : Int32(count - 1)))
        }
        #expect(OffsetIndex(decoding: growing.view.encoded())?.entries == growing.view.entries)
    }
}
