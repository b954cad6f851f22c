import SegmentLog

/// The demo of phase 1: a log is written, looked at byte by byte, torn by a crash, and recovered.
@main
struct Phase1Demo {
    static func main() throws {
        let disk = MemoryDisk(seed: 7)
        try write(on: disk)
        try lookAtBytes(on: disk)
        try lookAtIndex(on: disk)
        try crashAndRecover(disk)
    }

    static func write(on disk: MemoryDisk) throws {
        heading("1. Write three batches; the log gives them their offsets")
        var configuration = LogConfiguration()
        configuration.indexIntervalBytes = 100
        let log = try Log(in: MemoryStorage(disk), configuration: configuration)
        for (number, words) in [["to", "be"], ["or", "not"], ["to", "be"]].enumerated() {
            var builder = RecordBatchBuilder(baseTimestamp: 1_700_000_000_000 + Int64(number))
            for word in words { builder.append(key: nil, value: Bytes(utf8: word)) }
            let appended = try log.append(builder.finish(), leaderEpoch: LeaderEpoch(0))
            print("   batch \(number): \(words) -> offsets \(appended.baseOffset) to \(appended.lastOffset)")
        }
        try log.close()
        print("   closed: these \(log.end.offset) records are on disk, \(log.snapshot.byteCount) bytes")
    }

    static func lookAtBytes(on disk: MemoryDisk) throws {
        heading("2. The first batch as it lies in 00000000000000000000.log")
        let file = try MemoryStorage(disk).open("00000000000000000000.log", creating: false)
        let header = try RecordBatchHeader(parsing: try file.read(RecordBatchHeader.byteCount, at: 0))
        let bytes = try file.read(header.byteCount, at: 0)
        var position = 0
        for (name, count, value) in fields(of: header) {
            line(bytes, position..<(position + count), "\(name) = \(value)")
            position += count
        }
        let batch = try RecordBatch(checking: bytes)
        var records = batch.records()
        var recordStart = RecordBatchHeader.byteCount
        while let record = try records.next() {
            line(
                bytes, recordStart..<record.headers.upperBound,
                "record \(batch.offset(of: record)): \(text(batch, record))")
            recordStart = record.headers.upperBound
        }
    }

    static func lookAtIndex(on disk: MemoryDisk) throws {
        heading("3. The index that leads to the third batch, 00000000000000000000.index")
        let bytes = try MemoryStorage(disk).contents(of: "00000000000000000000.index")
        guard let entry = OffsetIndex(decoding: bytes)?.first else { return }
        line(bytes, 0..<4, "relative offset = \(entry.relativeOffset): the batch's last record")
        line(bytes, 4..<8, "position = \(entry.position): where the batch begins in the .log file")
    }

    static func fields(of header: RecordBatchHeader) -> [(String, Int, String)] {
        [
            ("base offset", 8, "\(header.baseOffset)"),
            ("batch length", 4, "\(header.byteCount - RecordBatchHeader.lengthOverhead)"),
            ("partition leader epoch", 4, "\(header.leaderEpoch.value)"), ("magic", 1, "\(header.magic)"),
            ("CRC-32C of what follows", 4, "0x" + String(header.checksum, radix: 16)),
            ("attributes", 2, "\(header.attributes.rawValue)"),
            ("last offset delta", 4, "\(header.lastOffsetDelta)"),
            ("base timestamp", 8, "\(header.baseTimestamp)"), ("max timestamp", 8, "\(header.maxTimestamp)"),
            ("producer id", 8, "\(header.producerID)"), ("producer epoch", 2, "\(header.producerEpoch)"),
            ("base sequence", 4, "\(header.baseSequence)"), ("number of records", 4, "\(header.recordCount)"),
        ]
    }

    static func crashAndRecover(_ disk: MemoryDisk) throws {
        heading("4. The power fails in the midst of a fourth batch")
        let log = try Log(in: MemoryStorage(disk))
        var builder = RecordBatchBuilder(baseTimestamp: 1_700_000_000_003)
        builder.append(key: nil, value: Bytes(utf8: "that is the question"))
        disk.losePower(afterSteps: 0)
        do {
            _ = try log.append(builder.finish(), leaderEpoch: LeaderEpoch(0))
        } catch {
            print("   append: \(error)")
        }
        let after = disk.afterPowerLoss(seed: 5)
        let length = after.contents()["/00000000000000000000.log"]?.count ?? 0
        print("   the file has \(length) bytes now: it ends inside a batch")

        heading("5. Start again: recovery cuts the torn batch, and the log goes on")
        let recovered = try Log(in: MemoryStorage(after))
        if let damage = recovered.recovery.damage { print("   cut \(recovered.recovery.cutBytes) bytes: \(damage)") }
        var next = RecordBatchBuilder(baseTimestamp: 1_700_000_000_004)
        next.append(key: nil, value: Bytes(utf8: "whether 'tis nobler"))
        let appended = try recovered.append(next.finish(), leaderEpoch: LeaderEpoch(1))
        print("   the next record gets offset \(appended.baseOffset)")
        guard let range = try recovered.snapshot.read(from: .zero, upTo: recovered.end, maxBytes: 1 << 20) else {
            return
        }
        try printAll(try range.read())
    }

    static func printAll(_ bytes: Bytes) throws {
        var rest = bytes
        while rest.count > 0 {
            let batch = try RecordBatch(checking: rest)
            var records = batch.records()
            while let record = try records.next() {
                print(
                    "   \(batch.offset(of: record)): \(text(batch, record)) (epoch \(batch.header.leaderEpoch.value))")
            }
            rest = rest.dropFirst(batch.header.byteCount)
        }
    }

    static func text(_ batch: RecordBatch, _ record: Record) -> String { batch.bytes(record.value)?.utf8 ?? "null" }

    static func heading(_ text: String) { print("\n" + text) }

    /// Some bytes in hexadecimal, and what they mean.
    static func line(_ bytes: Bytes, _ range: Range<Int>, _ meaning: String) {
        let hex = bytes.slice(range).array.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined(separator: " ")
        let place = String(repeating: " ", count: max(0, 4 - String(range.lowerBound).count)) + "\(range.lowerBound)"
        print("\(place)  \(hex)\(String(repeating: " ", count: max(2, 26 - hex.count)))\(meaning)")
    }
}
