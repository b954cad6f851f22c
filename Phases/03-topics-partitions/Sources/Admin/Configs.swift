import SegmentLog
import WireProtocol

extension PartitionServer {
    /// Tells what topics and this broker are configured to.
    public func describeConfigs(_ request: DescribeConfigsRequest) -> DescribeConfigsResponse {
        configAdmin.describe(request)
    }

    /// Gives topics and brokers all new configs. They are durable, and count, when this returns.
    public mutating func alterConfigs(
        _ request: AlterConfigsRequest, at now: Instant, _ server: inout RequestServer,
        _ effects: inout Effects
    ) -> AlterConfigsResponse {
        var (response, changes) = configAdmin.alter(request)
        write(changes, &response.responses, at: now, &server, &effects)
        return response
    }

    /// Changes some configs of topics and brokers. They are durable, and count, when this returns.
    public mutating func incrementalAlterConfigs(
        _ request: IncrementalAlterConfigsRequest, at now: Instant,
        _ server: inout RequestServer, _ effects: inout Effects
    ) -> IncrementalAlterConfigsResponse {
        var (response, changes) = configAdmin.alter(request)
        write(changes, &response.responses, at: now, &server, &effects)
        return response
    }

    /// What answers requests about configs, for what is known.
    var configAdmin: ConfigAdmin {
        ConfigAdmin(
            image: topics.image, brokerID: topics.nodeID, settings: settings.broker, startedWith: topics.startedWith)
    }

    private mutating func write(
        _ changes: [MetadataRecord], _ results: inout [AlterConfigsResult], at now: Instant,
        _ server: inout RequestServer, _ effects: inout Effects
    ) {
        do throws(Refusal) { try change(changes, orRefuseAt: now, &server, &effects) } catch {
            return results.refuseOthers(error)
        }
        for case .config(let config) in changes {
            effects.log(
                .info, "config_changed",
                ["of": config.resource.description, "name": config.name, "value": config.value ?? "the default"])
        }
    }
}
