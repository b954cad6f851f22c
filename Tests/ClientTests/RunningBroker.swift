import Broker
import SegmentLog
import WireProtocol

/// A real broker behind a real socket, in this process. It stops when it is no longer held.
final class RunningBroker: Sendable {
    let address: SocketAddress
    private let mailbox: Mailbox

    init(_ storage: any Storage = MemoryStorage(), port: UInt16 = 0, partitions: Int = 4) throws {
        let listeners = try Listeners(bindingTo: [SocketAddress(host: "127.0.0.1", port: port)])
        address = listeners.addresses[0]
        var configuration = Configuration()
        try configuration.set("num.partitions", to: "\(partitions)")
        try configuration.set("listeners", to: "PLAINTEXT://\(address)")
        let node = try BrokerNode(configuration, storage: storage, seed: 1)
        let reactor = try Reactor(node, listeners: listeners) { _ in }
        mailbox = reactor.mailbox
        nonisolated(unsafe) let moved = reactor
        try startThread {
            if let (_, node) = try? moved.run() { try? node.close() }
        }
    }

    deinit { mailbox.requestStop() }
}
