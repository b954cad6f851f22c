import ConsumerGroups
import SegmentLog
import TopicsPartitions
import WireProtocol

extension BrokerNode {
    /// The APIs that are served, each in every version that is described.
    public static let served = (PartitionServer.served + GroupCoordinator.served + [.apiVersions])
        .sorted { $0.rawValue < $1.rawValue }

    mutating func receive(_ frame: Bytes, on connection: ConnectionID, at now: Instant, _ effects: inout Effects) {
        guard !isStopping, let (call, body) = server.receive(frame, on: connection, &effects) else { return }
        do {
            try serve(call, body, at: now, &effects)
        } catch {
            server.refuse(connection, unreadable: error, &effects)
        }
    }

    private mutating func serve(
        _ call: Call, _ body: Bytes, at now: Instant, _ effects: inout Effects
    ) throws(CodingError) {
        guard let client = clients[call.id.connection] else { return }
        if GroupCoordinator.served.contains(call.api) {
            try groups.serve(
                call, body, from: client.host, of: client.view, at: now, &partitions, &server, &effects)
        } else {
            try partitions.serve(call, body, of: client.view, at: now, &server, &effects)
        }
    }
}
