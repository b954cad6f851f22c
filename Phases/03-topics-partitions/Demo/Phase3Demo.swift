import Foundation
import LogbookClient
import SegmentLog
import TopicsPartitions
import WireProtocol

/// The demo of phase 3: topics are made, written, waited for, compacted, and found again after a power failure.
///
/// With an argument, the node is started and the argument run as a shell's command, with its address in `BROKER`.
@main
struct Phase3Demo {
    static let keys = ["ada", "grace", "edsger", "barbara", "linus"]

    static func main() async throws {
        let disk = MemoryDisk(seed: 3)
        let node = try RunningNode(on: disk, seed: 3)
        if let command = CommandLine.arguments.dropFirst().first {
            return print(try output(of: "BROKER=\(node.address); \(command)"), terminator: "")
        }
        try createTopics(node)
        try await sendKeys(node)
        try produceToTwo(node)
        try waitForThree(node)
        try await compact(node)
        let restarted = try losePower(disk, node)
        try cutCreation()
        try runKcat(restarted.address)
    }

    static func createTopics(_ node: RunningNode) throws {
        heading("1. One request creates three topics; each has an answer of its own")
        var request = CreateTopicsRequest()
        request.topics = ([("orders", 4), ("accounts", 1), ("no spaces", 1)] as [(String, Int32)]).map { name, count in
            var topic = CreateTopicsRequest.Topic()
            (topic.name, topic.partitionCount, topic.replicationFactor) = (name, count, 1)
            return topic
        }
        for topic in try node.ask(request).topics {
            let reason = topic.errorMessage.map { ": \($0)" } ?? ""
            print("   \(topic.name): \(topic.errorCode)\(reason)")
        }
    }

    static func sendKeys(_ node: RunningNode) async throws {
        heading("2. A producer sends three records for each of five keys; the key's hash says where")
        let producer = try Producer(ProducerConfiguration(bootstrapServers: [node.address]))
        var places: [String: [RecordMetadata]] = [:]
        for number in 1...3 {
            for key in keys {
                let delivery = try await producer.send(ProducerRecord(topic: "orders", key: key, value: "\(number)"))
                places[key, default: []].append(try await delivery.acknowledged())
            }
        }
        await producer.close()
        for key in keys {
            let hash = murmur2(Bytes(utf8: key)) & 0x7FFF_FFFF
            for place in places[key] ?? [] where place.topicPartition.partition != Int32(hash % 4) {
                throw DemoFailure("\(key) went to \(place.topicPartition)")
            }
            print("   murmur2(\"\(key)\") % 4 = \(hash) % 4 = \(hash % 4)")
        }
        for partition in 0..<4 as Range<Int32> {
            print("   orders-\(partition)  \(text(try node.records("orders", partition)))")
        }
    }

    static func produceToTwo(_ node: RunningNode) throws {
        heading("3. A produce to a partition that is there, and to one that is not")
        let record = batch([("key", "value")])
        let response = try node.ask(ProduceRequest([(0, record), (9, record)], of: "orders"))
        for answer in response.topics.flatMap(\.partitions) {
            let what = answer.errorMessage ?? "at offset \(answer.baseOffset)"
            print("   orders-\(answer.index): \(answer.errorCode), \(what)")
        }
    }

    static func waitForThree(_ node: RunningNode) throws {
        heading("4. A fetch of three partitions waits, at most 30 seconds, for the bytes of three batches")
        let record = batch([("new", "record")])
        let ends = try (0..<3).map { try node.records("orders", $0).count }
        var fetch = FetchRequest(
            [0, 1, 2], of: "orders", from: 0, minBytes: Int32(3 * record.bytes.count), wait: 30_000)
        for index in 0..<3 { fetch.topics[0].partitions[index].fetchOffset = Int64(ends[index]) }
        let begin = ContinuousClock.now
        let waiting = try BlockingConnection(to: node.address)
        try waiting.send(try fetch.frame(version: 12, correlationID: 1, clientID: "demo"))
        for partition in 0..<3 as Range<Int32> {
            try node.produce([("new", "record")], to: "orders", partition)
            print("   a batch of \(record.bytes.count) bytes goes to orders-\(partition)")
        }
        guard let frame = try waiting.receiveFrame(), ContinuousClock.now - begin < .seconds(20) else {
            throw DemoFailure("nothing woke the fetch")
        }
        let response = try FetchResponse.decodeResponse(frame, version: 12).body
        let counts = try response.topics[0].partitions.map { try $0.batches().count }
        print("   woken, with \(counts) batches: by the third batch, not by the clock")
    }

    static func compact(_ node: RunningNode) async throws {
        heading("5. A topic is altered: small segments, then cleanup.policy=compact")
        try alter(node, "segment.bytes", "1024")
        for number in 1...30 {
            try node.produce(keys.map { ($0, "\(number)") }, to: "accounts")
        }
        print("   \(try node.records("accounts", 0).count) records of \(keys.count) keys in accounts-0")
        try alter(node, "cleanup.policy", "compact")
        let line = try await node.awaitLine("log_compacted")
        for name in ["segments", "bytes"] {
            print("   \(name): \(line["\(name)_before"] ?? "") before, \(line["\(name)_after"] ?? "") after")
        }
        let left = try node.records("accounts", 0)
        print("   \(left.count) records are left; what the active segment holds is not compacted:")
        for start in stride(from: 0, to: left.count, by: keys.count) {
            print("   \(text(left[start..<min(start + keys.count, left.count)]))")
        }
    }

