extension SegmentView {
    /// What was found where a sealed segment was opened.
    enum Opened {
        /// The index files were taken as they are.
        case indexed(SegmentView)
        /// An index file was missing or made no sense: both were made anew from the batches.
        case rebuilt(SegmentView)
        /// At a position stands something that is no sound batch.
        case damaged(path: String, position: Int64, BatchError)
    }

    /// Opens a sealed segment, whose last record should be followed by an offset in `ends`: takes its
    /// index files where they are sound, or makes them anew.
    static func open(
        in storage: any Storage, at baseOffset: Offset, endingIn ends: ClosedRange<Offset>,
        _ configuration: LogConfiguration
    ) throws(StorageError) -> Opened {
        let segment = try ActiveSegment(in: storage, at: baseOffset, configuration, creating: false)
        let length = try segment.file.size()
        if let (offsets, times) = try indexes(in: storage, at: baseOffset, length: length) {
            var view = segment.view
            view.offsetIndex = offsets
            view.timeIndex = times
            view.greatestTimestamp = times.last?.timestamp ?? -1
            // The batches behind the last entry tell where the segment ends. Where they do not, the index
            // may be at fault, and the batches have the last word.
            if try view.findEnd(length) == nil, ends.contains(view.nextOffset) { return .indexed(view) }
        }
        if let damage = try segment.scan(to: length, checksums: true) {
            return .damaged(path: segment.file.path, position: segment.size, damage)
        }
        return .rebuilt(try segment.seal())
    }

    /// Walks from the last index entry to the end of the file.
    private mutating func findEnd(_ length: Int64) throws(StorageError) -> BatchError? {
        size = offsetIndex.last.map { Int64($0.position) } ?? 0
        var scanner = BatchScanner(file, from: size, to: length, checksums: false, windowBytes: 8192)
        while let step = try scanner.next() {
            switch step {
            case .damage(_, let error): return error
            case .batch(_, let header):
                if let error = header.misplaced(behind: nextOffset, in: baseOffset) { return error }
                size += Int64(header.byteCount)
                nextOffset = header.nextOffset
            }
        }
        return nil
    }

    /// The two index files, or nil where one is missing, or cannot belong to a file of `length` bytes.
    static func indexes(
        in storage: any Storage, at baseOffset: Offset, length: Int64
    ) throws(StorageError) -> (OffsetIndex, TimeIndex)? {
        guard let offsetBytes = try map(SegmentName.of(baseOffset, SegmentName.offsetIndex), in: storage),
            let timeBytes = try map(SegmentName.of(baseOffset, SegmentName.timeIndex), in: storage),
            let offsets = OffsetIndex(decoding: offsetBytes),
            let times = TimeIndex(decoding: timeBytes)
        else { return nil }
        for entry in [offsets.first, offsets.last].compactMap({ $0 }) {
            guard entry.relativeOffset >= 0, entry.position >= 0, entry.position < length else { return nil }
        }
        for entry in [times.first, times.last].compactMap({ $0 }) where entry.relativeOffset < 0 { return nil }
        // Only a segment without a single timestamp has no entry of time.
        return length > 0 && times.count == 0 ? nil : (offsets, times)
    }

    private static func map(_ name: String, in storage: any Storage) throws(StorageError) -> Bytes? {
        do {
            let file = try storage.open(name, creating: false)
            let size = try file.size()
            return size <= Int64(Int32.max) ? try file.mapped(Int(size)) : nil
        } catch {
            if error.isNotFound { return nil }
            throw error
        }
    }
}
