import SegmentLog
import WireProtocol

extension PartitionServer {
    /// A fetch that found too little.
    struct WaitingFetch: Sendable {
        var call: Call
        var request: FetchRequest
        /// How many bytes must become visible before it is worth an answer.
        ///
        /// I3.7: more than none, for as long as it waits.
        var missingBytes: Int
    }

    /// Reads what there is, or waits for it.
    public mutating func fetch(
        _ request: FetchRequest, _ call: Call, at now: Instant, _ server: inout RequestServer,
        _ effects: inout Effects
    ) {
        if request.sessionEpoch > 0 {
            // Fetch sessions (KIP-227) are not kept: every client then sends whole requests.
            var response = FetchResponse()
            response.errorCode = .fetchSessionIDNotFound
            return server.answer(call, with: response, &effects)
        }
        let found = read(request, version: call.version, &effects)
        let wanted = min(Int(request.minBytes), mostBytes(request))
        guard found.byteCount < wanted, !found.hasError, !found.endsInSealedSegment, request.maxWaitMilliseconds > 0,
            !found.keys.isEmpty
        else {
            return server.answer(call, with: found.response, &effects)
        }
        let waiting = WaitingFetch(call: call, request: request, missingBytes: wanted - found.byteCount)
        let deadline = now.advanced(byMilliseconds: Int64(request.maxWaitMilliseconds))
        let keys = found.keys.map(FetchKey.partition) + [.connection(call.id.connection)]
        _ = fetches.add(waiting, watching: keys, until: deadline)
        scheduleWake(&effects)
        server.noteWait(on: call.id.connection)
    }

    private mutating func scheduleWake(_ effects: inout Effects) {
        if let deadline = fetches.nextDeadline() { effects.append(.wake(at: deadline)) }
    }

    /// More of a partition can be seen: fetches that now have enough are answered.
    mutating func wakeFetches(
        on partition: Partition, byteCount: Int, _ server: inout RequestServer, _ effects: inout Effects
    ) {
        for id in fetches.watching(.partition(partition.key)) {
            guard var waiting = fetches[id] else { continue }
            waiting.missingBytes -= byteCount
            fetches[id] = waiting
            if waiting.missingBytes <= 0, let ready = fetches.remove(id) { finish(ready, &server, &effects) }
        }
    }

    /// Answers the fetches whose time is over with what there is.
    public mutating func expireFetches(at now: Instant, _ server: inout RequestServer, _ effects: inout Effects) {
        while let expired = fetches.removeExpired(at: now) { finish(expired, &server, &effects) }
        scheduleWake(&effects)
    }

    /// Answers every fetch that waits.
    mutating func finishAllFetches(_ server: inout RequestServer, _ effects: inout Effects) {
        for waiting in fetches.removeAll() { finish(waiting, &server, &effects) }
    }

    /// Answers the fetches of a client that sends nothing more.
    public mutating func finishFetches(
        of connection: ConnectionID, _ server: inout RequestServer, _ effects: inout Effects
    ) {
        for id in fetches.watching(.connection(connection)) {
            if let waiting = fetches.remove(id) { finish(waiting, &server, &effects) }
        }
    }

    /// Forgets the fetches of a connection that has ended.
    public mutating func cancelFetches(of connection: ConnectionID) {
        for id in fetches.watching(.connection(connection)) { _ = fetches.remove(id) }
    }

    mutating func finish(_ waiting: WaitingFetch, _ server: inout RequestServer, _ effects: inout Effects) {
        let found = read(waiting.request, version: waiting.call.version, &effects)
        server.answer(waiting.call, with: found.response, &effects)
    }

    // MARK: Reading

    private struct Found {
        var response = FetchResponse()
        var byteCount = 0
        var hasError = false
        /// Whether what was read ends with a sealed segment: there is more behind it already.
        var endsInSealedSegment = false
        /// The partitions that the fetch may wait for.
        var keys: [Int] = []
    }

