import Broker
import SegmentLog
import TestSupport
import Testing
import TopicsPartitions
import WireProtocol

@Suite("Configs that are changed while a broker runs")
struct ConfigTests {
    /// Sets a config; a nil value takes it back.
    private static func alter(
        _ broker: TestBroker, kind: Int8, _ name: String, _ config: String, _ value: String?
    ) throws -> ErrorCode? {
        var change = IncrementalAlterConfigsRequest.Config()
        change.name = config
        change.configOperation = value == nil ? 1 : 0
        change.value = value
        var resource = IncrementalAlterConfigsRequest.Resource()
        resource.resourceType = kind
        resource.resourceName = name
        resource.configs = [change]
        var request = IncrementalAlterConfigsRequest()
        request.resources = [resource]
        return try broker.driver.ask(request, version: 1, on: broker.connection)?.responses.first?.errorCode
    }

    private static func takes(_ broker: TestBroker, _ bytes: Int, _ topic: String) throws -> Bool {
        let code = try broker.produce(Batches.make(1, padding: bytes).bytes, to: topic)?.errorCode
        #expect(code == ErrorCode.none || code == .messageTooLarge)
        return code == ErrorCode.none
    }

    @Test("a topic's config counts at once and after a restart, for this topic alone")
    func topic() throws {
        let disk = MemoryDisk()
        var broker = try TestBroker(disk)
        try broker.metadata("1")
        try broker.metadata("u")
        #expect(try Self.takes(broker, 3000, "1"))
        #expect(try Self.alter(broker, kind: 2, "1", "max.message.bytes", "2000") == ErrorCode.none)
        #expect(try !Self.takes(broker, 3000, "1") && Self.takes(broker, 3000, "u"))
        broker = try TestBroker(disk.afterPowerLoss(seed: 7))
        #expect(try !Self.takes(broker, 3000, "1") && Self.takes(broker, 3000, "u"))
        #expect(try Self.alter(broker, kind: 2, "1", "max.message.bytes", nil) == ErrorCode.none)
        #expect(try Self.takes(broker, 3000, "1"))
    }

    @Test("a broker's config counts for every topic that does not set it, those that come later too")
    func brokerWide() throws {
        let disk = MemoryDisk()
        var broker = try TestBroker(disk)
        // A topic may be called as the broker's id is.
        for topic in ["1", "other", "own"] { try broker.metadata(topic) }
        #expect(try Self.alter(broker, kind: 2, "own", "max.message.bytes", "5000") == ErrorCode.none)
        #expect(try Self.alter(broker, kind: 4, "1", "message.max.bytes", "2000") == ErrorCode.none)
        #expect(try !Self.takes(broker, 3000, "1") && !Self.takes(broker, 3000, "other"))
        #expect(try Self.takes(broker, 3000, "own"))
        try broker.metadata("later")
        #expect(try !Self.takes(broker, 3000, "later"))
        broker = try TestBroker(disk.afterPowerLoss(seed: 7))
        #expect(try !Self.takes(broker, 3000, "1") && Self.takes(broker, 3000, "own"))
        #expect(try Self.alter(broker, kind: 4, "", "message.max.bytes", "1000") == ErrorCode.none)
        #expect(try !Self.takes(broker, 3000, "1") && Self.takes(broker, 1500, "1"))
        #expect(try Self.alter(broker, kind: 4, "1", "message.max.bytes", nil) == ErrorCode.none)
        #expect(try !Self.takes(broker, 1500, "1"))
    }

    @Test("what is told is what the broker was started with, and was told since")
    func told() throws {
        let broker = try TestBroker { try? $0.set("log.retention.minutes", to: "2") }
        try broker.metadata("t")
        #expect(try Self.alter(broker, kind: 4, "", "log.retention.bytes", "7") == ErrorCode.none)
        var resource = DescribeConfigsRequest.Resource()
        resource.resourceType = 2
        resource.resourceName = "t"
        var request = DescribeConfigsRequest()
        request.resources = [resource]
        let configs = try broker.driver.ask(request, version: 4, on: broker.connection)?.results.first?.configs ?? []
        func config(_ name: String) -> DescribeConfigsResponse.Config? { configs.first { $0.name == name } }
        #expect(config("retention.ms")?.value == "120000" && config("retention.ms")?.configSource == 4)
        #expect(config("retention.bytes")?.value == "7" && config("retention.bytes")?.configSource == 3)
        #expect(config("flush.messages")?.value == "1" && config("flush.messages")?.configSource == 5)
    }
}
