import SegmentLog
import WireProtocol

/// The broker as a node: it routes each request to the handler of its API, and answers.
///
/// Every handler either answers at once, or leaves a produce or a fetch to wait. A synchronize that
/// is done acknowledges produces and moves high watermarks; that, and time, wake fetches.
public struct BrokerNode: Node {
    let configuration: Configuration
    let identity: Identity
    /// Where the clients of each listener are told to connect.
    public var advertised: [Listener]
    /// The name of the listener that each connection came in by.
    private var listenerNames: [ConnectionID: String] = [:]

    var registry: TopicRegistry
    var random: SplitMix64
    var pipeline: RequestPipeline
    var synchronizes = SynchronizeQueue<Int>()
    var produces: [ProduceID: WaitingProduce] = [:]
    var nextProduce: UInt64 = 0
    var fetches = DelayedOperations<FetchKey, WaitingFetch>()
    private var isStopping = false
    private var checkpointAt: Instant?
    var hasNewDurable = false
    private var hasFailed = false

    /// What the broker is called: the answer to "which cluster is this".
    public struct Identity: Sendable {
        /// The cluster's id.
        public var clusterID: String
        /// This broker's id.
        public var nodeID: Int32
    }

    /// What a waiting fetch can be found by.
    enum FetchKey: Hashable {
        case partition(Int)
        case connection(ConnectionID)
    }

    /// A request on its way to an answer.
    struct Call {
        var id: RequestID
        var header: RequestHeader
        var version: Int16 { header.apiVersion }
    }

    /// Finds the topics in `storage`, and recovers their logs after a crash.
    ///
    /// - Parameters:
    ///   - seed: begins all randomness: ids of topics and of the cluster.
    ///   - progress: told how many logs of how many have been recovered.
    public init(
        _ configuration: Configuration, storage: any Storage, seed: UInt64,
        progress: (_ done: Int, _ total: Int) -> Void = { _, _ in }
    ) throws(LogError) {
        self.configuration = configuration
        var random = SplitMix64(seed: seed)
        identity = try onStorage { () throws(StorageError) in
            try Identity(in: storage, nodeID: configuration.nodeID, &random)
        }
        self.random = random
        registry = try TopicRegistry(
            try LogDirectory(storage, configuration: configuration.log), progress: progress)
        pipeline = RequestPipeline(maxInFlight: configuration.maxInFlightPerConnection)
        advertised = configuration.advertised(for: configuration.listeners)
    }

    /// The id that this broker's cluster got when its directory was first used.
    public var clusterID: String { identity.clusterID }
    /// How many topics there are.
    public var topicCount: Int { registry.topics.count }
    /// What opening the logs found.
    public var recovery: RecoverySummary { registry.recovery }

    /// Makes everything durable, and leaves the marker of a clean stop. Nothing may be handled afterwards.
    public func close() throws(LogError) { try registry.directory.close() }

    /// Takes in an event; see `Node`.
    public mutating func handle(_ event: Event, at now: Instant, _ effects: inout Effects) {
        // After a failed synchronize nobody knows what is on disk: nothing more is answered.
        if hasFailed { return }
        switch event {
        case .connected(let connection, _, let listener):
            pipeline.connect(connection)
            listenerNames[connection] = listener
        case .endOfInput(let connection): finishFetches(of: connection, &effects)
        case .disconnected(let connection):
            listenerNames[connection] = nil
            disconnect(connection)
        case .received(let connection, let frame): receive(frame, on: connection, at: now, &effects)
        case .synchronized(let ticket): synchronized(ticket, &effects)
        case .failedToSynchronize(_, let error): fail("\(error)", &effects)
        case .woke:
            expireFetches(at: now, &effects)
            writeCheckpoints(at: now, &effects)
        case .stopping: stop(&effects)
        case .opened, .failedToOpen: break
        }
        scheduleCheckpoint(after: now, &effects)
        if isStopping && synchronizes.isIdle && pipeline.inFlight == 0 { effects.append(.stop(failure: nil)) }
    }

    private mutating func disconnect(_ connection: ConnectionID) {
        pipeline.disconnect(connection)
        cancelFetches(of: connection)
    }

    /// Where the client of a connection is told to connect.
    func advertisedAddress(on connection: ConnectionID) -> SocketAddress {
        let name = listenerNames[connection]
        return (advertised.first { $0.name == name } ?? advertised[0]).address
    }

