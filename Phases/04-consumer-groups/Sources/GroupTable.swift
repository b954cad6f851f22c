/// Values by the ids of groups. Two ids are the same only if their bytes are.
///
/// Swift takes two strings for equal that are canonically equivalent, such as an é and an e with an accent behind it.
/// Kafka does not, and neither does the hash that says which partition a group belongs to.
struct GroupTable<Value> {
    private var values: [ExactText: Value] = [:]

    /// The value of a group, or nil.
    subscript(id: String) -> Value? {
        get { values[ExactText(id)] }
        _modify { yield &values[ExactText(id)] }
    }

    /// The value of a group; one that has none gets this.
    subscript(id: String, default value: @autoclosure () -> Value) -> Value {
        get { values[ExactText(id)] ?? value() }
        _modify { yield &values[ExactText(id), default: value()] }
    }

    /// Takes out the value of a group.
    @discardableResult
    mutating func removeValue(of id: String) -> Value? { values.removeValue(forKey: ExactText(id)) }

    /// The groups' ids, in the order of their bytes.
    var ids: [String] { values.keys.sorted().map(\.text) }

    /// The values in no order.
    var unordered: some Collection<Value> { values.values }
}

extension GroupTable: Sendable where Value: Sendable {}

/// A text that is compared byte by byte, in UTF-8.
struct ExactText: Hashable, Comparable, Sendable {
    /// The text.
    let text: String

    /// A text.
    init(_ text: String) { self.text = text }

    /// Whether the bytes are the same.
    static func == (left: Self, right: Self) -> Bool { left.text.utf8.elementsEqual(right.text.utf8) }

    /// Whether the bytes come first.
    static func < (left: Self, right: Self) -> Bool { left.text.utf8.lexicographicallyPrecedes(right.text.utf8) }

    /// Hashes the bytes.
    func hash(into hasher: inout Hasher) {
        // SAFETY: the bytes are read while the text lives.
        let isHashed: Void? = unsafe text.utf8.withContiguousStorageIfAvailable { bytes in
            unsafe hasher.combine(bytes: UnsafeRawBufferPointer(bytes))
        }
        if isHashed == nil { for byte in text.utf8 { hasher.combine(byte) } }
        hasher.combine(UInt8(0xff))
    }
}
