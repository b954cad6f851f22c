import Broker
import Testing
import WireProtocol

@Suite("Configuration")
struct ConfigurationTests {
    @Test(
        "takes listeners as host:port and as Kafka writes them",
        arguments: [
            ("127.0.0.1:9092", "127.0.0.1", 9092), ("PLAINTEXT://localhost:0", "localhost", 0),
            ("[::1]:19092", "::1", 19092), ("plaintext://[::]:1", "::", 1),
        ] as [(String, String, UInt16)])
    func listeners(text: String, host: String, port: UInt16) throws {
        var configuration = Configuration()
        try configuration.set("listeners", to: text)
        #expect(
            configuration.listeners == [Listener(name: "PLAINTEXT", address: SocketAddress(host: host, port: port))])
    }

    @Test(
        "refuses what does not fit, and says the name",
        arguments: [
            ("listeners", "nowhere"), ("listeners", "SSL://a:1"), ("listeners", "a:65536"), ("listeners", ""),
            ("num.partitions", "0"), ("num.partitions", "x"), ("log.segment.bytes", "2147483648"),
            ("flush.messages", "0"), ("log.dirs", "a,b"), ("auto.create.topics.enable", "yes"), ("no.such", "1"),
            ("message.max.bytes", "99999999999999999999"),
        ])
    func refuses(name: String, value: String) {
        var configuration = Configuration()
        let error = #expect(throws: ConfigurationError.self) { try configuration.set(name, to: value) }
        #expect(error?.description.contains(name) == true)
    }

    @Test("reads a file of settings, with comments, spaces and Windows line ends")
    func file() throws {
        var configuration = Configuration()
        let unknown = try configuration.setAll(
            in:
                "# a comment\r\n\r\nnum.partitions = 3\r\n flush.messages=10\n!x\nlog.dirs=/tmp/a=b\nzookeeper.connect=x"
        )
        #expect(configuration.partitionCount == 3)
        #expect(unknown == ["zookeeper.connect"])
        #expect(configuration.flushMessages == 10)
        #expect(configuration.logDirectory == "/tmp/a=b")
        #expect(throws: ConfigurationError.self) { try configuration.setAll(in: "num.partitions") }
    }

    @Test("wants advertised.listeners where it listens everywhere")
    func wildcard() throws {
        var configuration = Configuration()
        try configuration.set("listeners", to: "0.0.0.0:9092")
        #expect(throws: ConfigurationError.self) { try configuration.check() }
        for useless in ["0.0.0.0:9092", "broker.example:0", ":9092"] {
            try configuration.set("advertised.listeners", to: useless)
            #expect(throws: ConfigurationError.self) { try configuration.check() }
        }
        try configuration.set("advertised.listeners", to: "broker.example:9092")
        try configuration.check()
    }
}
