import SegmentLog
import WireProtocol

/// A third direction of a message's code: it fills the fields with seeded values, so that exactly
/// the fields of its version have them.
package struct ValueGenerator: MessageCoder {
    package typealias Tags = TagGenerator

    /// The version being filled.
    package let version: Int16
    /// Whether it has tags.
    package let isFlexible: Bool
    private let isSmall: Bool
    fileprivate var random: SplitMix64
    /// The array elements that may still be made: nested arrays cannot explode.
    fileprivate var elementsLeft: Int

    /// A generator of one version that makes at most `elementsLeft` array elements.
    package init(version: Int16, isFlexible: Bool, isSmall: Bool, random: SplitMix64, elementsLeft: Int) {
        self.version = version
        self.isFlexible = isFlexible
        self.isSmall = isSmall
        self.random = random
        self.elementsLeft = elementsLeft
    }

    /// A value whose fields of `version` are filled, and no others.
    package static func value<Body: Message>(
        of _: Body.Type, version: Int16, seed: UInt64, isSmall: Bool = false
    ) throws(CodingError) -> Body {
        var value = Body()
        try fill(&value, version: version, seed: seed, isSmall: isSmall)
        return value
    }

    /// A value that has every field of every version, valid in `version`.
    package static func fullValue<Body: Message>(
        of _: Body.Type, validIn version: Int16, seed: UInt64
    ) throws(CodingError) -> Body {
        var value = Body()
        for other in Body.apiKey.versions {
            try fill(&value, version: other, seed: seed &+ UInt64(other), isSmall: true)
        }
        try fill(&value, version: version, seed: seed, isSmall: true)
        return value
    }

    private static func fill<Body: Message>(
        _ value: inout Body, version: Int16, seed: UInt64, isSmall: Bool
    ) throws(CodingError) {
        var generator = ValueGenerator(
            version: version, isFlexible: Body.apiKey.isFlexible(version), isSmall: isSmall,
            random: SplitMix64(seed: seed), elementsLeft: isSmall ? 12 : 150)
        try value.code(&generator)
    }

    package mutating func integer<Value: FixedWidthInteger & BitwiseCopyable>(_ value: inout Value) throws(CodingError)
    {
        switch random.below(6) {
        case 0: value = 0
        case 1: value = .min
        case 2: value = .max
        case 3: value = Value(truncatingIfNeeded: -1)
        default: value = Value(truncatingIfNeeded: random.next())
        }
    }

    package mutating func string(_ value: inout String?, nullable: Bool) throws(CodingError) {
        if nullable && random.chance(25) {
            value = nil
            return
        }
        switch random.below(isSmall ? 4 : 7) {
        case 0: value = ""
        case 1: value = "orders-\(random.below(100))"
        case 2: value = "gr\u{FC}n \u{2260} \u{1F980}\u{0} \u{5B57}"
        case 3: value = String(UnicodeScalar(UInt8(random.below(128))))
        case 4, 5: value = String(repeating: "x", count: 125 + random.below(4))
        default: value = random.chance(90) ? "\u{E9}" : String(repeating: "z", count: longLength())
        }
    }

    /// Where a compact length grows from two bytes to three, and where a length of two bytes ends.
    private mutating func longLength() -> Int { random.chance(20) ? 32_767 : 16_380 + random.below(8) }

    package mutating func records(_ value: inout Records?, nullable: Bool) throws(CodingError) {
        var content: Bytes?
        try bytes(&content, nullable: nullable)
        value = content.map { .bytes($0) }
    }

    package mutating func bytes(_ value: inout Bytes?, nullable: Bool) throws(CodingError) {
        if nullable && random.chance(20) {
            value = nil
            return
        }
        let count = [0, 1, 61, 126, 127, 128, 400][random.below(isSmall ? 3 : 7)]
        value = Bytes((0..<count).map { _ in UInt8(truncatingIfNeeded: random.next()) })
    }

    package mutating func arrayCount(_ count: inout Int?, nullable: Bool) throws(CodingError) {
        // An array that an earlier pass has filled keeps its elements.
        if let count, count > 0 { return }
        if nullable && random.chance(20) {
            count = nil
            return
        }
        let wanted = [0, 1, 1, 2, 3, 3, 126 + random.below(4)][random.below(isSmall ? 5 : 7)]
        count = min(wanted, elementsLeft)
        elementsLeft -= min(wanted, elementsLeft)
    }

    package mutating func elements<Element: Field>(_ array: inout [Element], count: Int) throws(CodingError) {
        while array.count < count { array.append(Element()) }
        for index in array.indices { try array[index].code(&self) }
    }

    package mutating func tags(_ body: (inout TagGenerator) throws(CodingError) -> Void) throws(CodingError) {
        guard isFlexible else { return }
        var tags = TagGenerator(inner: self)
        try body(&tags)
        random = tags.inner.random
        elementsLeft = tags.inner.elementsLeft
    }
}

/// Fills tagged fields, or leaves them at their defaults.
package struct TagGenerator: TagCoder {
    fileprivate var inner: ValueGenerator
    /// The version being filled.
    package var version: Int16 { inner.version }

    package mutating func value<Value: Field & Equatable>(
        _ tag: UInt32, _ value: inout Value, default: Value
    ) throws(CodingError) {
        if inner.random.chance(40) {
            value = `default`
        } else {
            try value.code(&inner)
        }
    }
}
