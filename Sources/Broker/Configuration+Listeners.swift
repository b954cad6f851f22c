import TopicsPartitions
import WireProtocol

extension Configuration {
    /// Checks that each listener can be told from the others, is of a protocol that is served, and is
    /// advertised where clients can connect.
    func checkListeners() throws(ConfigurationError) {
        for (place, listener) in listeners.enumerated() {
            guard !listeners[..<place].contains(where: { $0.name == listener.name }) else {
                throw ConfigurationError(
                    """
                    listeners: each must have a different name, and \(listener.name) is there twice; write \
                    PLAINTEXT://host:port,OTHER://host:port, and add OTHER:PLAINTEXT to \
                    listener.security.protocol.map
                    """)
            }
            guard let security = listenerProtocols[listener.name] else {
                throw ConfigurationError(
                    "listeners: add \(listener.name):PLAINTEXT to listener.security.protocol.map")
            }
            guard security == "PLAINTEXT" else {
                throw ConfigurationError(
                    "listener.security.protocol.map: \(listener.name) uses \(security); only PLAINTEXT is supported")
            }
        }
        for advertised in advertisedListeners {
            guard listeners.contains(where: { $0.name == advertised.name }) else {
                throw ConfigurationError(
                    "advertised.listeners: \(advertised.name) is none of the listeners; add it there")
            }
            guard !advertised.address.isWildcard, advertised.address.port != 0 else {
                throw ConfigurationError(
                    "advertised.listeners: clients cannot connect to \(advertised); name a host and a port")
            }
        }
        for listener in advertised(for: listeners) where listener.address.isWildcard {
            throw ConfigurationError(
                """
                \(listener) listens on every address, and clients cannot connect to "every address"; \
                set advertised.listeners to the host and port that they can reach
                """)
        }
    }
}

extension SocketAddress {
    /// Whether it is every address of a machine.
    fileprivate var isWildcard: Bool { ["0.0.0.0", "::", ""].contains(host) }
}

extension Listener {
    /// Reads "NAME://host:port" or "host:port", which is a PLAINTEXT listener; several separated by commas.
    static func list(_ text: String) throws(ConfigurationError) -> [Listener] {
        var listeners: [Listener] = []
        for part in text.split(separator: ",") { listeners.append(try Listener(String(part))) }
        guard !listeners.isEmpty else { throw ConfigurationError("names no address") }
        return listeners
    }

    private init(_ text: String) throws(ConfigurationError) {
        var rest = text.trimmingSpaces[...]
        var name = "PLAINTEXT"
        // A colon that two slashes follow, as far as there is one.
        if let colon = rest.firstIndex(of: ":"), rest[colon...].hasPrefix("://") {
            name = rest[..<colon].uppercased()
            rest = rest[rest.index(colon, offsetBy: 3)...]
        }
        guard !name.isEmpty, !["SSL", "SASL_PLAINTEXT", "SASL_SSL"].contains(name) else {
            throw ConfigurationError("\"\(name)\" is not supported; use PLAINTEXT://host:port")
        }
        guard let colon = rest.lastIndex(of: ":"), let port = UInt16(rest[rest.index(after: colon)...]) else {
            throw ConfigurationError("must be host:port, with a port from 0 to 65535")
        }
        var host = rest[..<colon]
        if host.hasPrefix("["), host.hasSuffix("]") { host = host.dropFirst().dropLast() }
        self.init(name: name, address: SocketAddress(host: String(host), port: port))
    }

    /// Reads "NAME:PROTOCOL", several separated by commas.
    static func protocols(_ text: String) throws(ConfigurationError) -> [String: String] {
        var protocols: [String: String] = [:]
        for part in text.split(separator: ",") {
            let sides = part.split(separator: ":", omittingEmptySubsequences: false)
            guard sides.count == 2 else { throw ConfigurationError("must be NAME:PROTOCOL, separated by commas") }
            let (name, security) = (String(sides[0]).trimmingSpaces, String(sides[1]).trimmingSpaces)
            guard !name.isEmpty, protocols.updateValue(security.uppercased(), forKey: name.uppercased()) == nil else {
                throw ConfigurationError("must give each listener name one protocol")
            }
        }
        return protocols
    }
}
