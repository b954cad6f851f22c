import Foundation
import SegmentLog

/// A directory of its own for a test, removed when the test is done.
public final class TemporaryDirectory {
    /// Where it is.
    public let path: String

    /// Makes the directory.
    public init() throws {
        path = FileManager.default.temporaryDirectory.path + "/logbook-" + UUID().uuidString
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }

    /// The directory as a storage.
    public func storage() throws -> FileStorage { try FileStorage(existing: path) }
}
