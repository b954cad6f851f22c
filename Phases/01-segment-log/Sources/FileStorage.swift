#if canImport(Darwin)
    import Darwin
#else
    import Glibc
#endif

/// A directory of the operating system.
public final class FileStorage: Storage {
    /// The directory's path, as it was given. There may be very many of these: none holds a descriptor.
    public let path: String

    /// Opens the directory at `path`, and makes it (but not its parents) if there is none.
    public convenience init(path: String) throws(StorageError) {
        let isNew = unsafe mkdir(path, 0o755) == 0
        guard isNew || errno == EEXIST else { throw StorageError("create directory", path, .system(errno)) }
        try self.init(existing: path)
        // The new directory's own name is durable only when its parent is synchronized.
        if isNew { try FileStorage(existing: path + "/..").synchronizeDirectory() }
    }

    /// Opens the directory at `path`, which must exist.
    public init(existing path: String) throws(StorageError) {
        self.path = path
        _ = try opened()
    }

    private func opened() throws(StorageError) -> Descriptor {
        let descriptor = systemOpen(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0)
        guard descriptor >= 0 else { throw StorageError("open directory", path, .system(errno)) }
        return Descriptor(descriptor)
    }

    /// Opens `name`; see `Storage`.
    public func open(_ name: String, creating: Bool) throws(StorageError) -> any File {
        try open(name, creating: creating, writing: true)
    }

    /// Opens `name`, for reading only unless `writing`.
    public func open(_ name: String, creating: Bool, writing: Bool) throws(StorageError) -> any File {
        let path = self.path + "/" + name
        let flags = (writing ? O_RDWR : O_RDONLY) | O_CLOEXEC | (creating ? O_CREAT : 0)
        var opened = systemOpen(path, flags, 0o644)
        // What may only be read can be read: a configuration file, a segment on a read-only disk.
        if opened < 0 && !creating && (errno == EACCES || errno == EROFS) {
            opened = systemOpen(path, O_RDONLY | O_CLOEXEC, 0)
        }
        guard opened >= 0 else { throw StorageError("open", path, .system(errno)) }
        return SystemFile(path: path, descriptor: Descriptor(opened))
    }

    /// Opens a subdirectory; see `Storage`.
    public func directory(_ name: String) throws(StorageError) -> any Storage {
        let path = self.path + "/" + name
        guard unsafe mkdir(path, 0o755) == 0 || errno == EEXIST else {
            throw StorageError("create directory", path, .system(errno))
        }
        return try FileStorage(existing: path)
    }

    /// The names in the directory, sorted.
    public func list() throws(StorageError) -> [String] {
        guard let stream = unsafe opendir(path) else { throw StorageError("list", path, .system(errno)) }
        defer { unsafe closedir(stream) }
        var names: [String] = []
        while true {
            errno = 0
            guard let entry = unsafe readdir(stream) else {
                guard errno == 0 else { throw StorageError("list", path, .system(errno)) }
                break
            }
            // SAFETY: readdir ends the name with a zero byte within the entry.
            let name = unsafe withUnsafePointer(to: &entry.pointee.d_name) { pointer in
                unsafe pointer.withMemoryRebound(to: CChar.self, capacity: 256) { unsafe String(cString: $0) }
            }
            if name != "." && name != ".." { names.append(name) }
        }
        return names.sorted()
    }

    /// The names of subdirectories, sorted.
    public func subdirectories() throws(StorageError) -> [String] {
        let directory = try opened()
        return try list().filter { name in
            var status = stat()
            return unsafe fstatat(directory.number, name, &status, 0) == 0 && status.st_mode & S_IFMT == S_IFDIR
        }
    }

    /// Renames a file or a subdirectory; see `Storage`.
    public func rename(_ name: String, to newName: String) throws(StorageError) {
        guard systemRename(path + "/" + name, path + "/" + newName) == 0 else {
            throw StorageError("rename to \(newName)", path + "/" + name, .system(errno))
        }
    }

    /// Removes a file or an empty subdirectory.
    public func remove(_ name: String) throws(StorageError) {
        guard systemRemove(path + "/" + name) == 0 else {
            throw StorageError("remove", path + "/" + name, .system(errno))
        }
    }

    /// fsync(2) of the directory.
    public func synchronizeDirectory() throws(StorageError) {
        let directory = try opened()
        guard fsync(directory.number) == 0 else { throw StorageError("synchronize directory", path, .system(errno)) }
    }

    /// Takes the directory for this process: fails while another one holds it. Held until the
    /// returned object is gone; the kernel lets go when a process dies.
    public func lock() throws(StorageError) -> any Sendable & AnyObject {
        let path = self.path + "/.lock"
        let opened = systemOpen(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o644)
        guard opened >= 0 else { throw StorageError("open", path, .system(errno)) }
        let descriptor = Descriptor(opened)
        guard flock(opened, LOCK_EX | LOCK_NB) == 0 else {
            let cause: StorageError.Cause =
                errno == EWOULDBLOCK
                ? .other("another broker is using this directory; stop it, or choose another directory")
                : .system(errno)
            throw StorageError("lock", path, cause)
        }
        return descriptor
    }
}

