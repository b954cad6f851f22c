import SegmentLog

/// A client of a cluster as a machine: knows the brokers, sends each request to the right one, and
/// gives back the answers.
///
/// It is told the same events as a broker's node and asks for the same effects, so the same reactor
/// drives it (ADR-0203). It connects when there is something to send, finds out what each broker
/// speaks, keeps several requests in flight, connects again after a failure, and asks for metadata
/// when that is old or was wrong. It never sends a request twice: that is for its owner to decide,
/// who knows what a repetition does.
///
///     let call = client.send(request, to: .broker(1), at: now, &effects)
///     …
///     client.handle(event, at: now, &effects)
///     for (id, result) in client.takeAnswers() { … }
public struct WireClient: Sendable {
    /// What a client is told by its user, by Kafka's names.
    public struct Configuration: Sendable {
        /// `bootstrap.servers`: where to look for the cluster.
        public var bootstrapServers: [SocketAddress]
        /// `client.id`: what the client calls itself.
        public var clientID = "logbook"
        /// `request.timeout.ms`: how long to wait for an answer, from when the request is handed in.
        public var requestTimeoutMilliseconds: Int64 = 30_000
        /// `max.in.flight.requests.per.connection`.
        public var maxInFlight = 5
        /// `reconnect.backoff.ms`: the wait after the first failure to connect; then twice as long each time.
        public var reconnectBackoffMilliseconds: Int64 = 50
        /// `reconnect.backoff.max.ms`: the longest such wait.
        public var reconnectBackoffMaxMilliseconds: Int64 = 1_000
        /// `socket.connection.setup.timeout.ms`: how long connecting may take, and asking for versions.
        public var connectionSetupTimeoutMilliseconds: Int64 = 10_000
        /// `retry.backoff.ms`: the least time between two requests for metadata.
        public var retryBackoffMilliseconds: Int64 = 100
        /// `metadata.max.age.ms`: metadata is asked for again when it is older.
        public var metadataMaxAgeMilliseconds: Int64 = 300_000
        /// `allow.auto.create.topics`: whether asking for a topic may create it.
        public var allowsTopicCreation = true

        /// Kafka's defaults.
        public init(bootstrapServers: [SocketAddress]) { self.bootstrapServers = bootstrapServers }
    }

    /// Who is to answer a request.
    public enum Destination: Sendable, Equatable {
        /// Whichever broker can be reached.
        case any
        /// The broker with this id.
        case broker(Int32)
        /// The broker with this id, on a connection of its own for what a group's coordinator is asked: an answer
        /// to JoinGroup may take minutes, and a broker answers in order.
        case coordinator(Int32)
    }

    /// What the links ask for, and what they have done.
    struct Outputs {
        var effects = Effects()
        var completed: [(id: CallID, result: Result<Answer, ClientError>)] = []
        var random: SplitMix64
        var connectionsMade: UInt64 = 0

        mutating func newConnection() -> ConnectionID {
            connectionsMade += 1
            return .outgoing(connectionsMade)
        }
    }

    /// The settings in force.
    public let configuration: Configuration
    /// The cluster as the last answers described it.
    public private(set) var cluster = Cluster()
    private var links: [BrokerLink] = []
    private var out: Outputs
    private var nextCall: UInt64 = 1
    private var followed: Set<String> = []
    private var metadataCall: CallID?
    /// Why the last request for metadata has failed; nil once one has succeeded.
    public private(set) var metadataFailure: ClientError?
    /// When metadata is to be asked for; nil while nobody wants any.
    private var refreshAt: Instant?
    private var lastRefresh: Instant?
    /// Turns through the brokers that can be asked for metadata.
    private var turn: Int

    /// A client that has not connected yet. `seed` begins all of its randomness.
    public init(_ configuration: Configuration, seed: UInt64) {
        self.configuration = configuration
        out = Outputs(random: SplitMix64(seed: seed))
        turn = out.random.below(max(1, configuration.bootstrapServers.count))
    }

    // MARK: Inputs

    /// Hands in a request.
    ///
    /// - Parameters:
    ///   - maxVersion: the greatest version to send it in, where the greatest that both sides speak will not do.
    ///   - timeoutMilliseconds: how long to wait, where not `request.timeout.ms`.
    ///   - isAnswered: false for a produce with `acks=0`, which is done once it is sent.
    public mutating func send(
        _ request: any Request, to destination: Destination, at now: Instant, maxVersion: Int16 = .max,
        timeoutMilliseconds: Int64? = nil, isAnswered: Bool = true, _ effects: inout Effects
    ) -> CallID {
        let id = enqueue(request, to: destination, at: now, maxVersion, timeoutMilliseconds, isAnswered)
        finish(at: now, &effects)
        return id
    }

