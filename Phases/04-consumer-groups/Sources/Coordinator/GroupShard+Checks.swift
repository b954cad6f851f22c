import TopicsPartitions
import WireProtocol

extension GroupShard {
    /// Whether offsets may be committed to a group, or why not. To a group that is not there only those may commit
    /// who are no members of any: it begins with that.
    mutating func checkCommit(
        _ request: OffsetCommitRequest, version: Int16, in image: MetadataImage, _ moment: Moment
    ) -> ErrorCode {
        let id = request.groupID
        let epoch = request.generationIDOrMemberEpoch
        if let group = consumer[id] {
            for topic in request.topics {
                // What is not there is refused by itself, whoever asks.
                guard let known = image.topics[topic.name] else { continue }
                for partition in topic.partitions where known.partitions.indices.contains(Int(partition.index)) {
                    let code = group.checkCommit(
                        memberID: request.memberID, memberEpoch: epoch, version: version, topicID: known.id,
                        partition: partition.index)
                    if code != .none { return code }
                }
            }
            return .none
        }
        if classic[id] == nil, epoch >= 0 { return version >= 9 ? .groupIDNotFound : .illegalGeneration }
        return change(classic: id, time: moment.time) {
            $0.checkCommit(
                memberID: request.memberID, instanceID: request.groupInstanceID, generationID: epoch,
                isTransactional: false, at: moment.now)
        }
    }

    /// A group of clients that only commit is an empty classic group.
    mutating func noteCommit(of id: String, _ moment: Moment) {
        guard consumer[id] == nil, classic[id] == nil, offsets.hasOffsets(of: id) else { return }
        classic[id] = ClassicGroup(id: id, settings: settings, time: moment.time)
    }

    /// Whether a group's offsets may be fetched, or why not. A group that is not there has none.
    func checkFetch(_ asked: OffsetFetchRequest.Group) -> ErrorCode {
        if let group = consumer[asked.groupID] {
            return group.checkFetch(memberID: asked.memberID, memberEpoch: asked.memberEpoch)
        }
        return .none
    }

    /// Whether offsets may be deleted: which of them, its members decide.
    func checkOffsetDelete(of id: String) -> ErrorCode {
        if id.isEmpty { return .invalidGroupID }
        if consumer[id] != nil { return .none }
        guard let group = classic[id] else { return .groupIDNotFound }
        // What members of another type have subscribed to, nobody but they know.
        return group.isEmpty || group.protocolType == "consumer" ? .none : .nonEmptyGroup
    }

    /// Whether a group may be deleted: it has no members.
    func checkDelete(of id: String) -> ErrorCode {
        guard let isEmpty = consumer[id].map(\.members.isEmpty) ?? classic[id]?.isEmpty else { return .groupIDNotFound }
        return isEmpty ? .none : .nonEmptyGroup
    }

    /// A group of KIP-848 without members makes room for a classic one of its name, once that has somebody. Its
    /// offsets stay.
    mutating func makeRoom(forClassic id: String, _ actions: inout GroupActions) {
        guard let isEmpty = consumer[id]?.members.isEmpty else { return }
        if isEmpty, classic[id]?.isRecorded == true {
            change(consumer: id) { $0.delete(&actions) }
        } else {
            classic[id] = nil
        }
    }

    /// A classic group without members makes room for one of KIP-848, once that has somebody. Its offsets stay.
    mutating func makeRoom(forConsumer id: String, _ actions: inout GroupActions) {
        guard consumer[id] != nil, let group = classic.removeValue(of: id), group.isRecorded else { return }
        if let tombstone = try? group.tombstone() { actions.write(tombstone) }
    }
}
