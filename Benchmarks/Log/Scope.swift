import BenchmarkSupport
import Foundation
import SegmentLog

/// How much is measured, and where the files go.
struct Scope {
    let isQuick: Bool
    private let root: String

    /// Everything goes below `root`, which is made anew.
    init(root: String, isQuick: Bool) throws {
        self.root = root
        self.isQuick = isQuick
        remove()
        try FileManager.default.createDirectory(atPath: root, withIntermediateDirectories: true)
    }

    /// Removes what is left.
    func remove() { try? FileManager.default.removeItem(atPath: root) }

    /// How many rounds to measure where a whole run measures `whole`. With fewer, one neighbour
    /// on the machine decides the median.
    func rounds(_ whole: Int) -> Int { isQuick ? min(whole, 11) : whole }

    /// Runs `body` with an empty directory, and removes it.
    func withDirectory<Result>(_ body: (FileStorage) throws -> Result) throws -> Result {
        let path = root + "/" + UUID().uuidString
        defer { try? FileManager.default.removeItem(atPath: path) }
        return try body(try FileStorage(path: path))
    }

    /// The descriptor of a new file, for system calls; the caller closes it.
    func newFile(_ name: String, in storage: any Storage) throws -> Int32 {
        let descriptor = unsafe open(storage.path + "/" + name, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0o644)
        guard descriptor >= 0 else { throw BenchmarkFailure("open \(name): \(errno)") }
        return descriptor
    }
}
