/// The two mappings behind a varint: zigzag, and how many bytes a value takes.
///
/// Records use signed varints, as Protocol Buffers' `sint32` and `sint64`; the flexible message
/// versions of KIP-482 use unsigned ones.
public enum Varint {
    /// 0, -1, 1, -2, … become 0, 1, 2, 3, …
    @inlinable
    public static func zigzag(_ value: Int64) -> UInt64 {
        UInt64(bitPattern: (value << 1) ^ (value >> 63))
    }

    /// The inverse of `zigzag`.
    @inlinable
    public static func unzigzag(_ value: UInt64) -> Int64 {
        Int64(bitPattern: value >> 1) ^ -Int64(bitPattern: value & 1)
    }

    /// The bytes that `value` takes as an unsigned varint: 1 to 10.
    @inlinable
    public static func size(ofUnsigned value: UInt64) -> Int {
        (70 - (value | 1).leadingZeroBitCount) / 7
    }

    /// The bytes that `value` takes as a signed varint: 1 to 10.
    @inlinable
    public static func size(of value: Int64) -> Int { size(ofUnsigned: zigzag(value)) }
}
