import Foundation
import SegmentLog
import TestSupport
import Testing
import WireProtocol

/// The directory of schemas that KAFKA_PROTOCOL names, if it is there.
private let schemas = ProcessInfo.processInfo.environment["KAFKA_PROTOCOL"].flatMap {
    FileManager.default.fileExists(atPath: $0) ? URL(filePath: $0) : nil
}

/// Compares what every message says of its fields with Kafka's own JSON schemas, where the environment
/// variable KAFKA_PROTOCOL names a directory of them. They are not kept here: `PinnedLayouts` stands in.
@Suite("Against Kafka's schemas", .enabled(if: schemas != nil))
struct SchemaTests {
    /// Versions that came after the snapshot of the schemas that these messages were first compared with.
    static let newer: [String: Int16] = [
        "MetadataRequest": 13, "MetadataResponse": 13, "DescribeGroupsRequest": 6, "DescribeGroupsResponse": 6,
        "DescribeClusterRequest": 2, "DescribeClusterResponse": 2, "ConsumerGroupDescribeRequest": 1,
        "ConsumerGroupDescribeResponse": 1,
    ]

    private func schema(of name: String) throws -> Schema {
        try Schema(contentsOf: try #require(schemas).appending(path: name + ".json"))
    }

    @Test("a message has its fields in the same order, of the same types, in every version", arguments: MessageCase.all)
    func message(_ message: MessageCase) throws {
        let name = "\(message.type)"
        let schema = try schema(of: name)
        guard schema.versions.contains(message.version) else {
            // Kafka 4 has dropped the oldest versions of some messages.
            let isDropped = message.version < schema.versions.lowerBound
            #expect(isDropped || Self.newer[name] == message.version, "the schema has versions \(schema.versions)")
            return
        }
        #expect(schema.apiKey == message.type.apiKey.rawValue)
        #expect(schema.isFlexible(message.version) == message.isFlexible)
        func fields<Body: Message>(_: Body.Type) throws -> [String] {
            try FieldRecorder.fields(of: Body.self, version: message.version, isFlexible: message.isFlexible)
        }
        try compare(try fields(message.type), try schema.fields(version: message.version))
    }

    @Test("what consumers tell each other is the same", arguments: ConsumerProtocolSubscription.versions)
    func consumerProtocol(version: Int16) throws {
        func check<Body: ConsumerProtocol>(_: Body.Type) throws {
            let schema = try schema(of: "\(Body.self)")
            #expect(schema.versions == Body.versions && !schema.isFlexible(version))
            let fields = try FieldRecorder.fields(of: Body.self, version: version, isFlexible: false)
            try compare(fields, try schema.fields(version: version))
        }
        try check(ConsumerProtocolSubscription.self)
        try check(ConsumerProtocolAssignment.self)
    }

    /// Two fields of the same type in each other's place have the same layout, but not the same names.
    @Test("no field of a message has the name that the schema gives to another", arguments: MessageCase.all)
    func names(of message: MessageCase) throws {
        let schema = try schema(of: "\(message.type)")
        guard schema.versions.contains(message.version) else { return }
        func names<Body: Message>(_: Body.Type) throws -> [String] {
            try FieldNames.names(of: Body.self, version: message.version)
        }
        let theirs = try schema.fields(version: message.version).filter(\.isValue)
        let ours = try names(message.type).map { $0.lowercased().replacing("milliseconds", with: "ms") }
        #expect(ours.count == theirs.count)
        for (name, field) in zip(ours, theirs) where name != field.name {
            let other = theirs.first { $0.structure == field.structure && $0.name == name }
            #expect(other == nil, "\(name) stands where \(field) belongs")
        }
    }

    private func compare(_ ours: [String], _ theirs: [Schema.Expected]) throws {
        let same = zip(ours, theirs).prefix { $0 == $1.type }.count
        let (our, their) = (ours.dropFirst(same).first ?? "the end", theirs.dropFirst(same).first)
        #expect(same == ours.count && same == theirs.count, "\(our) for \(their.map { "\($0)" } ?? "the end")")
    }
}

/// Notes what a message asks of its coder, one line for each field; an array has one element.
private struct FieldRecorder: MessageCoder, TagCoder {
    typealias Tags = FieldRecorder

    let version: Int16
    let isFlexible: Bool
    private var fields: [String] = []
    private var tagged: [(tag: UInt32, fields: [String])] = []

    static func fields<Body: Field>(of _: Body.Type, version: Int16, isFlexible: Bool) throws(CodingError) -> [String] {
        var recorder = FieldRecorder(version: version, isFlexible: isFlexible)
        var body = Body()
        try body.code(&recorder)
        return recorder.fields
    }

    private init(version: Int16, isFlexible: Bool) {
        self.version = version
        self.isFlexible = isFlexible
    }

    mutating func integer<Value: FixedWidthInteger & BitwiseCopyable>(_ value: inout Value) throws(CodingError) {
        fields.append("\(Value.self)".lowercased())
    }

    private mutating func note<Value>(_ type: String, _ value: inout Value?, nullable: Bool, _ some: Value) {
        fields.append(nullable ? type + "?" : type)
        value = some
    }

    mutating func string(_ value: inout String?, nullable: Bool) throws(CodingError) {
        note("string", &value, nullable: nullable, "")
    }

    mutating func records(_ value: inout Records?, nullable: Bool) throws(CodingError) {
        note("records", &value, nullable: nullable, Records())
    }

