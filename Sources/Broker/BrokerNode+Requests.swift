import SegmentLog
import TopicsPartitions
import WireProtocol

extension BrokerNode {
    /// The APIs that are served, each in every version that is described.
    public static let served = (PartitionServer.served + [.findCoordinator, .apiVersions])
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
        switch call.api {
        case .findCoordinator:
            let request = try FindCoordinatorRequest(decoding: body, version: call.version)
            server.answer(call, with: findCoordinator(request), &effects)
        default:
            guard let view = views[call.id.connection] else { return }
            try partitions.serve(call, body, of: view, at: now, &server, &effects)
        }
    }

    /// There are no groups yet to coordinate.
    private func findCoordinator(_ request: FindCoordinatorRequest) -> FindCoordinatorResponse {
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
        return response
    }
}
