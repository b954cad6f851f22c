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

func systemAccept(_ listener: Int32) -> Int32 { accept(listener, nil, nil) }

/// Owns a socket, and closes it.
final class Socket: Sendable {
    let descriptor: Int32

    init(_ descriptor: Int32) { self.descriptor = descriptor }
    deinit { _ = close(descriptor) }

    /// Sockets that listen at everything that `address` resolves to, non-blocking: an empty host is every
    /// address of this machine in both families, and a name may have several. With port 0 all get the same.
    static func listening(at address: SocketAddress) throws(SystemError) -> [Socket] {
        // The port that the system picks for the first may be taken at another: then it picks again.
        var attempt = 0
        while true {
            attempt += 1
            do {
                return try listenOnce(at: address)
            } catch {
                guard address.port == 0, error.number == EADDRINUSE, attempt < 20 else { throw error }
            }
        }
    }

    private static func listenOnce(at address: SocketAddress) throws(SystemError) -> [Socket] {
        var sockets: [Socket] = []
        var bound: [SocketAddress] = []
        var failure = SystemError("listen at \(address): it resolves to no address", 0)
        var port = address.port
        try unsafe resolve(address) { info throws(SystemError) in
            let host = unsafe SocketAddress(info.ai_addr, info.ai_addrlen)?.host
            do throws(SystemError) {
                let socket = try unsafe listening(at: address, info, port: port)
                guard let local = socket.localAddress else { throw SystemError("ask where a socket listens", errno) }
                port = local.port
                bound.append(local)
                sockets.append(socket)
            } catch {
                failure = error
                // A family that this machine does not have, where there is another; a name that is listed twice.
                let isMissing = [EAFNOSUPPORT, EADDRNOTAVAIL, EPROTONOSUPPORT].contains(error.number)
                let isRepeated = error.number == EADDRINUSE && bound.contains { $0.host == host }
                guard isMissing || isRepeated else { throw error }
            }
        }
        guard !sockets.isEmpty else { throw failure }
        return sockets
    }

    private static func listening(
        at address: SocketAddress, _ info: addrinfo, port: UInt16
    ) throws(SystemError) -> Socket {
        let socket = try unsafe create(info, for: address)
        socket.set(SOL_SOCKET, SO_REUSEADDR, 1)
        // One socket for each family: what comes by IPv4 is seen as such.
        if unsafe info.ai_family == AF_INET6 { socket.set(Int32(IPPROTO_IPV6), IPV6_V6ONLY, 1) }
        socket.makeNonblocking()
        // SAFETY: an IPv4 and an IPv6 address both have the port in their bytes 2 and 3, in network order.
        unsafe UnsafeMutableRawPointer(info.ai_addr)?.storeBytes(of: port.bigEndian, toByteOffset: 2, as: UInt16.self)
        guard unsafe bind(socket.descriptor, info.ai_addr, info.ai_addrlen) == 0 else {
            throw SystemError("bind to \(address)", errno)
        }
        guard listen(socket.descriptor, 1024) == 0 else { throw SystemError("listen at \(address)", errno) }
        return socket
    }

    /// A socket that is connected to `address`, blocking.
    static func connected(to address: SocketAddress) throws(SystemError) -> Socket {
        var connected: Socket?
        var failure = SystemError("connect to \(address): it resolves to no address", 0)
        try unsafe resolve(address) { info throws(SystemError) in
            guard connected == nil else { return }
            let socket = try unsafe create(info, for: address)
            guard unsafe connect(socket.descriptor, info.ai_addr, info.ai_addrlen) == 0 else {
                failure = SystemError("connect to \(address)", errno)
                return
            }
            socket.set(Int32(IPPROTO_TCP), TCP_NODELAY, 1)
            connected = socket
        }
        guard let connected else { throw failure }
        return connected
    }

