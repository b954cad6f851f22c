/// A directory of files: all that a log asks of an operating system.
///
/// Two implementations: `FileStorage` (POSIX) and `MemoryStorage`, which knows what a power
/// failure may lose. The rule that both make visible: a file's bytes are durable after
/// `synchronize`, and a file's *name* is durable after `synchronizeDirectory`.
public protocol Storage: AnyObject, Sendable {
    /// Where this directory is, for messages.
    var path: String { get }

    /// Opens the file `name` for reading and writing; with `creating`, makes an empty one if there is none.
    func open(_ name: String, creating: Bool) throws(StorageError) -> any File

    /// Opens the subdirectory `name`, and makes it if there is none: then its name is not durable yet.
    func directory(_ name: String) throws(StorageError) -> any Storage

    /// The names in this directory, files and subdirectories, sorted.
    func list() throws(StorageError) -> [String]

    /// The names of the subdirectories in this directory, sorted.
    func subdirectories() throws(StorageError) -> [String]

    /// Gives the file `name` the name `newName`, replacing a file that has it; or the subdirectory
    /// `name`, which may replace an empty one only. Atomic.
    func rename(_ name: String, to newName: String) throws(StorageError)

    /// Removes the file `name`, or the subdirectory `name` if it is empty.
    func remove(_ name: String) throws(StorageError)

    /// Makes every creation, renaming and removal in this directory durable.
    func synchronizeDirectory() throws(StorageError)
}

/// An open file. It stays readable through this object when it is renamed or removed.
public protocol File: AnyObject, Sendable {
    /// Where the file was when it was opened, for messages.
    var path: String { get }

    /// Bytes in the file.
    func size() throws(StorageError) -> Int64

    /// Writes `head` and `body` one behind the other at `end`, which must be the file's end. On an
    /// error any part of them may have been written; the caller truncates. Neither is kept: their
    /// memory may be used again once this returns.
    func append(_ head: Bytes, _ body: Bytes, at end: Int64) throws(StorageError)

    /// Writes `bytes` again where they stand already, so that the next synchronize writes them to the
    /// disk even where the kernel believes that it has: it does after a synchronize that failed.
    func rewrite(_ bytes: Bytes, at position: Int64) throws(StorageError)

    /// Fills `buffer` from `position` on. Returns how many bytes there were: fewer only at the end.
    func read(into buffer: UnsafeMutableRawBufferPointer, at position: Int64) throws(StorageError) -> Int

    /// Cuts the file to `size` bytes.
    func truncate(to size: Int64) throws(StorageError)

    /// Returns once every byte appended before the call is durable. May be called from any thread.
    /// An error is final: the kernel may have dropped the pages, so nobody may try again.
    func synchronize() throws(StorageError)

    /// The first `count` bytes, mapped where the implementation can. Only for files that no longer
    /// change; the bytes outlive this object, and the file's removal.
    func mapped(_ count: Int) throws(StorageError) -> Bytes

    /// The descriptor to `sendfile` from, or nil where the bytes live elsewhere.
    var descriptor: Int32? { get }
}

extension File {
    /// Writes `bytes` at `end`, which must be the file's end.
    public func append(_ bytes: Bytes, at end: Int64) throws(StorageError) { try append(bytes, Bytes(), at: end) }

    /// Up to `count` bytes from `position` on; fewer only at the file's end.
    public func read(_ count: Int, at position: Int64) throws(StorageError) -> Bytes {
        var writer = ByteWriter(capacity: count)
        _ = try unsafe writer.fill(upTo: count) { buffer throws(StorageError) in
            try unsafe read(into: buffer, at: position)
        }
        return writer.finish()
    }
}

/// A run of bytes in a file: what a read of the log gives, and `sendfile` takes.
public struct FileRange: Sendable {
    /// The file; held open for as long as the range is.
    public let file: any File
    /// Where the run begins.
    public var position: Int64
    /// How many bytes it has.
    public var count: Int

    /// The run of `count` bytes at `position`.
    public init(file: any File, position: Int64, count: Int) {
        self.file = file
        self.position = position
        self.count = count
    }

    /// The bytes, mapped where the storage can, and not copied. Only for a sealed segment: its file
    /// never changes.
    public func mapped() throws(StorageError) -> Bytes {
        let whole = try file.mapped(Int(position) + count)
        return whole.slice(Int(position)..<(Int(position) + count))
    }

    /// A copy of the bytes; throws where the file no longer has them all.
    public func read() throws(StorageError) -> Bytes {
        let bytes = try file.read(count, at: position)
        guard bytes.count == count else {
            throw StorageError(
                "read", file.path, .other("it ends \(count - bytes.count) bytes before \(position + Int64(count))"))
        }
        return bytes
    }
}

extension Storage {
    /// Replaces the contents of `name`, so that after a crash they are wholly the old or wholly the
    /// new ones: a temporary file, synchronized, renamed, and the directory synchronized.
    public func replace(_ name: String, with contents: Bytes) throws(StorageError) {
        let temporary = name + ".tmp"
        let file = try open(temporary, creating: true)
        try file.truncate(to: 0)
        try file.append(contents, at: 0)
        try file.synchronize()
        try rename(temporary, to: name)
        try synchronizeDirectory()
    }

    /// The whole contents of `name`, which must not have more than `limit` bytes.
    public func contents(of name: String, limit: Int = 1 << 20) throws(StorageError) -> Bytes {
        let file = try open(name, creating: false)
        let size = try file.size()
        guard size <= Int64(limit) else {
            throw StorageError("read", file.path, .other("it has \(size) bytes, more than the \(limit) it may have"))
        }
        return try file.read(Int(size), at: 0)
    }
}

/// What could not be done, to which file, and why.
public struct StorageError: Error, Equatable, Sendable {
    /// What was being done: "open", "append", …
    public var operation: String
    /// To which file or directory.
    public var path: String
    /// Why it failed.
    public var cause: Cause

    /// Why an operation failed.
    public enum Cause: Equatable, Sendable {
        /// The operating system's error number.
        case system(Int32)
        /// The simulated machine has lost its power.
        case crashed
        /// Another reason, in words.
        case other(String)
    }

    /// Whether it was a synchronize that failed. That is final: the kernel may have dropped what was
    /// written, and a second try would report success for what is lost.
    public var isFinal: Bool { operation.hasPrefix("synchronize") }

    /// The failure of `operation` on `path`.
    public init(_ operation: String, _ path: String, _ cause: Cause) {
        self.operation = operation
        self.path = path
        self.cause = cause
    }
}
