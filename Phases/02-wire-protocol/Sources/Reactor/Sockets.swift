#if canImport(Darwin)
    import Darwin
#else
    import CSystem
    import Glibc
#endif
import SegmentLog

/// A host and a port, as text and number.
public struct SocketAddress: Equatable, Sendable, CustomStringConvertible {
    /// A name or a numeric address, without brackets.
    public var host: String
    /// The port; 0 lets the system choose one.
    public var port: UInt16

    /// The address of this host and port.
    public init(host: String, port: UInt16) {
        self.host = host
        self.port = port
    }

    /// "127.0.0.1:9092", or "[::1]:9092".
    public var description: String { host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)" }
}

/// Sockets that listen, bound before the reactor exists: a node may have to know its real port.
public struct Listeners: Sendable {
    let sockets: [Socket]
    /// Where they listen; a port of 0 has become a real one.
    public let addresses: [SocketAddress]

    /// Nowhere: for a node that only opens connections itself.
    public init() { (sockets, addresses) = ([], []) }

    /// Binds to every address.
    public init(bindingTo addresses: [SocketAddress]) throws(SystemError) {
        var sockets: [Socket] = []
        var bound: [SocketAddress] = []
        for address in addresses {
            let socket = try Socket.listening(at: address)
            bound.append(SocketAddress(host: address.host, port: socket.localAddress?.port ?? address.port))
            sockets.append(socket)
        }
        self.sockets = sockets
        self.addresses = bound
    }

    /// Waits for a connection at the first address; its descriptor is the caller's to close.
    package func acceptBlocking() throws(SystemError) -> Int32? {
        let flags = fcntl(sockets[0].descriptor, F_GETFL)
        _ = fcntl(sockets[0].descriptor, F_SETFL, flags & ~O_NONBLOCK)
        let accepted = systemAccept(sockets[0].descriptor)
        return accepted < 0 ? nil : accepted
    }
}

private func systemAccept(_ listener: Int32) -> Int32 { accept(listener, nil, nil) }

/// Owns a socket, and closes it.
final class Socket: Sendable {
    let descriptor: Int32

    init(_ descriptor: Int32) { self.descriptor = descriptor }
    deinit { _ = close(descriptor) }

    /// A socket that listens at `address`, non-blocking.
    static func listening(at address: SocketAddress) throws(SystemError) -> Socket {
        try unsafe open(address, passive: true) { socket, info throws(SystemError) in
            socket.set(SOL_SOCKET, SO_REUSEADDR, 1)
            socket.makeNonblocking()
            guard unsafe bind(socket.descriptor, info.ai_addr, info.ai_addrlen) == 0 else {
                throw SystemError("bind to \(address)", errno)
            }
            guard listen(socket.descriptor, 1024) == 0 else { throw SystemError("listen at \(address)", errno) }
        }
    }

    /// A socket that is connected to `address`, blocking.
    static func connected(to address: SocketAddress) throws(SystemError) -> Socket {
        try unsafe open(address, passive: false) { socket, info throws(SystemError) in
            guard unsafe connect(socket.descriptor, info.ai_addr, info.ai_addrlen) == 0 else {
                throw SystemError("connect to \(address)", errno)
            }
            socket.set(Int32(IPPROTO_TCP), TCP_NODELAY, 1)
        }
    }

    /// A socket that is being connected to `address`, non-blocking: once it can be written to,
    /// `connectionError` says whether it stands. Waits for the name to be resolved.
    static func connecting(to address: SocketAddress) throws(SystemError) -> Socket {
        try unsafe open(address, passive: false) { socket, info throws(SystemError) in
            socket.makeNonblocking()
            socket.set(Int32(IPPROTO_TCP), TCP_NODELAY, 1)
            #if canImport(Darwin)
                socket.set(SOL_SOCKET, SO_NOSIGPIPE, 1)
            #endif
            guard unsafe connect(socket.descriptor, info.ai_addr, info.ai_addrlen) != 0 else { return }
            guard errno == EINPROGRESS else { throw SystemError("connect to \(address)", errno) }
        }
    }

    /// Why the connection could not be made; 0 where it stands.
    var connectionError: Int32 {
        var error: Int32 = 0
        var length = socklen_t(MemoryLayout<Int32>.size)
        let result = unsafe getsockopt(descriptor, SOL_SOCKET, SO_ERROR, &error, &length)
        return result == 0 ? error : errno
    }

