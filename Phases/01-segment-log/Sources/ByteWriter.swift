/// Writes integers, varints and bytes, big-endian as Kafka does, into memory that grows.
///
///     var writer = ByteWriter()
///     writer.integer(Int32(7))
///     writer.varint(-1)
///     let bytes = writer.finish()
@safe public struct ByteWriter: ~Copyable {
    /// Where the bytes are gathered. The writer holds the only reference until `finish`, or may not grow.
    private var storage: ByteStorage
    private let mayGrow: Bool
    /// How many bytes have been written.
    public private(set) var count = 0

    /// A writer with room for `capacity` bytes before it has to grow.
    public init(capacity: Int = 256) {
        storage = ByteStorage(capacity: capacity)
        mayGrow = true
    }

    /// A writer into `run` from `position` on, where nobody reads yet. What is written must fit.
    init(into run: ByteStorage, at position: Int) {
        precondition(position >= 0 && position <= run.capacity, "ByteWriter: begins outside its run")
        storage = run
        mayGrow = false
        count = position
    }

    /// Ends the writing; the bytes are handed over without a copy.
    public consuming func finish() -> Bytes {
        Bytes(storage, count: count)
    }

    /// Makes sure that `more` bytes fit, and returns where they begin.
    private mutating func reserve(_ more: Int) -> UnsafeMutableRawPointer {
        let needed = count + more
        if needed > storage.capacity {
            precondition(mayGrow, "ByteWriter: writing past the end of a run")
            storage = storage.grown(to: max(needed, storage.capacity * 2))
        }
        // SAFETY: the storage holds at least `needed` bytes.
        return unsafe storage.base + count
    }

    /// Appends an integer, most significant byte first.
    public mutating func integer<Value: FixedWidthInteger & BitwiseCopyable>(_ value: Value) {
        // SAFETY: reserve made room for exactly this many bytes.
        unsafe reserve(MemoryLayout<Value>.size).storeBytes(of: value.bigEndian, as: Value.self)
        count += MemoryLayout<Value>.size
    }

    /// Overwrites the integer at `position`; its bytes must already have been written.
    public mutating func replaceInteger<Value: FixedWidthInteger & BitwiseCopyable>(at position: Int, with value: Value)
    {
        precondition(
            position >= 0 && position + MemoryLayout<Value>.size <= count, "ByteWriter: replacing past the end")
        // SAFETY: the position was checked in the line above.
        unsafe (storage.base + position).storeBytes(of: value.bigEndian, as: Value.self)
    }

    /// Appends an unsigned base-128 varint, least significant group first.
    public mutating func unsignedVarint(_ value: UInt64) {
        let start = unsafe reserve(10)
        var rest = value
        var size = 0
        while rest >= 0x80 {
            // SAFETY: a varint of 64 bits takes at most the 10 bytes reserved.
            unsafe start.storeBytes(of: UInt8(truncatingIfNeeded: rest) | 0x80, toByteOffset: size, as: UInt8.self)
            rest >>= 7
            size += 1
        }
        unsafe start.storeBytes(of: UInt8(rest), toByteOffset: size, as: UInt8.self)
        count += size + 1
    }

    /// Appends a signed varint: zigzag, so that small negative numbers stay short.
    public mutating func varint(_ value: Int64) { unsignedVarint(Varint.zigzag(value)) }

    /// Appends `bytes`.
    public mutating func append(_ bytes: Bytes) {
        unsafe bytes.withUnsafeBytes { unsafe append(copying: $0) }
    }

    /// Appends the elements of any collection of bytes.
    public mutating func append(contentsOf elements: some Collection<UInt8>) {
        let done: Void? = elements.withContiguousStorageIfAvailable { buffer in
            unsafe append(copying: UnsafeRawBufferPointer(buffer))
        }
        if done == nil { for element in elements { integer(element) } }
    }

    /// Appends a copy of `buffer`.
    package mutating func append(copying buffer: UnsafeRawBufferPointer) {
        guard let source = buffer.baseAddress, buffer.count > 0 else { return }
        // SAFETY: reserve made room for exactly this many bytes.
        unsafe reserve(buffer.count).copyMemory(from: source, byteCount: buffer.count)
        count += buffer.count
    }

    /// Lets `fill` write up to `limit` bytes behind the last one; it returns how many it wrote.
    /// This is how a socket or a file is read without a copy in between.
    package mutating func fill<Failure: Error>(
        upTo limit: Int,
        _ fill: (UnsafeMutableRawBufferPointer) throws(Failure) -> Int
    ) throws(Failure) -> Int {
        let start = unsafe reserve(limit)
        let filled = try unsafe fill(UnsafeMutableRawBufferPointer(start: start, count: limit))
        precondition(filled <= limit, "ByteWriter: filled past the end")
        count += max(filled, 0)
        return filled
    }
}
