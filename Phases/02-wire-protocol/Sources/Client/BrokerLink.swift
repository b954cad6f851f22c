import SegmentLog

/// One broker as a client sees it: a connection that is made when there is something to send, asked
/// what it speaks (KIP-35), and then used for requests in order.
///
/// - I2.9: answers are matched with requests by order and by correlation id; where the two disagree
///   the connection ends.
struct BrokerLink {
    /// A request on its way.
    struct Call {
        var id: CallID
        var request: any Request
        var deadline: Instant
        var timeoutMilliseconds: Int64
        /// False for a produce with `acks=0`: it is done once it is sent.
        var isAnswered: Bool
        /// The greatest version to send it in.
        var maxVersion = Int16.max
        /// What it was sent as.
        var version: Int16 = 0
        var correlationID: Int32 = 0

        var api: ApiKey { type(of: request).apiKey }
    }

    private enum State {
        case idle
        case opening
        case negotiating
        case ready
    }

    let address: SocketAddress
    /// The broker's id; nil for an address that the user gave.
    let nodeID: Int32?
    /// Whether it is kept for what a group's coordinator is asked.
    var isForCoordinator = false
    private let configuration: WireClient.Configuration
    private var state = State.idle
    private(set) var connection: ConnectionID?
    /// No attempt to connect before this time.
    private var retryAt: Instant?
    private var setupDeadline: Instant?
    private var backoff: Backoff
    private var versions: [Int16: ClosedRange<Int16>] = [:]
    private var waiting: [Call] = []
    private var sent: [Call] = []
    private var nextCorrelation: Int32 = 0

    init(to address: SocketAddress, nodeID: Int32?, _ configuration: WireClient.Configuration) {
        self.address = address
        self.nodeID = nodeID
        self.configuration = configuration
        backoff = Backoff(
            first: configuration.reconnectBackoffMilliseconds, longest: configuration.reconnectBackoffMaxMilliseconds)
    }

    /// Requests that are not answered yet.
    var load: Int { waiting.count + sent.count }
    /// Whether requests go out at once.
    var isReady: Bool { state == .ready }
    /// Whether the last attempt failed, and the next one has to wait until after `now`.
    func isBackingOff(at now: Instant) -> Bool { retryAt.map { $0 > now } ?? false }
    /// When the next attempt may be made, where the last one failed.
    var mayRetryAt: Instant { retryAt ?? Instant(nanoseconds: .min) }

    /// When `wake` has something to do.
    var nextDeadline: Instant? {
        var next = setupDeadline
        for call in sent { next = min(next ?? call.deadline, call.deadline) }
        for call in waiting { next = min(next ?? call.deadline, call.deadline) }
        if state == .idle, !waiting.isEmpty, let retryAt { next = min(next ?? retryAt, retryAt) }
        return next
    }

    // MARK: Inputs

    /// Takes a request; it is sent when its turn comes.
    mutating func enqueue(_ call: Call, at now: Instant, _ out: inout WireClient.Outputs) {
        waiting.append(call)
        proceed(at: now, &out)
    }

    mutating func opened(at now: Instant, _ out: inout WireClient.Outputs) {
        guard state == .opening else { return }
        state = .negotiating
        askVersions(ApiKey.apiVersions.versions.upperBound, at: now, &out)
    }

    mutating func received(_ frame: Bytes, at now: Instant, _ out: inout WireClient.Outputs) {
        do {
            guard let call = sent.first else { throw ClientError.unreadable(what: "there was no request for it") }
            let answer = try Answer(frame, to: call)
            sent.removeFirst()
            if state == .negotiating {
                try negotiated(answer, at: now, &out)
            } else {
                out.completed.append((call.id, .success(answer)))
            }
            proceed(at: now, &out)
        } catch {
            let failure = error as? ClientError ?? .unreadable(what: "\(error)")
            let culprit = state == .ready ? failure : nil
            fail(.disconnected(peer: address.description, reason: "\(failure)"), firstWith: culprit, at: now, &out)
        }
    }

