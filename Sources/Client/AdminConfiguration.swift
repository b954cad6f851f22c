import WireProtocol

/// What an admin is told by its user, by Kafka's names and with Kafka's defaults.
public struct AdminConfiguration: Sendable {
    /// `bootstrap.servers`: where to look for the cluster.
    public var bootstrapServers: [SocketAddress]
    /// `client.id`: what the admin calls itself.
    public var clientID = "logbook"
    /// `request.timeout.ms`: how long to wait for a broker's answer before asking again.
    public var requestTimeoutMilliseconds: Int64 = 30_000
    /// `default.api.timeout.ms`: how long an operation may take in all, with what is tried again.
    public var defaultApiTimeoutMilliseconds: Int64 = 60_000
    /// `retry.backoff.ms`: the wait before something that failed is tried again.
    public var retryBackoffMilliseconds: Int64 = 100

    /// Kafka's defaults.
    public init(bootstrapServers: [SocketAddress]) { self.bootstrapServers = bootstrapServers }

    /// Kafka's defaults, with servers as in "one:9092,two:9092".
    public init(bootstrapServers: String) throws(ClientError) {
        self.init(bootstrapServers: try SocketAddress.bootstrapServers(bootstrapServers))
    }

    /// The settings of the connections; throws where one of these settings cannot be used.
    func wire() throws(ClientError) -> WireClient.Configuration {
        guard !bootstrapServers.isEmpty else { throw .refused("bootstrap.servers names no server") }
        guard requestTimeoutMilliseconds >= 1, defaultApiTimeoutMilliseconds >= 1 else {
            throw .refused("request.timeout.ms and default.api.timeout.ms must be 1 or more")
        }
        guard retryBackoffMilliseconds >= 0 else { throw .refused("retry.backoff.ms is negative") }
        var wire = WireClient.Configuration(bootstrapServers: bootstrapServers)
        wire.clientID = clientID
        wire.requestTimeoutMilliseconds = min(requestTimeoutMilliseconds, defaultApiTimeoutMilliseconds)
        wire.retryBackoffMilliseconds = retryBackoffMilliseconds
        // To ask about a topic must not create it.
        wire.allowsTopicCreation = false
        return wire
    }
}
