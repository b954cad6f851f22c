import SegmentLog
import TestSupport
import Testing
import TopicsPartitions
import WireProtocol

/// Changes of topics, one after another, on a disk that may fail at any step.
private final class TopicScript {
    let world: AdminWorld

    init(_ disk: MemoryDisk) throws {
        var defaults = TopicConfig()
        defaults.log.segmentBytes = 300
        world = try AdminWorld(disk, seed: 7, defaults: defaults)
    }

    /// What is to be done in order; each says whether it was acknowledged.
    static var steps: [(TopicScript) throws -> Bool] {
        [
            {
                $0.world.create([.of("a", partitions: 3, configs: [("retention.ms", "5")]), .of("b")])
                    .allSatisfy { $0.errorCode == .none }
            },
            { try $0.write("a", 0, 3) }, { try $0.write("a", 2, 1) }, { try $0.write("b", 0, 2) },
            { $0.world.grow([.of("a", 5), .of("b", 2)]).allSatisfy { $0.errorCode == .none } },
            { try $0.write("a", 4, 1) },
            { $0.world.alter("a", "retention.ms", "6") }, { $0.world.alter("b", "segment.bytes", "2048") },
            { $0.world.delete([.of("a")]).allSatisfy { $0.errorCode == .none } },
            { $0.world.create("a", partitions: 2) == .none },
            { try $0.write("a", 0, 1) },
            { try $0.world.partitions.topics.directory.removeDetached(detachedUpTo: .max) != [] },
            { $0.world.delete([.of("a"), .of("b")]).allSatisfy { $0.errorCode == .none } },
            { $0.world.create("b", partitions: 1) == .none },
        ]
    }

    /// Writes records that say to which topic of this name they belong. True once they are acknowledged.
    func write(_ topic: String, _ number: Int32, _ count: Int) throws -> Bool {
        guard let partition = world.partitions.topics[topic]?.partition(number) else { return false }
        let before = partition.highWatermark.offset
        try world.write(count, to: topic, partition: number, tag: "\(partition.topicID)")
        return partition.highWatermark.offset == Offset(before.value + Int64(count))
    }

    /// What topics there are, and how many records each partition has.
    func found() throws -> Found {
        var counts: [String: Int] = [:]
        for partition in world.partitions.topics.partitions {
            let log = try partition.log()
            guard log.end.offset > .zero else { continue }
            var offset = Offset.zero
            while let range = try log.snapshot.read(from: offset, upTo: log.end, maxBytes: .max) {
                let values = try Batches.values(in: try range.read())
                let isOwn = values.allSatisfy { $0.value.hasPrefix("\(partition.topicID)") }
                #expect(isOwn, "\(partition.name) has records of another topic")
                offset = Offset((values.last?.offset ?? 0) + 1)
            }
            #expect(offset == log.end.offset)
            counts[partition.name] = Int(log.end.offset.value)
        }
        return Found(image: world.image, counts: counts)
    }

    struct Found: Equatable {
        var image: MetadataImage
        var counts: [String: Int]

        /// Whether this may be there after a crash on the way to `next`: wholly one or the other, but for a write,
        /// of which some batches may be there.
        func lies(between before: Found, and next: Found) -> Bool {
            if before.image != next.image { return self == before || self == next }
            let names = Set(counts.keys).union(next.counts.keys)
            return image == before.image
                && names.allSatisfy { name in
                    ((before.counts[name] ?? 0)...(next.counts[name] ?? 0)).contains(counts[name] ?? 0)
                }
        }
    }
}

@Suite("Topics that a crash comes between")
struct TopicCrashTests {
    /// What is there after each acknowledged step, and before the first.
    private static func states() throws -> [TopicScript.Found] {
        var states = [TopicScript.Found(image: MetadataImage(), counts: [:])]
        let script = try TopicScript(MemoryDisk())
        for step in TopicScript.steps {
            #expect(try step(script))
            states.append(try script.found())
        }
        return states
    }

    @Test(
        "a crash at any step leaves the state before or after a change, and a second one leaves it as it is",
        arguments: UInt64(0)..<10, ["power loss", "kill"])
    func crashes(seed: UInt64, kind: String) throws {
        let states = try Self.states()
        var seen = Set<Int>()
        for step in 0..<1000 {
            let disk = MemoryDisk(seed: seed)
            disk.losePower(afterSteps: step)
            var acknowledged = 0
            if let script = try? TopicScript(disk) {
                for change in TopicScript.steps {
                    guard (try? change(script)) == true else { break }
                    acknowledged += 1
                }
            }
            func restarted(_ disk: MemoryDisk) -> MemoryDisk {
                kind == "kill" ? disk.afterKill() : disk.afterPowerLoss(seed: seed &+ UInt64(step))
            }
            let after = restarted(disk)
            let found = try TopicScript(after).found()
            let next = states[min(acknowledged + 1, states.count - 1)]
            let isBetween = found.lies(between: states[acknowledged], and: next)
            #expect(isBetween, "step \(step), after change \(acknowledged): \(found.counts)")
            let again = try TopicScript(restarted(after)).found()
            #expect(again == found, "step \(step)")
            seen.insert(acknowledged)
            if acknowledged == TopicScript.steps.count { break }
        }
        #expect(seen == Set(0...TopicScript.steps.count))
    }
}