    /// The connection has ended, or could not be made.
    mutating func disconnected(_ reason: String, at now: Instant, _ out: inout WireClient.Outputs) {
        connection = nil
        fail(.disconnected(peer: address.description, reason: reason), at: now, &out)
    }

    /// Looks at the deadlines.
    mutating func wake(at now: Instant, _ out: inout WireClient.Outputs) {
        if let setupDeadline, setupDeadline <= now {
            return fail(.disconnected(peer: address.description, reason: "it does not answer"), at: now, &out)
        }
        // What was sent and is too late may still be answered: only a new connection keeps the order.
        if let late = sent.first(where: { $0.deadline <= now }) {
            let reason = "\(late.api) was not answered in time"
            return fail(.disconnected(peer: address.description, reason: reason), at: now, &out)
        }
        for call in waiting where call.deadline <= now { out.completed.append((call.id, .failure(timeout(call)))) }
        waiting.removeAll { $0.deadline <= now }
        proceed(at: now, &out)
    }

    /// Ends the connection; what is on its way fails with `error`.
    mutating func close(_ error: ClientError, at now: Instant, _ out: inout WireClient.Outputs) {
        fail(error, at: now, &out)
        retryAt = nil
    }

    // MARK: Sending

    private mutating func proceed(at now: Instant, _ out: inout WireClient.Outputs) {
        switch state {
        case .idle:
            guard !waiting.isEmpty, !isBackingOff(at: now) else { return }
            let id = out.newConnection()
            connection = id
            state = .opening
            setupDeadline = now.advanced(byMilliseconds: configuration.connectionSetupTimeoutMilliseconds)
            out.effects.append(.open(id, address))
        case .opening, .negotiating: return
        case .ready:
            var taken = 0
            while taken < waiting.count, sent.count < configuration.maxInFlight {
                transmit(waiting[taken], &out)
                taken += 1
            }
            waiting.removeFirst(taken)
        }
    }

    private mutating func transmit(_ call: Call, _ out: inout WireClient.Outputs) {
        guard let connection, let version = commonVersion(of: call.api, upTo: call.maxVersion) else {
            return out.completed.append((call.id, .failure(.unsupportedVersion(call.api))))
        }
        var call = call
        call.version = version
        call.correlationID = nextCorrelation
        nextCorrelation = nextCorrelation == .max ? 0 : nextCorrelation + 1
        do {
            let frame = try call.request.frame(
                version: version, correlationID: call.correlationID, clientID: configuration.clientID)
            out.effects.append(.send(connection, frame))
            if call.isAnswered { return sent.append(call) }
            out.completed.append((call.id, .success(Answer(version: version, body: Bytes()))))
        } catch {
            out.completed.append((call.id, .failure(.refused("\(call.api) cannot be written: \(error)"))))
        }
    }

    /// The greatest version up to `limit` that both sides speak.
    private func commonVersion(of api: ApiKey, upTo limit: Int16) -> Int16? {
        guard let theirs = versions[api.rawValue] else { return nil }
        let version = min(theirs.upperBound, api.versions.upperBound, limit)
        return version >= max(theirs.lowerBound, api.versions.lowerBound) ? version : nil
    }

    // MARK: Negotiating

    private mutating func askVersions(_ version: Int16, at now: Instant, _ out: inout WireClient.Outputs) {
        var request = ApiVersionsRequest()
        request.clientSoftwareName = "logbook"
        request.clientSoftwareVersion = "1"
        versions = [ApiKey.apiVersions.rawValue: 0...version]
        let timeout = configuration.connectionSetupTimeoutMilliseconds
        let call = Call(
            id: CallID(value: 0), request: request, deadline: now.advanced(byMilliseconds: timeout),
            timeoutMilliseconds: timeout, isAnswered: true)
        transmit(call, &out)
    }

