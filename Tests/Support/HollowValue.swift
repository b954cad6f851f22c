import SegmentLog
import WireProtocol

/// A direction of a message's code that makes as much memory of as few bytes as it can: arrays of
/// many elements, in each of which everything is empty.
package struct HollowFiller: MessageCoder {
    /// Tagged fields keep their defaults, and take no bytes.
    package struct Tags: TagCoder {
        /// The version being filled.
        package let version: Int16
        /// Leaves the field at its default.
        package mutating func value<Value: Field & Equatable>(
            _ tag: UInt32, _ value: inout Value, default: Value
        ) throws(CodingError) { value = `default` }
    }

    /// The version being filled.
    package let version: Int16
    /// Whether it has tags.
    package let isFlexible: Bool
    private var random: SplitMix64
    private var elementsLeft: Int

    /// A filler that makes `elements` array elements at most; the seed chooses in which arrays.
    package init(_ message: MessageCase, elements: Int, seed: UInt64) {
        version = message.version
        isFlexible = message.isFlexible
        random = SplitMix64(seed: seed)
        elementsLeft = elements
    }

    /// Leaves the integer at 0.
    package mutating func integer<Value: FixedWidthInteger & BitwiseCopyable>(
        _ value: inout Value
    ) throws(CodingError) { value = 0 }
    /// Makes text empty.
    package mutating func string(_ value: inout String?, nullable: Bool) throws(CodingError) { value = "" }
    /// Makes batches empty.
    package mutating func records(_ value: inout Records?, nullable: Bool) throws(CodingError) {
        value = .bytes(Bytes())
    }
    /// Makes bytes empty.
    package mutating func bytes(_ value: inout Bytes?, nullable: Bool) throws(CodingError) { value = Bytes() }

    /// Takes all that is left, one or two, or nothing.
    package mutating func arrayCount(_ count: inout Int?, nullable: Bool) throws(CodingError) {
        count = min(elementsLeft, [0, 1, 2, elementsLeft, elementsLeft / 4][random.below(5)])
        elementsLeft -= count ?? 0
    }

    /// Fills the elements.
    package mutating func elements<Element: Field>(_ array: inout [Element], count: Int) throws(CodingError) {
        array = Array(repeating: Element(), count: count)
        for index in array.indices { try array[index].code(&self) }
    }

    /// Leaves tagged fields at their defaults.
    package mutating func tags(_ body: (inout Tags) throws(CodingError) -> Void) throws(CodingError) {
        guard isFlexible else { return }
        var tags = Tags(version: version)
        try body(&tags)
    }
}

extension MessageCase {
    /// A body of up to `elements` empty array elements.
    package func hollowBody(elements: Int, seed: UInt64) throws(CodingError) -> [UInt8] {
        try hollow(self.type, HollowFiller(self, elements: elements, seed: seed))
    }

    private func hollow<Body: Message>(_: Body.Type, _ filler: HollowFiller) throws(CodingError) -> [UInt8] {
        var filler = filler
        var value = Body()
        try value.code(&filler)
        var encoder = LayoutEncoder(version: version, isFlexible: isFlexible)
        try value.code(&encoder)
        return encoder.bytes
    }
}