    /// Something could not be written: a line for the operator, and the end after a failed synchronize.
    mutating func storageFailed(_ error: LogError, _ effects: inout Effects) {
        if error.isFinal { return fail(error.description, &effects) }
        effects.log(.error, "storage_failed", ["error": error.description])
    }

    private mutating func fail(_ reason: String, _ effects: inout Effects) {
        hasFailed = true
        effects.log(
            .error, "broker_failed", ["error": reason, "consequence": "stopping, because what was written may be lost"])
        effects.append(.stop(failure: reason))
    }

    /// Answers what waits, and synchronizes what is not on disk yet.
    private mutating func stop(_ effects: inout Effects) {
        isStopping = true
        finishAllFetches(&effects)
        for partition in registry.partitions {
            if let (file, end) = partition.unsynchronized { synchronizes.add(partition.key, file: file, end: end) }
        }
        synchronizes.start(&effects)
    }

    // MARK: Checkpoints

    /// Something has become durable since the checkpoints were written: they are written again a while
    /// later, so that the next start after a crash checks only what came then.
    private mutating func scheduleCheckpoint(after now: Instant, _ effects: inout Effects) {
        guard checkpointAt == nil, hasNewDurable else { return }
        let next = now.advanced(byMilliseconds: configuration.checkpointIntervalMilliseconds)
        checkpointAt = next
        effects.append(.wake(at: next))
    }

    private mutating func writeCheckpoints(at now: Instant, _ effects: inout Effects) {
        guard let due = checkpointAt else { return }
        guard due <= now else { return effects.append(.wake(at: due)) }
        checkpointAt = nil
        hasNewDurable = false
        do {
            try registry.directory.writeCheckpoints()
        } catch {
            storageFailed(error, &effects)
        }
    }

    // MARK: Requests

    /// The APIs that are served, each in every version that is described.
    public static let served: [ApiKey] = [.produce, .fetch, .listOffsets, .metadata, .findCoordinator, .apiVersions]

    private mutating func receive(
        _ frame: Bytes, on connection: ConnectionID, at now: Instant, _ effects: inout Effects
    ) {
        guard pipeline.isConnected(connection), !isStopping else { return }
        do {
            var header = try RequestHeader(fixedPartOf: frame)
            guard let api = ApiKey(rawValue: header.apiKey), Self.served.contains(api) else {
                return refuse(connection, "asked for API \(header.apiKey), which is not served", &effects)
            }
            let call = { [pipelined = pipeline.begin(on: connection, &effects)] in Call(id: pipelined, header: $0) }
            guard api.versions.contains(header.apiVersion) else {
                guard api == .apiVersions else {
                    return refuse(
                        connection, "asked for \(api) in version \(header.apiVersion), which is not served", &effects)
                }
                return apiVersions(nil, call(header), &effects)
            }
            let body = try header.readRest(of: frame, as: api)
            try serve(api, body, call(header), at: now, &effects)
        } catch {
            refuse(connection, "sent a request that cannot be read: \(error)", &effects)
        }
    }

    private mutating func serve(
        _ api: ApiKey, _ body: Bytes, _ call: Call, at now: Instant, _ effects: inout Effects
    ) throws(CodingError) {
        let version = call.version
        switch api {
        case .apiVersions: apiVersions(try ApiVersionsRequest(decoding: body, version: version), call, &effects)
        case .metadata: metadata(try MetadataRequest(decoding: body, version: version), call, &effects)
        case .produce: produce(try ProduceRequest(decoding: body, version: version), call, &effects)
        case .fetch: fetch(try FetchRequest(decoding: body, version: version), call, at: now, &effects)
        case .listOffsets: listOffsets(try ListOffsetsRequest(decoding: body, version: version), call, &effects)
        case .findCoordinator:
            findCoordinator(try FindCoordinatorRequest(decoding: body, version: version), call, &effects)
        default: refuse(call.id.connection, "asked for \(api.name), which is not served", &effects)
        }
    }

    /// Ends a connection whose bytes make no sense: there is no way to answer them.
    private mutating func refuse(_ connection: ConnectionID, _ reason: String, _ effects: inout Effects) {
        effects.log(.warn, "request_refused", ["connection": "\(connection.value)", "reason": "the client \(reason)"])
        close(connection, &effects)
    }

