import Broker
import SegmentLog
import TestSupport
import Testing
import WireProtocol

@Suite("Bytes that are no request")
struct BadBytesTests {
    @Test(
        "end their connection with a line in the log, and leave the others alone",
        arguments: [
            [], [0], [0, 0, 0, 9, 0, 0, 0], [0x7F, 0xFF, 0, 0, 0, 0, 0, 1], [0xFF, 0xFF, 0, 0, 0, 0, 0, 1],
            [0, 0, 0, 12, 0, 0, 0, 1, 0xFF, 0xFF], [0, 1, 0, 3, 0, 0, 0, 1, 0xFF, 0xFF],
            [0, 3, 0xFF, 0xFF, 0, 0, 0, 1],
            [0, 3, 0, 9, 0, 0, 0, 1, 0x7F, 0xFF], [0, 3, 0, 1, 0, 0, 0, 1, 0xFF, 0xFF, 0x7F, 0xFF, 0xFF, 0xFF],
        ] as [[UInt8]])
    func refused(frame: [UInt8]) throws {
        let broker = try TestBroker()
        let hostile = try broker.driver.connect()
        try broker.driver.deliver(.received(hostile, Bytes(frame)))
        #expect(broker.driver.closed == [hostile])
        #expect(broker.driver.logLines.count == 1)
        // What else it sent is not heard.
        try broker.driver.send(Requests.metadata(["t"]), version: 12, on: hostile)
        #expect(broker.driver.sent[hostile]?.isEmpty != false)
        #expect(try broker.metadata("t")?.errorCode == ErrorCode.none)
    }

    @Test("of 200,000 mutated requests are answered or refused, and never trap")
    func mutations() throws {
        var random = SplitMix64(seed: 11)
        let frames = try Self.frames()
        var answered = 0, refused = 0
        for _ in 0..<20 {
            // A new broker now and then, so that its topics do not grow without end.
            let broker = try TestBroker()
            try broker.metadata("t")
            for _ in 0..<10_000 {
                var frame = frames[random.below(frames.count)]
                for _ in 0...random.below(3) {
                    frame[random.below(frame.count)] =
                        random.chance(30) ? 0xFF : UInt8(truncatingIfNeeded: random.next())
                }
                if random.chance(10) { frame.removeLast(random.below(frame.count)) }
                let connection = try broker.driver.connect()
                try broker.driver.deliver(.received(connection, Bytes(frame)))
                try broker.driver.synchronizeAll()
                if broker.driver.closed.contains(connection) { refused += 1 } else { answered += 1 }
                try broker.driver.deliver(.disconnected(connection))
            }
            #expect(broker.driver.stopped == nil)
            #expect(try broker.fetch(from: 0)?.errorCode == ErrorCode.none)
        }
        #expect(answered > 10_000 && refused > 10_000)
    }

    /// Whole frames of every API, in several versions.
    private static func frames() throws -> [[UInt8]] {
        var frames: [[UInt8]] = []
        func add(_ request: some Request, _ versions: [Int16]) throws {
            for version in versions {
                frames.append(
                    try request.frame(version: version, correlationID: 7, clientID: "mutant").bytes().dropFirst(4).array
                )
            }
        }
        var versions = ApiVersionsRequest()
        versions.clientSoftwareName = "m"
        versions.clientSoftwareVersion = "1"
        try add(versions, [0, 3, 4])
        var metadata = Requests.metadata(["t"])
        metadata.allowAutoTopicCreation = false
        try add(metadata, [4, 8, 12])
        try add(Requests.produce(Batches.make(3).bytes, to: "t"), [3, 8, 9, 11])
        try add(Requests.fetch(from: 0, of: "t", minBytes: 1, maxWait: 10), [4, 7, 11, 12])
        var coordinator = FindCoordinatorRequest()
        coordinator.key = "g"
        try add(coordinator, [0, 3])
        var offsets = ListOffsetsRequest()
        var topic = ListOffsetsRequest.Topic()
        topic.name = "t"
        topic.partitions = [ListOffsetsRequest.Partition()]
        offsets.topics = [topic]
        try add(offsets, [1, 4, 7])
        return frames
    }
}
