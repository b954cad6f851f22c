import Foundation
import SegmentLog
import WireProtocol

/// A frame that went between a real client and the broker, and what kafka-python's codec reads in it.
/// Tests/Interop/test_golden.py writes them.
package struct GoldenFrame: Sendable, CustomStringConvertible {
    /// Which client it was.
    package let client: String
    /// Whether the client sent it.
    package let isRequest: Bool
    /// The API.
    package let api: ApiKey
    /// The version of its body.
    package let version: Int16
    /// The number that request and response share.
    package let correlationID: Int32
    /// A request's client id, if it has one.
    package let clientID: String?
    /// The fields in the order of the wire, each with its value as text.
    package var fields: [(name: String, value: String)] = []
    /// With its length.
    package var bytes: [UInt8] = []

    /// Client, API, version and direction.
    package var description: String { "\(client): \(api.name) \(version) \(isRequest ? "request" : "response")" }

    /// The clients that were recorded.
    package static let clients = ["aiokafka", "confluent-kafka", "kafka-python", "kcat"]
    /// Every frame of every client.
    package static let all = clients.flatMap { read($0) }

    private static func read(_ client: String) -> [GoldenFrame] {
        let file = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .appending(path: "Phase2WireProtocolTests/Golden/\(client).txt")
        let text = (try? String(contentsOf: file, encoding: .utf8)) ?? ""
        var frames: [GoldenFrame] = []
        for line in text.split(separator: "\n") where !line.hasPrefix("#") {
            if let frame = GoldenFrame(client: client, title: line) {
                frames.append(frame)
            } else if line.hasPrefix("  ") {
                let parts = line.dropFirst(2).split(separator: " ", maxSplits: 1)
                frames[frames.count - 1].fields.append((String(parts[0]), String(parts[1])))
            } else {
                frames[frames.count - 1].bytes += line.split(separator: " ").compactMap { UInt8($0, radix: 16) }
            }
        }
        return frames
    }

    /// "request Produce 7 3 "rdkafka"": the API, its version, the correlation id, and a request's client id.
    private init?(client: String, title: Substring) {
        let parts = title.split(separator: " ", maxSplits: 4)
        guard parts.count >= 4, ["request", "response"].contains(parts[0]),
            let api = ApiKey.allCases.first(where: { $0.name == parts[1] }), let version = Int16(parts[2]),
            let correlationID = Int32(parts[3])
        else { return nil }
        self.client = client
        isRequest = parts[0] == "request"
        (self.api, self.version, self.correlationID) = (api, version, correlationID)
        clientID = parts.count == 5 && parts[4] != "null" ? String(parts[4].dropFirst().dropLast()) : nil
    }
}