    mutating func bytes(_ value: inout Bytes?, nullable: Bool) throws(CodingError) {
        note("bytes", &value, nullable: nullable, Bytes())
    }

    mutating func presence(_ isPresent: inout Bool) throws(CodingError) {
        fields.append("structure?")
        isPresent = true
    }

    mutating func arrayCount(_ count: inout Int?, nullable: Bool) throws(CodingError) {
        note("array", &count, nullable: nullable, 1)
    }

    mutating func elements<Element: Field>(_ array: inout [Element], count: Int) throws(CodingError) {
        array = [Element()]
        try array[0].code(&self)
        fields.append("end of array")
    }

    mutating func tags(_ body: (inout FieldRecorder) throws(CodingError) -> Void) throws(CodingError) {
        guard isFlexible else { return }
        var recorder = FieldRecorder(version: version, isFlexible: true)
        try body(&recorder)
        for (tag, inner) in recorder.tagged.sorted(by: { $0.tag < $1.tag }) { fields += ["tag \(tag)"] + inner }
        fields.append("end of tags")
    }

    mutating func value<Value: Field & Equatable>(
        _ tag: UInt32, _ value: inout Value, default: Value
    ) throws(CodingError) {
        var recorder = FieldRecorder(version: version, isFlexible: true)
        try value.code(&recorder)
        // What is left out stands for the default, so a number's must be the same.
        let number: Any = (`default` as? ErrorCode)?.rawValue ?? `default`
        if let number = number as? any FixedWidthInteger { recorder.fields.append("default \(number)") }
        tagged.append((tag, recorder.fields))
    }
}

/// One of Kafka's schemas.
private struct Schema {
    struct Expected: CustomStringConvertible {
        var type: String
        var path: String
        var description: String { "\(type) (\(path))" }

        var isValue: Bool {
            !["array", "structure", "end", "tag", "default"].contains { type.hasPrefix($0) }
        }
        var name: String { String(path[(path.lastIndex(of: ".") ?? path.startIndex)...].dropFirst()).lowercased() }
        /// The path of the structure that the field belongs to.
        var structure: Substring { path[..<(path.lastIndex(of: ".") ?? path.startIndex)] }
    }

    private let json: [String: Any]

    init(contentsOf file: URL) throws {
        // JSON with comments on lines of their own.
        let lines = try String(contentsOf: file, encoding: .utf8).split(separator: "\n")
        let text = lines.filter { !$0.drop(while: \.isWhitespace).hasPrefix("//") }.joined(separator: "\n")
        json = try #require(try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any])
    }

    var apiKey: Int16? { (json["apiKey"] as? Int).map(Int16.init) }
    var versions: ClosedRange<Int16> { Self.range(json["validVersions"]) ?? 0...0 }
    func isFlexible(_ version: Int16) -> Bool { Self.range(json["flexibleVersions"])?.contains(version) ?? false }

    /// "3+", "1-4", "2" or "none".
    private static func range(_ text: Any?) -> ClosedRange<Int16>? {
        guard let text = text as? String, text != "none" else { return nil }
        let bounds = text.split(whereSeparator: { "+-".contains($0) }).compactMap { Int16($0) }
        guard let first = bounds.first, let last = bounds.last else { return nil }
        return first...(text.hasSuffix("+") ? .max : last)
    }

    func fields(version: Int16) throws -> [Expected] { try structure(json, version, at: "") }

    private func structure(_ structure: [String: Any], _ version: Int16, at path: String) throws -> [Expected] {
        var plain: [Expected] = []
        var tagged: [(tag: Int, fields: [Expected])] = []
        for field in try #require(structure["fields"] as? [[String: Any]]) {
            guard Self.range(field["versions"])?.contains(version) ?? false else { continue }
            let inner = path + "." + (try #require(field["name"] as? String))
            var values = try value(field["type"] as? String ?? "", field, version, at: inner)
            guard Self.range(field["taggedVersions"])?.contains(version) ?? false else {
                plain += values
                continue
            }
            if ["int8", "int16", "int32", "int64"].contains(field["type"] as? String) {
                values.append(Expected(type: "default \(field["default"] ?? 0)", path: inner))
            }
            let tag = try #require(field["tag"] as? Int)
            tagged.append((tag, [Expected(type: "tag \(tag)", path: inner)] + values))
        }
        guard isFlexible(version) else { return plain }
        let tags = tagged.sorted { $0.tag < $1.tag }.flatMap(\.fields)
        return plain + tags + [Expected(type: "end of tags", path: path)]
    }

    private func value(_ type: String, _ field: [String: Any], _ version: Int16, at path: String) throws -> [Expected] {
        let nullable = Self.range(field["nullableVersions"])?.contains(version) ?? false
        let expected = { (name: String) in Expected(type: name + (nullable ? "?" : ""), path: path) }
        switch type {
        case "bool": return [expected("uint8")]
        case "uuid": return [expected("uint64"), expected("uint64")]
        case "int8", "int16", "int32", "int64", "uint16", "string", "bytes", "records": return [expected(type)]
        case _ where type.hasPrefix("[]"):
            var element = field
            element["nullableVersions"] = nil
            return try [expected("array")] + value(String(type.dropFirst(2)), element, version, at: path)
                + [Expected(type: "end of array", path: path)]
        default:
            let common = (json["commonStructs"] as? [[String: Any]])?.first { $0["name"] as? String == type }
            let fields = try structure(try #require(field["fields"] == nil ? common : field), version, at: path)
            return (nullable ? [expected("structure")] : []) + fields
        }
    }
}
