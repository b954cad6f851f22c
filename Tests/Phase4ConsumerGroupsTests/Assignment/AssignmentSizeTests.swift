import SegmentLog
import Testing
import WireProtocol

@testable import ConsumerGroups

@Suite("A group of 1,000 members and 10,000 partitions")
struct AssignmentSizeTests {
    @Test(
        "is assigned at once, after a member left, and after one had everything", .timeLimit(.minutes(5)),
        arguments: [100, 50])
    func assign(percent: Int) {
        let topics = (0..<100).map { Uuid(high: 1, low: UInt64($0)) }
        var generator = SplitMix64(seed: 7)
        let members = (0..<1_000).map { number in
            TargetAssignmentInput.Member(
                memberID: "m\(10_000 + number)", subscribed: topics.filter { _ in generator.chance(percent) })
        }
        var input = TargetAssignmentInput(
            members: members, partitionCounts: Dictionary(uniqueKeysWithValues: topics.map { ($0, 100) }))
        var times = ["fresh": assign(&input)]
        input.members.remove(at: 500)
        times["one left"] = assign(&input)
        for index in input.members.indices { input.members[index].target = [:] }
        let all = Array(Int32(0)..<100)
        for topic in input.members[0].subscribed { input.members[0].target[topic] = all }
        times["one had all"] = assign(&input)
        let subscriptions = percent == 100 ? "equal subscriptions" : "each to \(percent) % of the topics"
        let shown = times.sorted { $0.key < $1.key }.map { "\($0.key) \(Int($0.value / .milliseconds(1))) ms" }
        print("assignment of 10000 partitions to 1000 members, \(subscriptions): \(shown.joined(separator: ", "))")
    }

    /// Assigns, checks the balance, makes it the target, and tells how long it took.
    private func assign(_ input: inout TargetAssignmentInput) -> Duration {
        let start = ContinuousClock.now
        let target = UniformAssignor().assign(input)
        let time = ContinuousClock.now - start
        var loads: [Int] = []
        for index in input.members.indices {
            input.members[index].target = target[input.members[index].memberID, default: [:]]
            loads.append(input.members[index].target.values.reduce(0) { $0 + $1.count })
        }
        #expect(loads.reduce(0, +) == 10_000)
        #expect((loads.max() ?? 0) - (loads.min() ?? 0) <= 1)
        return time
    }
}
