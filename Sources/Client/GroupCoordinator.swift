import WireProtocol

/// Which broker coordinates a group, as far as a client knows (FindCoordinator).
struct GroupCoordinator: Sendable {
    private let groupID: String
    /// The broker; nil while it is not known.
    private(set) var node: Int32?
    private var call: CallID?
    private(set) var retryAt: Instant?
    /// Why it was not found when it was asked for last.
    private(set) var failure: ClientError?

    init(of groupID: String) { self.groupID = groupID }

    /// Where to send what the coordinator is asked. While that is not known it is asked for.
    mutating func destination(
        _ wire: inout WireClient, at now: Instant, _ effects: inout Effects
    ) -> WireClient.Destination? {
        if let node {
            if wire.cluster.brokers[node] != nil { return .coordinator(node) }
            // It is too new for the metadata, or it is gone: then another broker coordinates in its place.
            wire.refresh(at: now, &effects)
        }
        guard call == nil, retryAt.map({ $0 <= now }) ?? true else { return nil }
        node = nil
        retryAt = nil
        call = wire.send(FindCoordinatorRequest(group: groupID), to: .any, at: now, &effects)
        return nil
    }

    /// Another broker may coordinate the group: it is asked for again.
    mutating func forget() { node = nil }

    /// Takes an answer: whether it was one to FindCoordinator, and what no retry mends.
    mutating func take(
        _ id: CallID, _ result: Result<Answer, ClientError>, retryAt: Instant
    ) throws(ClientError) -> Bool {
        guard id == call else { return false }
        call = nil
        // Whatever the answer is, the next question has time until then.
        self.retryAt = retryAt
        do throws(ClientError) {
            let response = try result.get().decoded(as: FindCoordinatorResponse.self)
            guard response.code == .none else {
                throw .broker(response.code, what: "the coordinator of group \(groupID)")
            }
            node = response.node
            failure = nil
        } catch {
            failure = error
            guard error.isRetriable else { throw error }
        }
        return true
    }
}

extension FindCoordinatorRequest {
    /// Asks for the coordinator of a group, in any version.
    init(group: String) {
        self.init()
        key = group
        coordinatorKeys = [group]
    }
}

extension FindCoordinatorResponse {
    /// What is said of the one key that was asked about, in any version.
    var code: ErrorCode { coordinators.first?.errorCode ?? errorCode }
    /// The broker for it.
    var node: Int32 { coordinators.first?.nodeID ?? nodeID }
}