    private mutating func enqueue(
        _ request: any Request, to destination: Destination, at now: Instant, _ maxVersion: Int16 = .max,
        _ timeout: Int64? = nil, _ isAnswered: Bool = true
    ) -> CallID {
        let id = CallID(value: nextCall)
        nextCall += 1
        let timeout = timeout ?? configuration.requestTimeoutMilliseconds
        guard let index = link(to: destination, at: now) else {
            let peer = destination == .any ? "any broker" : "the broker"
            out.completed.append((id, .failure(.disconnected(peer: peer, reason: "its address is not known"))))
            return id
        }
        let call = BrokerLink.Call(
            id: id, request: request, deadline: now.advanced(byMilliseconds: timeout), timeoutMilliseconds: timeout,
            isAnswered: isAnswered, maxVersion: maxVersion)
        links[index].enqueue(call, at: now, &out)
        return id
    }

    /// Keeps a topic's metadata at hand from now on.
    public mutating func follow(_ topic: String, at now: Instant, _ effects: inout Effects) {
        guard followed.insert(topic).inserted else { return }
        refreshAt = now
        finish(at: now, &effects)
    }

    /// Asks for a topic's metadata no more.
    public mutating func unfollow(_ topic: String) { followed.remove(topic) }

    /// The metadata was wrong: asks for it again, but not more often than `retry.backoff.ms`.
    public mutating func refresh(at now: Instant, _ effects: inout Effects) {
        wantRefresh(at: now)
        finish(at: now, &effects)
    }

    /// Takes in what an answer said about a partition's new leader (KIP-951).
    public mutating func learn(_ topic: String, _ partition: Int32, _ leader: LeaderIDAndEpoch) -> Bool {
        cluster.update(topic, partition, with: leader)
    }

    /// Takes in an event. Those of connections that are not this client's are passed over.
    public mutating func handle(_ event: Event, at now: Instant, _ effects: inout Effects) {
        switch event {
        case .opened(let id): withLink(id) { link, out in link.opened(at: now, &out) }
        case .received(let id, let frame): withLink(id) { link, out in link.received(frame, at: now, &out) }
        case .disconnected(let id):
            withLink(id) { link, out in link.disconnected("the broker closed it", at: now, &out) }
        case .failedToOpen(let id, let error):
            withLink(id) { link, out in link.disconnected("\(error)", at: now, &out) }
        default: break
        }
        for index in links.indices { links[index].wake(at: now, &out) }
        finish(at: now, &effects)
    }

    /// Ends all connections; what is on its way fails.
    public mutating func close(at now: Instant, _ effects: inout Effects) {
        for index in links.indices { links[index].close(.closed, at: now, &out) }
        links = []
        refreshAt = nil
        if let call = metadataCall { out.completed.removeAll { $0.id == call } }
        metadataCall = nil
        flush(&effects)
    }

    // MARK: Outputs

    /// What has been answered or has failed since the last call, in that order.
    public mutating func takeAnswers() -> [(id: CallID, result: Result<Answer, ClientError>)] {
        defer { out.completed = [] }
        return out.completed
    }

    /// Performs what follows from an input, and says when to be woken.
    private mutating func finish(at now: Instant, _ effects: inout Effects) {
        takeMetadata(at: now)
        askForMetadata(at: now)
        var next: Instant? = metadataCall == nil ? refreshAt : nil
        for link in links { if let deadline = link.nextDeadline { next = min(next ?? deadline, deadline) } }
        flush(&effects)
        if let next { effects.append(.wake(at: next)) }
    }

    private mutating func flush(_ effects: inout Effects) {
        for effect in out.effects.all { effects.append(effect) }
        out.effects.removeAll()
    }

    // MARK: Metadata

    private mutating func wantRefresh(at now: Instant) {
        // Never at once: what fails without an answer would fail without end.
        let earliest = lastRefresh?.advanced(byMilliseconds: max(1, configuration.retryBackoffMilliseconds)) ?? now
        refreshAt = min(refreshAt ?? .max, max(now, earliest))
    }

