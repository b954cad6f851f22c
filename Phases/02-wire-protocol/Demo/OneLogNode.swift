import SegmentLog
import WireProtocol

/// The smallest broker there is: one topic, one partition, one log in memory.
///
/// It is a node like any other: the reactor drives it here, and a test could drive it as well.
struct OneLogNode: Node {
    let topic = "demo"
    let address: SocketAddress
    let log: Log
    /// Topics have no ids here: versions of Fetch that need them are not offered.
    private var server = RequestServer(
        [.produce, .fetch, .listOffsets, .metadata, .findCoordinator], limits: [.fetch: 12], maxInFlight: 16)
    private var fetches = DelayedOperations<Int, (Call, FetchRequest)>()

    init(at address: SocketAddress) throws {
        self.address = address
        log = try Log(in: MemoryStorage())
    }

    mutating func handle(_ event: Event, at now: Instant, _ effects: inout Effects) {
        switch event {
        case .connected(let connection, _, _): server.connect(connection)
        case .disconnected(let connection): server.disconnect(connection)
        case .received(let connection, let frame):
            guard let (call, body) = server.receive(frame, on: connection, &effects) else { break }
            do {
                try serve(call, body, at: now, &effects)
            } catch {
                server.refuse(connection, unreadable: error, &effects)
            }
        case .endOfInput(let connection):
            // Who sends nothing more does not wait for more, either.
            for id in fetches.watching(0) where fetches[id]?.0.id.connection == connection { finish(id, &effects) }
        case .woke:
            while let (call, request) = fetches.removeExpired(at: now) {
                server.answer(call, with: fetch(request), &effects)
            }
        case .stopping: effects.append(.stop(failure: nil))
        // The log is in memory: there is nothing to synchronize.
        case .synchronized, .failedToSynchronize: break
        case .clock, .opened, .failedToOpen: break
        }
        if let deadline = fetches.nextDeadline() { effects.append(.wake(at: deadline)) }
    }

    private mutating func serve(
        _ call: Call, _ body: Bytes, at now: Instant, _ effects: inout Effects
    ) throws(CodingError) {
        let version = call.version
        switch call.api {
        case .metadata: server.answer(call, with: metadata(), &effects)
        case .produce:
            server.answer(call, with: produce(try ProduceRequest(decoding: body, version: version)), &effects)
            for id in fetches.watching(0) { finish(id, &effects) }
        case .fetch:
            let asked = try FetchRequest(decoding: body, version: version)
            let found = fetch(asked)
            if found.topics.first?.partitions.first?.records?.count ?? 0 > 0 || asked.maxWaitMilliseconds <= 0 {
                return server.answer(call, with: found, &effects)
            }
            let deadline = now.advanced(byMilliseconds: Int64(asked.maxWaitMilliseconds))
            _ = fetches.add((call, asked), watching: [0], until: deadline)
        case .listOffsets:
            server.answer(call, with: listOffsets(try ListOffsetsRequest(decoding: body, version: version)), &effects)
        default:
            var none = FindCoordinatorResponse()
            none.errorCode = .coordinatorNotAvailable
            server.answer(call, with: none, &effects)
        }
    }

    /// Answers a fetch that waits, with what there is.
    private mutating func finish(_ id: UInt64, _ effects: inout Effects) {
        guard let (call, request) = fetches.remove(id) else { return }
        server.answer(call, with: fetch(request), &effects)
    }

    private func metadata() -> MetadataResponse {
        var broker = MetadataResponse.Broker()
        (broker.nodeID, broker.host, broker.port) = (1, address.host, Int32(address.port))
        var partition = MetadataResponse.Partition()
        (partition.leaderID, partition.replicaNodes, partition.inSyncReplicaNodes) = (1, [1], [1])
        var described = MetadataResponse.Topic()
        (described.name, described.partitions) = (topic, [partition])
        var response = MetadataResponse()
        (response.brokers, response.controllerID, response.topics) = ([broker], 1, [described])
        return response
    }

    private func produce(_ request: ProduceRequest) -> ProduceResponse {
        var response = ProduceResponse()
        for asked in request.topics {
            var answers = ProduceResponse.Topic()
            answers.name = asked.name
            for data in asked.partitions {
                var answer = ProduceResponse.Partition()
                answer.index = data.index
                if asked.name != topic || data.index != 0 {
                    answer.errorCode = .unknownTopicOrPartition
                } else if case .bytes(let bytes)? = data.records, let batch = try? RecordBatch(checking: bytes),
                    let appended = try? log.append(batch, leaderEpoch: LeaderEpoch(0))
                {
                    answer.baseOffset = appended.baseOffset.value
                } else {
                    answer.errorCode = .corruptMessage
                }
                answers.partitions.append(answer)
            }
            response.topics.append(answers)
        }
        return response
    }

    private func fetch(_ request: FetchRequest) -> FetchResponse {
        var response = FetchResponse()
        for asked in request.topics {
            var answers = FetchResponse.Topic()
            answers.name = asked.name
            for partition in asked.partitions {
                var answer = FetchResponse.Partition()
                (answer.index, answer.records) = (partition.index, Records())
                if asked.name != topic || partition.index != 0 {
                    answer.errorCode = .unknownTopicOrPartition
                } else {
                    (answer.highWatermark, answer.lastStableOffset) = (log.end.offset.value, log.end.offset.value)
                    do {
                        let offset = Offset(partition.fetchOffset)
                        let range = try log.snapshot.read(
                            from: offset, upTo: log.end, maxBytes: Int(partition.maxBytes))
                        if let range { answer.records = .file(range) }
                    } catch {
                        answer.errorCode = .offsetOutOfRange
                    }
                }
                answers.partitions.append(answer)
            }
            response.topics.append(answers)
        }
        return response
    }

    private func listOffsets(_ request: ListOffsetsRequest) -> ListOffsetsResponse {
        var response = ListOffsetsResponse()
        response.topics = request.topics.map { asked in
            var answers = ListOffsetsResponse.Topic()
            answers.name = asked.name
            answers.partitions = asked.partitions.map { partition in
                var answer = ListOffsetsResponse.Partition()
                answer.index = partition.index
                answer.offset = partition.timestamp == ListOffsetsRequest.earliest ? 0 : log.end.offset.value
                return answer
            }
            return answers
        }
        return response
    }
}