    /// A partition that is asked for and is there, and where its answer stands.
    private struct Wanted {
        var topic: Int
        var place: Int
        var partition: Partition
        var asked: FetchRequest.Partition
    }

    /// Reads until the client's limit, or ours, is reached. What comes first gets most, and a client may
    /// name its partitions in the same order for ever: so the first one is drawn.
    private mutating func read(_ request: FetchRequest, version: Int16, _ effects: inout Effects) -> Found {
        var found = Found()
        let wanted = find(request, version: version, &found)
        let first = wanted.count > 1 ? random.below(wanted.count) : 0
        for next in wanted[first...] + wanted[..<first] {
            var answer = found.response.topics[next.topic].partitions[next.place]
            read(next.partition, next.asked, request, &found, &answer, &effects)
            found.byteCount += answer.records?.count ?? 0
            found.hasError = found.hasError || answer.errorCode != .none
            found.response.topics[next.topic].partitions[next.place] = answer
        }
        return found
    }

    /// Finds the partitions that are asked for, and makes room for their answers in the request's order.
    private func find(_ request: FetchRequest, version: Int16, _ found: inout Found) -> [Wanted] {
        var wanted: [Wanted] = []
        var seen = Set<Int>()
        for topic in request.topics {
            var answers = FetchResponse.Topic()
            answers.name = topic.name
            answers.topicID = topic.topicID
            let known = version >= 13 ? topics[topic.topicID] : topics[topic.name]
            for asked in topic.partitions {
                var answer = FetchResponse.Partition()
                answer.index = asked.index
                answer.records = Records()
                if let partition = known?.partition(asked.index) {
                    // Whoever names a partition twice gets one answer for it, as with Kafka.
                    guard seen.insert(partition.key).inserted else { continue }
                    found.keys.append(partition.key)
                    wanted.append(
                        Wanted(
                            topic: found.response.topics.count, place: answers.partitions.count, partition: partition,
                            asked: asked))
                } else {
                    answer.errorCode = version >= 13 && known == nil ? .unknownTopicID : .unknownTopicOrPartition
                    found.hasError = true
                }
                answers.partitions.append(answer)
            }
            found.response.topics.append(answers)
        }
        return wanted
    }

    private func read(
        _ partition: Partition, _ asked: FetchRequest.Partition, _ request: FetchRequest, _ found: inout Found,
        _ answer: inout FetchResponse.Partition, _ effects: inout Effects
    ) {
        answer.errorCode = checkLeaderEpoch(asked.currentLeaderEpoch, of: partition)
        guard answer.errorCode == .none else { return }
        do {
            let log = try partition.log()
            answer.highWatermark = partition.highWatermark.offset.value
            answer.lastStableOffset = answer.highWatermark
            answer.logStartOffset = log.startOffset.value
            if request.isolationLevel == 1 { answer.abortedTransactions = [] }
            let offset = Offset(asked.fetchOffset)
            // Between the high watermark and the log's end there is something, but not to be seen yet.
            if offset > partition.highWatermark.offset && offset <= log.end.offset { return }
            // KIP-74: the first batch comes whole even if it is larger than every limit.
            let budget = max(0, mostBytes(request) - found.byteCount)
            let range = try log.snapshot.read(
                from: offset, upTo: partition.highWatermark, maxBytes: min(max(Int(asked.maxBytes), 0), budget),
                atLeastOneBatch: found.byteCount == 0)
            guard let range else { return }
            answer.records = .file(range)
            found.endsInSealedSegment = found.endsInSealedSegment || range.file !== log.activeFile
        } catch {
            if case .offsetOutOfRange = error {
                answer.errorCode = .offsetOutOfRange
            } else {
                answer.errorCode = .storageError
                effects.log(
                    .error, "read_failed",
                    ["partition": partition.name, "offset": "\(asked.fetchOffset)", "error": "\(error)"])
            }
        }
    }

    /// The most bytes that a fetch may return: the client's limit or the broker's.
    private func mostBytes(_ request: FetchRequest) -> Int {
        min(max(Int(request.maxBytes), 0), maxFetchBytes)
    }
}
