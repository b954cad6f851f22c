import Synchronization

/// A value that one thread replaces and any number of threads read, without a lock on the way.
///
/// The writer publishes a new object with release ordering; a reader loads it with acquire
/// ordering. What makes this hard is not the pointer but the end of the old object: a reader may be
/// about to take hold of it. So each reader first *announces* the pointer in a slot of its own, looks
/// whether it is still the current one, and only then retains it. The writer lets go of an old
/// object when no slot announces it: "Hazard Pointers" (Michael, 2004).
@safe package final class Published<Value: AnyObject & Sendable>: @unchecked Sendable {
    // Sendable: `current` is atomic; `retired` is touched by the one writer only.
    private let current: Atomic<UInt>
    private let slots = Lock<[Slot]>([])
    /// Whether there ever was a reader: as long as there is none, nobody can announce anything.
    private let hasHadReader = Atomic<Bool>(false)
    private var retired: [UInt] = []

    /// Where one reader announces what it is about to retain; 0 for nothing.
    fileprivate final class Slot: Sendable {
        let announced = Atomic<UInt>(0)
        let isUsed = Atomic<Bool>(true)
    }

    /// Publishes a first value.
    package init(_ value: Value) { current = Atomic(Self.retained(value)) }

    deinit {
        // No reader is left: each holds a reference to this.
        for address in retired + [current.load(ordering: .acquiring)] { Self.release(address) }
    }

    /// Replaces the value. Only ever from one thread at a time: the writer's.
    package func publish(_ value: Value) {
        let replaced = current.exchange(Self.retained(value), ordering: .sequentiallyConsistent)
        if retired.isEmpty && !isAnnounced(replaced) { return Self.release(replaced) }
        retired.append(replaced)
        retired.removeAll { address in
            if isAnnounced(address) { return false }
            Self.release(address)
            return true
        }
    }

    /// Whether a reader may be about to retain the object, which is no longer the current one.
    private func isAnnounced(_ address: UInt) -> Bool {
        guard hasHadReader.load(ordering: .sequentiallyConsistent) else { return false }
        return slots.withLock { slots in
            if slots.contains(where: { !$0.isUsed.load(ordering: .acquiring) }) {
                slots.removeAll { !$0.isUsed.load(ordering: .acquiring) }
            }
            return slots.contains { $0.announced.load(ordering: .sequentiallyConsistent) == address }
        }
    }

    /// A reader for one thread.
    package func makeReader() -> Reader {
        let slot = Slot()
        slots.withLock { $0.append(slot) }
        // Before the reader's first announcement: a writer that does not see this has already replaced
        // what the reader would announce, and the reader looks again after announcing.
        hasHadReader.store(true, ordering: .sequentiallyConsistent)
        return Reader(self, slot)
    }

    /// Reads the current value. Each thread has its own.
    package final class Reader {
        private let published: Published
        private let slot: Slot

        fileprivate init(_ published: Published, _ slot: Slot) {
            self.published = published
            self.slot = slot
        }

        deinit { slot.isUsed.store(false, ordering: .releasing) }

        /// The current value. It stays as it is for as long as it is held.
        package func load() -> Value {
            while true {
                let address = published.current.load(ordering: .acquiring)
                slot.announced.store(address, ordering: .sequentiallyConsistent)
                // The writer may have let go of it before it was announced: then there is a newer one.
                guard published.current.load(ordering: .sequentiallyConsistent) == address else { continue }
                let value = Published.object(address)
                slot.announced.store(0, ordering: .releasing)
                return value
            }
        }
    }

    private static func retained(_ value: Value) -> UInt {
        unsafe UInt(bitPattern: Unmanaged.passRetained(value).toOpaque())
    }

    private static func object(_ address: UInt) -> Value {
        // SAFETY: only addresses of retained values are published, and this one cannot be released
        // while it is announced.
        unsafe Unmanaged<Value>.fromOpaque(UnsafeRawPointer(bitPattern: address).unsafelyUnwrapped)
            .takeUnretainedValue()
    }

    private static func release(_ address: UInt) {
        // SAFETY: the reference that `retained` took, given back exactly once.
        unsafe Unmanaged<Value>.fromOpaque(UnsafeRawPointer(bitPattern: address).unsafelyUnwrapped).release()
    }
}
