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
/// depends on the order of insertions or on a seed.
package struct OffsetMap: Sendable {
    private struct Slot {
        var digest: MD5Digest
        /// -1 where the slot is free.
        var offset: Int64
    }

    /// The bytes that one key takes.
    package static let slotByteCount = 24

    private var slots: [Slot]
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
        let count = max(2, min(affordable, wanted.overflow ? affordable : wanted.partialValue / 9 + 2))
        slots = [Slot](repeating: Slot(digest: MD5Digest(of: Bytes()), offset: -1), count: count)
        capacity = max(1, Int(Int64(count) * 9 / 10))
    }

    /// Notes that `key` has a record at `offset`. False, and nothing is changed, where the key is new
    /// and the map is full.
    @discardableResult
    package mutating func put(_ key: Bytes, _ offset: Offset) -> Bool {
        let digest = MD5Digest(of: key)
        let place = slot(of: digest)
        if slots[place].offset < 0 {
            guard count < capacity else { return false }
            count += 1
        }
        slots[place] = Slot(digest: digest, offset: max(offset.value, slots[place].offset))
        return true
    }

    /// The greatest offset that was put for `key`; nil for none.
    package func latest(of key: Bytes) -> Offset? {
        if count == 0 { return nil }
        let slot = slots[slot(of: MD5Digest(of: key))]
        return slot.offset < 0 ? nil : Offset(slot.offset)
    }

    /// Where `digest` is, or would be. There always is a free slot, which ends the search.
    private func slot(of digest: MD5Digest) -> Int {
        var place = Int(truncatingIfNeeded: digest.low % UInt64(slots.count))
        while slots[place].offset >= 0, slots[place].digest != digest {
            place = place + 1 == slots.count ? 0 : place + 1
        }
        return place
    }
}
