/// The disk under `MemoryStorage`: files, directories, and what a power failure may do to them.
///
///     let disk = MemoryDisk()
///     disk.losePower(afterSteps: 7)             // the 8th change throws, and every call after it
///     … run until a StorageError says `.crashed` …
///     let restarted = disk.afterPowerLoss(seed: 42)
public final class MemoryDisk: Sendable {
    static let notFound: Int32 = 2
    static let notDirectory: Int32 = 20
    static let isDirectory: Int32 = 21
    static let notEmpty: Int32 = 39

    private let state: Lock<State>

    /// An empty disk. `seed` decides how far an interrupted write gets.
    public init(seed: UInt64 = 0) { state = Lock(State(seed: seed)) }

    private init(_ state: consuming sending State) { self.state = Lock(state) }

    /// How many changes (writes, truncations, renamings, synchronizations, …) have been made.
    public var steps: Int { state.withLock { $0.steps } }

    /// Cuts the power after `count` more changes: the change after them may half happen, and from
    /// then on every call throws `.crashed`.
    public func losePower(afterSteps count: Int) { state.withLock { $0.stepsLeft = count } }

    /// Makes the next operation of a kind fail once with an error number.
    public func failNext(_ operation: Operation, with number: Int32) {
        state.withLock { $0.failures[operation] = number }
    }

    /// What can be made to fail.
    public enum Operation: Hashable, Sendable {
        /// A write, which gets part of the way.
        case append
        /// An fdatasync; nothing becomes durable.
        case synchronize
        /// An ftruncate; nothing is cut.
        case truncate
    }

    /// The disk after `kill -9`: all that was written is there, because the kernel still has it.
    public func afterKill() -> MemoryDisk { MemoryDisk(state.withLock { $0.restarted() }) }

    /// The disk after a power failure. Of what was not synchronized, each 4 KiB page is there, lost
    /// or torn at a 512-byte sector, in any combination; a file's length may have arrived without
    /// its bytes; of each directory's changes, any have arrived and any others have not.
    public func afterPowerLoss(seed: UInt64) -> MemoryDisk {
        MemoryDisk(
            state.withLock { state in
                var after = state.restarted()
                after.random = SplitMix64(seed: seed)
                for number in after.files.indices { after.files[number].losePower(&after.random) }
                for number in after.directories.indices { after.directories[number].losePower(&after.random) }
                return after
            })
    }

    /// Every file by its path, with what it holds: for comparing two disks.
    public func contents() -> [String: [UInt8]] {
        state.withLock { state in
            var contents: [String: [UInt8]] = [:]
            state.collect(0, "", &contents)
            return contents
        }
    }

    func perform<Result: Sendable>(
        _ operation: String, _ path: String, _ body: (inout State) throws(StorageError.Cause) -> Result
    ) throws(StorageError) -> Result {
        do {
            return try state.withLock { state throws(StorageError.Cause) -> Result in
                guard !state.isOff else { throw .crashed }
                return try body(&state)
            }
        } catch {
            throw StorageError(operation, path, error)
        }
    }
}

extension StorageError.Cause: Error {}

extension MemoryDisk {
    struct State {
        var files: [FileState] = []
        /// The first one is the root.
        var directories: [DirectoryState] = [DirectoryState()]
        var random: SplitMix64
        var steps = 0
        var stepsLeft: Int?
        var failures: [Operation: Int32] = [:]
        var isOff = false

        init(seed: UInt64) { random = SplitMix64(seed: seed) }

        var isNextStepTheLast: Bool { stepsLeft == 0 }

        /// Counts a change; throws where it is the one that the power failure interrupts.
        mutating func step() throws(StorageError.Cause) {
            steps += 1
            guard let left = stepsLeft else { return }
            guard left > 0 else {
                isOff = true
                throw .crashed
            }
            stepsLeft = left - 1
        }

        mutating func takeFailure(_ operation: Operation) -> Int32? { failures.removeValue(forKey: operation) }

        func restarted() -> State {
            var copy = self
            copy.stepsLeft = nil
            copy.failures = [:]
            copy.isOff = false
            return copy
        }

        /// The files below a directory, by their paths.
        func collect(_ directory: Int, _ path: String, _ contents: inout [String: [UInt8]]) {
            for (name, entry) in directories[directory].written {
                switch entry {
                case .file(let number): contents[path + "/" + name] = files[number].written
                case .directory(let number): collect(number, path + "/" + name, &contents)
                }
            }
        }
    }

