import WireProtocol

/// A cluster and its brokers.
public struct ClusterDescription: Equatable, Sendable {
    /// A broker and where to reach it.
    public struct Broker: Equatable, Sendable {
        /// Its id.
        public var id: Int32
        /// Where it listens.
        public var host: String
        /// Its port.
        public var port: Int32
        /// Its rack; nil for none.
        public var rack: String?
    }

    /// The cluster's id; nil from a broker that does not say.
    public var id: String?
    /// The broker that is the controller, or takes its requests; nil for none.
    public var controller: Int32?
    /// Its brokers by id.
    public var brokers: [Broker]
}

extension Admin {
    /// The cluster's id, its brokers and its controller.
    public func describeCluster() async throws(ClientError) -> ClusterDescription {
        try await ask("describing the cluster") {
            // Every broker knows it by Metadata; DescribeCluster would say no more of this.
            var request = MetadataRequest().withoutCreation
            request.topics = []
            return request
        } read: { answer throws(ClientError) in
            let response = try answer.decoded(as: MetadataResponse.self)
            let brokers = response.brokers.map {
                ClusterDescription.Broker(id: $0.nodeID, host: $0.host, port: $0.port, rack: $0.rack)
            }
            let description = ClusterDescription(
                id: response.clusterID, controller: response.controllerID < 0 ? nil : response.controllerID,
                brokers: brokers.sorted { $0.id < $1.id })
            return AdminAnswer(errorCode: response.errorCode, value: description)
        }
    }
}