    /// A socket that is being connected to `address`, non-blocking: once it can be written to,
    /// `connectionError` says whether it stands. Waits for the name to be resolved, and where that gives
    /// several addresses, tries one after the other, each for three seconds.
    static func connecting(to address: SocketAddress) throws(SystemError) -> Socket {
        var connecting: Socket?
        // Too slow for its three seconds: still better than nothing.
        var slow: Socket?
        var failure = SystemError("connect to \(address): it resolves to no address", 0)
        try unsafe resolve(address) { info throws(SystemError) in
            guard connecting == nil else { return }
            let socket = try unsafe create(info, for: address)
            socket.makeNonblocking()
            socket.set(Int32(IPPROTO_TCP), TCP_NODELAY, 1)
            #if canImport(Darwin)
                socket.set(SOL_SOCKET, SO_NOSIGPIPE, 1)
            #endif
            guard unsafe connect(socket.descriptor, info.ai_addr, info.ai_addrlen) == 0 || errno == EINPROGRESS else {
                failure = SystemError("connect to \(address)", errno)
                return
            }
            var watched = pollfd(fd: socket.descriptor, events: Int16(POLLOUT), revents: 0)
            if unsafe poll(&watched, 1, 3_000) != 1 {
                slow = slow ?? socket
                return
            }
            let error = socket.connectionError
            if error == 0 { connecting = socket } else { failure = SystemError("connect to \(address)", error) }
        }
        guard let socket = connecting ?? slow else { throw failure }
        return socket
    }

    /// Why the connection could not be made; 0 where it stands.
    var connectionError: Int32 {
        var error: Int32 = 0
        var length = socklen_t(MemoryLayout<Int32>.size)
        let result = unsafe getsockopt(descriptor, SOL_SOCKET, SO_ERROR, &error, &length)
        return result == 0 ? error : errno
    }

    private static func create(_ info: addrinfo, for address: SocketAddress) throws(SystemError) -> Socket {
        let descriptor = unsafe socket(info.ai_family, info.ai_socktype, info.ai_protocol)
        guard descriptor >= 0 else { throw SystemError("create a socket for \(address)", errno) }
        return Socket(descriptor)
    }

    /// Calls `body` with each address that `address` resolves to.
    private static func resolve(
        _ address: SocketAddress, _ body: (addrinfo) throws(SystemError) -> Void
    ) throws(SystemError) {
        var hints = unsafe addrinfo()
        unsafe hints.ai_flags = AI_PASSIVE | AI_NUMERICSERV
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
        var next = unsafe list
        while let info = unsafe next {
            try unsafe body(info.pointee)
            unsafe next = info.pointee.ai_next
        }
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
        // SAFETY: sockaddr_storage is large enough, and aligned, for every kind of address.
        return unsafe withUnsafeMutablePointer(to: &storage) { pointer in
            unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
                guard unsafe query(descriptor, address, &length) == 0 else { return nil }
                return unsafe SocketAddress(address, length)
            }
        }
    }
}

extension SocketAddress {
    /// The numeric address; nil where it is of no family with hosts and ports.
    fileprivate init?(_ address: UnsafePointer<sockaddr>?, _ length: socklen_t) {
        var host = [CChar](repeating: 0, count: Int(NI_MAXHOST))
        var port = [CChar](repeating: 0, count: Int(NI_MAXSERV))
        let result = unsafe getnameinfo(
            address, length, &host, socklen_t(host.count), &port, socklen_t(port.count), NI_NUMERICHOST | NI_NUMERICSERV
        )
        guard result == 0, let number = UInt16(Self.text(port)) else { return nil }
        self.init(host: Self.text(host), port: number)
    }

    private static func text(_ characters: [CChar]) -> String {
        String(decoding: characters.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }
}

extension SystemError: CustomStringConvertible {
    /// "cannot bind to 127.0.0.1:9092: Address already in use".
    public var description: String {
        number == 0 ? "cannot \(operation)" : "cannot \(operation): \(unsafe String(cString: strerror(number)))"
    }
}