    private mutating func askForMetadata(at now: Instant) {
        while metadataCall == nil, let due = refreshAt, due <= now {
            lastRefresh = now
            refreshAt = nil
            var request = MetadataRequest()
            request.topics = followed.sorted().map { name in
                var topic = MetadataRequest.Topic()
                topic.name = name
                return topic
            }
            request.allowAutoTopicCreation = configuration.allowsTopicCreation
            metadataCall = enqueue(request, to: .any, at: now)
            takeMetadata(at: now)
        }
    }

    /// Takes the answer to the request for metadata out of the others, if it is there.
    private mutating func takeMetadata(at now: Instant) {
        guard let call = metadataCall, let index = out.completed.firstIndex(where: { $0.id == call }) else { return }
        metadataCall = nil
        switch out.completed.remove(at: index).result {
        case .failure(let error):
            metadataFailure = error
            wantRefresh(at: now)
        case .success(let answer):
            guard let response = try? answer.decoded(as: MetadataResponse.self) else { return wantRefresh(at: now) }
            metadataFailure = nil
            cluster.update(with: response, version: answer.version)
            dropLinks(at: now)
            let isIncomplete = followed.contains { topic in
                switch cluster.topics[topic] {
                case .partitions(let list): list.contains { $0.leader < 0 }
                case .unusable(let code): code.isRetriable
                case nil: true
                }
            }
            if isIncomplete { return wantRefresh(at: now) }
            let next = now.advanced(byMilliseconds: configuration.metadataMaxAgeMilliseconds)
            refreshAt = min(refreshAt ?? .max, next)
        }
    }

    /// Lets go of brokers that are gone or have moved, and of the bootstrap servers once there are brokers.
    private mutating func dropLinks(at now: Instant) {
        for index in links.indices.reversed() {
            let link = links[index]
            let isKnown = link.nodeID.map { cluster.brokers[$0] == link.address } ?? (cluster.brokers.isEmpty)
            if isKnown || (link.nodeID == nil && link.load > 0) { continue }
            links[index].close(
                .disconnected(peer: link.address.description, reason: "the broker is no longer there"), at: now, &out)
            links.remove(at: index)
        }
    }

    // MARK: Links

    private mutating func withLink(_ id: ConnectionID, _ body: (inout BrokerLink, inout Outputs) -> Void) {
        guard let index = links.firstIndex(where: { $0.connection == id }) else { return }
        body(&links[index], &out)
    }

    private mutating func link(to destination: Destination, at now: Instant) -> Int? {
        switch destination {
        case .broker(let id):
            guard let address = cluster.brokers[id] else { return nil }
            return link(to: address, nodeID: id)
        case .coordinator(let id):
            guard let address = cluster.brokers[id] else { return nil }
            return link(to: address, nodeID: id, isForCoordinator: true)
        case .any: return linkToAny(at: now)
        }
    }

    private mutating func link(to address: SocketAddress, nodeID: Int32?, isForCoordinator: Bool = false) -> Int {
        let known = links.firstIndex {
            $0.nodeID == nodeID && $0.address == address && $0.isForCoordinator == isForCoordinator
        }
        if let known { return known }
        var link = BrokerLink(to: address, nodeID: nodeID, configuration)
        link.isForCoordinator = isForCoordinator
        links.append(link)
        return links.count - 1
    }

    /// The ready connection with the least to do; else the next address in turn that may be tried.
    private mutating func linkToAny(at now: Instant) -> Int? {
        let ready = links.indices.filter { links[$0].isReady && !links[$0].isForCoordinator }
        if let least = ready.min(by: { links[$0].load < links[$1].load }) { return least }
        var addresses: [(SocketAddress, Int32?)] = cluster.brokerIDs.compactMap { id in
            cluster.brokers[id].map { ($0, id) }
        }
        addresses += configuration.bootstrapServers.map { ($0, nil) }
        guard !addresses.isEmpty else { return nil }
        turn = (turn + 1) % addresses.count
        let inTurn = addresses[turn...] + addresses[..<turn]
        let candidates = inTurn.map { link(to: $0.0, nodeID: $0.1) }
        return candidates.first { !links[$0].isBackingOff(at: now) }
            ?? candidates.min { links[$0].mayRetryAt < links[$1].mayRetryAt }
    }
}

extension Instant {
    /// The end of the clock's range: never.
    static let max = Instant(nanoseconds: .max)
}