    /// Resolves `address`, and makes a socket for what it resolves to first.
    private static func open(
        _ address: SocketAddress, passive: Bool, _ prepare: (Socket, addrinfo) throws(SystemError) -> Void
    ) throws(SystemError) -> Socket {
        var hints = unsafe addrinfo()
        unsafe hints.ai_flags = (passive ? AI_PASSIVE : 0) | AI_NUMERICSERV
        #if canImport(Darwin)
            unsafe hints.ai_socktype = SOCK_STREAM
        #else
            unsafe hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
        #endif
        var list: UnsafeMutablePointer<addrinfo>?
        // No host at all is every address of this machine: Kafka's "PLAINTEXT://:9092".
        let result =
            address.host.isEmpty
            ? unsafe getaddrinfo(nil, String(address.port), &hints, &list)
            : unsafe getaddrinfo(address.host, String(address.port), &hints, &list)
        guard result == 0, let first = unsafe list else {
            throw SystemError("resolve \(address.host): \(unsafe String(cString: gai_strerror(result)))", 0)
        }
        defer { unsafe freeaddrinfo(first) }
        let info = unsafe first.pointee
        let descriptor = unsafe socket(info.ai_family, info.ai_socktype, info.ai_protocol)
        guard descriptor >= 0 else { throw SystemError("create a socket for \(address)", errno) }
        let created = Socket(descriptor)
        try unsafe prepare(created, info)
        return created
    }

    /// The next connection that waits to be accepted, or nil if there is none.
    func accept() throws(SystemError) -> Socket? {
        #if canImport(Darwin)
            let accepted = systemAccept(descriptor)
        #else
            let accepted = csystem_accept_nonblocking(descriptor)
        #endif
        guard accepted >= 0 else {
            if errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR || errno == ECONNABORTED { return nil }
            throw SystemError("accept a connection", errno)
        }
        let socket = Socket(accepted)
        #if canImport(Darwin)
            socket.makeNonblocking()
            socket.set(SOL_SOCKET, SO_NOSIGPIPE, 1)
        #endif
        socket.set(Int32(IPPROTO_TCP), TCP_NODELAY, 1)
        return socket
    }

    /// Takes no more connections: who tries is refused at once, instead of waiting in the backlog.
    func stopListening() { _ = shutdown(descriptor, Int32(SHUT_RDWR)) }

    func set(_ level: Int32, _ option: Int32, _ value: Int32) {
        var value = value
        _ = unsafe setsockopt(descriptor, level, option, &value, socklen_t(MemoryLayout<Int32>.size))
    }

    func makeNonblocking() {
        _ = fcntl(descriptor, F_SETFL, fcntl(descriptor, F_GETFL) | O_NONBLOCK)
        _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC)
    }

    /// Where this end is bound.
    var localAddress: SocketAddress? { unsafe address(of: getsockname) }
    /// Where the other end is.
    var peerAddress: SocketAddress? { unsafe address(of: getpeername) }

    private func address(
        of query: (Int32, UnsafeMutablePointer<sockaddr>?, UnsafeMutablePointer<socklen_t>?) -> Int32
    ) -> SocketAddress? {
        var storage = sockaddr_storage()
        var length = socklen_t(MemoryLayout<sockaddr_storage>.size)
        var host = [CChar](repeating: 0, count: Int(NI_MAXHOST))
        var port = [CChar](repeating: 0, count: Int(NI_MAXSERV))
        // SAFETY: sockaddr_storage is large enough, and aligned, for every kind of address.
        let isKnown = unsafe withUnsafeMutablePointer(to: &storage) { pointer in
            unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
                unsafe query(descriptor, address, &length) == 0
                    && getnameinfo(
                        address, length, &host, socklen_t(host.count), &port, socklen_t(port.count),
                        NI_NUMERICHOST | NI_NUMERICSERV) == 0
            }
        }
        guard isKnown, let number = UInt16(text(port)) else { return nil }
        return SocketAddress(host: text(host), port: number)
    }

    private func text(_ characters: [CChar]) -> String {
        String(decoding: characters.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }
}

extension SystemError: CustomStringConvertible {
    /// "cannot bind to 127.0.0.1:9092: Address already in use".
    public var description: String {
        number == 0 ? "cannot \(operation)" : "cannot \(operation): \(unsafe String(cString: strerror(number)))"
    }
}
