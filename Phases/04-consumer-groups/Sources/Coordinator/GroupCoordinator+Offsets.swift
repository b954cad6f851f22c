import SegmentLog
import TopicsPartitions
import WireProtocol

extension GroupCoordinator {
    mutating func commit(
        _ request: OffsetCommitRequest, _ call: Call, at now: Instant, _ partitions: inout PartitionServer,
        _ server: inout RequestServer, _ effects: inout Effects
    ) {
        let id = request.groupID
        let unavailable = unavailability(of: id)
        guard unavailable == .none else {
            return server.answer(call, with: OffsetCommitResponse(refusing: request, unavailable), &effects)
        }
        let number = number(of: id)
        let moment = Moment(now: now, time: partitions.clock.milliseconds(at: now))
        let image = partitions.topics.image
        let code = shards[number].checkCommit(request, version: call.version, in: image, moment)
        guard code == .none else {
            return hold(
                call, OffsetCommitResponse(refusing: request, code), behind: [number], &server, &effects)
        }
        var actions = GroupActions()
        var (response, records) = shards[number].offsets.commit(
            request, at: moment.time, in: image, metadataMaxBytes: settings.offsetMetadataMaxBytes,
            maxBytes: shards[number].partition.maxBatchBytes)
        records.forEach { actions.write($0) }
        shards[number].noteCommit(of: id, moment)
        let failure = perform(actions, of: id, number, at: now, &partitions, &server, &effects)
        if failure != .none { response.refuse(failure) }
        hold(call, response, behind: [number], &server, &effects)
    }

    mutating func fetchOffsets(
        _ request: OffsetFetchRequest, _ call: Call, _ partitions: borrowing PartitionServer,
        _ server: inout RequestServer, _ effects: inout Effects
    ) {
        var touched: [Int] = []
        var seen: Set<ExactText> = []
        let image = partitions.topics.image
        let answers = request.groups(version: call.version).map { asked in
            var code = unavailability(of: asked.groupID)
            // The same again would make a long answer of a short request.
            if !seen.insert(ExactText(asked.groupID)).inserted { code = .invalidRequest }
            if code == .none {
                let number = number(of: asked.groupID)
                if !touched.contains(number) { touched.append(number) }
                code = shards[number].checkFetch(asked)
                if code == .none {
                    return shards[number].offsets.fetch(asked, requiresStable: request.requireStable, in: image)
                }
            }
            return OffsetFetchResponse.Group(refusing: asked, code, version: call.version)
        }
        let response = OffsetFetchResponse(answers, version: call.version)
        hold(call, response, behind: request.requireStable ? touched : [], &server, &effects)
    }

    mutating func deleteOffsets(
        _ request: OffsetDeleteRequest, _ call: Call, at now: Instant, _ partitions: inout PartitionServer,
        _ server: inout RequestServer, _ effects: inout Effects
    ) {
        let id = request.groupID
        var response = OffsetDeleteResponse()
        response.errorCode = unavailability(of: id)
        guard response.errorCode == .none else { return server.answer(call, with: response, &effects) }
        let number = number(of: id)
        var actions = GroupActions()
        response.errorCode = shards[number].checkOffsetDelete(of: id)
        if response.errorCode == .none {
            // Of the shard as a whole no copy may be held: its offsets, which change here, would be copied with it.
            let (consumer, classic) = (shards[number].consumer[id], shards[number].classic[id])
            let (deleted, records) = shards[number].offsets.delete(request, in: partitions.topics.image) { topic in
                consumer?.isSubscribed(to: topic) ?? classic?.isSubscribed(to: topic) ?? false
            }
            response = deleted
            records.forEach { actions.write($0) }
        }
        let failure = perform(actions, of: id, number, at: now, &partitions, &server, &effects)
        if failure != .none { response.refuse(failure) }
        hold(call, response, behind: [number], &server, &effects)
    }

    mutating func deleteGroups(
        _ request: DeleteGroupsRequest, _ call: Call, at now: Instant, _ partitions: inout PartitionServer,
        _ server: inout RequestServer, _ effects: inout Effects
    ) {
        var response = DeleteGroupsResponse()
        var touched: [Int] = []
        for id in request.groupNames {
            var result = DeleteGroupsResponse.Result()
            result.groupID = id
            result.errorCode = unavailability(of: id)
            if result.errorCode == .none {
                let number = number(of: id)
                if !touched.contains(number) { touched.append(number) }
                var actions = GroupActions()
                result.errorCode = shards[number].checkDelete(of: id)
                if result.errorCode == .none { shards[number].delete(id, &actions) }
                let failure = perform(
                    actions, of: nil, isAtomic: false, number, at: now, &partitions, &server, &effects)
                if failure != .none {
                    result.errorCode = failure
                    // What was deleted before it in this shard is read again, too, and may be there still.
                    for place in response.results.indices
                    where self.number(of: response.results[place].groupID) == number {
                        response.results[place].errorCode = failure
                    }
                }
            }
            response.results.append(result)
        }
        hold(call, response, behind: touched, &server, &effects)
    }
}

extension OffsetCommitResponse {
    /// Every partition of a request with the same error.
    init(refusing request: OffsetCommitRequest, _ code: ErrorCode) {
        self.init()
        topics = request.topics.map { topic in
            topic.map { asked in
                var answer = PartitionError()
                answer.index = asked.index
                answer.errorCode = code
                return answer
            }
        }
    }
}
