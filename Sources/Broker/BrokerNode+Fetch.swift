import SegmentLog
import WireProtocol

extension BrokerNode {
    /// A fetch that found too little.
    struct WaitingFetch: Sendable {
        var call: Call
        var request: FetchRequest
        /// How many bytes must become visible before it is worth an answer.
        var missingBytes: Int
    }

    /// Reads what there is, or waits for it.
    mutating func fetch(_ request: FetchRequest, _ call: Call, at now: Instant, _ effects: inout Effects) {
        if request.sessionEpoch > 0 {
            // Fetch sessions (KIP-227) are not kept: every client then sends whole requests.
            var response = FetchResponse()
            response.errorCode = .fetchSessionIDNotFound
            return answer(call, with: response, &effects)
        }
        let found = read(request, version: call.version)
        let wanted = min(Int(request.minBytes), Int(request.maxBytes))
        guard found.byteCount < wanted, !found.hasError, request.maxWaitMilliseconds > 0, !found.keys.isEmpty else {
            return answer(call, with: found.response, &effects)
        }
        let waiting = WaitingFetch(call: call, request: request, missingBytes: wanted - found.byteCount)
        let deadline = now.advanced(byMilliseconds: Int64(request.maxWaitMilliseconds))
        let keys = found.keys.map(FetchKey.partition) + [.connection(call.id.connection)]
        _ = fetches.add(waiting, watching: keys, until: deadline)
        scheduleWake(&effects)
    }

    private mutating func scheduleWake(_ effects: inout Effects) {
        if let deadline = fetches.nextDeadline() { effects.append(.wake(at: deadline)) }
    }

    /// More of a partition can be seen: fetches that now have enough are answered.
    mutating func wakeFetches(on partition: Partition, byteCount: Int, _ effects: inout Effects) {
        for id in fetches.watching(.partition(partition.key)) {
            guard var waiting = fetches[id] else { continue }
            waiting.missingBytes -= byteCount
            fetches[id] = waiting
            if waiting.missingBytes <= 0, let ready = fetches.remove(id) { finish(ready, &effects) }
        }
    }

    /// Answers the fetches whose time is over with what there is.
    mutating func expireFetches(at now: Instant, _ effects: inout Effects) {
        while let expired = fetches.removeExpired(at: now) { finish(expired, &effects) }
        scheduleWake(&effects)
    }

    /// Answers every fetch that waits.
    mutating func finishAllFetches(_ effects: inout Effects) {
        for waiting in fetches.removeAll() { finish(waiting, &effects) }
    }

    /// Forgets the fetches of a connection that has ended.
    mutating func cancelFetches(of connection: ConnectionID) {
        for id in fetches.watching(.connection(connection)) { _ = fetches.remove(id) }
    }

    private mutating func finish(_ waiting: WaitingFetch, _ effects: inout Effects) {
        answer(waiting.call, with: read(waiting.request, version: waiting.call.version).response, &effects)
    }

    // MARK: Reading

    private struct Found {
        var response = FetchResponse()
        var byteCount = 0
        var hasError = false
        /// The partitions that the fetch may wait for.
        var keys: [Int] = []
    }

    private func read(_ request: FetchRequest, version: Int16) -> Found {
        var found = Found()
        var budget = min(max(Int(request.maxBytes), 0), configuration.maxFetchBytes)
        for topic in request.topics {
            var answers = FetchResponse.Topic()
            answers.name = topic.name
            answers.topicID = topic.topicID
            let known = version >= 13 ? registry[topic.topicID] : registry[topic.name]
            for asked in topic.partitions {
                var answer = FetchResponse.Partition()
                answer.index = asked.index
                answer.records = Records()
                if let partition = known?.partition(asked.index) {
                    found.keys.append(partition.key)
                    // KIP-74: the first batch comes whole even if it is larger than every limit.
                    let limit = min(max(Int(asked.maxBytes), 0), budget)
                    read(partition, asked, limit, atLeastOneBatch: found.byteCount == 0, request, &answer)
                } else {
                    answer.errorCode = version >= 13 && known == nil ? .unknownTopicID : .unknownTopicOrPartition
                }
                let byteCount = answer.records?.count ?? 0
                budget = max(0, budget - byteCount)
                found.byteCount += byteCount
                found.hasError = found.hasError || answer.errorCode != .none
                answers.partitions.append(answer)
            }
            found.response.topics.append(answers)
        }
        return found
    }

    private func read(
        _ partition: Partition, _ asked: FetchRequest.Partition, _ maxBytes: Int, atLeastOneBatch: Bool,
        _ request: FetchRequest, _ answer: inout FetchResponse.Partition
    ) {
        answer.errorCode = checkLeaderEpoch(asked.currentLeaderEpoch, of: partition)
        guard answer.errorCode == .none else { return }
        answer.highWatermark = partition.highWatermark.offset.value
        answer.lastStableOffset = answer.highWatermark
        answer.logStartOffset = partition.log.startOffset.value
        if request.isolationLevel == 1 { answer.abortedTransactions = [] }
        let offset = Offset(asked.fetchOffset)
        // Between the high watermark and the log's end there is something, but not to be seen yet.
        if offset > partition.highWatermark.offset && offset <= partition.log.end.offset { return }
        do {
            let range = try partition.log.snapshot.read(
                from: offset, upTo: partition.highWatermark, maxBytes: maxBytes, atLeastOneBatch: atLeastOneBatch)
            if let range { answer.records = .file(range) }
        } catch {
            if case .offsetOutOfRange = error {
                answer.errorCode = .offsetOutOfRange
            } else {
                answer.errorCode = .storageError
            }
        }
    }

    /// KIP-320: a client that knows another leader than this one is told so.
    func checkLeaderEpoch(_ epoch: Int32, of partition: Partition) -> ErrorCode {
        if epoch < 0 || epoch == partition.leaderEpoch.value { return .none }
        return epoch < partition.leaderEpoch.value ? .fencedLeaderEpoch : .unknownLeaderEpoch
    }
}
