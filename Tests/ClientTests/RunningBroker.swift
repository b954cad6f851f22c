import Broker
import SegmentLog
import WireProtocol

/// A real broker behind a real socket, in this process. It stops when it is no longer held.
final class RunningBroker: Sendable {
    let address: SocketAddress
    private let mailbox: Mailbox

    init(
        _ storage: any Storage = MemoryStorage(), port: UInt16 = 0, partitions: Int = 1,
        settings: [(name: String, value: String)] = []
    ) throws {
        let listeners = try Listeners(bindingTo: [SocketAddress(host: "127.0.0.1", port: port)])
        address = listeners.addresses[0]
        var configuration = Configuration()
        try configuration.set("num.partitions", to: "\(partitions)")
        try configuration.set("listeners", to: "PLAINTEXT://\(address)")
        // Tests write records of long ago: on a busy machine retention would take them away before they are read.
        configuration.topicDefaults.retentionMilliseconds = nil
        for (name, value) in settings { try configuration.set(name, to: value) }
        let node = try BrokerNode(configuration, storage: storage, seed: 1)
        let reactor = try Reactor(node, listeners: listeners) { _ in }
        mailbox = reactor.mailbox
        try startThread(owning: reactor) { reactor in
            if let (_, node) = try? reactor.run() { try? node.close() }
        }
    }

    deinit { mailbox.requestStop() }

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