    static func text(_ records: some Sequence<FetchedRecord>) -> String {
        records.map { "\($0.offset): \($0.key)=\($0.value)" }.joined(separator: "  ")
    }

    static func alter(_ node: RunningNode, _ name: String, _ value: String) throws {
        var config = IncrementalAlterConfigsRequest.Config()
        (config.name, config.value) = (name, value)
        var resource = IncrementalAlterConfigsRequest.Resource()
        (resource.resourceType, resource.resourceName, resource.configs) = (2, "accounts", [config])
        var request = IncrementalAlterConfigsRequest()
        request.resources = [resource]
        let code = try node.ask(request).responses.first?.errorCode
        guard code == ErrorCode.none else { throw DemoFailure("\(name) was not changed") }
        print("   accounts: \(name)=\(value)")
    }

    static func losePower(_ disk: MemoryDisk, _ node: RunningNode) throws -> RunningNode {
        heading("6. The power fails; the next node finds its topics in the metadata log")
        let partitions =
            [("orders", 0), ("orders", 1), ("orders", 2), ("orders", 3), ("accounts", 0)] as [(String, Int32)]
        let before = try partitions.map { try node.records($0, $1) }
        disk.losePower(afterSteps: 0)
        let found = disk.afterPowerLoss(seed: 3)
        for line in try metadata(on: found) { print("   \(line)") }
        let restarted = try RunningNode(on: found, seed: 4)
        guard try partitions.map({ try restarted.records($0, $1) }) == before else {
            throw DemoFailure("what was acknowledged is not what is there")
        }
        print("   all \(before.joined().count) records are there, at their offsets")
        return restarted
    }

    /// The records of the metadata log, a line each.
    static func metadata(on disk: MemoryDisk) throws -> [String] {
        let log = try Log(in: MemoryStorage(disk).directory(MetadataLog.directoryName))
        var names: [Uuid: String] = [:]
        var lines: [String] = []
        while let range = try log.snapshot.read(
            from: Offset(Int64(lines.count)), upTo: log.end, maxBytes: 1, atLeastOneBatch: true)
        {
            let batch = try RecordBatch(checking: range.read())
            var records = batch.records()
            while let record = try records.next() {
                let change = try MetadataRecord(decoding: batch.bytes(record.value) ?? Bytes())
                lines.append("\(batch.offset(of: record)): \(describe(change, &names))")
            }
        }
        return lines
    }

    static func describe(_ change: MetadataRecord, _ names: inout [Uuid: String]) -> String {
        switch change {
        case .topic(let topic):
            names[topic.topicID] = topic.name
            return "TopicRecord \(topic.name), id \(topic.topicID)"
        case .partition(let partition):
            return "PartitionRecord \(names[partition.topicID] ?? "?")-\(partition.index), leader \(partition.leader)"
        case .config(let config): return "ConfigRecord \(config.resourceName): \(config.name)=\(config.value ?? "null")"
        case .removeTopic(let topic): return "RemoveTopicRecord \(names[topic.topicID] ?? "?")"
        }
    }

    static func cutCreation() throws {
        heading("7. A topic of 100 partitions is created, and the power fails at each step of that, in 20 ways")
        let id = Uuid(high: 1, low: 1)
        let records =
            [MetadataRecord.topic(TopicRecord(name: "big", topicID: id))]
            + (0..<100).map { .partition(PartitionRecord(index: $0, topicID: id, replicas: [1])) }
        var counts: [Int: Int] = [:]
        var isCut = true
        var step = 0
        while isCut {
            for seed in 0..<20 as Range<UInt64> {
                let disk = MemoryDisk(seed: seed)
                var topics = try topics(on: disk)
                disk.losePower(afterSteps: step)
                isCut = (try? topics.append(records, at: 0)) == nil
                let found = try Self.topics(on: disk.afterPowerLoss(seed: seed))
                counts[found["big"]?.partitions.count ?? 0, default: 0] += 1
            }
            step += 1
        }
        let runs = counts.values.reduce(0, +)
        for count in counts.keys.sorted() {
            print("   \(count) partitions: after \(counts[count] ?? 0) of \(runs) runs")
        }
    }

    static func topics(on disk: MemoryDisk) throws(LogError) -> Topics {
        try Topics(in: MemoryStorage(disk), nodeID: 1, defaults: TopicConfig(), progress: { _, _ in })
    }

    static func runKcat(_ address: SocketAddress) throws {
        heading("8. kcat sends one more; its partitioner must be named to be Kafka's")
        let command = """
            echo 'ada:4' | kcat -P -b \(address) -t orders -K: -X partitioner=murmur2_random
            kcat -C -b \(address) -t orders -e -q -f 'orders-%p %o: %k=%s\\n' | grep ada
            """
        for line in command.split(separator: "\n") { print("   $ \(line)") }
        let text = try output(
            of: "command -v kcat >/dev/null || { echo 'kcat is not installed (Debian: kcat)'; exit 0; }; \(command)")
        for line in text.split(separator: "\n") { print("   \(line)") }
    }

    /// What a shell's command prints.
    static func output(of command: String) throws -> String {
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

    static func heading(_ text: String) { print(text.hasPrefix("1.") ? text : "\n\(text)") }
}
