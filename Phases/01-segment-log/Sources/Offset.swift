/// A record's place in a partition: 0 for the first one ever, growing by one.
@frozen
public struct Offset: Hashable, Comparable, Sendable {
    /// The number, 0 or more.
    public var value: Int64

    /// The offset with this number.
    @inlinable
    public init(_ value: Int64) { self.value = value }

    /// The first offset of every partition.
    public static let zero = Offset(0)

    /// The order of the log.
    @inlinable
    public static func < (left: Offset, right: Offset) -> Bool { left.value < right.value }
}

extension Offset: CustomStringConvertible {
    /// The number.
    public var description: String { String(value) }
}

/// How many leaders a partition had before this one; -1 where none is known (KIP-101).
@frozen
public struct LeaderEpoch: Hashable, Comparable, Sendable {
    /// The number, 0 or more, or -1.
    public var value: Int32

    /// The epoch with this number.
    @inlinable
    public init(_ value: Int32) { self.value = value }

    /// No epoch is known.
    public static let unknown = LeaderEpoch(-1)

    /// A later leader has a greater epoch.
    @inlinable
    public static func < (left: LeaderEpoch, right: LeaderEpoch) -> Bool { left.value < right.value }
}

/// A place in the log where one batch ends and the next one begins.
public struct LogPosition: Equatable, Sendable {
    /// The offset of the first record behind this place.
    public var offset: Offset
    /// The base offset of the segment that the place is in.
    public var segment: Offset
    /// Bytes from the beginning of that segment's file.
    public var position: Int64

    /// The place with these coordinates.
    public init(offset: Offset, segment: Offset, position: Int64) {
        self.offset = offset
        self.segment = segment
        self.position = position
    }
}
