/// A directory in memory, on a disk that can lose its power.
///
/// Every file and every directory keeps what was *written* apart from what is *durable*. While the
/// machine runs, only the written part shows. `MemoryDisk.afterPowerLoss` makes the disk that the
/// machine finds when it starts again. Like a real disk, it may lose or tear anything that was not
/// synchronized.
public final class MemoryStorage: Storage {
    /// The directory's path on its disk when it was opened; "" is the root.
    public let path: String
    private let disk: MemoryDisk
    /// Which directory of the disk it is, whatever its name.
    private let number: Int

    /// The root directory of `disk`.
    public convenience init(_ disk: MemoryDisk = MemoryDisk()) { self.init(disk, number: 0, path: "") }

    private init(_ disk: MemoryDisk, number: Int, path: String) {
        self.disk = disk
        self.number = number
        self.path = path
    }

    /// Opens `name`; see `Storage`.
    public func open(_ name: String, creating: Bool) throws(StorageError) -> any File {
        let directory = number
        let number = try disk.perform("open", path + "/" + name) { state throws(StorageError.Cause) in
            switch state.directories[directory].written[name] {
            case .file(let number)?: return number
            case .directory?: throw .system(MemoryDisk.isDirectory)
            case nil:
                guard creating else { throw .system(MemoryDisk.notFound) }
                try state.step()
                let number = state.files.count
                state.files.append(MemoryDisk.FileState())
                state.directories[directory].apply(.set(name, .file(number)))
                return number
            }
        }
        return MemoryFile(disk, number: number, path: path + "/" + name)
    }

    /// Opens a subdirectory; see `Storage`.
    public func directory(_ name: String) throws(StorageError) -> any Storage {
        let parent = number
        let number = try disk.perform("create directory", path + "/" + name) { state throws(StorageError.Cause) in
            switch state.directories[parent].written[name] {
            case .directory(let number)?: return number
            case .file?: throw .system(MemoryDisk.notDirectory)
            case nil:
                try state.step()
                let number = state.directories.count
                state.directories.append(MemoryDisk.DirectoryState())
                state.directories[parent].apply(.set(name, .directory(number)))
                return number
            }
        }
        return MemoryStorage(disk, number: number, path: path + "/" + name)
    }

    /// The names in the directory, sorted.
    public func list() throws(StorageError) -> [String] {
        let number = number
        return try disk.perform("list", path) { state throws(StorageError.Cause) in
            state.directories[number].written.keys.sorted()
        }
    }

    /// The names of subdirectories, sorted.
    public func subdirectories() throws(StorageError) -> [String] {
        let number = number
        return try disk.perform("list", path) { state throws(StorageError.Cause) in
            state.directories[number].written.filter { if case .directory = $0.value { true } else { false } }.keys
                .sorted()
        }
    }

    /// Renames a file or a subdirectory; see `Storage`.
    public func rename(_ name: String, to newName: String) throws(StorageError) {
        let number = number
        try disk.perform("rename to \(newName)", path + "/" + name) { state throws(StorageError.Cause) in
            let entries = state.directories[number].written
            guard let entry = entries[name] else { throw .system(MemoryDisk.notFound) }
            if case .directory(let replaced)? = entries[newName], !state.directories[replaced].written.isEmpty {
                throw .system(MemoryDisk.notEmpty)
            }
            try state.step()
            state.directories[number].apply(.rename(name, newName, entry))
        }
    }

    /// Removes a file or an empty subdirectory.
    public func remove(_ name: String) throws(StorageError) {
        let number = number
        try disk.perform("remove", path + "/" + name) { state throws(StorageError.Cause) in
            guard let entry = state.directories[number].written[name] else { throw .system(MemoryDisk.notFound) }
            if case .directory(let removed) = entry, !state.directories[removed].written.isEmpty {
                throw .system(MemoryDisk.notEmpty)
            }
            try state.step()
            state.directories[number].apply(.remove(name))
        }
    }

    /// Makes the directory's entries durable.
    public func synchronizeDirectory() throws(StorageError) {
        let number = number
        try disk.perform("synchronize directory", path) { state throws(StorageError.Cause) in
            try state.step()
            state.directories[number].settle()
        }
    }
}

/// A file on a `MemoryDisk`.
private final class MemoryFile: File {
    let path: String
    private let disk: MemoryDisk
    private let number: Int
    var descriptor: Int32? { nil }

    init(_ disk: MemoryDisk, number: Int, path: String) {
        self.disk = disk
        self.number = number
        self.path = path
    }

    func size() throws(StorageError) -> Int64 {
        let number = number
        return try disk.perform("stat", path) { state throws(StorageError.Cause) in
            Int64(state.files[number].written.count)
        }
    }

    func append(_ head: Bytes, _ body: Bytes, at end: Int64) throws(StorageError) {
        let number = number
        try disk.perform("append to", path) { state throws(StorageError.Cause) in
            let bytes = head.array + body.array
            guard Int64(state.files[number].written.count) == end else {
                throw .other("append at \(end), but the file ends at \(state.files[number].written.count)")
            }
            // A write that the power failure interrupts gets as far as it gets.
            let whole = state.isNextStepTheLast ? state.random.below(bytes.count + 1) : bytes.count
            if let failure = state.takeFailure(.append) {
                state.files[number].append(bytes.prefix(state.random.below(bytes.count)))
                throw .system(failure)
            }
            state.files[number].append(bytes.prefix(whole))
            try state.step()
        }
    }

    func rewrite(_ bytes: Bytes, at position: Int64) throws(StorageError) {
        let number = number
        try disk.perform("rewrite", path) { state throws(StorageError.Cause) in
            try state.step()
            state.files[number].rewrite(bytes.array, at: Int(position))
        }
    }

    func read(into buffer: UnsafeMutableRawBufferPointer, at position: Int64) throws(StorageError) -> Int {
        let number = number
        let wanted = buffer.count
        let bytes = try disk.perform("read", path) { state throws(StorageError.Cause) -> [UInt8] in
            let written = state.files[number].written
            guard position < written.count else { return [] }
            return Array(written[Int(position)..<min(written.count, Int(position) + wanted)])
        }
        unsafe buffer.copyBytes(from: bytes)
        return bytes.count
    }

    func mapped(_ count: Int) throws(StorageError) -> Bytes { try read(count, at: 0) }

    func truncate(to size: Int64) throws(StorageError) {
        let number = number
        try disk.perform("truncate", path) { state throws(StorageError.Cause) in
            try state.step()
            if let failure = state.takeFailure(.truncate) { throw .system(failure) }
            state.files[number].truncate(to: Int(size))
        }
    }

    func synchronize() throws(StorageError) {
        let number = number
        try disk.perform("synchronize", path) { state throws(StorageError.Cause) in
            try state.step()
            if let failure = state.takeFailure(.synchronize) {
                state.files[number].dropUnwritten()
                throw .system(failure)
            }
            state.files[number].settle()
        }
    }
}
