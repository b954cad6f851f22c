extension Log {
    /// The batches from the one that holds `offset` on, as a run of one segment's file.
    ///
    /// The run begins at a batch boundary, at or before `offset`, and may end inside a batch, as
    /// Kafka's does. Nil where there is nothing to read: at `limit`, or where `maxBytes` does not
    /// cover the first batch.
    ///
    /// - Parameters:
    ///   - limit: nothing behind this place is returned; the log's end, or the high watermark.
    ///   - maxBytes: the most bytes to return.
    ///   - atLeastOneBatch: whether the first batch is returned whole even if it is larger (KIP-74).
    public func read(
        from offset: Offset, upTo limit: LogPosition, maxBytes: Int, atLeastOneBatch: Bool = true
    ) throws(LogError) -> FileRange? {
        guard offset >= startOffset, offset <= limit.offset else {
            throw .offsetOutOfRange(offset, start: startOffset, end: limit.offset)
        }
        if offset == limit.offset { return nil }
        var index = segmentIndex(of: offset)
        while index < segments.count, segments[index].baseOffset <= limit.segment {
            let segment = segments[index]
            let found = try onStorage { () throws(StorageError) in try segment.batch(holding: offset) }
            if let (position, header) = found {
                let end = segment.baseOffset == limit.segment ? limit.position : segment.size
                let available = Int(end - position)
                guard available > 0 else { return nil }
                var count = min(available, max(maxBytes, 0))
                if count < header.byteCount {
                    guard atLeastOneBatch else { return nil }
                    count = header.byteCount
                }
                return FileRange(file: segment.file, position: position, count: count)
            }
            index += 1
        }
        return nil
    }

    /// How many bytes there are between the batch that holds `offset` and `limit`, over all
    /// segments: what a waiting fetch counts.
    public func availableBytes(from offset: Offset, upTo limit: LogPosition) throws(LogError) -> Int64 {
        guard let first = try read(from: offset, upTo: limit, maxBytes: 0) else { return 0 }
        let index = segmentIndex(of: offset)
        if segments[index].baseOffset == limit.segment { return limit.position - first.position }
        var bytes = segments[index].size - first.position
        for segment in segments[(index + 1)...] where segment.baseOffset < limit.segment { bytes += segment.size }
        return bytes + limit.position
    }

    /// The first record, below `limit`, whose timestamp is at least `timestamp`; nil if there is none.
    public func record(
        notBefore timestamp: Int64, upTo limit: LogPosition
    ) throws(LogError) -> (offset: Offset, timestamp: Int64)? {
        for segment in segments where segment.greatestTimestamp >= timestamp {
            let found = try onStorage { () throws(StorageError) in try segment.record(notBefore: timestamp) }
            if let found { return found.offset < limit.offset ? found : nil }
        }
        return nil
    }

    /// The record with the greatest timestamp, the first of them; nil where no record has one (KIP-734).
    public func recordWithGreatestTimestamp(upTo limit: LogPosition) throws(LogError) -> (
        offset: Offset, timestamp: Int64
    )? {
        let greatest = segments.reduce(-1) { max($0, $1.greatestTimestamp) }
        return greatest < 0 ? nil : try record(notBefore: greatest, upTo: limit)
    }

    /// The index of the segment that holds `offset`, which is not before the log's start.
    private func segmentIndex(of offset: Offset) -> Int {
        var low = 0
        var high = segments.count
        while low < high {
            let middle = low + (high - low) / 2
            if segments[middle].baseOffset <= offset { low = middle + 1 } else { high = middle }
        }
        return max(low - 1, 0)
    }
}
