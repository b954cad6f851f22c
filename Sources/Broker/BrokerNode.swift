import ConsumerGroups
import SegmentLog
import TopicsPartitions
import WireProtocol

/// The broker as a node: it routes each request to the handler of its API, and answers.
///
/// Topics and their records are phase 3's: `PartitionServer` holds both, and what waits for them. Groups are phase
/// 4's: `GroupCoordinator` keeps them in a topic of these.
public struct BrokerNode: Node {
    let configuration: Configuration
    let identity: Identity
    /// Where the clients of each listener are told to connect.
    public var advertised: [Listener]
    /// Who the clients are.
    private(set) var clients: [ConnectionID: Client] = [:]

    var partitions: PartitionServer
    var groups: GroupCoordinator
    var server: RequestServer
    private(set) var isStopping = false
    private var checkpointAt: Instant?
    private var maintenance: LogMaintenance
    /// When the logs are to be looked at again; nil until the time of day is known.
    private var maintenanceAt: Instant?
    /// The changes of topics that maintenance knows of.
    private var maintainedChanges = 0
    private var hasFailed = false

    /// What is known of a connection.
    struct Client {
        /// The address that it comes from.
        var host: String
        /// The cluster as it sees it, by the listener that it came in by.
        var view: ClusterView
    }

    /// What the broker is called: the answer to "which cluster is this".
    public struct Identity: Sendable {
        /// The cluster's id.
        public var clusterID: String
        /// This broker's id.
        public var nodeID: Int32
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
        partitions = PartitionServer(
            try Topics(
                in: storage, nodeID: identity.nodeID, defaults: configuration.topicDefaults, progress: progress),
            maxFetchBytes: configuration.maxFetchBytes, settings: configuration.adminSettings,
            seed: random.next())
        groups = GroupCoordinator(configuration.groups, seed: random.next())
        var settings = configuration.maintenance
        settings.fileDeleteDelayMilliseconds = configuration.topicDefaults.fileDeleteDelayMilliseconds
        maintenance = LogMaintenance(partitions.topics.directory, settings)
        server = RequestServer(Self.served, maxInFlight: configuration.maxInFlightPerConnection)
        advertised = configuration.advertised(for: configuration.listeners)
    }

    /// The id that this broker's cluster got when its directory was first used.
    public var clusterID: String { identity.clusterID }
    /// How many topics there are.
    public var topicCount: Int { partitions.topics.count }
    /// What opening the logs found.
    public var recovery: RecoverySummary { partitions.topics.recovery }

    /// Makes everything durable, and leaves the marker of a clean stop. Nothing may be handled afterwards.
    public func close() throws(LogError) { try partitions.topics.close() }

    /// Takes in an event; see `Node`.
    public mutating func handle(_ event: Event, at now: Instant, _ effects: inout Effects) {
        // After a failed synchronize nobody knows what is on disk: nothing more is answered.
        if hasFailed { return }
        switch event {
        case .clock(let milliseconds):
            partitions.clock.set(milliseconds, at: now)
            maintenanceAt = maintenanceAt ?? now
        case .connected(let connection, let peer, let listener):
            server.connect(connection)
            clients[connection] = Client(host: Self.host(of: peer), view: view(from: listener))
        case .endOfInput(let connection): partitions.finishFetches(of: connection, &server, &effects)
        case .disconnected(let connection):
            clients[connection] = nil
            server.disconnect(connection)
            partitions.cancelFetches(of: connection)
        case .received(let connection, let frame): receive(frame, on: connection, at: now, &effects)
        case .synchronized(let ticket): partitions.synchronized(ticket, &server, &effects)
        case .failedToSynchronize(_, let error): fail("\(error)", &effects)
        case .woke:
            partitions.expireFetches(at: now, &server, &effects)
            writeCheckpoints(at: now, &effects)
        case .stopping:
            isStopping = true
            maintenance.stop()
            groups.stop(&server, &effects)
            partitions.stop(&server, &effects)
        case .opened, .failedToOpen: break
        }
        while let connection = server.nextHeldUp() { partitions.finishFetches(of: connection, &server, &effects) }
        let isAwake = if case .woke = event { true } else { false }
        groups.advance(at: now, isAwake: isAwake, &partitions, &server, &effects)
        if let failure = partitions.failure ?? groups.failure { return fail(failure, &effects) }
        scheduleCheckpoint(after: now, &effects)
        maintain(at: now, after: event, &effects)
        if isStopping && partitions.isIdle && server.inFlight == 0 { effects.append(.stop(failure: nil)) }
    }

    /// The cluster with the addresses that clients of a listener are told to connect to.
    private func view(from listener: String) -> ClusterView {
        let address = (advertised.first { $0.name == listener } ?? advertised[0]).address
        return ClusterView(
            clusterID: identity.clusterID, brokers: [.init(id: identity.nodeID, address: address)],
            controllerID: identity.nodeID)
    }

    /// The address of a peer, without its port.
    private static func host(of peer: String) -> String {
        let host = peer.lastIndex(of: ":").map { peer[..<$0] } ?? peer[...]
        return String(host.drop { $0 == "[" }.prefix { $0 != "]" })
    }

    private mutating func fail(_ reason: String, _ effects: inout Effects) {
        hasFailed = true
        effects.log(
            .error, "broker_failed", ["error": reason, "consequence": "stopping, because what was written may be lost"])
        effects.append(.stop(failure: reason))
    }

    // MARK: Maintenance

    /// Looks after the logs, if it is time, or if topics have come, gone or changed.
    private mutating func maintain(at now: Instant, after event: Event, _ effects: inout Effects) {
        guard let due = maintenanceAt, !isStopping else { return }
        let hasChanged = maintainedChanges != partitions.topics.changeCount
        guard due <= now || hasChanged else {
            if case .woke = event { effects.append(.wake(at: due)) }
            return
        }
        maintainedChanges = partitions.topics.changeCount
        do {
            let next = try maintenance.turn(
                at: now, wallClock: partitions.clock.milliseconds(at: now), over: partitions.topics, &effects)
            maintenanceAt = next
            effects.append(.wake(at: next))
        } catch {
            fail(error.description, &effects)
        }
    }

    // MARK: Checkpoints

    /// Something has become durable since the checkpoints were written: they are written again a while
    /// later, so that the next start after a crash checks only what came then.
    private mutating func scheduleCheckpoint(after now: Instant, _ effects: inout Effects) {
        guard checkpointAt == nil, partitions.hasNewDurable else { return }
        let next = now.advanced(byMilliseconds: configuration.checkpointIntervalMilliseconds)
        checkpointAt = next
        effects.append(.wake(at: next))
    }

    private mutating func writeCheckpoints(at now: Instant, _ effects: inout Effects) {
        guard let due = checkpointAt else { return }
        guard due <= now else { return effects.append(.wake(at: due)) }
        checkpointAt = nil
        partitions.hasNewDurable = false
        do {
            try partitions.topics.directory.writeCheckpoints()
        } catch {
            if error.isFinal { return fail(error.description, &effects) }
            effects.log(.error, "storage_failed", ["error": error.description])
        }
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