    struct FileState {
        static let page = 4096
        static let sector = 512

        var written: [UInt8] = []
        var durable: [UInt8] = []
        /// Pages that a failed synchronize did not write, and that the kernel has taken for written
        /// since: the next synchronize passes over them.
        private var dropped: Set<Int> = []

        mutating func append(_ bytes: some Collection<UInt8>) {
            touch(written.count..<(written.count + bytes.count))
            written += bytes
        }

        mutating func rewrite(_ bytes: [UInt8], at position: Int) {
            touch(position..<(position + bytes.count))
            written.replaceSubrange(position..<(position + bytes.count), with: bytes)
        }

        /// These bytes are dirty again.
        private mutating func touch(_ range: Range<Int>) {
            guard !range.isEmpty, !dropped.isEmpty else { return }
            for page in (range.lowerBound / Self.page)...((range.upperBound - 1) / Self.page) { dropped.remove(page) }
        }

        /// A synchronize that failed: what is not durable yet counts as written from now on.
        mutating func dropUnwritten() {
            for start in stride(from: 0, to: written.count, by: Self.page) {
                let range = start..<min(written.count, start + Self.page)
                if range.upperBound > durable.count || written[range] != durable[range] {
                    dropped.insert(start / Self.page)
                }
            }
        }

        /// A synchronize that succeeded: everything is durable, but for what was dropped before.
        mutating func settle() {
            var settled = written
            for page in dropped {
                let range = (page * Self.page)..<min(written.count, (page + 1) * Self.page)
                for index in range { settled[index] = index < durable.count ? durable[index] : 0 }
            }
            durable = settled
        }

        mutating func truncate(to size: Int) {
            if size < written.count {
                written.removeLast(written.count - size)
            } else {
                written += [UInt8](repeating: 0, count: size - written.count)
            }
        }

        mutating func losePower(_ random: inout SplitMix64) {
            dropped = []
            guard written != durable else { return }
            // The length is the old one, the new one, or one on the way.
            let shorter = min(written.count, durable.count)
            let longer = max(written.count, durable.count)
            let size =
                switch random.below(3) {
                case 0: durable.count
                case 1: written.count
                default: shorter + random.below(longer - shorter + 1)
                }
            var survived = Array(durable.prefix(size))
            survived += [UInt8](repeating: 0, count: size - survived.count)
            for start in stride(from: 0, to: size, by: Self.page) {
                let end = min(size, start + Self.page, written.count)
                guard start < end else { break }
                let kept =
                    switch random.below(3) {
                    case 0: start
                    case 1: end
                    default: min(end, start + Self.sector * random.below(Self.page / Self.sector))
                    }
                survived.replaceSubrange(start..<kept, with: written[start..<kept])
            }
            written = survived
            durable = survived
            dropped = []
        }
    }

    struct DirectoryState {
        enum Entry: Equatable { case file(Int), directory(Int) }
        enum Change { case set(String, Entry), rename(String, String, Entry), remove(String) }

        private(set) var written: [String: Entry] = [:]
        private var durable: [String: Entry] = [:]
        private var pending: [Change] = []

        mutating func apply(_ change: Change) {
            Self.apply(change, to: &written)
            pending.append(change)
        }

        private static func apply(_ change: Change, to entries: inout [String: Entry]) {
            switch change {
            case .set(let name, let entry): entries[name] = entry
            case .rename(let old, let new, let entry):
                // One change, whatever became of those before it: the new name, and no longer the old one.
                if entries[old] == entry { entries[old] = nil }
                entries[new] = entry
            case .remove(let name): entries[name] = nil
            }
        }

        mutating func settle() {
            durable = written
            pending = []
        }

        /// A third of the time the changes have arrived in their order up to some point, as a journal
        /// has them; else any of them have, as POSIX allows.
        mutating func losePower(_ random: inout SplitMix64) {
            let isOrdered = random.below(3) == 0
            let arrived = isOrdered ? random.below(pending.count + 1) : pending.count
            for change in pending.prefix(arrived) where isOrdered || random.chance(50) {
                Self.apply(change, to: &durable)
            }
            written = durable
            pending = []
        }
    }
}