    mutating func close(_ connection: ConnectionID, _ effects: inout Effects) {
        disconnect(connection)
        effects.append(.close(connection))
    }

    /// Answers a call.
    mutating func answer(_ call: Call, with response: some Message, _ effects: inout Effects) {
        do {
            let frame = try response.responseFrame(version: call.version, correlationID: call.header.correlationID)
            pipeline.finish(call.id, with: frame, &effects)
            endWaitsThatHoldUp(call.id.connection, &effects)
        } catch {
            // Only a response too long for its own length fields gets here.
            refuse(call.id.connection, "would get an answer that cannot be written: \(error)", &effects)
        }
    }

    // MARK: Small APIs

    /// Answers with the table of what is served; nil for a request in a version that is not known.
    private mutating func apiVersions(_ request: ApiVersionsRequest?, _ call: Call, _ effects: inout Effects) {
        var response = ApiVersionsResponse()
        response.apiKeys = Self.served.map { api in
            var entry = ApiVersionsResponse.ApiVersion()
            entry.apiKey = api.rawValue
            entry.minVersion = api.versions.lowerBound
            entry.maxVersion = api.versions.upperBound
            return entry
        }
        guard let request else {
            // KIP-511: version 0 is the one that every client can read.
            response.errorCode = .unsupportedVersion
            var oldest = call
            oldest.header.apiVersion = 0
            return answer(oldest, with: response, &effects)
        }
        if call.version >= 3
            && !(isSoftwareName(request.clientSoftwareName) && isSoftwareName(request.clientSoftwareVersion))
        {
            response = ApiVersionsResponse()
            response.errorCode = .invalidRequest
        }
        answer(call, with: response, &effects)
    }

    /// KIP-511: letters, digits, dots and dashes, and a letter or digit at both ends.
    private func isSoftwareName(_ text: String) -> Bool {
        let isAlphanumeric: (UInt8) -> Bool = { byte in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"):
                true
            default: false
            }
        }
        guard let first = text.utf8.first, let last = text.utf8.last else { return false }
        return isAlphanumeric(first) && isAlphanumeric(last)
            && text.utf8.allSatisfy { isAlphanumeric($0) || $0 == UInt8(ascii: ".") || $0 == UInt8(ascii: "-") }
    }

    /// There are no groups yet to coordinate.
    private mutating func findCoordinator(
        _ request: FindCoordinatorRequest, _ call: Call, _ effects: inout Effects
    ) {
        let message = "this broker does not coordinate groups or transactions"
        var response = FindCoordinatorResponse()
        response.errorCode = .coordinatorNotAvailable
        response.errorMessage = message
        response.nodeID = -1
        response.port = -1
        response.coordinators = request.coordinatorKeys.map { key in
            var coordinator = FindCoordinatorResponse.Coordinator()
            coordinator.key = key
            coordinator.nodeID = -1
            coordinator.port = -1
            coordinator.errorCode = .coordinatorNotAvailable
            coordinator.errorMessage = message
            return coordinator
        }
        answer(call, with: response, &effects)
    }
}

extension BrokerNode.Identity {
    /// Reads `meta.properties`, or makes it for a directory that is used for the first time.
    init(in storage: any Storage, nodeID: Int32, _ random: inout SplitMix64) throws(StorageError) {
        let name = "meta.properties"
        let path = storage.path + "/" + name
        guard try storage.list().contains(name) else {
            self.init(clusterID: Uuid.random(using: &random).description, nodeID: nodeID)
            let text = "cluster.id=\(clusterID)\nnode.id=\(nodeID)\nversion=1\n"
            try storage.replace(name, with: Bytes(utf8: text))
            return
        }
        let lines = (try? Properties.parse(try storage.contents(of: name).utf8 ?? "")) ?? []
        guard let cluster = lines.first(where: { $0.name == "cluster.id" })?.value, !cluster.isEmpty,
            let node = lines.first(where: { $0.name == "node.id" }).flatMap({ Int32($0.value) })
        else { throw StorageError("read", path, .other("it names no cluster.id and node.id; restore it from a copy")) }
        guard node == nodeID else {
            throw StorageError(
                "use", storage.path,
                .other(
                    "it belongs to node \(node), and this is node \(nodeID); set node.id=\(node), or choose another directory"
                ))
        }
        self.init(clusterID: cluster, nodeID: nodeID)
    }
}
