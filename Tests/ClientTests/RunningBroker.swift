import Broker
import SegmentLog
import TestSupport
import WireProtocol

/// The real broker in the real reactor, at a port of its own, with its data in memory.
final class RunningBroker: Sendable {
    let reactor: RunningReactor

    init(disk: MemoryDisk = MemoryDisk(), partitionCount: Int = 1) throws {
        var configuration = Configuration()
        configuration.partitionCount = partitionCount
        let node = Lock(try BrokerNode(configuration, storage: MemoryStorage(disk), seed: 1))
        reactor = try RunningReactor { event, now, effects in
            node.withLock { $0.handle(event, at: now, &effects) }
        }
        let address = SocketAddress(host: "127.0.0.1", port: reactor.port)
        node.withLock { $0.advertised = address }
    }

    deinit { reactor.stop() }

    /// Where clients find it.
    var address: SocketAddress { SocketAddress(host: "127.0.0.1", port: reactor.port) }

    /// Appends a batch, and waits for the answer.
    func produce(_ batch: RecordBatch, to topic: String, partition: Int32 = 0) throws -> Int64 {
        let connection = try BlockingConnection(to: address)
        var metadata = MetadataRequest()
        metadata.topics = [MetadataRequest.Topic()]
        metadata.topics?[0].name = topic
        _ = try connection.ask(metadata, version: 12)
        var data = ProduceRequest.Partition()
        data.index = partition
        data.records = .bytes(batch.bytes)
        var named = ProduceRequest.Topic()
        named.name = topic
        named.partitions = [data]
        var request = ProduceRequest()
        request.acks = -1
        request.topics = [named]
        guard let answer = try connection.ask(request, version: 9)?.topics.first?.partitions.first,
            answer.errorCode == .none
        else { throw Refusal() }
        return answer.baseOffset
    }

    private struct Refusal: Error {}
}
