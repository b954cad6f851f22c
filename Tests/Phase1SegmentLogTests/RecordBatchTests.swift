import SegmentLog
import Testing
import TestSupport

@Suite("A record batch")
struct RecordBatchTests {
    /// Written by kafka-python's DefaultRecordBatchBuilder: two records, the first with the key "k",
    /// the value "v1" and the header h=x at time 1,000, the second with null key and value at 1,005.
    private static let foreign: [UInt8] = [
        0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,  // base offset
        0x00, 0x00, 0x00, 0x46,  // batch length: 70
        0x00, 0x00, 0x00, 0x00,  // partition leader epoch
        0x02,  // magic
        0xC4, 0xB9, 0x68, 0xFC,  // CRC-32C
        0x00, 0x00,  // attributes
        0x00, 0x00, 0x00, 0x01,  // last offset delta
        0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x03, 0xE8,  // base timestamp
        0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x03, 0xED,  // max timestamp
        0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF,  // producer id
        0xFF, 0xFF,  // producer epoch
        0xFF, 0xFF, 0xFF, 0xFF,  // base sequence
        0x00, 0x00, 0x00, 0x02,  // number of records
        // length 13, attributes, timestamp delta 0, offset delta 0, key "k", value "v1", 1 header: h=x
        0x1A, 0x00, 0x00, 0x00, 0x02, 0x6B, 0x04, 0x76, 0x31, 0x02, 0x02, 0x68, 0x02, 0x78,
        // length 6, attributes, timestamp delta 5, offset delta 1, null key, null value, no headers
        0x0C, 0x00, 0x0A, 0x02, 0x01, 0x01, 0x00,
    ]

    private func sample() -> RecordBatch {
        var builder = RecordBatchBuilder(baseTimestamp: 1_000)
        builder.append(
            key: Bytes(utf8: "k"), value: Bytes(utf8: "v1"),
            headers: [RecordHeader(key: Bytes(utf8: "h"), value: Bytes(utf8: "x"))])
        builder.append(key: nil, value: nil, timestamp: 1_005)
        return builder.finish()
    }

    @Test("is byte for byte what another implementation writes, but for the leader epoch")
    func foreignBytes() {
        var built = sample().bytes.array
        built.replaceSubrange(12..<16, with: [0, 0, 0, 0])
        #expect(built == Self.foreign, "\(ByteDifference(built, Self.foreign, .batch))")
    }

    @Test("of another implementation is accepted, and one that was built here")
    func accepted() throws {
        #expect(try RecordBatch(checking: Bytes(Self.foreign)).checkRecords() == 1_005)
        let batch = try RecordBatch(checking: sample().bytes)
        #expect(try batch.checkRecords() == 1_005 && batch.bytes == sample().bytes)
        var descending = RecordBatchBuilder(baseTimestamp: 0)
        for timestamp in [7, 9, 8] as [Int64] { descending.append(key: nil, value: nil, timestamp: timestamp) }
        #expect(try descending.finish().checkRecords() == 9)
    }

    @Test("gives back keys, values, headers, offsets and timestamps")
    func roundTrip() throws {
        let batch = sample()
        var records = batch.records()
        let first = try #require(try records.next())
        #expect(batch.bytes(first.key)?.utf8 == "k")
        #expect(batch.bytes(first.value)?.utf8 == "v1")
        #expect(try batch.headers(of: first) == [RecordHeader(key: Bytes(utf8: "h"), value: Bytes(utf8: "x"))])
        let second = try #require(try records.next())
        #expect(second.key == nil && second.value == nil && second.headerCount == 0)
        #expect(batch.offset(of: second) == Offset(1))
        #expect(batch.timestamp(of: second) == 1_005)
        #expect(try records.next() == nil)
        #expect(batch.header.maxTimestamp == 1_005)
    }

