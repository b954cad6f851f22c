import TestSupport
import Testing
import WireProtocol

/// The quick half: `make mutate` sends a million, and measures the memory that each takes.
@Suite("A frame changed at random")
struct MutatedFrameTests {
    static let framesPerCase = 130

    @Test("there are at least 50,000 of them")
    func isMany() { #expect(MessageCase.all.count * Self.framesPerCase >= 50_000) }

    @Test("is refused, or is a message that encodes again, and never traps", arguments: MessageCase.all)
    func mutations(of message: MessageCase) throws {
        let seed = UInt64(message.version) &+ (message.isRequest ? 1000 : 2000)
        var frames = MutatedFrames(of: message, seed: seed, hollowElementsMax: 50)
        var refused = 0
        var understood = 0
        for _ in 0..<Self.framesPerCase {
            let frame = try frames.next()
            do {
                let (read, body) = try message.reading(frame)
                #expect(read.whyUnfaithful(body) == nil)
                understood += 1
            } catch {
                refused += 1
            }
        }
        #expect(refused > 0 && understood > 0, "\(refused) refused, \(understood) understood")
    }
}
