import Broker
import SegmentLog

extension Entrance {
    /// Reads a batch as a broker and a consumer do, to its last header, and opens it where it is compressed.
    func takeBatch(_ bytes: Bytes) {
        guard bytes.count > 0 else { return }
        let rest = bytes.dropFirst(1)
        let batchBytes = bytes[0] % 2 == 1 ? rest.mendedBatch : rest
        guard let batch = try? RecordBatch(checking: batchBytes) else { return }
        precondition(batch.header.byteCount == batch.bytes.count, "Fuzz: a batch is as long as its header says")
        guard let opened = try? batch.opened(limit: 1 << 20) else { return }
        precondition(
            (try? RecordBatch(checking: opened.bytes)) != nil, "Fuzz: an opened batch is a sound batch")
        readRecords(of: opened)
    }

    private func readRecords(of batch: RecordBatch) {
        _ = try? batch.checkRecords()
        var records = batch.records()
        while let record = (try? records.next()) ?? nil {
            _ = (batch.offset(of: record), batch.timestamp(of: record))
            _ = (batch.bytes(record.key)?.utf8, batch.bytes(record.value)?.utf8)
            if let headers = try? batch.headers(of: record) {
                precondition(headers.count == record.headerCount, "Fuzz: as many headers as the record says")
            }
        }
    }

    /// Searches an index file.
    func takeIndex<Entry: IndexEntry>(_: SparseIndex<Entry>.Type, _ bytes: Bytes) {
        guard let index = SparseIndex<Entry>(decoding: bytes) else { return }
        precondition(index.encoded().array == bytes.array, "Fuzz: an index comes back as it was")
        for entry in index.entries { _ = index.last(atMost: entry.key) }
    }

    /// Reads a checkpoint of each kind; one that is understood comes back from what it writes.
    func takeCheckpoints(_ bytes: Bytes) {
        let storage = MemoryStorage()
        guard (try? storage.replace("file", with: bytes)) != nil,
            (try? storage.replace(LeaderEpochCache.fileName, with: bytes)) != nil
        else { fatalError("Fuzz: a disk in memory takes files") }
        if let offsets = try? OffsetCheckpoint("file", in: storage) {
            guard (try? offsets.write("again", in: storage)) != nil,
                (try? OffsetCheckpoint("again", in: storage)) == offsets
            else { fatalError("Fuzz: offsets come back: \(offsets)") }
        }
        if let epochs = try? LeaderEpochCache(in: storage) {
            guard (try? epochs.write(in: storage)) != nil, (try? LeaderEpochCache(in: storage)) == epochs else {
                fatalError("Fuzz: epochs come back: \(epochs)")
            }
        }
    }

    /// Reads settings, and a directory that claims to have been used before.
    func takeSettings(_ bytes: Bytes) {
        var configuration = Configuration()
        _ = try? configuration.setAll(in: bytes.text)
        _ = try? configuration.check()
        let storage = MemoryStorage()
        guard (try? storage.replace("meta.properties", with: bytes)) != nil else {
            fatalError("Fuzz: a disk in memory takes files")
        }
        _ = try? BrokerNode(Configuration(), storage: storage, seed: 1)
    }
}

extension Bytes {
    /// The bytes as a batch: its length, its format and its CRC are made right, as nobody guesses a CRC. Too few bytes
    /// for a header stay as they are.
    var mendedBatch: Bytes {
        guard count >= RecordBatchHeader.byteCount else { return self }
        var batch = array
        batch.replaceSubrange(8..<12, with: (UInt32(count) - 12).bigEndianBytes)
        batch[16] = 2
        let checksum = CRC32C.checksum(Bytes(batch.dropFirst(RecordBatchHeader.checksumStart)))
        batch.replaceSubrange(17..<21, with: checksum.bigEndianBytes)
        return Bytes(batch)
    }
}

extension UInt32 {
    /// The four bytes, most significant first.
    var bigEndianBytes: [UInt8] { (0..<4).map { UInt8(truncatingIfNeeded: self >> (24 - 8 * $0)) } }
}
