import SegmentLog

/// What goes out on a connection: bytes, and parts of files among them.
public struct Payload: Sendable {
    /// One piece of it.
    public enum Part: Sendable {
        /// Bytes in memory.
        case bytes(Bytes)
        /// A part of a file, sent with `sendfile` where the file has a descriptor.
        case file(FileRange)

        /// How many bytes it is.
        public var count: Int {
            switch self {
            case .bytes(let bytes): bytes.count
            case .file(let range): range.count
            }
        }

        /// What it takes of this process's memory: the bytes, and what stands around them.
        var memoryBytes: Int {
            switch self {
            case .bytes(let bytes): bytes.count + 128
            case .file: 128
            }
        }
    }

    /// The first piece where it is in memory: often that is all there is, and needs no list.
    let first: Bytes
    /// The pieces behind it.
    let rest: [Part]
    /// Whether the length of the pieces goes before them, in four bytes.
    public private(set) var isFramed = false

    /// A payload of `first`, and of the pieces behind it.
    public init(_ first: Bytes = Bytes(), _ rest: [Part] = []) {
        self.first = first
        self.rest = rest
    }

    /// A payload of these pieces.
    public init(parts: [Part]) {
        if case .bytes(let first) = parts.first {
            self.init(first, Array(parts.dropFirst()))
        } else {
            self.init(Bytes(), parts)
        }
    }

    /// The pieces in order, without the length before a frame.
    public var parts: [Part] { first.count > 0 ? [.bytes(first)] + rest : rest }

    /// All bytes of it.
    public var count: Int { partsCount + (isFramed ? 4 : 0) }

    /// The bytes of the pieces alone: what the length before a frame says.
    var partsCount: Int { rest.reduce(first.count) { $0 + $1.count } }

    /// What it takes of this process's memory until it is sent, about: parts of files stay where they are.
    public var memoryBytes: Int { rest.reduce(Part.bytes(first).memoryBytes) { $0 + $1.memoryBytes } }

    /// The payload as a frame: its length in four bytes, and itself.
    public consuming func framed() -> Payload {
        precondition(!isFramed, "Payload: framed twice")
        isFramed = true
        return self
    }

    /// A copy in memory; reads the files.
    public func bytes() throws(StorageError) -> Bytes {
        var writer = ByteWriter(capacity: count)
        if isFramed { writer.integer(Int32(clamping: partsCount)) }
        for part in parts {
            switch part {
            case .bytes(let bytes): writer.append(bytes)
            case .file(let range): writer.append(try range.read())
            }
        }
        return writer.finish()
    }

    /// The bytes of a payload that has no files.
    var inMemoryBytes: Bytes {
        var writer = ByteWriter(capacity: count)
        if isFramed { writer.integer(Int32(clamping: partsCount)) }
        for case .bytes(let bytes) in parts { writer.append(bytes) }
        return writer.finish()
    }
}
