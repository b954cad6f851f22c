import LogbookClient
import Testing

@Suite("A list of bootstrap servers")
struct BootstrapTests {
    @Test("is read as hosts and ports")
    func wellFormed() throws {
        let addresses = try SocketAddress.bootstrapServers("one:9092, [::1]:9093 ,10.0.0.1:1")
        #expect(addresses.map(\.description) == ["one:9092", "[::1]:9093", "10.0.0.1:1"])
    }

    @Test(
        "says what is wrong with it",
        arguments: ["", "one", "one:", ":9092", "one:0", "one:65536", "::1:9092", "one:9092,two"])
    func malformed(_ list: String) {
        #expect(throws: ClientError.self) { try SocketAddress.bootstrapServers(list) }
    }
}
