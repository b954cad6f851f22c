import SegmentLog
import WireProtocol

/// The names of a message's properties in the order of the wire, one for each value. A coder does not
/// know them, so each value is changed by itself: its name is in the line of text that changes with it.
enum FieldNames {
    static func names<Body: Message>(of _: Body.Type, version: Int16) throws -> [String] {
        let unchanged = try body(of: Body.self, version: version, changing: nil)
        return try (0..<unchanged.count).map { index in
            let changed = try body(of: Body.self, version: version, changing: index)
            let line = zip(unchanged.lines, changed.lines).first { $0 != $1 }?.1 ?? ""
            return String(line.drop { $0 == " " }.prefix { $0 != ":" })
        }
    }

    private static func body<Body: Message>(
        of _: Body.Type, version: Int16, changing index: Int?
    ) throws(CodingError) -> (lines: [String], count: Int) {
        var body = Body()
        var changer = ValueChanger(version: version, isFlexible: Body.apiKey.isFlexible(version), changing: index)
        try body.code(&changer)
        return (body.lines, changer.count)
    }
}

/// Makes everything present, arrays with one element, and changes one value.
private struct ValueChanger: MessageCoder, TagCoder {
    typealias Tags = ValueChanger

    let version: Int16
    let isFlexible: Bool
    private let index: Int?
    private(set) var count = 0

    init(version: Int16, isFlexible: Bool, changing index: Int?) {
        self.version = version
        self.isFlexible = isFlexible
        self.index = index
    }

    private mutating func isNext() -> Bool {
        defer { count += 1 }
        return count == index
    }

    mutating func integer<Value: FixedWidthInteger & BitwiseCopyable>(_ value: inout Value) throws(CodingError) {
        if isNext() { value &+= 1 }
    }

    mutating func string(_ value: inout String?, nullable: Bool) throws(CodingError) { value = isNext() ? "x" : "" }

    mutating func records(_ value: inout Records?, nullable: Bool) throws(CodingError) {
        value = isNext() ? .bytes([1]) : Records()
    }

    mutating func bytes(_ value: inout Bytes?, nullable: Bool) throws(CodingError) { value = isNext() ? [1] : [] }

    mutating func presence(_ isPresent: inout Bool) throws(CodingError) { isPresent = true }

    mutating func arrayCount(_ count: inout Int?, nullable: Bool) throws(CodingError) { count = 1 }

    mutating func elements<Element: Field>(_ array: inout [Element], count: Int) throws(CodingError) {
        array = [Element()]
        try array[0].code(&self)
    }

    mutating func tags(_ body: (inout ValueChanger) throws(CodingError) -> Void) throws(CodingError) {
        if isFlexible { try body(&self) }
    }

    mutating func value<Value: Field & Equatable>(
        _ tag: UInt32, _ value: inout Value, default: Value
    ) throws(CodingError) {
        try value.code(&self)
    }
}
