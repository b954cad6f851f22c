import SegmentLog
import TestSupport
import Testing

/// A record as it was appended, or as it lies in the log.
struct StoredRecord: Equatable {
    var offset: Int64
    var key: String?
    var value: String?
    var timestamp: Int64
    var headers: [String] = []
    var isTransactional = false
}

/// A batch in the log, and its records.
struct StoredBatch {
    var header: RecordBatchHeader
    var bytes: Bytes
    var records: [StoredRecord]

    /// All batches of a log, as a reader of `snapshot` finds them.
    static func all(in snapshot: LogSnapshot) throws -> [StoredBatch] {
        var batches: [StoredBatch] = []
        var next = snapshot.startOffset
        while next < snapshot.end.offset {
            let range = try #require(try snapshot.read(from: next, upTo: snapshot.end, maxBytes: 1 << 24))
            var rest = try range.read()
            while rest.count > 0 {
                let batch = try RecordBatch(checking: rest)
                rest = rest.dropFirst(batch.header.byteCount)
                try #require(batch.header.lastOffset >= next || batch.header.baseOffset < next)
                batches.append(
                    StoredBatch(header: batch.header, bytes: batch.bytes, records: try records(of: batch)))
                next = batch.header.nextOffset
            }
        }
        return batches
    }

    private static func records(of batch: RecordBatch) throws -> [StoredRecord] {
        let opened = try batch.opened()
        var reader = opened.records()
        var records: [StoredRecord] = []
        while let record = try reader.next() {
            records.append(
                StoredRecord(
                    offset: opened.offset(of: record).value, key: opened.bytes(record.key)?.text,
                    value: opened.bytes(record.value)?.text, timestamp: opened.timestamp(of: record),
                    headers: try opened.headers(of: record).map { $0.key.text + "=" + ($0.value?.text ?? "null") },
                    isTransactional: batch.header.attributes.isTransactional))
        }
        return records
    }
}

/// Batches to append to a compacted log.
struct RandomBatches {
    var keys = 8
    var codecs = BatchAttributes.Codec.allCases
    var nullKeyPercent = 0
    var tombstonePercent = 20
    private var count = 0

    mutating func next(_ random: inout SplitMix64, at time: Int64) throws -> RecordBatch {
        count += 1
        let base = time - Int64(random.below(40))
        var builder = RecordBatchBuilder(baseTimestamp: base)
        for index in 0..<(1 + random.below(5)) {
            let key = random.chance(nullKeyPercent) ? nil : Bytes(utf8: "key-\(random.below(keys))")
            let value = "\(count)-\(index)" + String(repeating: "v", count: random.below(60))
            let headers = (0..<(random.chance(30) ? 1 + random.below(2) : 0)).map {
                RecordHeader(key: Bytes(utf8: "h\($0)"), value: random.chance(50) ? nil : Bytes(utf8: "x"))
            }
            builder.append(
                key: key, value: random.chance(tombstonePercent) ? nil : Bytes(utf8: value), headers: headers,
                timestamp: base + Int64(random.below(60)) - 30)
        }
        let batch = try builder.finish(codec: codecs[random.below(codecs.count)])
        var header = batch.header
        if random.chance(10) { header.attributes.rawValue |= 0b1000 }
        if random.chance(60) {
            header.producerID = Int64(random.below(4))
            header.producerEpoch = Int16(random.below(3))
            header.baseSequence = Int32(count)
        }
        return header.sealing(batch.bytes.dropFirst(RecordBatchHeader.byteCount))
    }
}

/// What a compacted log must hold, kept in plain lists.
struct CompactionModel {
    /// Every record that must be in the log, by offset.
    private(set) var records: [StoredRecord] = []
    private var batches: [RecordBatchHeader] = []
    /// By base offset.
    private var horizons: [Int64: Int64] = [:]
    var firstDirty = Offset.zero

    mutating func append(_ batch: StoredBatch) {
        records += batch.records
        batches.append(batch.header)
    }

