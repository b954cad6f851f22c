#if canImport(Darwin)
    import Darwin
#else
    import Glibc
#endif

/// A run of bytes that never changes, shared by reference and cheap to cut.
///
/// A frame read from a socket is one allocation; the request's batches, and the records in them,
/// are slices of it. Copying a `Bytes` copies a reference.
///
///     let frame = Bytes([0, 1, 2, 3])
///     frame.slice(1..<3)        // [1, 2], in the same memory
@frozen
@safe public struct Bytes: @unchecked Sendable {
    // Sendable without a lock: the memory behind a `Bytes` is never written again.
    /// Keeps the memory alive; nil where there is none to keep.
    @usableFromInline let storage: ByteStorage?
    /// The first byte. Never read from when `count` is 0.
    // SAFETY: points into `storage`, which this value retains and nobody writes to below `count`.
    @usableFromInline let start: UnsafeRawPointer
    /// How many bytes there are.
    public let count: Int

    @inlinable
    init(storage: ByteStorage?, start: UnsafeRawPointer, count: Int) {
        self.storage = storage
        unsafe self.start = start
        self.count = count
    }

    /// No bytes.
    @inlinable
    public init() {
        // SAFETY: the address is never dereferenced, because the count is 0.
        unsafe self.init(storage: nil, start: UnsafeRawPointer(bitPattern: 1).unsafelyUnwrapped, count: 0)
    }

    /// The first `count` bytes of `storage`, which must not be written to from now on.
    package init(_ storage: ByteStorage, count: Int) {
        precondition(count >= 0 && count <= storage.capacity, "Bytes: more than the storage holds")
        unsafe self.init(storage: storage, start: UnsafeRawPointer(storage.base), count: count)
    }

    /// A copy of `elements`.
    public init(_ elements: some Collection<UInt8>) {
        var writer = ByteWriter(capacity: elements.count)
        writer.append(contentsOf: elements)
        self = writer.finish()
    }

    /// The byte at `index`, which must be in `0..<count`.
    @inlinable
    public subscript(index: Int) -> UInt8 {
        precondition(index >= 0 && index < count, "Bytes: index out of range")
        // SAFETY: the index was checked in the line above.
        return unsafe start.load(fromByteOffset: index, as: UInt8.self)
    }

    /// The part of these bytes in `range`, which must lie in `0..<count`; shares the memory.
    @inlinable
    public func slice(_ range: Range<Int>) -> Bytes {
        precondition(range.lowerBound >= 0 && range.upperBound <= count, "Bytes: slice out of range")
        // SAFETY: the range was checked in the line above.
        return unsafe Bytes(storage: storage, start: start + range.lowerBound, count: range.count)
    }

    /// Everything from `position` on, which must be in `0...count`.
    @inlinable
    public func dropFirst(_ position: Int) -> Bytes { slice(position..<count) }

    /// Calls `body` with the memory, which is valid only during the call.
    @inlinable
    public func withUnsafeBytes<Result, Failure: Error>(
        _ body: (UnsafeRawBufferPointer) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        try unsafe body(UnsafeRawBufferPointer(start: start, count: count))
    }

    /// A copy as an array.
    public var array: [UInt8] { unsafe withUnsafeBytes { unsafe [UInt8]($0) } }

    /// The bytes as text; what is not UTF-8 becomes U+FFFD, as in Kafka.
    public var text: String { unsafe withUnsafeBytes { unsafe String(decoding: $0, as: UTF8.self) } }

    /// The bytes as text, or nil where they are not UTF-8.
    public var utf8: String? {
        unsafe withUnsafeBytes { bytes in
            unsafe String(validating: bytes.bindMemory(to: UInt8.self), as: UTF8.self)
        }
    }
}

extension Bytes: Equatable {
    /// Whether both hold the same bytes.
    public static func == (left: Bytes, right: Bytes) -> Bool {
        guard left.count == right.count else { return false }
        return unsafe left.withUnsafeBytes { l in
            unsafe right.withUnsafeBytes { r in
                guard let first = l.baseAddress, let second = r.baseAddress else { return true }
                return unsafe memcmp(first, second, l.count) == 0
            }
        }
    }
}

extension Bytes: ExpressibleByArrayLiteral, CustomStringConvertible {
    /// The bytes listed.
    public init(arrayLiteral elements: UInt8...) { self.init(elements) }

    /// The UTF-8 bytes of `text`.
    public init(utf8 text: String) { self.init(text.utf8) }

    /// The number of bytes and the first of them in hexadecimal.
    public var description: String {
        let shown = (0..<min(count, 16)).map { index in
            let digits = String(self[index], radix: 16)
            return digits.count == 1 ? "0" + digits : digits
        }
        return "\(count) bytes: " + shown.joined(separator: " ") + (count > 16 ? " …" : "")
    }
}

/// The memory behind `Bytes`: allocated by whoever fills it, or mapped from a file.
@safe public final class ByteStorage: @unchecked Sendable {
    // Sendable without a lock: the memory is written to only by who made it, and only where no `Bytes`
    // that another thread may read covers it, or nobody reads it yet (the runs of a `GrowingIndex`).

    // These never change, so that no access to them is checked for exclusivity at run time; that
    // would be twice for each integer that a `ByteWriter` writes.
    package let base: UnsafeMutableRawPointer
    package let capacity: Int
    private let isMapped: Bool
    /// Whether another storage has taken the memory over.
    private var isEmptied = false

    package convenience init(capacity: Int) {
        guard let memory = unsafe malloc(max(capacity, 1)) else {
            preconditionFailure("out of memory: \(capacity) bytes")
        }
        unsafe self.init(base: memory, capacity: max(capacity, 1), isMapped: false)
    }

    /// A file's pages, which are unmapped when nobody needs them any more.
    convenience init(mapping base: UnsafeMutableRawPointer, count: Int) {
        unsafe self.init(base: base, capacity: count, isMapped: true)
    }

    private init(base: UnsafeMutableRawPointer, capacity: Int, isMapped: Bool) {
        unsafe self.base = base
        self.capacity = capacity
        self.isMapped = isMapped
    }

    deinit {
        if isEmptied { return }
        if isMapped { unsafe munmap(base, capacity) } else { unsafe free(base) }
    }

    /// A storage with the same contents and room for at least `capacity` bytes. Only for the one who
    /// holds the only reference, and who then uses nothing but the result.
    package func grown(to capacity: Int) -> ByteStorage {
        guard capacity > self.capacity else { return self }
        precondition(!isMapped && !isEmptied, "ByteStorage: growing what is not its own")
        // realloc moves a large block by remapping its pages, not by copying them.
        guard let memory = unsafe realloc(base, capacity) else {
            preconditionFailure("out of memory: \(capacity) bytes")
        }
        isEmptied = true
        return unsafe ByteStorage(base: memory, capacity: capacity, isMapped: false)
    }
}
