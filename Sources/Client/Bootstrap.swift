import SegmentLog
import WireProtocol

extension SocketAddress {
    /// The addresses of `bootstrap.servers`: "one:9092,[::1]:9093", each with its port.
    public static func bootstrapServers(_ list: String) throws(ClientError) -> [SocketAddress] {
        var addresses: [SocketAddress] = []
        for part in list.split(separator: ",") {
            let text = part.trimmingPrefix { $0 == " " }.reversed().trimmingPrefix { $0 == " " }.reversed()
            guard let address = SocketAddress(hostAndPort: String(text)) else {
                throw .refused("bootstrap.servers: \"\(String(text))\" is not host:port, as in localhost:9092")
            }
            addresses.append(address)
        }
        guard !addresses.isEmpty else { throw .refused("bootstrap.servers names no server; localhost:9092 is one") }
        return addresses
    }

    private init?(hostAndPort text: String) {
        guard let colon = text.lastIndex(of: ":"), let port = UInt16(text[text.index(after: colon)...]), port > 0 else {
            return nil
        }
        var host = String(text[..<colon])
        if host.hasPrefix("["), host.hasSuffix("]") {
            host = String(host.dropFirst().dropLast())
        } else if host.contains(":") {
            return nil
        }
        guard !host.isEmpty else { return nil }
        self.init(host: host, port: port)
    }
}