    /// What a compaction does that has found the keys up to `end`.
    mutating func compact(upTo end: Offset, _ policy: CompactionPolicy, at time: Int64) {
        var latest: [String: Int64] = [:]
        for record in records where record.offset >= firstDirty.value && record.offset < end.value {
            if let key = record.key, !record.isTransactional { latest[key] = record.offset }
        }
        let horizons = horizons
        let owners = batches.flatMap { batch in
            (batch.baseOffset.value...batch.lastOffset.value).map { _ in batch }
        }
        records.removeAll { record in
            guard record.offset < end.value else { return false }
            guard let key = record.key else { return true }
            if let offset = latest[key], offset > record.offset { return true }
            let base = owners[Int(record.offset)].baseOffset.value
            return record.value == nil && !record.isTransactional && horizons[base].map { $0 <= time } == true
        }
        for record in records where record.value == nil && !record.isTransactional {
            let batch = owners[Int(record.offset)]
            guard batch.lastOffset < end, horizons[batch.baseOffset.value] == nil else { continue }
            self.horizons[batch.baseOffset.value] = time + policy.deleteRetentionMilliseconds
        }
        firstDirty = end
    }

    /// The last batch of data of each producer.
    var lastBatches: [RecordBatchHeader] {
        var last: [Int64: RecordBatchHeader] = [:]
        for batch in batches where batch.producerID >= 0 && !batch.attributes.isControl {
            last[batch.producerID] = batch
        }
        return last.keys.sorted().compactMap { last[$0] }
    }

    /// Compares a log with what it must be, and with the batches that it had before.
    func check(_ log: Log, before: [StoredBatch], _ name: String) throws {
        let after = try StoredBatch.all(in: log.snapshot)
        let isSame = after.flatMap(\.records) == records
        #expect(isSame, "\(name): other records than there should be")
        let old = Dictionary(uniqueKeysWithValues: before.map { ($0.header.baseOffset, $0) })
        var next = Offset.zero
        for batch in after {
            let was = try #require(old[batch.header.baseOffset], "\(name): a batch that was not there")
            #expect(batch.header.baseOffset >= next, "\(name)")
            next = batch.header.nextOffset
            var header = batch.header
            // What may change, and nothing else.
            header.byteCount = was.header.byteCount
            header.checksum = was.header.checksum
            header.recordCount = was.header.recordCount
            header.baseTimestamp = was.header.baseTimestamp
            header.maxTimestamp = was.header.maxTimestamp
            header.attributes.rawValue ^= 0b100_0000 & (header.attributes.rawValue ^ was.header.attributes.rawValue)
            if batch.records.isEmpty { header.attributes.rawValue |= was.header.attributes.rawValue & 0b111 }
            #expect(header == was.header, "\(name)")
            #expect(batch.header.recordCount == Int32(batch.records.count), "\(name)")
            if batch.records.isEmpty {
                #expect(batch.header.maxTimestamp == was.header.maxTimestamp, "\(name)")
            } else {
                #expect(batch.header.deleteHorizon == horizons[batch.header.baseOffset.value], "\(name)")
            }
            let hasSameHorizon = batch.header.deleteHorizon == was.header.deleteHorizon
            if batch.records == was.records, hasSameHorizon { #expect(batch.bytes == was.bytes, "\(name)") }
        }
        for producer in lastBatches {
            let isThere = after.contains { $0.header.lastOffset == producer.lastOffset }
            #expect(isThere, "\(name): the last batch of producer \(producer.producerID) is gone")
        }
        try checkLookups(log, after, name)
    }

    private func checkLookups(_ log: Log, _ batches: [StoredBatch], _ name: String) throws {
        let step = max(1, Int(log.end.offset.value) / 20)
        for offset in stride(from: log.startOffset.value, to: log.end.offset.value, by: step) as StrideTo<Int64> {
            let range = try log.snapshot.read(from: Offset(offset), upTo: log.end, maxBytes: 1)
            let found = try range.map { try RecordBatch(checking: $0.read()).header.baseOffset }
            #expect(found == batches.first { $0.header.lastOffset.value >= offset }?.header.baseOffset, "\(name)")
        }
        let times = records.map(\.timestamp)
        for time in Set([times.min(), times.max(), times.first, times.last].compactMap { $0 }).sorted() {
            let found = try log.snapshot.record(notBefore: time, upTo: log.end)
            #expect(found?.offset.value == records.first { $0.timestamp >= time }?.offset, "\(name)")
        }
        let greatest = try log.snapshot.recordWithGreatestTimestamp(upTo: log.end)
        #expect(greatest?.timestamp == times.max(), "\(name)")
    }
}

/// The sealed segments' base offsets, in order, and the active one's.
func baseOffsets(_ storage: any Storage) throws -> [Int64] {
    try storage.list().filter { $0.hasSuffix(".log") }.compactMap { Int64($0.dropLast(4)) }
}
