/// Values by the ids of groups. Two ids are the same only if their bytes are.
///
/// Swift takes two strings for equal that are canonically equivalent, such as an é and an e with an accent behind it.
/// Kafka does not, and neither does the hash that says which partition a group belongs to.
public struct GroupTable<Value> {
    private var values: [ExactText: Value] = [:]

    /// No values.
    public init() {}

    /// The value of a group, or nil.
    public subscript(id: String) -> Value? {
        get { values[ExactText(id)] }
        _modify { yield &values[ExactText(id)] }
    }

    /// The value of a group; one that has none gets this.
    public subscript(id: String, default value: @autoclosure () -> Value) -> Value {
        get { values[ExactText(id)] ?? value() }
        _modify { yield &values[ExactText(id), default: value()] }
    }

    /// Takes out the value of a group.
    @discardableResult
    public mutating func removeValue(of id: String) -> Value? { values.removeValue(forKey: ExactText(id)) }

    /// The groups' ids, in the order of their bytes.
    public var ids: [String] { values.keys.sorted().map(\.text) }

    /// The values in no order.
    public var unordered: some Collection<Value> { values.values }

    /// How many there are.
    public var count: Int { values.count }
}

extension GroupTable: Sendable where Value: Sendable {}

/// A text that is compared byte by byte, in UTF-8.
public struct ExactText: Hashable, Comparable, Sendable {
    /// The text.
    public let text: String

    /// A text.
    public init(_ text: String) { self.text = text }

    /// Whether the bytes are the same.
    public static func == (left: Self, right: Self) -> Bool { left.text.utf8.elementsEqual(right.text.utf8) }

    /// Whether the bytes come first.
    public static func < (left: Self, right: Self) -> Bool { left.text.utf8.lexicographicallyPrecedes(right.text.utf8) }

    /// Hashes the bytes.
    public func hash(into hasher: inout Hasher) {
        // SAFETY: the bytes are read while the text lives.
        let isHashed: Void? = unsafe text.utf8.withContiguousStorageIfAvailable { bytes in
            unsafe hasher.combine(bytes: UnsafeRawBufferPointer(bytes))
        }
        if isHashed == nil { for byte in text.utf8 { hasher.combine(byte) } }
        hasher.combine(UInt8(0xff))
    }
}
