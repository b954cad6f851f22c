import SegmentLog
import WireProtocol

/// A broker behind a real socket that answers as a test says.
final class ScriptedBroker: Sendable {
    /// A request as it came.
    struct Asked: Sendable {
        var api: ApiKey
        var version: Int16
        var body: Bytes

        func decoded<Body: Request>(as _: Body.Type) throws -> Body { try Body(decoding: body, version: version) }
    }

    /// What a test does with a request.
    enum Reaction: Sendable {
        case answer(any Message)
        case disconnect
        case silence
    }

    let address: SocketAddress
    private let mailbox: Mailbox
    private let log = Lock([Asked]())

    /// The requests that came, but for ApiVersions and Metadata.
    var asked: [Asked] { log.withLock { $0 } }

    init(_ react: @escaping @Sendable (Asked) throws -> Reaction) throws {
        let listeners = try Listeners(bindingTo: [SocketAddress(host: "127.0.0.1", port: 0)])
        address = listeners.addresses[0]
        let node = ScriptedNode { [log] asked in
            if asked.api != .metadata { log.withLock { $0.append(asked) } }
            return try react(asked)
        }
        let reactor = try Reactor(node, listeners: listeners) { _ in }
        mailbox = reactor.mailbox
        try startThread(owning: reactor) { _ = try? $0.run() }
    }

    deinit { mailbox.requestStop() }
}

private struct ScriptedNode: Node {
    let react: @Sendable (ScriptedBroker.Asked) throws -> ScriptedBroker.Reaction

    func handle(_ event: Event, at now: Instant, _ effects: inout Effects) {
        switch event {
        case .received(let id, let frame):
            do {
                try answer(frame, on: id, &effects)
            } catch {
                effects.append(.close(id))
            }
        case .stopping: effects.append(.stop(failure: nil))
        default: break
        }
    }

    private func answer(_ frame: Bytes, on id: ConnectionID, _ effects: inout Effects) throws {
        var header = try RequestHeader(fixedPartOf: frame)
        guard let api = ApiKey(rawValue: header.apiKey) else { return effects.append(.close(id)) }
        let body = try header.readRest(of: frame, as: api)
        let reaction =
            api == .apiVersions
            ? .answer(allVersions())
            : try react(ScriptedBroker.Asked(api: api, version: header.apiVersion, body: body))
        switch reaction {
        case .answer(let message):
            let frame = try message.responseFrame(version: header.apiVersion, correlationID: header.correlationID)
            effects.append(.send(id, frame))
        case .disconnect: effects.append(.close(id))
        case .silence: break
        }
    }

    private func allVersions() -> ApiVersionsResponse {
        var response = ApiVersionsResponse()
        for api in ApiKey.allCases {
            var entry = ApiVersionsResponse.ApiVersion()
            entry.apiKey = api.rawValue
            entry.minVersion = api.versions.lowerBound
            entry.maxVersion = api.versions.upperBound
            response.apiKeys.append(entry)
        }
        return response
    }
}
