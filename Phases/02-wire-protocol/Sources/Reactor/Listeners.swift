#if canImport(Darwin)
    import Darwin
#else
    import Glibc
#endif
import SegmentLog

/// An address under a name: what Kafka writes as "INTERNAL://[::1]:9093".
public struct Listener: Equatable, Sendable, CustomStringConvertible {
    /// The name by which clients are told one address or another.
    public var name: String
    /// Where it is.
    public var address: SocketAddress

    /// A listener of this name and address.
    public init(name: String, address: SocketAddress) {
        self.name = name
        self.address = address
    }

    /// "INTERNAL://[::1]:9093".
    public var description: String { "\(name)://\(address)" }
}

/// Sockets that listen, bound before the reactor exists: a node may have to know its real port.
public struct Listeners: Sendable {
    /// Every socket, with the place of its listener in `all`; a listener may have several sockets.
    let sockets: [(socket: Socket, listener: Int)]
    /// The listeners; a port of 0 has become a real one.
    public let all: [Listener]

    /// Where they listen; a port of 0 has become a real one.
    public var addresses: [SocketAddress] { all.map(\.address) }

    /// Nowhere: for a node that only opens connections itself.
    public init() { (sockets, all) = ([], []) }

    /// Binds every listener.
    public init(binding listeners: [Listener]) throws(SystemError) {
        var sockets: [(socket: Socket, listener: Int)] = []
        var bound: [Listener] = []
        for var listener in listeners {
            let opened = try Socket.listening(at: listener.address)
            listener.address.port = opened.first?.localAddress?.port ?? listener.address.port
            for socket in opened { sockets.append((socket, bound.count)) }
            bound.append(listener)
        }
        self.sockets = sockets
        all = bound
    }

    /// Binds to every address, each a listener of the name PLAINTEXT.
    public init(bindingTo addresses: [SocketAddress]) throws(SystemError) {
        try self.init(binding: addresses.map { Listener(name: "PLAINTEXT", address: $0) })
    }

    /// Waits for a connection at the first address; its descriptor is the caller's to close.
    package func acceptBlocking() throws(SystemError) -> Int32? {
        let descriptor = sockets[0].socket.descriptor
        _ = fcntl(descriptor, F_SETFL, fcntl(descriptor, F_GETFL) & ~O_NONBLOCK)
        let accepted = systemAccept(descriptor)
        return accepted < 0 ? nil : accepted
    }
}