    @Test("of random records comes back as it was built, over 200 seeds")
    func randomRoundTrip() throws {
        for seed in UInt64(0)..<200 {
            var random = SplitMix64(seed: seed)
            var expected: [(key: Bytes?, value: Bytes?, headers: [RecordHeader], timestamp: Int64)] = []
            var builder = RecordBatchBuilder(baseTimestamp: Int64(random.below(1 << 40)))
            for _ in 0...random.below(40) {
                let bytes: () -> Bytes? = {
                    random.chance(20)
                        ? nil : Bytes((0..<random.below(300)).map { _ in UInt8(truncatingIfNeeded: random.next()) })
                }
                let headers = (0..<random.below(4)).map { _ in RecordHeader(key: bytes() ?? [], value: bytes()) }
                let record = (bytes(), bytes(), headers, Int64(random.below(1 << 41)))
                builder.append(key: record.0, value: record.1, headers: headers, timestamp: record.3)
                expected.append(record)
            }
            let batch = builder.finish()
            #expect(batch.header.maxTimestamp == expected.map(\.timestamp).max(), "seed \(seed)")
            var records = batch.records()
            for (index, wanted) in expected.enumerated() {
                let record = try #require(try records.next(), "seed \(seed)")
                #expect(batch.bytes(record.key) == wanted.key, "seed \(seed)")
                #expect(batch.bytes(record.value) == wanted.value, "seed \(seed)")
                #expect(try batch.headers(of: record) == wanted.headers, "seed \(seed)")
                #expect(batch.timestamp(of: record) == wanted.timestamp, "seed \(seed)")
                #expect(batch.offset(of: record) == Offset(Int64(index)), "seed \(seed)")
            }
            #expect(try records.next() == nil)
        }
    }

    @Test("with any one bit flipped is refused, except in the fields that the broker writes")
    func flippedBits() {
        let good = sample().bytes.array
        for index in good.indices {
            for bit in 0..<8 {
                var bytes = good
                bytes[index] ^= 1 << UInt8(bit)
                let isBrokersField = index < 8 || (12..<16).contains(index)
                let isRefused = (try? RecordBatch(checking: Bytes(bytes))) == nil
                // A base offset with its sign bit set is refused too: no offset is negative.
                #expect(isRefused == (!isBrokersField || (index == 0 && bit == 7)), "byte \(index), bit \(bit)")
            }
        }
    }

    @Test("cut short at any byte is refused")
    func truncated() {
        let good = sample().bytes
        for count in 0..<good.count {
            #expect(throws: BatchError.self, "\(count) bytes") { try RecordBatch(checking: good.slice(0..<count)) }
        }
    }

    @Test("whose records lie about themselves is refused, with the CRC of the lie")
    func lyingRecords() throws {
        let good = sample()
        let body = good.bytes.array.dropFirst(RecordBatchHeader.byteCount)
        var refused = 0
        for index in 0..<body.count {
            for value in [0x00, 0x01, 0x7F, 0x80, 0xFE, 0xFF] as [UInt8] {
                var records = Array(body)
                records[index] = value
                // A correct CRC over wrong records: only the records' own structure can tell.
                let batch = try RecordBatch(checking: good.header.sealing(Bytes(records)).bytes)
                if (try? batch.checkRecords()) == nil { refused += 1 }
            }
        }
        #expect(refused > body.count)

        var header = good.header
        header.recordCount = 3
        header.lastOffsetDelta = 2
        let tooFew = try RecordBatch(checking: header.sealing(Bytes(Array(body))).bytes)
        #expect(throws: BatchError.wrongRecordCount(claimed: 3, found: 2)) { try tooFew.checkRecords() }
    }

    @Test("of 100,000 random mutations parses or is refused, and never traps")
    func mutations() {
        let body = sample().bytes.array.dropFirst(RecordBatchHeader.byteCount)
        let header = sample().header
        var random = SplitMix64(seed: 3)
        var parsed = 0
        for _ in 0..<100_000 {
            var records = Array(body)
            for _ in 0...random.below(4) {
                records[random.below(records.count)] = UInt8(truncatingIfNeeded: random.next())
            }
            if random.chance(20) { records.removeLast(random.below(records.count)) }
            guard let batch = try? RecordBatch(checking: header.sealing(Bytes(records)).bytes) else { continue }
            var reader = batch.records()
            while let record = try? reader.next() { _ = try? batch.headers(of: record) }
            if (try? batch.checkRecords()) != nil { parsed += 1 }
        }
        #expect(parsed > 0 && parsed < 100_000)
    }

    @Test("with offsets that leave 64 bits is refused")
    func impossibleOffsets() {
        var header = sample().header
        header.baseOffset = Offset(.max - 1)
        #expect(throws: BatchError.impossibleOffsets(base: .max - 1, lastDelta: 1)) {
            try RecordBatchHeader(parsing: header.sealing(Bytes([UInt8](repeating: 0, count: 8))).bytes)
        }
        header.baseOffset = .zero
        header.lastOffsetDelta = -1
        #expect(throws: BatchError.impossibleOffsets(base: 0, lastDelta: -1)) {
            try RecordBatchHeader(parsing: header.sealing([]).bytes)
        }
    }
}
