import SegmentLog
import WireProtocol

extension PartitionServer {
    /// Adds partitions to topics, or says why not. Those that can be added are made together, and are durable on
    /// return.
    public mutating func createPartitions(
        _ request: CreatePartitionsRequest, of view: ClusterView, at now: Instant, _ server: inout RequestServer,
        _ effects: inout Effects
    ) -> CreatePartitionsResponse {
        var response = CreatePartitionsResponse()
        var records: [MetadataRecord] = []
        let mentions = Dictionary(request.topics.map { ($0.name, 1) }, uniquingKeysWith: +)
        var seen = Set<String>()
        for asked in request.topics where seen.insert(asked.name).inserted {
            var answer = CreatePartitionsResponse.Result()
            answer.name = asked.name
            do throws(Refusal) {
                if mentions[asked.name] != 1 {
                    throw Refusal(.invalidRequest, "the request names this topic more than once")
                }
                let new = try newPartitions(asked, atMost: Self.maxPartitionsPerRequest - records.count, of: view)
                records += new.map(MetadataRecord.partition)
            } catch {
                answer.refuse(error)
            }
            response.results.append(answer)
        }
        if request.validateOnly { return response }
        do throws(Refusal) {
            try change(records, orRefuseAt: now, &server, &effects)
            for made in response.results where made.errorCode == .none {
                let count = topics[made.name]?.partitions.count ?? 0
                effects.log(.info, "partitions_created", ["topic": made.name, "partitions": "\(count)"])
            }
        } catch {
            response.results.refuseOthers(error)
        }
        return response
    }

    private func newPartitions(
        _ asked: CreatePartitionsRequest.Topic, atMost limit: Int, of view: ClusterView
    ) throws(Refusal) -> [PartitionRecord] {
        guard let topic = topics[asked.name], let known = topics.image.topics[asked.name]?.partitions else {
            throw Refusal(.unknownTopicOrPartition, "there is no such topic or partition")
        }
        guard !topic.isInternal else {
            throw Refusal(.invalidTopic, "\(topic.name) is internal: the number of its partitions cannot be changed")
        }
        let added = Int(asked.count) - known.count
        guard added != 0 else {
            throw Refusal(.invalidPartitions, "the topic has \(known.count) partitions already")
        }
        guard added > 0 else {
            throw Refusal(
                .invalidPartitions,
                "\(topic.name) has \(known.count) partitions, and cannot shrink to \(asked.count)")
        }
        guard added <= limit else {
            throw Refusal(.policyViolation, "one request makes at most \(Self.maxPartitionsPerRequest) partitions")
        }
        let factor = known.first?.replicas.count ?? 1
        let placement = ReplicaPlacement(in: view)
        var replicas: [[Int32]]
        if let assignments = asked.assignments {
            guard assignments.count == added else {
                throw Refusal(
                    .invalidReplicaAssignment,
                    "there are \(added) partitions to add, and assignments for \(assignments.count)")
            }
            replicas = assignments.map(\.brokerIDs)
            for chosen in replicas { try placement.check(chosen, factor: factor) }
        } else {
            replicas = try placement.place(added, from: known.count, factor: factor)
        }
        return replicas.enumerated().map { offset, brokers in
            PartitionRecord(index: Int32(known.count + offset), topicID: topic.id, replicas: brokers)
        }
    }
}
