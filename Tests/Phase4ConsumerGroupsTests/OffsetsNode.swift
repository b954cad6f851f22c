import SegmentLog
import TestSupport
import TopicsPartitions
import WireProtocol

@testable import ConsumerGroups

/// A node that keeps committed offsets, and nothing else of groups: what it takes to answer OffsetCommit when the
/// offsets are durable.
struct OffsetsNode: Node {
    var partitions: PartitionServer
    private var server = RequestServer(PartitionServer.served + [.offsetCommit, .offsetFetch], maxInFlight: 100)
    private let view = ClusterView(
        clusterID: "test", brokers: [.init(id: 1, address: SocketAddress(host: "here", port: 1))], controllerID: 1)
    private var shards: [Shard] = []

    /// One partition of the offsets topic.
    private struct Shard {
        var offsets = GroupOffsets()
        var waiting: [(end: Offset, records: [GroupRecord], call: Call, response: OffsetCommitResponse)] = []
    }

    /// The topics t (4 partitions) and `__consumer_offsets` on this disk, with all offsets loaded.
    init(
        _ disk: MemoryDisk, _ settings: GroupSettings = GroupSettings(), flushMessages: Int64 = 1, stepBytes: Int = 100
    ) throws {
        var defaults = TopicConfig()
        defaults.flushMessages = flushMessages
        partitions = PartitionServer(
            try Topics(in: MemoryStorage(disk), nodeID: 1, defaults: defaults) { _, _ in }, maxFetchBytes: 1 << 20,
            seed: 1)
        var effects = Effects()
        let now = Instant(nanoseconds: 0)
        let code = partitions.makeOffsetsTopic(settings, of: view, at: now, &server, &effects)
        if code != .none { throw StorageError("make", OffsetsTopic.name, .other("\(code)")) }
        if partitions.topics["t"] == nil {
            let id = Uuid(high: 1, low: 1)
            let records = (0..<4).map {
                MetadataRecord.partition(PartitionRecord(index: Int32($0), topicID: id, replicas: [1]))
            }
            try partitions.change(
                [.topic(TopicRecord(name: "t", topicID: id))] + records, at: now, &server, &effects)
        }
        for partition in partitions.topics[OffsetsTopic.name]?.partitions ?? [] {
            var shard = Shard()
            var loader = OffsetsLoader(partition)
            while try loader.step(
                maxBytes: stepBytes, &effects, { (record) throws(CodingError) in try shard.offsets.replay(record) })
                == .more
            {}
            shards.append(shard)
        }
    }

    /// The offsets of a group, whatever they are in.
    func offsets(of group: String) -> GroupOffsets { shards[place(of: group)].offsets }

    private func place(of group: String) -> Int {
        Int(OffsetsTopic.partition(of: group, count: Int32(shards.count)))
    }

    mutating func handle(_ event: Event, at now: Instant, _ effects: inout Effects) {
        switch event {
        case .connected(let connection, _, _): server.connect(connection)
        case .received(let connection, let frame):
            guard let (call, body) = server.receive(frame, on: connection, &effects) else { break }
            try? serve(call, body, at: now, &effects)
        case .synchronized(let ticket): partitions.synchronized(ticket, &server, &effects)
        case .woke: partitions.expireFetches(at: now, &server, &effects)
        default: break
        }
        for partition in partitions.takeAdvanced() { answer(upTo: partition, &effects) }
    }

    private mutating func serve(
        _ call: Call, _ body: Bytes, at now: Instant, _ effects: inout Effects
    ) throws {
        switch call.api {
        case .offsetCommit:
            let request = try OffsetCommitRequest(decoding: body, version: call.version)
            let place = place(of: request.groupID)
            guard let partition = partitions.topics[OffsetsTopic.name]?.partition(Int32(place)) else { return }
            let (response, records) = shards[place].offsets.commit(
                request, at: 1_000, in: partitions.topics.image, metadataMaxBytes: 10)
            guard let end = try partitions.append(records, to: partition, at: now, &server, &effects) else {
                return server.answer(call, with: response, &effects)
            }
            shards[place].waiting.append((end.offset, records, call, response))
        case .offsetFetch:
            let request = try OffsetFetchRequest(decoding: body, version: call.version)
            let answers = request.groups(version: call.version).map { asked in
                offsets(of: asked.groupID).fetch(asked, requiresStable: false, in: partitions.topics.image)
            }
            server.answer(call, with: OffsetFetchResponse(answers, version: call.version), &effects)
        default: try partitions.serve(call, body, of: view, at: now, &server, &effects)
        }
    }

    private mutating func answer(upTo partition: Partition, _ effects: inout Effects) {
        let place = Int(partition.number)
        while let next = shards[place].waiting.first, next.end <= partition.highWatermark.offset {
            shards[place].waiting.removeFirst()
            for record in next.records { _ = try? shards[place].offsets.replay(record) }
            server.answer(next.call, with: next.response, &effects)
        }
    }
}

extension OffsetCommitRequest {
    /// Commits offsets of partitions of t, as a client that is no member.
    static func of(
        _ group: String, _ offsets: [(partition: Int32, offset: Int64)], topic name: String = "t",
        metadata: String? = nil
    ) -> OffsetCommitRequest {
        var topic = OffsetCommitRequest.Topic()
        topic.name = name
        topic.partitions = offsets.map { number, offset in
            var partition = OffsetCommitRequest.Partition()
            (partition.index, partition.committedOffset, partition.committedMetadata) = (number, offset, metadata)
            return partition
        }
        var request = OffsetCommitRequest()
        (request.groupID, request.topics) = (group, [topic])
        return request
    }
}

extension OffsetFetchRequest.Group {
    /// Asks for partitions of topics, or for all.
    static func of(_ group: String, _ topics: [(String, [Int32])]? = nil) -> OffsetFetchRequest.Group {
        var asked = OffsetFetchRequest.Group()
        asked.groupID = group
        asked.topics = topics?.map { name, partitions in
            var topic = OffsetFetchRequest.Topic()
            (topic.name, topic.partitionIndexes) = (name, partitions)
            return topic
        }
        return asked
    }
}

extension OffsetFetchResponse.Group {
    /// What is told, in a form that is easy to compare: "t-0=5".
    var shown: [String] {
        topics.flatMap { topic in
            topic.partitions.map {
                "\(topic.name)-\($0.index)=\($0.committedOffset)" + ($0.errorCode == .none ? "" : " \($0.errorCode)")
            }
        }
    }
}