    private mutating func negotiated(
        _ answer: Answer, at now: Instant, _ out: inout WireClient.Outputs
    ) throws(ClientError) {
        let response = try answer.decoded(as: ApiVersionsResponse.self)
        var offered: [Int16: ClosedRange<Int16>] = [:]
        for entry in response.apiKeys where entry.minVersion <= entry.maxVersion {
            offered[entry.apiKey] = entry.minVersion...entry.maxVersion
        }
        let asked = versions[ApiKey.apiVersions.rawValue]?.upperBound ?? 0
        if response.errorCode == .unsupportedVersion, asked > 0 {
            // KIP-511: an older broker answers in version 0, and says which versions it knows.
            let known = offered[ApiKey.apiVersions.rawValue]?.upperBound ?? 0
            return askVersions(min(max(known, 0), asked - 1), at: now, &out)
        }
        guard response.errorCode == .none else { throw .broker(response.errorCode, what: "ApiVersions") }
        versions = offered
        state = .ready
        setupDeadline = nil
        retryAt = nil
        backoff.succeeded()
    }

    // MARK: Failing

    /// Ends the connection. What is too late has timed out; `first` is for the call that was to be answered
    /// next, where its answer is what was wrong; all others have merely lost their connection.
    private mutating func fail(
        _ error: ClientError, firstWith first: ClientError? = nil, at now: Instant, _ out: inout WireClient.Outputs
    ) {
        if let connection { out.effects.append(.close(connection)) }
        connection = nil
        setupDeadline = nil
        // A broker may end a connection that was idle: the next one is made at once.
        if state != .ready || load > 0 { retryAt = now.advanced(byMilliseconds: backoff.failed(&out.random)) }
        state = .idle
        let lost = sent + waiting
        sent = []
        waiting = []
        for (place, call) in lost.enumerated() where call.id.value > 0 {
            let reason = place == 0 ? first ?? error : error
            out.completed.append((call.id, .failure(call.deadline <= now ? timeout(call) : reason)))
        }
    }

    private func timeout(_ call: Call) -> ClientError {
        .timedOut(what: "\(call.api) at \(address)", milliseconds: call.timeoutMilliseconds)
    }
}

/// A request that a client has handed in.
public struct CallID: Hashable, Sendable {
    /// The number, ascending from 1.
    public var value: UInt64
}

/// A broker's answer, not yet decoded.
public struct Answer: Sendable {
    /// The version that the request was sent in.
    public let version: Int16
    /// The body's bytes.
    public let body: Bytes

    /// The body as the response that it is.
    public func decoded<Body: Message>(as _: Body.Type) throws(ClientError) -> Body {
        do {
            return try Body(decoding: body, version: version)
        } catch {
            throw .unreadable(what: "\(Body.apiKey): \(error)")
        }
    }

    init(version: Int16, body: Bytes) {
        self.version = version
        self.body = body
    }

    /// Takes the header off a frame, and checks that it belongs to `call`.
    fileprivate init(_ frame: Bytes, to call: BrokerLink.Call) throws(ClientError) {
        do {
            var reader = ByteReader(frame)
            let correlationID = try reader.integer(Int32.self)
            guard correlationID == call.correlationID else {
                throw ClientError.unreadable(
                    what: "correlation id \(correlationID) where \(call.correlationID) was to come")
            }
            // KIP-511: a broker that does not know the version answers ApiVersions in version 0.
            var version = call.version
            if ResponseHeader.hasTags(call.api, version) { try reader.skipTags() }
            let body = reader.rest()
            var code = ByteReader(body)
            if call.api == .apiVersions, try code.integer(Int16.self) == ErrorCode.unsupportedVersion.rawValue {
                version = 0
            }
            self.init(version: version, body: body)
        } catch let error as ClientError {
            throw error
        } catch {
            throw .unreadable(what: "\(call.api): \(error)")
        }
    }
}
