import SegmentLog
import Testing

@testable import WireProtocol

@Suite("The frame assembler")
struct FrameAssemblerTests {
    private static func stream(_ frames: [Bytes]) -> Bytes {
        var writer = ByteWriter()
        for frame in frames {
            writer.integer(Int32(frame.count))
            writer.append(frame)
        }
        return writer.finish()
    }

    private static func frame(_ count: Int, _ first: UInt8 = 0) -> Bytes {
        Bytes((0..<count).map { UInt8(truncatingIfNeeded: $0) &+ first })
    }

    /// Everything that comes out of `chunks`.
    private static func assemble(_ chunks: [Bytes], limit: Int = 1 << 20) throws(FrameError) -> [Bytes] {
        var assembler = FrameAssembler(maxFrameBytes: limit)
        var frames: [Bytes] = []
        for chunk in chunks {
            var input = chunk
            while let frame = try assembler.next(&input) { frames.append(frame) }
            precondition(input.count == 0, "the assembler left bytes behind")
        }
        return frames
    }

    @Test("puts frames together that are cut at any byte", arguments: 0...40)
    func cutAnywhere(cut: Int) throws {
        let frames = [Self.frame(9), Self.frame(0), Self.frame(15, 100)]
        let stream = Self.stream(frames)
        let place = min(cut, stream.count)
        #expect(try Self.assemble([stream.slice(0..<place), stream.dropFirst(place)]) == frames)
    }

    @Test("takes many frames out of one chunk, empty ones too")
    func manyFrames() throws {
        let frames = (0..<500).map { Self.frame($0 % 7, UInt8(truncatingIfNeeded: $0)) }
        #expect(try Self.assemble([Self.stream(frames)]) == frames)
    }

    @Test("takes one byte at a time")
    func byteByByte() throws {
        let frames = [Self.frame(3), Self.frame(0), Self.frame(0), Self.frame(300), Self.frame(1)]
        let stream = Self.stream(frames)
        #expect(try Self.assemble((0..<stream.count).map { stream.slice($0..<($0 + 1)) }) == frames)
    }

    @Test("refuses a length that is negative or over the limit", arguments: [-1, -2, .min, .max, 1001] as [Int32])
    func refusedLength(length: Int32) {
        var writer = ByteWriter()
        writer.integer(length)
        let stream = writer.finish()
        let expected = FrameError(length: length, limit: 1000)
        #expect(throws: expected) { _ = try Self.assemble([stream], limit: 1000) }
        // And when the length itself arrives in pieces.
        #expect(throws: expected) { _ = try Self.assemble([stream.slice(0..<1), stream.dropFirst(1)], limit: 1000) }
    }

    @Test("takes a frame of exactly the limit, and frames before a wrong one")
    func exactLimit() throws {
        #expect(try Self.assemble([Self.stream([Self.frame(1000)])], limit: 1000) == [Self.frame(1000)])
        var assembler = FrameAssembler(maxFrameBytes: 1000)
        var input = Self.stream([Self.frame(3), Self.frame(1001)])
        let first = try assembler.next(&input)
        #expect(first == Self.frame(3))
        do {
            _ = try assembler.next(&input)
            Issue.record("a frame over the limit was taken")
        } catch {
            #expect(error == FrameError(length: 1001, limit: 1000))
        }
    }

    @Test("returns a frame that arrives whole as a slice of what arrived")
    func sharesMemory() throws {
        let stream = Self.stream([Self.frame(10), Self.frame(20)])
        var assembler = FrameAssembler(maxFrameBytes: 1000)
        var input = stream
        let first = try assembler.next(&input)
        let second = try assembler.next(&input)
        let start = stream.address
        #expect(first?.address == start + 4 && second?.address == start + 18)
    }

    @Test("copies a frame that arrives in pieces, so that it survives the receive buffer")
    func copiesPieces() throws {
        let stream = Self.stream([Self.frame(100)])
        var assembler = FrameAssembler(maxFrameBytes: 1000)
        var input = stream.slice(0..<50)
        let early = try assembler.next(&input)
        #expect(early == nil)
        let missing = assembler.missingBytes
        #expect(missing == 54)
        input = stream.dropFirst(50)
        let frame = try assembler.next(&input)
        #expect(frame == Self.frame(100))
        let range = stream.address..<(stream.address + UInt(stream.count))
        #expect(frame.map { range.contains($0.address) } == false)
    }

    @Test("lets a large frame be received straight into its place", arguments: [17 << 10, 2 << 20, (5 << 20) + 7])
    func fill(count: Int) throws {
        let whole = Self.frame(count)
        let stream = Self.stream([whole])
        var assembler = FrameAssembler(maxFrameBytes: 8 << 20)
        var input = stream.slice(0..<1000)
        let early = try assembler.next(&input)
        #expect(early == nil)
        var position = 1000
        var frame: Bytes?
        var rounds = 0
        while frame == nil, rounds < 1000 {
            let step = 100_000 + rounds
            let (received, finished) = assembler.fill { buffer in
                let part = stream.slice(position..<min(stream.count, position + min(step, buffer.count)))
                part.withUnsafeBytes { buffer.copyMemory(from: $0) }
                return part.count
            }
            position += received
            frame = finished
            rounds += 1
        }
        #expect(frame == whole && position == stream.count)
        let missing = assembler.missingBytes
        #expect(missing == 0)
    }

    @Test("is not disturbed by a fill that receives nothing, fails, or comes between frames")
    func emptyFill() throws {
        var assembler = FrameAssembler(maxFrameBytes: 1000)
        let between = assembler.fill { _ in 5 }
        #expect(between.received == 0 && between.frame == nil)
        let stream = Self.stream([Self.frame(100)])
        var input = stream.slice(0..<14)
        _ = try assembler.next(&input)
        let failed = assembler.fill { _ in -1 }
        let nothing = assembler.fill { _ in 0 }
        #expect(failed.received == -1 && failed.frame == nil && nothing.received == 0 && nothing.frame == nil)
        input = stream.dropFirst(14)
        let frame = try assembler.next(&input)
        #expect(frame == Self.frame(100))
    }

    @Test("gives back the frames that went in, however they are cut", arguments: Array(0..<500) as [UInt64])
    func property(seed: UInt64) throws {
        var random = SplitMix64(seed: seed)
        let frames = (0..<random.below(12)).map { _ in
            Self.frame(random.below([2, 20, 300, 40_000][random.below(4)]), UInt8(random.below(256)))
        }
        let stream = Self.stream(frames)
        var assembler = FrameAssembler(maxFrameBytes: 40_000)
        var position = 0
        var taken: [Bytes] = []
        while position < stream.count {
            let missing = assembler.missingBytes
            let count = min(stream.count - position, 1 + random.below([2, 9, 500, 100_000][random.below(4)]))
            if missing > 0 && random.chance(50) {
                let (received, frame) = assembler.fill { buffer in
                    let part = stream.slice(position..<(position + min(count, buffer.count)))
                    part.withUnsafeBytes { buffer.copyMemory(from: $0) }
                    return part.count
                }
                position += received
                if let frame { taken.append(frame) }
            } else {
                var input = stream.slice(position..<(position + count))
                while let frame = try assembler.next(&input) { taken.append(frame) }
                position += count
            }
        }
        #expect(taken == frames)
    }
}

extension Bytes {
    /// Where the bytes are, to tell a slice from a copy.
    var address: UInt { withUnsafeBytes { UInt(bitPattern: $0.baseAddress) } }
}
