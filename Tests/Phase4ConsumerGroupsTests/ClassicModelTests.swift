import Testing

@testable import ConsumerGroups

@Suite("A classic group in any order of requests")
struct ClassicModelTests {
    private static let seedsEach = 250

    @Test("does what its clients can tell that it must", .timeLimit(.minutes(5)), arguments: 0..<8)
    func interleavings(part: Int) {
        var seen: [String: Int] = [:]
        for seed in (part * Self.seedsEach)..<((part + 1) * Self.seedsEach) {
            let world = ClassicWorld(seed: UInt64(seed))
            var steps = 0
            while steps < 150 && world.model.problems.isEmpty {
                world.step()
                steps += 1
            }
            if world.model.problems.isEmpty { world.finish() }
            if let problem = world.model.problems.first {
                Issue.record("seed \(seed), step \(steps): \(problem)")
                return
            }
            seen.merge(world.model.seen) { $0 + $1 }
        }
        let wanted = [
            "generations", "left", "coordinators restarted", "static members restarted in a stable group",
            "join UNKNOWN_MEMBER_ID", "join FENCED_INSTANCE_ID", "join REBALANCE_IN_PROGRESS",
            "join GROUP_MAX_SIZE_REACHED", "join INCONSISTENT_GROUP_PROTOCOL", "sync REBALANCE_IN_PROGRESS",
            "sync ILLEGAL_GENERATION", "heartbeat REBALANCE_IN_PROGRESS", "heartbeat ILLEGAL_GENERATION",
            "heartbeat UNKNOWN_MEMBER_ID", "heartbeat FENCED_INSTANCE_ID", "commit NONE",
            "commit REBALANCE_IN_PROGRESS", "commit ILLEGAL_GENERATION", "commit UNKNOWN_MEMBER_ID",
        ]
        for event in wanted { #expect(seen[event, default: 0] > 0, "\(event) was not seen") }
    }
}
