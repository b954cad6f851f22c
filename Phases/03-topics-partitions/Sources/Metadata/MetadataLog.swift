import SegmentLog
import WireProtocol

/// The log that a cluster's metadata is: each change is a batch of records, and the image is what
/// they add up to (ADR-0301).
///
///     var metadata = try MetadataLog(in: storage.directory(MetadataLog.directoryName))
///     try metadata.append([.topic(topic), .partition(partition)], at: now)
///     metadata.image.topics["orders"]
///
/// - I3.3: the records of one `append` are applied together or not at all, after any crash.
/// - I3.4: what `append` has returned for is on disk.
public struct MetadataLog {
    /// Kafka's name of the topic that it would be, if it were one.
    public static let topicName = "__cluster_metadata"
    /// Kafka's name of the directory.
    public static let directoryName = topicName + "-0"

    /// What all records add up to.
    public private(set) var image = MetadataImage()
    /// The ids of the topics that were removed since the log began.
    public private(set) var removedTopics: Set<Uuid> = []
    private let log: Log
    let path: String

    /// Opens the log in `storage`, and applies what it holds. Whatever a crash left of an append that
    /// had not returned is either whole or gone.
    public init(in storage: any Storage) throws(LogError) {
        log = try Log(in: storage)
        path = storage.path
        let snapshot = log.snapshot
        var offset = snapshot.startOffset
        while let range = try snapshot.read(from: offset, upTo: snapshot.end, maxBytes: 1 << 20) {
            var rest = try onStorage { () throws(StorageError) in try range.read() }
            let before = offset
            while let header = try? RecordBatchHeader(parsing: rest), header.byteCount <= rest.count {
                for record in try records(in: rest.slice(0..<header.byteCount)) { try apply(record) }
                rest = rest.dropFirst(header.byteCount)
                offset = header.nextOffset
            }
            guard offset > before else { throw unusable("there is no batch at offset \(offset)") }
        }
    }

    /// Whether nothing was ever appended.
    public var isEmpty: Bool { log.end.offset == .zero }

    /// Appends changes that belong together, as one batch, and makes them durable. `time` is in
    /// milliseconds since 1970. Nothing is appended where they cannot follow what is there.
    public mutating func append(_ records: [MetadataRecord], at time: Int64) throws(LogError) {
        guard !records.isEmpty else { return }
        _ = try log.append(try batch(of: records, at: time), leaderEpoch: LeaderEpoch(0))
        try log.synchronize()
        for record in records { try apply(record) }
    }

    /// The batch of records that can follow what is there.
    private func batch(of records: [MetadataRecord], at time: Int64) throws(LogError) -> RecordBatch {
        // Tried on a part: a copy of the whole would cost as much as all topics.
        var touched = image.part(touchedBy: records)
        var builder = RecordBatchBuilder(baseTimestamp: time)
        do {
            for record in records {
                try touched.apply(record)
                builder.append(key: nil, value: try record.encoded())
            }
        } catch {
            throw unusable("\(error)")
        }
        return builder.finish()
    }

    /// Ends the log cleanly.
    public func close() throws(LogError) { try log.close() }

    private func records(in batch: Bytes) throws(LogError) -> [MetadataRecord] {
        do {
            let batch = try RecordBatch(checking: batch)
            var reader = batch.records()
            var records: [MetadataRecord] = []
            while let record = try reader.next() {
                records.append(try MetadataRecord(decoding: batch.bytes(record.value) ?? Bytes()))
            }
            return records
        } catch {
            throw unusable("\(error)")
        }
    }

    private mutating func apply(_ record: MetadataRecord) throws(LogError) {
        do {
            try image.apply(record)
            if case .removeTopic(let topic) = record { removedTopics.insert(topic.topicID) }
        } catch {
            throw unusable("\(error)")
        }
    }

    private func unusable(_ reason: String) -> LogError {
        .storage(StorageError("use the metadata log in", path, .other(reason)))
    }
}
