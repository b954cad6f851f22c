/// Walks the batches of a segment's file from a known boundary, reading it in windows.
///
/// It never trusts what it reads: a header that makes no sense, or a batch that reaches past the
/// end, is `damage`, said with its place.
public struct BatchScanner {
    /// What stands at one place of the file.
    public enum Step {
        /// A batch begins at `position`. Its header was checked, its CRC only if that was asked for.
        case batch(position: Int64, RecordBatchHeader)
        /// The file does not hold a whole, sound batch at `position`.
        case damage(position: Int64, BatchError)
    }

    private let file: any File
    private let end: Int64
    private let windowBytes: Int
    private let checksums: Bool
    private var window = Bytes()
    private var windowStart: Int64 = 0
    private var position: Int64

    /// A walk over `file` from `position`, where a batch begins, up to `end`.
    ///
    /// - Parameters:
    ///   - checksums: whether every batch is read whole and its CRC compared.
    ///   - windowBytes: how much is read at once.
    public init(_ file: any File, from position: Int64, to end: Int64, checksums: Bool, windowBytes: Int = 1 << 20) {
        self.file = file
        self.position = position
        self.end = end
        self.checksums = checksums
        self.windowBytes = windowBytes
    }

    /// The next batch, the damage that stands in its place, or nil at the end. After damage there
    /// is nothing to walk on from.
    public mutating func next() throws(StorageError) -> Step? {
        guard position < end else { return nil }
        let start = position
        let available = Int(min(end - start, Int64(Int32.max)))
        position = end
        let head = try load(min(RecordBatchHeader.byteCount, available), at: start)
        let header: RecordBatchHeader
        do {
            header = try RecordBatchHeader(parsing: head)
        } catch {
            return .damage(position: start, error)
        }
        guard header.byteCount <= available else {
            return .damage(position: start, .truncated(needed: header.byteCount, available: available))
        }
        if checksums {
            let whole = try load(header.byteCount, at: start)
            do { _ = try RecordBatch(checking: whole) } catch { return .damage(position: start, error) }
        }
        position = start + Int64(header.byteCount)
        return .batch(position: start, header)
    }

    /// The whole batch at `position`, which `next` has returned.
    public mutating func bytes(at position: Int64, _ header: RecordBatchHeader) throws(StorageError) -> Bytes {
        try load(header.byteCount, at: position)
    }

    /// `count` bytes at `position`, from the window where it has them.
    private mutating func load(_ count: Int, at position: Int64) throws(StorageError) -> Bytes {
        if position < windowStart || position + Int64(count) > windowStart + Int64(window.count) {
            let wanted = Int(min(Int64(max(count, windowBytes)), end - position))
            window = try file.read(wanted, at: position)
            windowStart = position
        }
        let from = Int(position - windowStart)
        // A file that is shorter than it was gives fewer bytes: the parser says so.
        return window.slice(from..<min(from + count, window.count))
    }
}
