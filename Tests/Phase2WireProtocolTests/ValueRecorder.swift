import SegmentLog
import WireProtocol

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
