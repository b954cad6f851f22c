import Foundation
import SegmentLog
import Testing
import WireProtocol

/// A frame that went between a real client and the broker, and what kafka-python's codec reads in it.
/// Tests/Interop/test_golden.py writes them.
struct GoldenFrame: Sendable, CustomTestStringConvertible {
    let client: String
    let isRequest: Bool
    let api: ApiKey
    let version: Int16
    let correlationID: Int32
    let clientID: String?
    /// The fields in the order of the wire, each with its value as text.
    var fields: [(name: String, value: String)] = []
    /// With its length.
    var bytes: [UInt8] = []

    var testDescription: String { "\(client): \(api.name) \(version) \(isRequest ? "request" : "response")" }

    static let clients = ["aiokafka", "confluent-kafka", "kafka-python", "kcat"]
    static let all = clients.flatMap { read($0) }

    private static func read(_ client: String) -> [GoldenFrame] {
        let file = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "Golden/\(client).txt")
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

/// Notes the values of a message in the order of the wire, as `GoldenFrame` has them.
struct ValueRecorder: MessageCoder, TagCoder {
    typealias Tags = ValueRecorder

    let version: Int16
    let isFlexible: Bool
    private(set) var values: [String] = []
    private(set) var batches: [Bytes] = []
    private var high: UInt64?
    private var tagged: [(tag: UInt32, recorder: ValueRecorder)] = []

    init(version: Int16, isFlexible: Bool) {
        self.version = version
        self.isFlexible = isFlexible
    }

    mutating func integer<Value: FixedWidthInteger & BitwiseCopyable>(_ value: inout Value) throws(CodingError) {
        switch value {
        case let flag as UInt8: values.append(flag == 0 ? "false" : "true")
        case let half as UInt64:
            // An id is two of them.
            guard let high else { return high = half }
            values.append([high, half].map { String(format: "%016lx", $0) }.joined())
            self.high = nil
        default: values.append("\(value)")
        }
    }

    mutating func string(_ value: inout String?, nullable: Bool) throws(CodingError) {
        values.append(value.map { "\"\($0)\"" } ?? "null")
    }

    mutating func bytes(_ value: inout Bytes?, nullable: Bool) throws(CodingError) {
        values.append(value.map { "\($0.count) bytes" } ?? "null")
    }

    mutating func records(_ value: inout Records?, nullable: Bool) throws(CodingError) {
        values.append(value.map { "\($0.count) bytes" } ?? "null")
        if case .bytes(let batch)? = value, batch.count > 0 { batches.append(batch) }
    }

    mutating func arrayCount(_ count: inout Int?, nullable: Bool) throws(CodingError) {
        values.append(count.map { "\($0)" } ?? "null")
    }

    mutating func elements<Element: Field>(_ array: inout [Element], count: Int) throws(CodingError) {
        for index in array.indices { try array[index].code(&self) }
    }

    mutating func tags(_ body: (inout ValueRecorder) throws(CodingError) -> Void) throws(CodingError) {
        guard isFlexible else { return }
        var recorder = ValueRecorder(version: version, isFlexible: true)
        try body(&recorder)
        for (_, inner) in recorder.tagged.sorted(by: { $0.tag < $1.tag }) { values += inner.values }
    }

    mutating func value<Value: Field & Equatable>(
        _ tag: UInt32, _ value: inout Value, default: Value
    ) throws(CodingError) {
        guard value != `default` else { return }
        var recorder = ValueRecorder(version: version, isFlexible: true)
        try value.code(&recorder)
        tagged.append((tag, recorder))
    }
}
