import ConsumerGroups
import Foundation
import LogbookClient
import SegmentLog
import WireProtocol

/// A member that comes back too late, a coordinator that begins again, and kcat.
extension Phase4Demo {
    private static let group = "audit", topic = "invoices"

    static func commitTooLate(_ node: RunningNode, _ producer: Producer) async throws -> Members {
        heading("5. A zombie: a member that is silent for longer than its session lasts, and then commits")
        try await write(30, to: topic, partitions: 0..<1, producer)
        var zombie = try HandMember("z", in: group, of: topic, session: 3_000, at: node.address)
        _ = try zombie.askForID()
        let generation = try zombie.join().generationID
        let all = RangeAssignor().assign(
            [GroupSubscriber(memberID: zombie.id, subscription: zombie.subscription)], partitionCounts: [topic: 1])
        _ = try zombie.sync(bringing: all)
        print("   z  has \(topic)-0 in generation \(generation), commits 10: \(try zombie.commit(10)), and is silent")
        let members = Members(group: group, topic: topic, way: "range", at: node.address)
        try members.start("b", session: 3_000)
        try await members.listen { members.committed[0] == 30 }
        print(
            "   b  joins, gets \(topic)-0 when z's session ends, begins at \(members.read.first?.place.offset ?? -1), and commits 20 and 30"
        )
        print("   z  commits 15, also in generation \(generation): \(try zombie.commit(15))")
        print("   the group's place: \(try place(node))")
        return members
    }

    static func losePower(
        _ disk: MemoryDisk, _ node: RunningNode, _ members: Members
    ) async throws -> RunningNode {
        heading(
            "6. The power of the node and of b fails; the next node reads \(OffsetsTopic.name)-\(RunningNode.partition(of: group))"
        )
        node.abandon()
        disk.losePower(afterSteps: 0)
        try await members.kill("b")
        let found = disk.afterPowerLoss(seed: 4)
        for line in try GroupLog.lines(try written(on: found), of: group) { print("   \(line)") }
        let restarted = try RunningNode(on: found, seed: 5)
        let producer = try Producer(ProducerConfiguration(bootstrapServers: [restarted.address]))
        try await write(5, to: topic, partitions: 0..<1, producer)
        await producer.close()
        let next = Members(group: group, topic: topic, way: "range", at: restarted.address)
        try next.start("d", session: 3_000)
        try await next.listen { next.read.last?.place.offset == 34 }
        print(
            "   d  joins, and begins at \(next.read.first?.place.offset ?? -1) when b's session has ended: \(try GroupLog.describe(try GroupLog.newestGeneration(of: group, at: restarted)))"
        )
        try await next.quit("d")
        print("   d  has read 5 records, and leaves; the group's place: \(try place(restarted))")
        return restarted
    }

    /// What is in the group's partition on a disk.
    private static func written(on disk: MemoryDisk) throws -> [RecordBatch] {
        let name = "\(OffsetsTopic.name)-\(RunningNode.partition(of: group))"
        let log = try Log(in: MemoryStorage(disk).directory(name))
        var batches: [RecordBatch] = []
        var next = log.snapshot.startOffset
        while let range = try log.snapshot.read(from: next, upTo: log.end, maxBytes: 1, atLeastOneBatch: true) {
            let batch = try RecordBatch(checking: range.read())
            batches.append(batch)
            next = batch.header.nextOffset
        }
        return batches
    }

    static func runKcat(_ node: RunningNode) async throws {
        heading("7. kcat is a member like any other, and begins where d has left")
        let producer = try Producer(ProducerConfiguration(bootstrapServers: [node.address]))
        try await write(3, to: topic, partitions: 0..<1, producer)
        await producer.close()
        let command = "kcat -b \(node.address) -G \(group) -c 3 -q -f '%t-%p %o\\n' \(topic)"
        print("   $ \(command)")
        let text = try output(
            of: "command -v kcat >/dev/null || { echo 'kcat is not installed (Debian: kcat)'; exit 0; }; \(command)")
        for line in text.split(separator: "\n") { print("   \(line)") }
        print("   the group's place: \(try place(node))")
    }

    /// What the group has committed.
    private static func place(_ node: RunningNode) throws -> String {
        try node.committed(group, topic).map { "\(topic)-\($0.partition) \($0.offset)" }.joined(separator: ", ")
    }

    /// What a shell's command prints.
    private static func output(of command: String) throws -> String {
        let shell = Process()
        shell.executableURL = URL(fileURLWithPath: "/bin/sh")
        shell.arguments = ["-c", command]
        let output = Pipe()
        shell.standardOutput = output
        try shell.run()
        let text = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        shell.waitUntilExit()
        if shell.terminationStatus != 0 { throw DemoFailure("a command failed: \(command)") }
        return text
    }
}
