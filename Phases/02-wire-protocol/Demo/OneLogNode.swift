import SegmentLog
import WireProtocol

/// The smallest broker there is: one topic, one partition, one log in memory.
///
/// It is a node like any other: the reactor drives it here, and a test could drive it as well.
struct OneLogNode: Node {
    /// The APIs that are served, and the highest version of each. Topics have no ids here: versions of
    /// Fetch that need them are not offered.
    static let served: KeyValuePairs<ApiKey, Int16> = [
        .produce: 11, .fetch: 12, .listOffsets: 10, .metadata: 13, .findCoordinator: 6, .apiVersions: 4,
    ]

    let topic = "demo"
    let address: SocketAddress
    let log: Log
    private var pipeline = RequestPipeline(maxInFlight: 16)
    private var fetches = DelayedOperations<Int, (RequestID, RequestHeader, FetchRequest)>()

    init(at address: SocketAddress) throws {
        self.address = address
        log = try Log(in: MemoryStorage())
    }

    mutating func handle(_ event: Event, at now: Instant, _ effects: inout Effects) {
        switch event {
        case .connected(let connection, _, _): pipeline.connect(connection)
        case .disconnected(let connection): pipeline.disconnect(connection)
        case .received(let connection, let frame):
            do {
                try receive(frame, on: connection, at: now, &effects)
            } catch {
                effects.log(.warn, "connection_closed", ["reason": "\(error)"])
                effects.append(.close(connection))
            }
        case .endOfInput(let connection):
            // Who sends nothing more does not wait for more, either.
            for id in fetches.watching(0) where fetches[id]?.0.connection == connection {
                if let waiting = fetches.remove(id) { finish(waiting, &effects) }
            }
        case .woke: while let waiting = fetches.removeExpired(at: now) { finish(waiting, &effects) }
        case .stopping: effects.append(.stop(failure: nil))
        // The log is in memory: there is nothing to synchronize.
        case .synchronized, .failedToSynchronize: break
        case .opened, .failedToOpen: break
        }
        if let deadline = fetches.nextDeadline() { effects.append(.wake(at: deadline)) }
    }

    private mutating func receive(
        _ frame: Bytes, on connection: ConnectionID, at now: Instant, _ effects: inout Effects
    ) throws(CodingError) {
        var header = try RequestHeader(fixedPartOf: frame)
        let request = pipeline.begin(on: connection, &effects)
        guard let (api, maxVersion) = Self.served.first(where: { $0.key.rawValue == header.apiKey }),
            (api.versions.lowerBound...maxVersion).contains(header.apiVersion)
        else {
            // An ApiVersions in a version to come is answered in version 0; anything else ends here.
            guard header.apiKey == ApiKey.apiVersions.rawValue else { return effects.append(.close(connection)) }
            header.apiVersion = 0
            return try answer(request, header, apiVersions(error: .unsupportedVersion), &effects)
        }
        let body = try header.readRest(of: frame, as: api)
        let version = header.apiVersion
        switch api {
        case .apiVersions: try answer(request, header, apiVersions(error: .none), &effects)
        case .metadata: try answer(request, header, metadata(), &effects)
        case .produce:
            let asked = try ProduceRequest(decoding: body, version: version)
            try answer(request, header, produce(asked), &effects)
            for id in fetches.watching(0) {
                if let waiting = fetches.remove(id) { finish(waiting, &effects) }
            }
        case .fetch:
            let asked = try FetchRequest(decoding: body, version: version)
            let found = fetch(asked)
            if found.topics.first?.partitions.first?.records?.count ?? 0 > 0 || asked.maxWaitMilliseconds <= 0 {
                try answer(request, header, found, &effects)
            } else {
                let deadline = now.advanced(byMilliseconds: Int64(asked.maxWaitMilliseconds))
                _ = fetches.add((request, header, asked), watching: [0], until: deadline)
            }
        case .listOffsets:
            try answer(request, header, listOffsets(try ListOffsetsRequest(decoding: body, version: version)), &effects)
        case .findCoordinator:
            var none = FindCoordinatorResponse()
            none.errorCode = .coordinatorNotAvailable
            try answer(request, header, none, &effects)
        default: effects.append(.close(connection))
        }
    }

    private mutating func answer(
        _ request: RequestID, _ header: RequestHeader, _ response: some Message, _ effects: inout Effects
    ) throws(CodingError) {
        let frame = try response.responseFrame(version: header.apiVersion, correlationID: header.correlationID)
        pipeline.finish(request, with: frame, &effects)
    }

    private mutating func finish(_ waiting: (RequestID, RequestHeader, FetchRequest), _ effects: inout Effects) {
        // What was decoded in a version can be answered in it.
        try? answer(waiting.0, waiting.1, fetch(waiting.2), &effects)
    }

    private func apiVersions(error: ErrorCode) -> ApiVersionsResponse {
        var response = ApiVersionsResponse()
        response.errorCode = error
        response.apiKeys = Self.served.map { api, maxVersion in
            var entry = ApiVersionsResponse.ApiVersion()
            (entry.apiKey, entry.minVersion, entry.maxVersion) = (api.rawValue, api.versions.lowerBound, maxVersion)
            return entry
        }
        return response
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
