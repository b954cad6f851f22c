import SegmentLog
import WireProtocol

extension PartitionServer {
    /// Deletes topics by their names or ids, or says why not. Those that can be deleted go together, and are
    /// gone durably on return; their files go later.
    public mutating func deleteTopics(
        _ request: DeleteTopicsRequest, version: Int16, at now: Instant, _ server: inout RequestServer,
        _ effects: inout Effects
    ) -> DeleteTopicsResponse {
        let asked = version >= 6 ? request.topics : request.topicNames.map(DeleteTopicsRequest.Topic.init(named:))
        let mentions = Dictionary(
            asked.compactMap(topic(of:)).map { ($0.id, 1) }, uniquingKeysWith: +)
        var answers: [DeleteTopicsResponse.Topic] = []
        var gone: [Topics.Topic] = []
        var seen = Set<Uuid>()
        for asked in asked {
            var answer = DeleteTopicsResponse.Topic()
            (answer.name, answer.topicID) = (asked.name, asked.topicID)
            do throws(Refusal) {
                let topic = try checkDeletable(asked, version: version)
                // Whoever names a topic twice gets one answer for it, and it stays.
                guard seen.insert(topic.id).inserted else { continue }
                guard mentions[topic.id] == 1 else {
                    throw Refusal(.invalidRequest, "the request names this topic more than once")
                }
                (answer.name, answer.topicID) = (topic.name, topic.id)
                gone.append(topic)
            } catch {
                answer.refuse(error)
            }
            answers.append(answer)
        }
        do throws(Refusal) {
            let records = gone.map { MetadataRecord.removeTopic(RemoveTopicRecord(topicID: $0.id)) }
            try change(records, orRefuseAt: now, &server, &effects)
            for topic in gone { effects.log(.info, "topic_deleted", ["topic": topic.name, "id": "\(topic.id)"]) }
        } catch {
            answers.refuseOthers(error)
        }
        var response = DeleteTopicsResponse()
        response.topics = answers
        return response
    }

    private func topic(of asked: DeleteTopicsRequest.Topic) -> Topics.Topic? {
        asked.name.map { topics[$0] } ?? topics[asked.topicID]
    }

    private func checkDeletable(
        _ asked: DeleteTopicsRequest.Topic, version: Int16
    ) throws(Refusal) -> Topics.Topic {
        guard settings.deletesTopics else {
            // KIP-322: version 3 brought a code of its own.
            throw Refusal(
                version < 3 ? .invalidRequest : .topicDeletionDisabled,
                "delete.topic.enable is false on this broker")
        }
        guard asked.name == nil || asked.topicID == .zero else {
            throw Refusal(.invalidRequest, "name a topic by its name or by its id, not by both")
        }
        guard asked.name != nil || asked.topicID != .zero else {
            throw Refusal(.invalidRequest, "the topic has neither a name nor an id")
        }
        guard let topic = topic(of: asked) else {
            throw asked.name == nil
                ? Refusal(.unknownTopicID, "there is no topic with this id")
                : Refusal(.unknownTopicOrPartition, "there is no such topic or partition")
        }
        guard !topic.isInternal else {
            throw Refusal(.invalidTopic, "\(topic.name) is internal, and cannot be deleted")
        }
        return topic
    }
}

extension DeleteTopicsRequest.Topic {
    fileprivate init(named name: String) {
        self.init()
        self.name = name
    }
}
