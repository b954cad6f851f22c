import SegmentLog
import TestSupport
import Testing
import TopicsPartitions
import WireProtocol

@testable import ConsumerGroups

@Suite("Committed offsets that a crash comes between")
struct OffsetCrashTests {
    private static let groups = ["g0", "g1", "g2", "g3"]

    /// Clients that commit 1, 2, 3, … for each group, in rounds that share a synchronize, and what they were told.
    private final class Script {
        var acknowledged: [String: Int64] = [:]
        var shown: [String: Int64] = [:]
        var sent: [String: Int64] = [:]
        private var outstanding: [(connection: ConnectionID, group: String, offset: Int64)] = []

        /// Commits; true if all was acknowledged, because the disk did not fail.
        func run(_ disk: MemoryDisk, flushMessages: Int64, rounds: Int64) throws -> Bool {
            var settings = GroupSettings()
            settings.offsetsPartitionCount = 2
            settings.offsetsSegmentBytes = 1_024
            guard let node = try? OffsetsNode(disk, settings, flushMessages: flushMessages) else { return false }
            let driver = NodeDriver(node)
            do {
                var connections: [ConnectionID] = []
                for _ in groups { connections.append(try driver.connect()) }
                for round in 1...rounds {
                    for (connection, group) in zip(connections, groups) {
                        sent[group] = round
                        try driver.send(OffsetCommitRequest.of(group, [(0, round)]), version: 8, on: connection)
                        outstanding.append((connection, group, round))
                        if round % 3 == 0 { try driver.synchronizeAll() }
                        try look(driver)
                    }
                    if round % 2 == 0 { try driver.synchronizeAll() }
                    try look(driver)
                }
                return groups.allSatisfy { acknowledged[$0] == rounds }
            } catch {
                return false
            }
        }

        private func look(_ driver: NodeDriver<OffsetsNode>) throws {
            outstanding = try outstanding.filter { connection, group, offset in
                let answer = try driver.answer(to: OffsetCommitRequest.self, version: 8, on: connection)
                guard let answer else { return true }
                if answer.body.topics.flatMap(\.partitions).map(\.errorCode) == [.none] { acknowledged[group] = offset }
                return false
            }
            for group in groups {
                let found = OffsetCrashTests.found(group, in: driver.node)
                #expect(found >= shown[group] ?? -1, "\(group) went back before any crash")
                #expect(found >= acknowledged[group] ?? -1, "\(group) was acknowledged and is not shown")
                shown[group] = found
            }
        }

        private let groups = OffsetCrashTests.groups
    }

    private static func found(_ group: String, in node: OffsetsNode) -> Int64 {
        let answer = node.offsets(of: group).fetch(
            .of(group, [("t", [0])]), requiresStable: false, in: node.partitions.topics.image)
        return answer.topics[0].partitions[0].committedOffset
    }

    @Test(
        "are there if they were acknowledged or shown, and none goes back, wherever the power fails",
        arguments: UInt64(0)..<3, ["power loss", "kill"])
    func crashes(seed: UInt64, kind: String) throws {
        var acknowledgements = Set<Int64>()
        for step in 0..<2_000 {
            let disk = MemoryDisk(seed: seed)
            disk.losePower(afterSteps: step)
            let script = Script()
            let hasEnded = try script.run(disk, flushMessages: 1, rounds: 8)
            let after = kind == "kill" ? disk.afterKill() : disk.afterPowerLoss(seed: seed &+ UInt64(step))
            let node = try OffsetsNode(after, stepBytes: 1 << 20)
            for group in Self.groups {
                let found = Self.found(group, in: node)
                let least = max(script.acknowledged[group] ?? -1, script.shown[group] ?? -1)
                let isSound = (least...max(least, script.sent[group] ?? -1)).contains(found)
                #expect(isSound, "\(group) at step \(step): \(found), and \(least) was acknowledged or shown")
                acknowledgements.insert(script.acknowledged[group] ?? -1)
            }
            let again = try OffsetsNode(after.afterPowerLoss(seed: seed), stepBytes: 1)
            for group in Self.groups { #expect(Self.found(group, in: again) == Self.found(group, in: node)) }
            if hasEnded { break }
        }
        #expect(acknowledgements.count > 5, "the power failed at many places: \(acknowledgements)")
    }

    @Test("are answered before the disk has them only as far as flush.messages says")
    func flushMessages() throws {
        var settings = GroupSettings()
        settings.offsetsPartitionCount = 1
        let driver = NodeDriver(try OffsetsNode(MemoryDisk(), settings, flushMessages: 3))
        let connection = try driver.connect()
        for offset in 1...5 as ClosedRange<Int64> {
            try driver.send(OffsetCommitRequest.of("g", [(0, offset)]), version: 8, on: connection)
        }
        #expect(driver.takeSent(on: connection).count == 2)
        #expect(Self.found("g", in: driver.node) == 2)
        try driver.synchronizeAll()
        #expect(driver.takeSent(on: connection).count == 3)
        #expect(Self.found("g", in: driver.node) == 5)
    }
}
