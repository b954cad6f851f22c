import Testing

@testable import ConsumerGroups

@Suite("A consumer group, whatever happens to it,")
struct ConsumerGroupSeedTests {
    private let seedsPerBlock = 25

    @Test("keeps its invariants after each step, and settles", arguments: 0..<40)
    func interleavings(block: Int) throws {
        for seed in block * seedsPerBlock..<(block + 1) * seedsPerBlock {
            var model = try ConsumerGroupModel(seed: UInt64(seed))
            do {
                for _ in 0..<60 { try model.step() }
                try model.settle()
            } catch {
                Issue.record("seed \(seed): \(error)")
            }
        }
    }
}
