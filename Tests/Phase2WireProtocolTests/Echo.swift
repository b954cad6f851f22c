import Foundation
import SegmentLog
import TestSupport
import WireProtocol

/// What the reactor's suites share: a node that echoes, and files.
enum Echo {
    static func text(_ text: String) -> [UInt8] { Array(text.utf8) }
    static func framed(_ bytes: Bytes) -> Payload { Payload(parts: [.bytes(bytes)]).framed() }
    static func framed(_ text: String) -> Payload { framed(Bytes(utf8: text)) }

    /// Sends every frame back.
    @Sendable static func echo(_ event: Event, _: Instant, _ effects: inout Effects) {
        if case .received(let connection, let frame) = event { effects.append(.send(connection, framed(frame))) }
    }

    /// A real file of `count` bytes, and what is in it.
    static func file(_ count: Int, in directory: TemporaryDirectory) throws -> (any File, [UInt8]) {
        var random = SplitMix64(seed: UInt64(count))
        let contents = (0..<count).map { _ in UInt8(truncatingIfNeeded: random.next()) }
        let file = try directory.storage().open("data", creating: true)
        try file.append(Bytes(contents), at: 0)
        return (file, contents)
    }
}
