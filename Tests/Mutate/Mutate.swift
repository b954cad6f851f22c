import CAllocations
import SegmentLog
import TestSupport
import WireProtocol

/// `mutate [COUNT]` reads a million frames that were changed at random, of every message in every version. None may
/// trap, none may come back from its own bytes as something else, and none may take more than a
/// small multiple of its bytes from the heap.
///
/// `mutate --seeds DIRECTORY` writes what `make fuzz` begins with.
@main
struct Mutate {
    /// What a frame of so many bytes may take while it is read: everything that is asked for counts,
    /// even if it is given back at once. An array element of two bytes can become a hundred in memory, and
    /// an array that grows asks for three times that.
    static let bytesPerByte = 80
    static let bytesPerFrame = 8 << 10

    static func main() throws {
        let arguments = CommandLine.arguments.dropFirst()
        if arguments.first == "--seeds", let directory = arguments.last { return try Seeds.write(to: directory) }
        let wanted = arguments.first.flatMap { Int($0) } ?? 1_000_000
        var summary = Summary()
        let each = (wanted + MessageCase.all.count - 1) / MessageCase.all.count
        for (index, message) in MessageCase.all.enumerated() {
            var frames = MutatedFrames(of: message, seed: UInt64(index))
            for _ in 0..<each { summary.read(try frames.next(), as: message) }
        }
        summary.report()
    }
}

/// What became of the frames.
struct Summary {
    private var understood = 0
    private var refused = 0
    private var isMeasured = false
    /// The frame that took the most of what it may take, and how much.
    private var worst = (share: 0.0, text: "")

    /// Reads a frame, and ends the process where that does what it must not.
    mutating func read(_ frame: Bytes, as message: MessageCase) {
        let before = callocations_bytes()
        let result = Result { () throws(CodingError) in try message.reading(frame) }
        let taken = callocations_bytes() - before
        isMeasured = isMeasured || taken > 0
        let limit = frame.count * Mutate.bytesPerByte + Mutate.bytesPerFrame
        let text = "\(message): \(taken) bytes of memory for a frame of \(frame.count)"
        if Int(taken) > limit { fail("\(text), more than \(limit)", frame) }
        if Double(taken) / Double(limit) > worst.share { worst = (Double(taken) / Double(limit), text) }
        switch result {
        case .failure: refused += 1
        case .success(let (read, body)):
            understood += 1
            if let reason = read.whyUnfaithful(body) { fail(reason, frame) }
        }
    }

    private func fail(_ reason: String, _ frame: Bytes) -> Never {
        fatalError("\(reason)\n\(frame.array.map { String($0, radix: 16) }.joined(separator: " "))")
    }

    /// Says what was seen, which must be both kinds.
    func report() {
        print("\(understood + refused) frames: \(understood) understood, \(refused) refused")
        print(isMeasured ? "at most \(worst.text)" : "their memory cannot be measured here")
        precondition(understood > 0 && refused > 0, "Mutate: the frames are all of one kind")
    }
}