/// Owns a descriptor, and closes it.
private final class Descriptor: Sendable {
    let number: Int32
    init(_ number: Int32) { self.number = number }
    deinit { _ = close(number) }
}

/// A file of the operating system. It holds nothing but its descriptor, so any thread may use it.
private final class SystemFile: File {
    let path: String
    private let owned: Descriptor
    var descriptor: Int32? { owned.number }

    init(path: String, descriptor: Descriptor) {
        self.path = path
        owned = descriptor
    }

    func size() throws(StorageError) -> Int64 {
        var status = stat()
        guard unsafe fstat(owned.number, &status) == 0 else { throw failure("stat") }
        return Int64(status.st_size)
    }

    func append(_ head: Bytes, _ body: Bytes, at end: Int64) throws(StorageError) {
        // One system call for both. `done` counts what a short write got through.
        var done = 0
        while done < head.count + body.count {
            let skipped = min(done, head.count)
            let written = pwritev(
                head.dropFirst(skipped), body.dropFirst(done - skipped), off_t(end) + off_t(done))
            if written < 0 {
                if errno == EINTR { continue }
                throw failure("append to")
            }
            done += written
        }
    }

    private func pwritev(_ head: Bytes, _ body: Bytes, _ position: off_t) -> Int {
        unsafe head.withUnsafeBytes { head in
            unsafe body.withUnsafeBytes { body in
                // SAFETY: the memory is alive during the call, which only reads it.
                let parts = unsafe (
                    iovec(iov_base: UnsafeMutableRawPointer(mutating: head.baseAddress), iov_len: head.count),
                    iovec(iov_base: UnsafeMutableRawPointer(mutating: body.baseAddress), iov_len: body.count)
                )
                return unsafe withUnsafeBytes(of: parts) { parts in
                    unsafe systemPwritev(
                        owned.number, parts.baseAddress?.assumingMemoryBound(to: iovec.self), 2, position)
                }
            }
        }
    }

    func rewrite(_ bytes: Bytes, at position: Int64) throws(StorageError) { try append(bytes, at: position) }

    func read(into buffer: UnsafeMutableRawBufferPointer, at position: Int64) throws(StorageError) -> Int {
        var done = 0
        while done < buffer.count {
            let rest = unsafe UnsafeMutableRawBufferPointer(rebasing: buffer[done...])
            let count = unsafe pread(owned.number, rest.baseAddress, rest.count, off_t(position) + off_t(done))
            if count < 0 {
                if errno == EINTR { continue }
                throw failure("read")
            }
            if count == 0 { break }
            done += count
        }
        return done
    }

    func mapped(_ count: Int) throws(StorageError) -> Bytes {
        guard count > 0 else { return Bytes() }
        let pages = unsafe mmap(nil, count, PROT_READ, MAP_SHARED, owned.number, 0)
        guard let pages = unsafe pages, unsafe pages != MAP_FAILED else { throw failure("map") }
        return Bytes(unsafe ByteStorage(mapping: pages, count: count), count: count)
    }

    func truncate(to size: Int64) throws(StorageError) {
        guard ftruncate(owned.number, off_t(size)) == 0 else { throw failure("truncate") }
    }

    func synchronize() throws(StorageError) {
        #if canImport(Darwin)
            // fsync on macOS leaves the bytes in the drive's own cache; this does not.
            guard fcntl(owned.number, F_FULLFSYNC) != -1 else { throw failure("synchronize") }
        #else
            guard fdatasync(owned.number) == 0 else { throw failure("synchronize") }
        #endif
    }

    private func failure(_ operation: String) -> StorageError { StorageError(operation, path, .system(errno)) }
}

// The C functions whose names `Storage`'s own methods would hide.
private func systemOpen(_ path: String, _ flags: Int32, _ mode: mode_t) -> Int32 { unsafe open(path, flags, mode) }
private func systemRename(_ old: String, _ new: String) -> Int32 { unsafe rename(old, new) }
private func systemPwritev(
    _ descriptor: Int32, _ parts: UnsafePointer<iovec>?, _ count: Int32, _ position: off_t
) -> Int {
    unsafe pwritev(descriptor, parts, count, position)
}
private func systemRemove(_ path: String) -> Int32 { unsafe remove(path) }

extension StorageError: CustomStringConvertible {
    /// "cannot append to /data/orders-0/00000000000000000000.log: No space left on device".
    public var description: String {
        let reason: String =
            switch cause {
            case .system(let number): unsafe String(cString: strerror(number))
            case .crashed: "the machine has crashed"
            case .other(let text): text
            }
        return "cannot \(operation) \(path): \(reason)"
    }

    /// Whether the file or directory does not exist.
    public var isNotFound: Bool { cause == .system(ENOENT) }
}
