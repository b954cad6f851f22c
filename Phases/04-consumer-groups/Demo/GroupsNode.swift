import ConsumerGroups
import SegmentLog
import TopicsPartitions
import WireProtocol

/// A broker of phases 1 to 4: topics, their partitions, what looks after the logs, and groups.
///
/// The complete broker routes to the same components, and adds settings, listeners and checkpoints.
struct GroupsNode: Node {
    let address: SocketAddress
    private var partitions: PartitionServer
    private var groups: GroupCoordinator
    private var maintenance: LogMaintenance
    private var server = RequestServer(PartitionServer.served + GroupCoordinator.served, maxInFlight: 16)

    init(at address: SocketAddress, on disk: MemoryDisk, _ settings: GroupSettings, seed: UInt64) throws(LogError) {
        self.address = address
        let topics = try Topics(in: MemoryStorage(disk), nodeID: 1, defaults: TopicConfig(), progress: { _, _ in })
        partitions = PartitionServer(topics, maxFetchBytes: 1 << 20, seed: seed)
        groups = GroupCoordinator(settings, seed: seed)
        maintenance = LogMaintenance(topics.directory, LogMaintenance.Settings())
    }

    mutating func handle(_ event: Event, at now: Instant, _ effects: inout Effects) {
        switch event {
        case .clock(let milliseconds): partitions.clock.set(milliseconds, at: now)
        case .connected(let connection, _, _): server.connect(connection)
        case .disconnected(let connection):
            server.disconnect(connection)
            partitions.cancelFetches(of: connection)
        case .received(let connection, let frame):
            guard let (call, body) = server.receive(frame, on: connection, &effects) else { break }
            do {
                try serve(call, body, at: now, &effects)
            } catch {
                server.refuse(connection, unreadable: error, &effects)
            }
        case .endOfInput(let connection): partitions.finishFetches(of: connection, &server, &effects)
        case .synchronized(let ticket): partitions.synchronized(ticket, &server, &effects)
        case .failedToSynchronize(_, let error): return effects.append(.stop(failure: error.description))
        case .woke: partitions.expireFetches(at: now, &server, &effects)
        case .stopping: return effects.append(.stop(failure: nil))
        case .opened, .failedToOpen: break
        }
        while let connection = server.nextHeldUp() { partitions.finishFetches(of: connection, &server, &effects) }
        // Sessions end, answers are let go, and the groups' logs are read, whatever the event was.
        let isAwake = if case .woke = event { true } else { false }
        groups.advance(at: now, isAwake: isAwake, &partitions, &server, &effects)
        if let failure = partitions.failure ?? groups.failure { effects.append(.stop(failure: failure)) }
        maintain(at: now, &effects)
    }

    private mutating func serve(
        _ call: Call, _ body: Bytes, at now: Instant, _ effects: inout Effects
    ) throws(CodingError) {
        if GroupCoordinator.served.contains(call.api) {
            // Clients are where the node is.
            try groups.serve(call, body, from: address.host, of: view, at: now, &partitions, &server, &effects)
        } else {
            try partitions.serve(call, body, of: view, at: now, &server, &effects)
        }
    }

    private var view: ClusterView {
        ClusterView(clusterID: "demo", brokers: [.init(id: 1, address: address)], controllerID: 1)
    }

    private mutating func maintain(at now: Instant, _ effects: inout Effects) {
        do {
            let time = partitions.clock.milliseconds(at: now)
            effects.append(
                .wake(at: try maintenance.turn(at: now, wallClock: time, over: partitions.topics, &effects)))
        } catch {
            effects.append(.stop(failure: error.description))
        }
    }
}
