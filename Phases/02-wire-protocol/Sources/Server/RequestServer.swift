import SegmentLog

/// What every node that serves clients does with a frame before it knows what it is about, and with an
/// answer once it is there: reads the header, tells which APIs are served, and keeps answers in order.
///
///     guard let (call, body) = server.receive(frame, on: connection, &effects) else { return }
///     switch call.api {
///     case .metadata: server.answer(call, with: metadata(try .init(decoding: body, version: call.version)), &effects)
///     …
public struct RequestServer: Sendable {
    /// The APIs that are served, each in these versions.
    public let served: [ApiKey: ClosedRange<Int16>]
    private let apis: [ApiKey]
    private var pipeline: RequestPipeline
    /// Connections that are full because of a request that waits: whoever let it wait is to answer it.
    private var heldUp: [ConnectionID] = []

    /// Serves `apis` in every version that is described, and ApiVersions in any case.
    ///
    /// - Parameters:
    ///   - limits: the newest version of an API that is offered, where not all are.
    ///   - maxInFlight: how many requests of one connection may be in the node.
    public init(_ apis: [ApiKey], limits: [ApiKey: Int16] = [:], maxInFlight: Int) {
        self.apis = apis.contains(.apiVersions) ? apis : apis + [.apiVersions]
        served = Dictionary(
            uniqueKeysWithValues: self.apis.map { api in
                let range = api.versions
                return (api, range.lowerBound...max(range.lowerBound, min(range.upperBound, limits[api] ?? .max)))
            })
        pipeline = RequestPipeline(maxInFlight: maxInFlight)
    }

    /// How many requests have begun and not been answered, over all connections.
    public var inFlight: Int { pipeline.inFlight }

    /// A connection begins.
    public mutating func connect(_ connection: ConnectionID) { pipeline.connect(connection) }

    /// A connection has ended.
    public mutating func disconnect(_ connection: ConnectionID) { pipeline.disconnect(connection) }

    /// Reads a request's header. Returns the call, and the bytes of its body, for the node to serve; or nil
    /// where there is nothing left to do: it was answered, or its connection was ended because it makes no sense.
    public mutating func receive(
        _ frame: Bytes, on connection: ConnectionID, _ effects: inout Effects
    ) -> (call: Call, body: Bytes)? {
        guard pipeline.isConnected(connection) else { return nil }
        do {
            var header = try RequestHeader(fixedPartOf: frame)
            guard let api = ApiKey(rawValue: header.apiKey), let versions = served[api] else {
                refuse(connection, "asked for API \(header.apiKey), which is not served", &effects)
                return nil
            }
            guard versions.contains(header.apiVersion) else {
                if api == .apiVersions {
                    refuseVersion(
                        Call(id: pipeline.begin(on: connection, &effects), api: api, header: header), &effects)
                } else {
                    let asked = "asked for \(api) in version \(header.apiVersion), which is not served"
                    refuse(connection, asked, &effects)
                }
                return nil
            }
            let body = try header.readRest(of: frame, as: api)
            let call = Call(id: pipeline.begin(on: connection, &effects), api: api, header: header)
            guard api == .apiVersions else { return (call, body) }
            apiVersions(try ApiVersionsRequest(decoding: body, version: call.version), call, &effects)
        } catch {
            refuse(connection, unreadable: error, &effects)
        }
        return nil
    }

    /// Answers a call.
    public mutating func answer(_ call: Call, with response: some Message, _ effects: inout Effects) {
        do {
            let frame = try response.responseFrame(version: call.version, correlationID: call.header.correlationID)
            pipeline.finish(call.id, with: frame, &effects)
            noteWait(on: call.id.connection)
        } catch {
            // Only a response too long for its own length fields gets here.
            refuse(call.id.connection, "would get an answer that cannot be written: \(error)", &effects)
        }
    }

    /// A call is done, and gets no answer.
    public mutating func finish(_ call: Call, _ effects: inout Effects) {
        pipeline.finish(call.id, with: nil, &effects)
    }

    /// Ends a connection once what was sent on it has gone out. Its calls may still be answered, in vain.
    public mutating func close(_ connection: ConnectionID, _ effects: inout Effects) {
        pipeline.disconnect(connection)
        effects.append(.close(connection))
    }

    /// Ends a connection whose bytes make no sense: there is no way to answer them.
    public mutating func refuse(
        _ connection: ConnectionID, unreadable error: CodingError, _ effects: inout Effects
    ) {
        refuse(connection, "sent a request that cannot be read: \(error)", &effects)
    }

    private mutating func refuse(_ connection: ConnectionID, _ reason: String, _ effects: inout Effects) {
        effects.log(.warn, "request_refused", ["connection": "\(connection.value)", "reason": "the client \(reason)"])
        close(connection, &effects)
    }

    // MARK: Waits that hold up

    /// A call of `connection` waits: its connection may be full because of it.
    public mutating func noteWait(on connection: ConnectionID) {
        if pipeline.isHeldUp(connection) { heldUp.append(connection) }
    }

    /// A connection that is full because of a call that waits, so that it could not even be seen to end: what
    /// waits on it is to be answered. Nil when there is none.
    public mutating func nextHeldUp() -> ConnectionID? {
        while let connection = heldUp.popLast() {
            if pipeline.isHeldUp(connection) { return connection }
        }
        return nil
    }

    // MARK: ApiVersions

    private var versionTable: ApiVersionsResponse {
        var response = ApiVersionsResponse()
        response.apiKeys = apis.map { api in
            var entry = ApiVersionsResponse.ApiVersion()
            entry.apiKey = api.rawValue
            entry.minVersion = served[api]?.lowerBound ?? 0
            entry.maxVersion = served[api]?.upperBound ?? 0
            return entry
        }
        return response
    }

    private mutating func apiVersions(_ request: ApiVersionsRequest, _ call: Call, _ effects: inout Effects) {
        var response = versionTable
        let hasNames =
            Self.isSoftwareName(request.clientSoftwareName) && Self.isSoftwareName(request.clientSoftwareVersion)
        if call.version >= 3 && !hasNames {
            response = ApiVersionsResponse()
            response.errorCode = .invalidRequest
        }
        answer(call, with: response, &effects)
    }

    /// KIP-511: version 0 is the one that every client can read.
    private mutating func refuseVersion(_ call: Call, _ effects: inout Effects) {
        var response = versionTable
        response.errorCode = .unsupportedVersion
        var oldest = call
        oldest.header.apiVersion = 0
        answer(oldest, with: response, &effects)
    }

    /// KIP-511: letters, digits, dots and dashes, and a letter or digit at both ends.
    private static func isSoftwareName(_ text: String) -> Bool {
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
}

/// A request on its way to an answer.
public struct Call: Sendable {
    /// Its place in its connection's order.
    public var id: RequestID
    /// What is asked for.
    public var api: ApiKey
    /// The request's header.
    public var header: RequestHeader
    /// The version that it was asked in, and is answered in.
    public var version: Int16 { header.apiVersion }
}
