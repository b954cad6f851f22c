/// Where a codec puts what it inflates: memory that grows as it fills, never beyond a limit.
///
/// It starts small and doubles, whatever the compressed data claims; from half of the limit on it
/// goes to the whole limit at once. So even where growing copies, the bytes touched in the old
/// block and in the new one are together no more than the limit.
@safe struct InflatedBytes: ~Copyable {
    // The storage is held by nobody else until `finish`.
    private var storage: ByteStorage
    /// What lies in front of the inflated bytes, for a header.
    private let headroom: Int
    /// The most bytes that may be inflated.
    let limit: Int
    /// The bytes there is room for: one more than the limit, because only one byte too many tells
    /// data that is too large from data that just fits.
    private(set) var capacity: Int
    private var end: Int

    /// How many bytes have been inflated.
    var count: Int { end - headroom }
    /// How many more there is room for without growing.
    var room: Int { capacity - end }
    /// How many more may come.
    var remaining: Int { limit - count }
    /// Whether there is no more room to be had.
    var isFullyGrown: Bool { capacity == headroom + limit + 1 }

    /// Room for up to `limit` bytes, behind `headroom` bytes that are the caller's. No batch holds
    /// 2 GiB, so no limit is larger than that.
    init(limit: Int, headroom: Int = 0) {
        self.limit = min(max(limit, 0), Int(Int32.max) - RecordBatchHeader.byteCount - 1)
        self.headroom = headroom
        storage = ByteStorage(capacity: headroom)
        capacity = headroom
        end = headroom
    }

    /// Makes room for `count` more bytes, or for as many as the limit allows.
    mutating func expect(_ count: Int) {
        let most = headroom + limit + 1
        let wanted = max(min(most, end + max(count, 1)), headroom + 512)
        guard wanted > capacity else { return }
        let target = max(wanted, capacity * 2)
        capacity = target > most / 2 ? most : target
        storage = storage.grown(to: capacity)
    }

    /// Lets `body` write into the room there is, at least one byte; it returns how many it wrote.
    mutating func fill(
        _ body: (UnsafeMutableRawBufferPointer) throws(CompressionError) -> Int
    ) throws(CompressionError) {
        if room == 0 { expect(1) }
        // SAFETY: the storage holds `capacity` bytes, and nobody else holds the storage.
        let buffer = unsafe UnsafeMutableRawBufferPointer(start: storage.base + end, count: room)
        let filled = try unsafe body(buffer)
        precondition(filled >= 0 && filled <= room, "InflatedBytes: filled past the end")
        end += filled
        guard count <= limit else { throw .tooLarge(limit: limit) }
    }

    /// The inflated bytes; there must be no headroom.
    consuming func finish() -> Bytes { finish { _ in [] } }

    /// What `head` makes of the inflated bytes, exactly as long as the headroom, and behind it the
    /// inflated bytes.
    consuming func finish(head: (Bytes) -> Bytes) -> Bytes {
        let all = Bytes(storage, count: end)
        let front = head(all.dropFirst(headroom))
        precondition(front.count == headroom, "InflatedBytes: the headroom is not what was asked for")
        // SAFETY: the storage begins with `headroom` bytes, and `head` was shown only what is behind them.
        unsafe front.withUnsafeBytes {
            unsafe UnsafeMutableRawBufferPointer(start: storage.base, count: headroom).copyMemory(from: $0)
        }
        return all
    }
}
