import SegmentLog
import TestSupport
import Testing

@Suite("Checkpoints")
struct CheckpointTests {
    @Test("have Kafka's text, sorted")
    func text() throws {
        let storage = MemoryStorage()
        let checkpoint = OffsetCheckpoint(offsets: ["b-1-0": Offset(5), "a-10": Offset(7), "a-2": .zero])
        try checkpoint.write(OffsetCheckpoint.recoveryPoints, in: storage)
        let text = try storage.contents(of: "recovery-point-offset-checkpoint").utf8
        #expect(text == "0\n3\na 10 7\na 2 0\nb-1 0 5\n")
        #expect(try OffsetCheckpoint(OffsetCheckpoint.recoveryPoints, in: storage) == checkpoint)
        #expect(try OffsetCheckpoint("none", in: storage).offsets.isEmpty)
    }

    @Test(
        "that make no sense are refused with what to do",
        arguments: [
            "", "0", "0\n", "1\n0\n", "0\n1\n", "0\n-1\n", "0\n2\na 0 1\n", "0\n1\na 0\n", "0\n1\na x 1\n",
            "0\n1\na 0 -1\n", "0\n1\na -1 0\n", "0\n1\na 0 99999999999999999999\n", "\u{FF}\n",
        ])
    func nonsense(text: String) throws {
        let storage = MemoryStorage()
        try storage.replace("c", with: Bytes(utf8: text))
        let error = #expect(throws: StorageError.self) { try OffsetCheckpoint("c", in: storage) }
        #expect(error?.description.contains("remove") == true)
    }

    @Test("are the old one or the new one after a power failure at any step")
    func crash() throws {
        var seen = Set<Int>()
        for step in 0..<12 {
            for seed in UInt64(0)..<20 {
                let disk = MemoryDisk(seed: seed)
                let old = OffsetCheckpoint(offsets: ["t-0": Offset(1)])
                let new = OffsetCheckpoint(offsets: ["t-0": Offset(2), "t-1": Offset(3)])
                try old.write("c", in: MemoryStorage(disk))
                disk.losePower(afterSteps: step)
                let isWritten = (try? new.write("c", in: MemoryStorage(disk))) != nil
                let found = try OffsetCheckpoint("c", in: MemoryStorage(disk.afterPowerLoss(seed: seed)))
                #expect(found == new || (found == old && !isWritten), "step \(step), seed \(seed)")
                seen.insert(found.offsets.count)
            }
        }
        #expect(seen == [1, 2])
    }

    @Test("of leader epochs ascend in both columns, and tell where an epoch ended (I1.7)")
    func leaderEpochs() throws {
        var cache = LeaderEpochCache()
        // An epoch that is not greater is no news; one in which nothing was appended (4) gives way.
        let assigned = [(1, 0), (3, 10), (3, 12), (2, 12), (4, 20), (6, 20)].map { epoch, offset in
            cache.assign(LeaderEpoch(Int32(epoch)), at: Offset(Int64(offset)))
        }
        #expect(assigned == [true, true, false, false, true, true])
        #expect(cache.entries.map(\.epoch.value) == [1, 3, 6])

        let end = Offset(25)
        for unknown in [7, 9, -1] as [Int32] { #expect(cache.endOffset(of: LeaderEpoch(unknown), logEnd: end) == nil) }
        for (asked, epoch, offset) in [(0, 0, 0), (1, 1, 10), (2, 1, 10), (3, 3, 20), (5, 3, 20), (6, 6, 25)]
            as [(Int32, Int32, Int64)]
        {
            let found = cache.endOffset(of: LeaderEpoch(asked), logEnd: end)
            #expect(found?.epoch.value == epoch && found?.offset.value == offset, "epoch \(asked)")
        }

        let storage = MemoryStorage()
        try cache.write(in: storage)
        #expect(try storage.contents(of: "leader-epoch-checkpoint").utf8 == "0\n3\n1 0\n3 10\n6 20\n")
        #expect(try LeaderEpochCache(in: storage) == cache)

        cache.truncate(from: Offset(20))
        #expect(cache.latest == LeaderEpoch(3))
        cache.truncate(before: Offset(12))
        #expect(cache.entries == [LeaderEpochCache.Entry(epoch: LeaderEpoch(3), startOffset: Offset(12))])
        try storage.replace("leader-epoch-checkpoint", with: Bytes(utf8: "0\n2\n3 10\n2 20\n"))
        #expect(throws: StorageError.self) { try LeaderEpochCache(in: storage) }
    }
}
