/// Keys, and the offset of each one's latest record, in memory of a fixed size: Kafka's `SkimpyOffsetMap`.
///
///     var map = OffsetMap(byteBudget: 128 << 20, keysMax: 5_000_000)
///     map.put(key, Offset(7))                 // false where there is no room
///     map.latest(of: key)                     // 7
///
/// A key is kept as its MD5 digest: 16 bytes, and 8 for the offset, however long the key is. Two
/// keys of the same digest would be taken for one, and the record of the older one would be lost.
/// By chance that happens once in 2⁶⁴ keys; on purpose only where *both* keys are made for it, by one
/// who may write either.
///
/// The slots are a table with open addressing. It is never iterated, and never grows: nothing in it
/// depends on the order of insertions or on a seed. Its memory is taken page by page, when the first
/// key comes into each: to fill all of it with free slots at once would take tens of milliseconds.
package struct OffsetMap: Sendable {
    private struct Slot {
        var digest: MD5Digest
        /// -1 where the slot is free.
        var offset: Int64

        static let free = Slot(digest: MD5Digest(of: Bytes()), offset: -1)
    }

    /// The bytes that one key takes.
    package static let slotByteCount = 24

    private static let slotsPerPage = 128

    /// The table's pages; one without a key has no slots yet.
    private var pages: [[Slot]]
    private let slotCount: Int
    /// How many keys there is room for: nine of ten slots, so that probes stay short (Kafka's
    /// `log.cleaner.io.buffer.load.factor`).
    package let capacity: Int
    /// How many keys there are.
    package private(set) var count = 0

    /// A map that takes at most `byteBudget` bytes, but has room for one key in any case.
    ///
    /// - Parameter keysMax: how many keys there can be at most: no room is taken for more.
    package init(byteBudget: Int, keysMax: Int) {
        let affordable = byteBudget / Self.slotByteCount
        let wanted = keysMax.multipliedReportingOverflow(by: 10)
        slotCount = max(2, min(affordable, wanted.overflow ? affordable : wanted.partialValue / 9 + 2))
        pages = [[Slot]](repeating: [], count: (slotCount - 1) / Self.slotsPerPage + 1)
        capacity = max(1, Int(Int64(slotCount) * 9 / 10))
    }

    /// Notes that `key` has a record at `offset`. False, and nothing is changed, where the key is new
    /// and the map is full.
    @discardableResult
    package mutating func put(_ key: Bytes, _ offset: Offset) -> Bool {
        let digest = MD5Digest(of: key)
        let (place, latest) = find(digest)
        if latest < 0 {
            guard count < capacity else { return false }
            count += 1
        }
        let page = place / Self.slotsPerPage
        if pages[page].isEmpty { pages[page] = [Slot](repeating: .free, count: Self.slotsPerPage) }
        pages[page][place % Self.slotsPerPage] = Slot(digest: digest, offset: max(offset.value, latest))
        return true
    }

    /// The greatest offset that was put for `key`; nil for none.
    package func latest(of key: Bytes) -> Offset? {
        let latest = find(MD5Digest(of: key)).latest
        return latest < 0 ? nil : Offset(latest)
    }

    /// Where `digest` is, or would be, and the offset there; -1 where it is free. There always is a free
    /// slot, which ends the search.
    private func find(_ digest: MD5Digest) -> (place: Int, latest: Int64) {
        var place = Int(truncatingIfNeeded: digest.low % UInt64(slotCount))
        while true {
            let page = pages[place / Self.slotsPerPage]
            if page.isEmpty { return (place, -1) }
            let slot = page[place % Self.slotsPerPage]
            if slot.offset < 0 || slot.digest == digest { return (place, slot.offset) }
            place = place + 1 == slotCount ? 0 : place + 1
        }
    }
}
