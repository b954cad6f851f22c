/// The limits that a reactor keeps to, by Kafka's names.
public struct ReactorLimits: Sendable {
    /// `socket.request.max.bytes`: the largest request that is read.
    public var maxRequestBytes = 100 << 20
    /// `queued.max.request.bytes`: at this many bytes of requests that are being received or have no answer
    /// yet, over all connections, nobody new is read from.
    public var maxQueuedRequestBytes = Int.max
    /// `max.connections`: at this many no further one is accepted until one ends.
    public var maxConnections = Int.max
    /// `max.connections.per.ip`: further ones from the same address are closed at once.
    public var maxConnectionsPerHost = Int.max
    /// `connections.max.idle.ms`: a connection on which nothing happens for this long is closed; nil: never.
    public var maxIdleMilliseconds: Int64? = 600_000
    /// Descriptors from this number on are left for files: no connection is accepted beyond.
    public var maxDescriptors = Int32.max
    /// A connection whose unsent answers exceed this is not read from until they are sent.
    public var maxOutputBytes = 16 << 20
    /// The same for the part of them that takes memory, because it is not a part of a file.
    public var maxOutputMemoryBytes = 1 << 20
    /// How long after the request to stop a node may still work on what is in flight.
    public var stopMilliseconds: Int64 = 10_000

    /// Kafka's defaults.
    public init() {}
}
