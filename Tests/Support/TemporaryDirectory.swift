import Foundation
import SegmentLog

/// A directory of its own for a test, removed when the test is done.
public final class TemporaryDirectory {
    public let path: String

    public init() throws {
        path = FileManager.default.temporaryDirectory.path + "/logbook-" + UUID().uuidString
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }

    public func storage() throws -> FileStorage { try FileStorage(existing: path) }
}
