extension Segment {
    /// What was found where a sealed segment was opened.
    enum Loaded {
        /// The index files were taken as they are.
        case indexed
        /// An index file was missing or made no sense: both were rebuilt from the batches.
        case rebuilt
        /// At `size` stands something that is no sound batch.
        case damaged(BatchError)
    }

    /// Reads an active segment from its first byte, cuts it at the first batch that is torn or
    /// fails its CRC, rebuilds the indexes, and makes what is left durable.
    ///
    /// Returns how many bytes were cut, and why.
    func recover() throws(StorageError) -> (cutBytes: Int64, damage: BatchError?) {
        let length = try file.size()
        restart()
        let damage = try scan(to: length, checksums: true)
        // ADR-0105: everything behind the first unsound batch goes, for good.
        if size < length { try file.truncate(to: size) }
        // What survived a kill may be in the kernel only: nobody may see it before it is on disk.
        try file.synchronize()
        return (length - size, damage)
    }

    /// Opens a sealed segment: takes its index files where they are sound, or rebuilds them.
    func load(from storage: any Storage) throws(StorageError) -> Loaded {
        let length = try file.size()
        if let (offsets, times) = try readIndexes(from: storage, length: length) {
            restart(at: offsets.entries.last, offsets, times)
            // The batches behind the last entry tell where the segment ends.
            let damage = try scan(to: length, checksums: false)
            return damage.map { .damaged($0) } ?? .indexed
        }
        restart()
        if let damage = try scan(to: length, checksums: true) { return .damaged(damage) }
        try seal(in: storage)
        return .rebuilt
    }

    /// Takes every batch from `size` on into account, up to the first unsound one.
    private func scan(to length: Int64, checksums: Bool) throws(StorageError) -> BatchError? {
        var scanner = BatchScanner(file, from: size, to: length, checksums: checksums)
        while let step = try scanner.next() {
            switch step {
            case .damage(_, let error): return error
            case .batch(_, let header):
                // Offsets in a segment never go back, and stay within reach of its base.
                let relative = header.lastOffset.value &- baseOffset.value
                guard header.baseOffset >= nextOffset, relative <= Int64(Int32.max) else {
                    return .impossibleOffsets(base: header.baseOffset.value, lastDelta: header.lastOffsetDelta)
                }
                note(header)
            }
        }
        return nil
    }

    /// The two index files, or nil where one is missing, or cannot belong to a file of `length` bytes.
    private func readIndexes(
        from storage: any Storage, length: Int64
    ) throws(StorageError) -> (OffsetIndex, TimeIndex)? {
        guard let offsetBytes = try readIndex("index", from: storage),
            let timeBytes = try readIndex("timeindex", from: storage),
            let offsets = OffsetIndex(decoding: offsetBytes),
            let times = TimeIndex(decoding: timeBytes)
        else { return nil }
        var previous: Int32 = -1
        for entry in offsets.entries {
            guard entry.relativeOffset >= 0, entry.position > previous, entry.position < length else { return nil }
            previous = entry.position
        }
        // Only a segment without a single timestamp has no entry of time.
        guard times.entries.allSatisfy({ $0.relativeOffset >= 0 }), length == 0 || !times.entries.isEmpty else {
            return nil
        }
        return (offsets, times)
    }

    private func readIndex(_ suffix: String, from storage: any Storage) throws(StorageError) -> Bytes? {
        do {
            return try storage.contents(of: Segment.name(baseOffset, suffix), limit: Int(Int32.max))
        } catch {
            if error.isNotFound { return nil }
            throw error
        }
    }
}
