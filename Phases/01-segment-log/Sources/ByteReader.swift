/// Reads what `ByteWriter` writes. Every read checks what is left first, and throws.
///
/// No input can make it trap: lengths are compared with the bytes that remain before anything is
/// added, sliced or allocated.
@frozen
public struct ByteReader: Sendable {
    /// What is read from.
    public let bytes: Bytes
    /// Always in `0...bytes.count`: the unchecked loads below rely on it.
    @usableFromInline var cursor: Int
    /// How many bytes have been consumed.
    @inlinable public var position: Int { cursor }

    /// Begins at `position`, which must lie in `0...bytes.count`.
    @inlinable
    public init(_ bytes: Bytes, at position: Int = 0) {
        precondition(position >= 0 && position <= bytes.count, "ByteReader: begins outside its bytes")
        self.bytes = bytes
        cursor = position
    }

    /// The bytes that are left.
    @inlinable
    public var remaining: Int { bytes.count &- position }

    @inlinable
    @inline(__always)
    mutating func require(_ count: Int) throws(CodingError) {
        guard count >= 0 && remaining >= count else { throw .truncated(at: position, needed: count) }
    }

    /// An integer, most significant byte first.
    @inlinable
    @inline(__always)
    public mutating func integer<Value: FixedWidthInteger & BitwiseCopyable>(
        _ type: Value.Type = Value.self
    ) throws(CodingError) -> Value {
        try require(MemoryLayout<Value>.size)
        // SAFETY: `require` checked that the value lies within the bytes.
        let value = unsafe bytes.start.loadUnaligned(fromByteOffset: position, as: Value.self)
        cursor &+= MemoryLayout<Value>.size
        return Value(bigEndian: value)
    }

    /// An unsigned varint of at most 32 bits. A fifth byte with bits beyond the 32nd is refused.
    @inlinable
    @inline(__always)
    public mutating func unsignedVarint32() throws(CodingError) -> UInt32 {
        // One and two bytes cover every length up to 16,383: the common case, without a loop.
        if remaining >= 2 {
            // SAFETY: two bytes are left.
            let first = unsafe bytes.start.load(fromByteOffset: position, as: UInt8.self)
            if first < 0x80 {
                cursor &+= 1
                return UInt32(first)
            }
            // SAFETY: as above.
            let second = unsafe bytes.start.load(fromByteOffset: position &+ 1, as: UInt8.self)
            if second < 0x80 {
                cursor &+= 2
                return UInt32(first & 0x7F) | UInt32(second) << 7
            }
        }
        let start = position
        let value = try unsignedVarint64()
        guard let narrow = UInt32(exactly: value), position &- start <= 5 else { throw .varintTooLong(at: start) }
        return narrow
    }

    /// An unsigned varint of at most 64 bits.
    @inlinable
    public mutating func unsignedVarint64() throws(CodingError) -> UInt64 {
        let start = position
        var value: UInt64 = 0
        var shift: UInt64 = 0
        while true {
            let byte = try integer(UInt8.self)
            // The tenth byte holds one bit only.
            guard shift < 63 || (shift == 63 && byte <= 1) else { throw .varintTooLong(at: start) }
            value |= UInt64(byte & 0x7F) << shift
            if byte < 0x80 { return value }
            shift &+= 7
        }
    }

    /// A signed (zigzag) varint of at most 32 bits.
    @inlinable
    @inline(__always)
    public mutating func varint32() throws(CodingError) -> Int32 {
        let raw = try unsignedVarint32()
        return Int32(bitPattern: raw >> 1) ^ -Int32(bitPattern: raw & 1)
    }

    /// A signed (zigzag) varint of at most 64 bits.
    @inlinable
    @inline(__always)
    public mutating func varint64() throws(CodingError) -> Int64 {
        if remaining >= 1 {
            // SAFETY: one byte is left.
            let first = unsafe bytes.start.load(fromByteOffset: position, as: UInt8.self)
            if first < 0x80 {
                cursor &+= 1
                return Varint.unzigzag(UInt64(first))
            }
        }
        return Varint.unzigzag(try unsignedVarint64())
    }

    /// The next `count` bytes, sharing the memory.
    @inlinable
    public mutating func slice(_ count: Int) throws(CodingError) -> Bytes {
        try require(count)
        defer { cursor &+= count }
        return bytes.slice(position..<(position &+ count))
    }

    /// Passes over `count` bytes, and returns where they were.
    @inlinable
    @inline(__always)
    public mutating func skip(_ count: Int) throws(CodingError) -> Range<Int> {
        try require(count)
        defer { cursor &+= count }
        return position..<(position &+ count)
    }

    /// Passes over the tagged fields that end a structure (KIP-482).
    public mutating func skipTags() throws(CodingError) {
        for _ in 0..<(try unsignedVarint32()) {
            _ = try unsignedVarint32()
            _ = try skip(Int(try unsignedVarint32()))
        }
    }

    /// Everything that is left, sharing the memory.
    @inlinable
    public mutating func rest() -> Bytes {
        defer { cursor = bytes.count }
        return bytes.dropFirst(position)
    }
}

/// Why bytes could not be read as what they claim to be. Positions count from the first byte read.
public enum CodingError: Error, Equatable, Sendable {
    /// A value needs more bytes than are left.
    case truncated(at: Int, needed: Int)
    /// A varint does not end where its type must.
    case varintTooLong(at: Int)
    /// A length or a count that nothing can have: negative, or more than the bytes that are left.
    case invalidLength(at: Int, Int)
    /// A null where the version allows none.
    case unexpectedNull(at: Int)
    /// Bytes that are left over after the last field.
    case trailingBytes(at: Int, count: Int)
}

extension CodingError: CustomStringConvertible {
    /// The reason in words.
    public var description: String {
        switch self {
        case .truncated(let at, let needed): "byte \(at): \(needed) more bytes needed, but the data ends"
        case .varintTooLong(let at): "byte \(at): a varint that does not fit its type"
        case .invalidLength(let at, let length): "byte \(at): impossible length \(length)"
        case .unexpectedNull(let at): "byte \(at): null where none is allowed"
        case .trailingBytes(let at, let count): "byte \(at): \(count) bytes left over"
        }
    }
}
