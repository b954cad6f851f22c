import SegmentLog
@testable import WireProtocol

/// Drives a `WireClient` as a reactor would, with events and time that are the test's to choose.
final class WireClientDriver {
    /// A request as a broker sees it.
    struct Asked {
        var header: RequestHeader
        var body: Bytes
        var api: ApiKey? { ApiKey(rawValue: header.apiKey) }
    }

    private(set) var client: WireClient
    private(set) var now = Instant(nanoseconds: 0)
    /// Every connection that was asked for, oldest first.
    private(set) var opened: [(id: ConnectionID, address: SocketAddress)] = []
    private(set) var closed: Set<ConnectionID> = []
    /// What was asked on each connection and has no answer.
    private(set) var asked: [ConnectionID: [Asked]] = [:]
    /// What became of each call.
    private(set) var results: [CallID: [Result<Answer, ClientError>]] = [:]
    private(set) var wakeAt: Instant?
    /// How often it was woken by the time.
    private(set) var wakes = 0

    init(servers: Int = 1, seed: UInt64 = 1, _ change: (inout WireClient.Configuration) -> Void = { _ in }) {
        var configuration = WireClient.Configuration(
            bootstrapServers: (1...servers).map { SocketAddress(host: "boot\($0)", port: 9092) })
        change(&configuration)
        client = WireClient(configuration, seed: seed)
    }

    /// The newest connection.
    var last: ConnectionID { opened.last?.id ?? ConnectionID(0) }

    // MARK: The owner's side

    @discardableResult
    func send(
        _ request: any Request, to destination: WireClient.Destination = .any, timeout: Int64? = nil,
        isAnswered: Bool = true
    ) -> CallID {
        perform {
            $0.send(request, to: destination, at: $1, timeoutMilliseconds: timeout, isAnswered: isAnswered, &$2)
        }
    }

    func follow(_ topic: String) { perform { $0.follow(topic, at: $1, &$2) } }
    func refresh() { perform { $0.refresh(at: $1, &$2) } }
    func close() { perform { $0.close(at: $1, &$2) } }
    func learn(_ topic: String, _ partition: Int32, leader: Int32, epoch: Int32) -> Bool {
        var hint = LeaderIDAndEpoch()
        hint.leaderID = leader
        hint.leaderEpoch = epoch
        return client.learn(topic, partition, hint)
    }

    /// What became of a call; nil while that is not known.
    func result(of call: CallID) -> Result<Answer, ClientError>? { results[call]?.first }

    // MARK: The reactor's side

    func tell(_ event: Event) { perform { $0.handle(event, at: $1, &$2) } }

    /// Moves time on, and wakes the client whenever it asked for that.
    func advance(milliseconds: Int64, wakesAtMost limit: Int = 1_000_000) {
        let end = now.advanced(byMilliseconds: milliseconds)
        let before = wakes
        while let wake = wakeAt, wake <= end, wakes - before <= limit {
            now = max(now, wake)
            wakeAt = nil
            wakes += 1
            tell(.woke)
        }
        now = end
    }

    private func perform<Result>(_ body: (inout WireClient, Instant, inout Effects) -> Result) -> Result {
        var effects = Effects()
        let result = body(&client, now, &effects)
        for effect in effects.all {
            switch effect {
            case .open(let id, let address): opened.append((id, address))
            case .close(let id):
                closed.insert(id)
                asked[id] = nil
            case .send(let id, let payload?): if !closed.contains(id) { take(payload, on: id) }
            case .wake(let at): wakeAt = min(wakeAt ?? at, at)
            default: break
            }
        }
        for (id, result) in client.takeAnswers() { results[id, default: []].append(result) }
        return result
    }

    private func take(_ payload: Payload, on id: ConnectionID) {
        guard let frame = try? payload.bytes().dropFirst(4), var header = try? RequestHeader(fixedPartOf: frame),
            let api = ApiKey(rawValue: header.apiKey), let body = try? header.readRest(of: frame, as: api)
        else { return }
        asked[id, default: []].append(Asked(header: header, body: body))
    }

    // MARK: The broker's side

    /// Answers the oldest request on a connection.
    func answer(on id: ConnectionID? = nil, _ body: some Message, version: Int16? = nil) throws {
        let id = id ?? last
        guard var waiting = asked[id], !waiting.isEmpty else { throw ClientError.refused("nothing was asked") }
        let header = waiting.removeFirst().header
        asked[id] = waiting
        let frame = try body.responseFrame(
            version: version ?? header.apiVersion, correlationID: header.correlationID)
        tell(.received(id, try frame.bytes().dropFirst(4)))
    }

    /// Connects, and says what the broker speaks: everything, or as told.
    func accept(on id: ConnectionID? = nil, speaking versions: [ApiKey: ClosedRange<Int16>] = [:]) throws {
        tell(.opened(id ?? last))
        try answer(on: id, offer(versions))
    }

    /// An answer to ApiVersions: everything that this client speaks, but for what is told; an empty range
    /// cannot be told, so an API that is not offered has -1...(-1).
    func offer(_ versions: [ApiKey: ClosedRange<Int16>] = [:]) -> ApiVersionsResponse {
        var response = ApiVersionsResponse()
        for api in ApiKey.allCases {
            let range = versions[api] ?? api.versions
            guard range.lowerBound >= 0 else { continue }
            var entry = ApiVersionsResponse.ApiVersion()
            entry.apiKey = api.rawValue
            entry.minVersion = range.lowerBound
            entry.maxVersion = range.upperBound
            response.apiKeys.append(entry)
        }
        return response
    }

    /// Metadata with brokers 0..<count at "b0:9092", "b1:9092", … and topics with one partition.
    static func metadata(
        brokers: Int = 1, port: Int32 = 9092, topics: [(name: String, leader: Int32, epoch: Int32)] = []
    ) -> MetadataResponse {
        var response = MetadataResponse()
        for id in 0..<Int32(brokers) {
            var broker = MetadataResponse.Broker()
            broker.nodeID = id
            broker.host = "b\(id)"
            broker.port = port
            response.brokers.append(broker)
        }
        for topic in topics {
            var partition = MetadataResponse.Partition()
            partition.leaderID = topic.leader
            partition.leaderEpoch = topic.epoch
            var entry = MetadataResponse.Topic()
            entry.name = topic.name
            entry.partitions = [partition]
            response.topics.append(entry)
        }
        return response
    }

    /// Makes the cluster known by a first request for metadata.
    func start(brokers: Int = 1, topics: [(name: String, leader: Int32, epoch: Int32)] = []) throws {
        if topics.isEmpty { refresh() }
        for topic in topics { follow(topic.name) }
        try accept()
        while asked[last]?.first?.api == .metadata {
            try answer(Self.metadata(brokers: brokers, topics: topics))
        }
    }
}

extension Result<Answer, ClientError> {
    /// Why there is no answer.
    var error: ClientError? {
        if case .failure(let error) = self { return error }
        return nil
    }
}
