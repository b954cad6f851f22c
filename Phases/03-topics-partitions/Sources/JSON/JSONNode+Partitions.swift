import SegmentLog

/// `partition_append`, `partition_read` and `partition_info`: a partition's log, record by record.
///
/// A record's value is the message as JSON text. A value that is none, from a broker that used the directory
/// before, is read as a string.
extension JSONNode {
    /// The most partitions that a topic may have here. A partition is made with all that come before it.
    public static let maxPartitions = 10_000

    mutating func partitionAppend(_ request: JSONRequest, at time: Int64) throws(Refusal) -> [JSON.Member] {
        let (topic, number) = try place(request)
        let appended = try append(try request.value("message"), topic: topic, partition: number, at: time)
        return [
            .init("offset", .integer(appended.offset.value)), .init("segment", .string(appended.segment)),
            .init("timestamp", .integer(time)),
        ]
    }

    func partitionRead(_ request: JSONRequest) throws(Refusal) -> [JSON.Member] {
        let log = try log(request)
        let offset = try request.offset("offset")
        let (start, end) = (log.startOffset, log.end.offset)
        var oneBatch = 1
        guard offset >= start, offset < end, let read = try messages(in: log, from: offset, &oneBatch).first else {
            let holds = start == end ? "the partition is empty" : "the partition holds \(start) to \(end.value - 1)"
            throw Refusal(.keyDoesNotExist, "there is nothing at offset \(offset): \(holds), and the next is \(end)")
        }
        return [
            .init("message", read.message), .init("offset", .integer(read.offset.value)),
            .init("next_offset", .integer(read.offset.value + 1)),
        ]
    }

    func partitionInfo(_ request: JSONRequest) throws(Refusal) -> [JSON.Member] {
        let log = try log(request)
        return [
            .init("start_offset", .integer(log.startOffset.value)),
            .init("end_offset", .integer(log.end.offset.value)),
            .init("segments", .integer(log.snapshot.segmentCount)),
            .init("total_bytes", .integer(log.snapshot.byteCount)),
        ]
    }

    /// The topic and the partition's number, if there may be such a partition.
    private func place(_ request: JSONRequest) throws(Refusal) -> (topic: String, number: Int32) {
        let topic = try checkedTopic(try request.string("topic"))
        let number = try request.offset("partition").value
        guard number < Self.maxPartitions else {
            throw Refusal(.malformedRequest, "partition \(number) is beyond the last one, \(Self.maxPartitions - 1)")
        }
        return (topic, Int32(number))
    }

    /// The name, if a topic of messages can have it.
    func checkedTopic(_ name: String) throws(Refusal) -> String {
        if let reason = TopicName.whyInvalid(name) {
            throw Refusal(.malformedRequest, "no topic can have this name: \(reason)")
        }
        guard !TopicName.internalNames.contains(name) else {
            throw Refusal(.malformedRequest, "\(name) is the broker's own")
        }
        return name
    }

    private func log(_ request: JSONRequest) throws(Refusal) -> Log {
        let (topic, number) = try place(request)
        guard let partition = topics[topic]?.partition(number) else {
            throw Refusal(.keyDoesNotExist, "there is no partition \(topic)-\(number)")
        }
        return try Refusal.unless(partition.log)
    }

    /// The messages from `offset` on, which must not lie outside the log: at least one, if there is any, and
    /// then those of as many batches as have `bytesLeft`, from which their bytes are taken.
    func messages(
        in log: Log, from offset: Offset, _ bytesLeft: inout Int
    ) throws(Refusal) -> [(offset: Offset, message: JSON)] {
        var messages: [(offset: Offset, message: JSON)] = []
        var next = offset
        let snapshot = log.snapshot
        while messages.isEmpty || bytesLeft > 0 {
            let maxBytes = bytesLeft
            let bytes = try Refusal.unless { () throws(LogError) -> Bytes? in
                let range = try snapshot.read(from: next, upTo: snapshot.end, maxBytes: maxBytes)
                return try onStorage { () throws(StorageError) in try range?.read() }
            }
            guard var rest = bytes else { break }
            let before = next
            while let header = try? RecordBatchHeader(parsing: rest), header.byteCount <= rest.count {
                messages += try Self.messages(in: rest.slice(0..<header.byteCount), from: next)
                next = header.nextOffset
                bytesLeft -= header.byteCount
                rest = rest.dropFirst(header.byteCount)
            }
            guard next > before else { throw Refusal(.crash, "there is no sound batch at offset \(next)") }
        }
        return messages
    }

    private static func messages(
        in bytes: Bytes, from offset: Offset
    ) throws(Refusal) -> [(offset: Offset, message: JSON)] {
        var messages: [(Offset, JSON)] = []
        do {
            let batch = try RecordBatch(checking: bytes).opened()
            // What a control batch holds is no message.
            if batch.header.attributes.isControl { return [] }
            var records = batch.records()
            while let record = try records.next() {
                guard batch.offset(of: record) >= offset else { continue }
                messages.append((batch.offset(of: record), message(batch.bytes(record.value))))
            }
        } catch {
            throw Refusal(.crash, "the batch at offset \(offset) cannot be read: \(error)")
        }
        return messages
    }

    private static func message(_ value: Bytes?) -> JSON {
        guard let value else { return .null }
        return (try? JSON(parsing: value)) ?? .string(value.text)
    }
}
