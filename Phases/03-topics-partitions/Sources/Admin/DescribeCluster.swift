import WireProtocol

extension ClusterView {
    /// Names the brokers. An endpoint of brokers does not speak for controllers (KIP-919).
    public func describe(_ request: DescribeClusterRequest, version: Int16) -> DescribeClusterResponse {
        var response = DescribeClusterResponse()
        guard request.endpointType == 1 else {
            let isController = request.endpointType == 2
            let code: ErrorCode = isController ? .mismatchedEndpointType : .unsupportedEndpointType
            // Version 0 knew no kinds of endpoints, and no codes for them.
            response.errorCode = version == 0 ? .invalidRequest : code
            response.errorMessage =
                isController
                ? "this is a broker, and a controller was asked for"
                : "there is no endpoint type \(request.endpointType)"
            return response
        }
        response.clusterID = clusterID
        response.controllerID = controllerID
        response.brokers = brokers.map { broker in
            var entry = DescribeClusterResponse.Broker()
            (entry.brokerID, entry.host, entry.port) = (broker.id, broker.address.host, Int32(broker.address.port))
            return entry
        }
        if request.includeClusterAuthorizedOperations {
            response.clusterAuthorizedOperations = ClusterView.clusterOperations
        }
        return response
    }
}
