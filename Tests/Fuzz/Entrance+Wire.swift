import SegmentLog
import WireProtocol

extension Entrance {
    /// Cuts the bytes into frames twice, whole and in pieces: the frames must be the same.
    func takeStream(_ bytes: Bytes) {
        guard bytes.count > 0 else { return }
        let stream = bytes.dropFirst(1)
        let whole = frames(in: stream, pieceBytes: max(stream.count, 1))
        let pieces = frames(in: stream, pieceBytes: 1 + Int(bytes[0]) % 40)
        precondition(whole == pieces, "Fuzz: a stream's frames depend on how it arrives")
    }

    /// The frames, and whether the stream was refused behind them.
    private func frames(in stream: Bytes, pieceBytes: Int) -> [[UInt8]] {
        var assembler = FrameAssembler(maxFrameBytes: 4096)
        var frames: [[UInt8]] = []
        for start in stride(from: 0, to: stream.count, by: pieceBytes) {
            var input = stream.slice(start..<min(stream.count, start + pieceBytes))
            do {
                while let frame = try assembler.next(&input) { frames.append(frame.array) }
            } catch {
                return frames + [Array("\(error)".utf8)]
            }
            precondition(input.count == 0, "Fuzz: bytes were left behind")
        }
        return frames
    }
}
