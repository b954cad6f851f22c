import SegmentLog

/// Cuts a stream of bytes into lines, whatever pieces it comes in.
struct LineAssembler {
    /// A line, without its end.
    enum Line: Equatable {
        case whole(Bytes)
        /// A line that was longer than it may be; it is dropped.
        case tooLong
    }

    private let maxLineBytes: Int
    private var gathered: [UInt8] = []
    private var isTooLong = false

    /// Lines may have up to `maxLineBytes`.
    init(maxLineBytes: Int) { self.maxLineBytes = maxLineBytes }

    /// The next line that is complete with what `input` adds; nil once all of it is taken.
    mutating func next(_ input: inout Bytes) -> Line? {
        let end = unsafe input.withUnsafeBytes { unsafe $0.firstIndex(of: UInt8(ascii: "\n")) }
        gather(input.slice(0..<(end ?? input.count)))
        input = input.dropFirst(end.map { $0 + 1 } ?? input.count)
        return end == nil ? nil : takeLine()
    }

    /// The last line, where the stream ended without ending it.
    mutating func finish() -> Line? { gathered.isEmpty && !isTooLong ? nil : takeLine() }

    private mutating func gather(_ bytes: Bytes) {
        isTooLong = isTooLong || gathered.count + bytes.count > maxLineBytes
        if isTooLong { gathered = [] } else { gathered += bytes.array }
    }

    private mutating func takeLine() -> Line {
        defer { (gathered, isTooLong) = ([], false) }
        return isTooLong ? .tooLong : .whole(Bytes(gathered))
    }
}
