import SegmentLog
import Testing
@testable import WireProtocol

@Suite("Metadata of a wire client")
struct WireClientMetadataTests {
    /// A client that knows topic "t" of broker 0, and is connected to that broker.
    private func started(epoch: Int32 = 5) throws -> WireClientDriver {
        let driver = WireClientDriver {
            $0.metadataMaxAgeMilliseconds = 10_000
            $0.retryBackoffMilliseconds = 100
        }
        try driver.start(brokers: 2, topics: [("t", 0, epoch)])
        driver.send(FindCoordinatorRequest(), to: .broker(0))
        try driver.accept()
        try driver.answer(FindCoordinatorResponse())
        return driver
    }

    private func metadata(leader: Int32, epoch: Int32) -> MetadataResponse {
        WireClientDriver.metadata(brokers: 2, topics: [("t", leader, epoch)])
    }

    private func isAsking(_ driver: WireClientDriver) -> Bool { driver.asked[driver.last]?.first?.api == .metadata }

    @Test("is asked for again when it is old")
    func age() throws {
        let driver = try started()
        driver.advance(milliseconds: 9_999)
        #expect(!isAsking(driver))
        driver.advance(milliseconds: 1)
        #expect(isAsking(driver))
        try driver.answer(metadata(leader: 1, epoch: 6))
        #expect(driver.client.cluster["t", 0] == Cluster.Partition(leader: 1, leaderEpoch: 6))
        driver.advance(milliseconds: 9_999)
        #expect(!isAsking(driver))
    }

    @Test("is asked for when it was wrong, but not more often than retry.backoff.ms")
    func onDemand() throws {
        let driver = try started()
        driver.advance(milliseconds: 1_000)
        driver.refresh()
        #expect(isAsking(driver))
        try driver.answer(metadata(leader: 0, epoch: 5))
        for _ in 0..<5 { driver.refresh() }
        driver.advance(milliseconds: 99)
        #expect(!isAsking(driver))
        driver.advance(milliseconds: 1)
        #expect(isAsking(driver))
        #expect(driver.asked[driver.last]?.count == 1)
    }

    @Test("is asked for until a topic appears, and its partitions have leaders")
    func laterTopic() throws {
        let driver = try started()
        driver.follow("new")
        var response = metadata(leader: 0, epoch: 5)
        var topic = MetadataResponse.Topic()
        topic.name = "new"
        for (code, leader) in [(.unknownTopicOrPartition, -1), (.none, -1), (.none, 1)] as [(ErrorCode, Int32)] {
            #expect(isAsking(driver))
            topic.errorCode = code
            var partition = MetadataResponse.Partition()
            partition.leaderID = leader
            topic.partitions = code == .none ? [partition] : []
            response.topics = [topic]
            try driver.answer(response)
            driver.advance(milliseconds: 100)
        }
        #expect(!isAsking(driver))
        #expect(driver.client.cluster["new", 0]?.leader == 1)
        #expect(driver.client.cluster.partitionCount(of: "new") == 1)
    }

    @Test("is asked for of all topics that are followed, in one request, also of one that came meanwhile")
    func followedMeanwhile() throws {
        let driver = WireClientDriver()
        driver.follow("b")
        try driver.accept()
        driver.follow("a")
        #expect(driver.asked[driver.last]?.count == 1)
        try driver.answer(WireClientDriver.metadata(topics: [("b", 0, 0)]))
        // The bootstrap connection has done its work: what follows is asked of the broker itself.
        try driver.accept()
        let asked = try #require(driver.asked[driver.last]?.first)
        let request = try MetadataRequest(decoding: asked.body, version: asked.header.apiVersion)
        #expect(request.topics?.map(\.name) == ["a", "b"])
    }

    @Test(
        "of an older leader epoch is passed over (KIP-320)",
        arguments: [(5, 1), (6, 1), (4, 0), (-1, 1)] as [(Int32, Int32)])
    func olderEpoch(epoch: Int32, leader: Int32) throws {
        let driver = try started(epoch: 5)
        driver.advance(milliseconds: 1_000)
        driver.refresh()
        try driver.answer(metadata(leader: 1, epoch: epoch))
        #expect(driver.client.cluster["t", 0]?.leader == leader)
    }

    @Test("of a topic that was deleted and created again counts from its new epochs")
    func recreatedTopic() throws {
        let driver = WireClientDriver()
        driver.follow("t")
        var response = WireClientDriver.metadata(topics: [("t", 0, 5)])
        response.topics[0].topicID = Uuid(high: 1, low: 1)
        try driver.accept()
        try driver.answer(response)
        driver.advance(milliseconds: 1_000)
        driver.refresh()
        try driver.accept()
        response.topics[0].topicID = Uuid(high: 2, low: 2)
        response.topics[0].partitions[0].leaderEpoch = 0
        try driver.answer(response)
        #expect(driver.client.cluster["t", 0]?.leaderEpoch == 0)
    }

    @Test(
        "has no epochs where the broker is too old to know them well", arguments: [(8, -1), (9, 5)] as [(Int16, Int32)])
    func unreliableEpochs(version: Int16, epoch: Int32) throws {
        let driver = WireClientDriver()
        driver.follow("t")
        try driver.accept(speaking: [.metadata: 0...version])
        try driver.answer(WireClientDriver.metadata(topics: [("t", 0, 5)]))
        #expect(driver.client.cluster["t", 0] == Cluster.Partition(leader: 0, leaderEpoch: epoch))
    }

    @Test("takes in what answers say about new leaders, where that is news (KIP-951)")
    func hints() throws {
        let driver = try started(epoch: 5)
        let revision = driver.client.cluster.revision
        #expect(!driver.learn("t", 0, leader: 1, epoch: 5))
        #expect(!driver.learn("t", 0, leader: 7, epoch: 6))
        #expect(!driver.learn("t", 1, leader: 1, epoch: 6))
        #expect(!driver.learn("t", -1, leader: 1, epoch: 6))
        #expect(!driver.learn("other", 0, leader: 1, epoch: 6))
        #expect(!driver.learn("t", 0, leader: -1, epoch: 6))
        #expect(driver.client.cluster.revision == revision)
        #expect(driver.learn("t", 0, leader: 1, epoch: 6))
        #expect(driver.client.cluster["t", 0] == Cluster.Partition(leader: 1, leaderEpoch: 6))
        #expect(driver.client.cluster.revision > revision)
    }

    @Test("with gaps, or ports that are none, makes nothing of them")
    func nonsense() throws {
        let driver = try started()
        driver.advance(milliseconds: 1_000)
        driver.refresh()
        var response = metadata(leader: 0, epoch: 5)
        response.topics[0].partitions[0].index = .max
        response.brokers[1].port = 70_000
        try driver.answer(response)
        #expect(driver.client.cluster.topics["t"] == .unusable(.unknownServerError))
        #expect(driver.client.cluster.brokerIDs == [0])
    }
}
