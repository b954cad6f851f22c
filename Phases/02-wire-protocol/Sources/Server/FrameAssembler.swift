import SegmentLog

/// Cuts a stream of bytes into frames: four bytes of length, then that many bytes.
///
/// A frame that arrives whole is a slice of what was received. Only a frame that arrives in pieces
/// is copied, once, into memory of its own. Memory is taken for bytes that have arrived, not for a
/// length that somebody claims.
package struct FrameAssembler: ~Copyable {
    /// Lengths up to this are believed at once: no more than one batch of the default size.
    static let trustedBytes = 2 << 20

    /// `socket.request.max.bytes`: a frame that claims more is refused.
    let maxFrameBytes: Int
    private var lengthBytes: [UInt8] = []
    private var body: ByteWriter?
    private var bodyLength = 0

    /// An assembler that has received nothing yet.
    package init(maxFrameBytes: Int) { self.maxFrameBytes = maxFrameBytes }

    /// The bytes that the frame being assembled still lacks; 0 between frames.
    var missingBytes: Int {
        switch body {
        case .some(let writer): bodyLength - writer.count
        case .none: 0
        }
    }

    /// The bytes that the frame being assembled will have; 0 between frames.
    var claimedBytes: Int { body == nil ? 0 : bodyLength }

    /// The next whole frame, without its length. Takes what it uses from the front of `input`; nil
    /// when `input` is used up.
    package mutating func next(_ input: inout Bytes) throws(FrameError) -> Bytes? {
        if body == nil {
            guard let length = try readLength(&input) else { return nil }
            if input.count >= length {
                defer { input = input.dropFirst(length) }
                return input.slice(0..<length)
            }
            bodyLength = length
            body = ByteWriter(capacity: min(length, max(Self.trustedBytes, input.count)))
        }
        let taken = min(missingBytes, input.count)
        body?.append(input.slice(0..<taken))
        input = input.dropFirst(taken)
        return finishBody()
    }

    /// Lets `fill` write bytes that arrive straight into the frame being assembled. `fill` returns
    /// how many it wrote; so does this. The frame is returned once it is whole.
    mutating func fill(_ fill: (UnsafeMutableRawBufferPointer) -> Int) -> (received: Int, frame: Bytes?) {
        let limit = min(missingBytes, 1 << 20)
        let received = unsafe body?.fill(upTo: limit, fill) ?? 0
        return (received, finishBody())
    }

    private mutating func finishBody() -> Bytes? {
        guard missingBytes == 0, let writer = body.take() else { return nil }
        return writer.finish()
    }

    private mutating func readLength(_ input: inout Bytes) throws(FrameError) -> Int? {
        if lengthBytes.isEmpty && input.count >= 4 {
            var reader = ByteReader(input)
            guard let length = try? reader.integer(Int32.self) else { return nil }
            input = input.dropFirst(4)
            return try check(length)
        }
        // The four bytes may themselves arrive one by one.
        let needed = 4 - lengthBytes.count
        let taken = min(needed, input.count)
        for index in 0..<taken { lengthBytes.append(input[index]) }
        input = input.dropFirst(taken)
        guard lengthBytes.count == 4 else { return nil }
        let length = lengthBytes.reduce(UInt32(0)) { $0 << 8 | UInt32($1) }
        lengthBytes.removeAll(keepingCapacity: true)
        return try check(Int32(bitPattern: length))
    }

    private func check(_ length: Int32) throws(FrameError) -> Int {
        guard length >= 0, Int(length) <= maxFrameBytes else { throw FrameError(length: length, limit: maxFrameBytes) }
        return Int(length)
    }
}

/// A frame whose length is negative or over the limit: nothing behind it can be understood.
package struct FrameError: Error, Equatable, CustomStringConvertible {
    var length: Int32
    var limit: Int

    /// The reason in words.
    package var description: String {
        "a request claims a length of \(length) bytes; socket.request.max.bytes is \(limit)"
    }
}
