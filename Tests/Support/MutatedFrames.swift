import SegmentLog
import WireProtocol

/// Frames of one message that were sound until somebody changed them, without their lengths: as many as are
/// asked for, the same ones for the same seed.
///
/// A frame is generated, recorded from a real client, or hollow (`HollowFiller`). Then one length gives way to an
/// extreme, becomes a longer varint or gets a tag behind it, or some bytes change, or both.
package struct MutatedFrames {
    private let message: MessageCase
    private let golden: [[UInt8]]
    private var random: SplitMix64
    private var layout: LayoutEncoder
    private var made = 0

    private let hollowElementsMax: Int

    /// Frames of `message`; the hollow ones have up to `hollowElementsMax` array elements.
    package init(of message: MessageCase, seed: UInt64, hollowElementsMax: Int = 2000) {
        self.message = message
        self.hollowElementsMax = hollowElementsMax
        random = SplitMix64(seed: seed)
        layout = LayoutEncoder(version: message.version, isFlexible: message.isFlexible)
        golden = GoldenFrame.all
            .filter {
                $0.api == message.type.apiKey && $0.version == message.version && $0.isRequest == message.isRequest
            }
            .map { Array($0.bytes.dropFirst(4)) }
    }

    /// The next frame.
    package mutating func next() throws(CodingError) -> Bytes {
        if made % 10 == 0 { layout = try message.layout(seed: random.next()) }
        made += 1
        var frame: [UInt8]
        switch random.below(100) {
        // Nothing is changed: this is what takes the most memory.
        case 0:
            return Bytes(
                try message.frame(message.hollowBody(elements: random.below(hollowElementsMax), seed: random.next())))
        case 1..<20 where !golden.isEmpty: frame = golden[random.below(golden.count)]
        case 20..<60: frame = try message.frame(withOneLengthChanged())
        default: frame = try message.frame(layout.bytes)
        }
        for _ in 0..<random.below(4) { changeBytes(&frame) }
        return Bytes(frame)
    }

    private mutating func withOneLengthChanged() -> [UInt8] {
        guard !layout.marks.isEmpty else { return layout.bytes }
        let mark = layout.marks[random.below(layout.marks.count)]
        if mark.kind == .tagCount && random.chance(50) { return withTag(at: mark) }
        let value = mark.value ?? -1
        let changed = [-1, -2, 0, value - 1, value + 1, 127, 128, 32_767, 65_535, 1 << 24, 1 << 31 - 1, -1 << 31]
        let other = changed[random.below(changed.count)]
        guard message.isFlexible else {
            let isShort = mark.range.count == 2
            return layout.replacing(
                mark,
                with: isShort
                    ? LayoutEncoder.bigEndian(Int16(truncatingIfNeeded: other))
                    : LayoutEncoder.bigEndian(Int32(truncatingIfNeeded: other))
            ).array
        }
        // Counts of tags and their sizes are as they are; every other length is one more.
        let plain = mark.kind == .tagCount || mark.kind == .tagSize ? 0 : 1
        let isLonger = random.chance(40)
        let varint = LayoutEncoder.varint(
            UInt64(truncatingIfNeeded: (isLonger ? value : other) + plain), width: isLonger ? 2 + random.below(9) : 1)
        return layout.replacing(mark, with: varint).array
    }

    /// One more tag than there was: a known one, an unknown one, or one that claims too much.
    private mutating func withTag(at mark: LayoutEncoder.Mark) -> [UInt8] {
        let value = (0..<random.below(20)).map { _ in UInt8(truncatingIfNeeded: random.next()) }
        let size = random.chance(20) ? random.below(1 << 20) : value.count
        let tag = LayoutEncoder.varint(UInt64(random.below(40))) + LayoutEncoder.varint(UInt64(size)) + value
        return Array(layout.bytes[..<mark.range.lowerBound]) + LayoutEncoder.varint(UInt64((mark.value ?? 0) + 1))
            + layout.bytes[mark.content] + tag + layout.bytes[mark.content.upperBound...]
    }

    private mutating func changeBytes(_ bytes: inout [UInt8]) {
        let place = random.below(bytes.count)
        let end = min(bytes.count, place + 1 + random.below(8))
        switch random.below(8) {
        case 0 where !bytes.isEmpty: bytes[place] ^= 1 << UInt8(random.below(8))
        case 1 where !bytes.isEmpty: bytes[place] = [0, 1, 0x7F, 0x80, 0xFE, 0xFF][random.below(6)]
        case 2: bytes.removeSubrange(place..<end)
        case 3: bytes.insert(contentsOf: (0..<random.below(9)).map { _ in UInt8(random.below(256)) }, at: place)
        case 4: bytes.removeLast(bytes.count - place)
        case 5: bytes.insert(contentsOf: bytes[place..<end], at: place)
        case 6 where place + 4 <= bytes.count:
            let value = ([.max, .min, -1, -2, 1 << 24, 0, 65_535] as [Int32])[random.below(7)]
            bytes.replaceSubrange(place..<(place + 4), with: LayoutEncoder.bigEndian(value))
        default:
            let value = ([1 << 31, 1 << 32 - 1, 1 << 32, .max, 300] as [UInt64])[random.below(5)]
            bytes.replaceSubrange(place..<end, with: LayoutEncoder.varint(value))
        }
    }
}
