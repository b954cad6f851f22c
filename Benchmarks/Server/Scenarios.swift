import BenchmarkSupport
import SegmentLog
import WireProtocol

/// What is measured: round trips, produces to disk, and fetches.
enum Scenarios {
    static let topic = "bench"
    /// Connections, and the requests in flight on each: one after the other, and pipelined.
    private static let roundTrips = [(1, 1), (16, 1), (500, 1)]
    private static let pipelined = [(1, 32), (16, 8), (500, 2)]
    /// Within 15 % of the bare loop.
    private static let goal = 0.85
    private static let withoutSynchronize = ["--override", "flush.messages=\(Int64.max)"]

    // MARK: Round trips

    /// Frames that come back, with the reactor.
    static func echoes() -> [Scenario] {
        [
            (100, "echo of 100 B, round trips", roundTrips, goal),
            // No system call hides what each frame costs here: there is no goal for it.
            (100, "echo of 100 B, pipelined", pipelined, nil),
            (16 << 10, "echo of 16 KiB, pipelined", pipelined, goal),
        ].flatMap { byteCount, name, shapes, goal in
            var frame = ByteWriter(capacity: byteCount)
            frame.integer(Int32(byteCount - 4))
            frame.append(contentsOf: [UInt8](repeating: 0x61, count: byteCount - 4))
            let request = frame.finish()
            return shapes.map { connections, depth in
                Scenario(
                    name, Load(connections: connections, depth: depth, requests: [request], answerBytes: byteCount),
                    [own(.bare, ["bare", "echo"]), own(.reactor, ["reactor", "echo"], goal: goal)])
            }
        }
    }

    /// Produces into the page cache, which are answered at once: with the reactor and with the broker.
    static func acknowledgements() throws -> [Scenario] {
        try [
            (100, "acks=1, record of 100 B, round trips", roundTrips, goal),
            (100, "acks=1, record of 100 B, pipelined", pipelined, nil),
            (16 << 10, "acks=1, batch of 16 KiB, pipelined", pipelined, goal),
        ].flatMap { byteCount, name, shapes, goal in
            let request = try produce(try batch(byteCount: byteCount), acks: 1)
            let answer = String(try answerBytes())
            return try shapes.map { connections, depth in
                Scenario(
                    name,
                    Load(connections: connections, depth: depth, requests: [request], answerBytes: try answerBytes()),
                    [
                        own(.bare, ["bare", "acknowledge", answer]),
                        own(.reactor, ["reactor", "acknowledge", answer], goal: goal),
                        broker(withoutSynchronize),
                    ])
            }
        }
    }

    // MARK: The disk

    /// Produces that end in a file, against a loop from a socket into a file.
    static func produces() throws -> [Scenario] {
        let answer = String(try answerBytes())
        return try [(16, 4, 16 << 10, "16 KiB"), (4, 4, 1_000_000, "1 MB")].flatMap { connections, depth, size, name in
            let load = Load(
                connections: connections, depth: depth, requests: [try produce(try batch(byteCount: size), acks: -1)],
                answerBytes: try answerBytes())
            return [
                Scenario(
                    "produce \(name), page cache", load,
                    [own(.bare, ["bare", "append", answer]), broker(withoutSynchronize)]),
                Scenario(
                    "produce \(name), fdatasync", load,
                    [own(.bare, ["bare", "append-synchronized", answer]), broker([])]),
            ]
        }
    }

    /// Fetches of 1 MiB, against a loop of sendfile over the same file.
    static func fetches(of directory: String) throws -> [Scenario] {
        let produced = try batch(byteCount: 16 << 10)
        let chunkBatches = 64
        let chunk = chunkBatches * produced.bytes.count
        let chunks = 128
        let server = try startBroker(directory, withoutSynchronize)
        let connection = try BlockingConnection(to: server.address)
        let request = try produce(produced, acks: 1)
        for _ in 0..<chunks * chunkBatches {
            try connection.send(request)
            guard let answer = try connection.receiveFrame(), answer.count + 4 == (try answerBytes()) else {
                throw BenchmarkFailure("a produce failed")
            }
        }
        server.stop()
        let requests = try (0..<chunks).map { index in
            try fetch(from: Int64(index * chunkBatches * Int(produced.header.recordCount)), maxBytes: Int32(chunk))
        }
        let answer = try fetchAnswerBytes(chunk)
        let file = directory + "/\(topic)-0/00000000000000000000.log"
        return [(1, 2), (16, 1)].map { connections, depth in
            Scenario(
                "fetch 1 MiB", Load(connections: connections, depth: depth, requests: requests, answerBytes: answer),
                [
                    own(.bare, ["bare", "send", file, String(chunk), String(answer)]),
                    Scenario.Side(kind: .broker) { _ in try startBroker(directory, withoutSynchronize) },
                ])
        }
    }

    // MARK: Servers

    private static func own(_ kind: Scenario.Side.Kind, _ arguments: [String], goal: Double? = nil) -> Scenario.Side {
        Scenario.Side(kind: kind, goal: goal) { directory in
            try ServerProcess("bench-server", ["serve"] + arguments + [directory])
        }
    }

    private static func broker(_ arguments: [String], goal: Double? = nil) -> Scenario.Side {
        Scenario.Side(kind: .broker, goal: goal) { directory in try startBroker(directory, arguments) }
    }

    /// A broker that has the topic.
    private static func startBroker(_ directory: String, _ arguments: [String]) throws -> ServerProcess {
        let server = try ServerProcess.broker(directory: directory, arguments: arguments)
        var asked = MetadataRequest.Topic()
        asked.name = topic
        var metadata = MetadataRequest()
        metadata.topics = [asked]
        guard
            try BlockingConnection(to: server.address).ask(metadata, version: 9)?.topics.first?.errorCode
                == ErrorCode.none
        else { throw BenchmarkFailure("no topic \(topic)") }
        return server
    }

    // MARK: Messages

    /// A batch of records of 100 bytes of value, about `byteCount` in all; one record at least.
    private static func batch(byteCount: Int) throws -> RecordBatch {
        var builder = RecordBatchBuilder(baseTimestamp: 1_700_000_000_000, capacity: byteCount + 256)
        let value = Bytes([UInt8](repeating: 0x61, count: 100))
        repeat { builder.append(key: nil, value: value) } while builder.byteCount + 110 <= byteCount
        return builder.finish()
    }

    private static func produce(_ batch: RecordBatch, acks: Int16) throws -> Bytes {
        var partition = ProduceRequest.Partition()
        partition.records = .bytes(batch.bytes)
        var data = ProduceRequest.Topic()
        data.name = topic
        data.partitions = [partition]
        var request = ProduceRequest()
        request.acks = acks
        request.timeoutMilliseconds = 30_000
        request.topics = [data]
        return try request.frame(version: 9, correlationID: 1, clientID: "bench").bytes()
    }

    /// The size of the answer to a produce that did not fail.
    private static func answerBytes() throws -> Int {
        var topic = ProduceResponse.Topic()
        topic.name = Self.topic
        topic.partitions = [ProduceResponse.Partition()]
        var response = ProduceResponse()
        response.topics = [topic]
        return try response.responseFrame(version: 9, correlationID: 1).count
    }

    private static func fetch(from offset: Int64, maxBytes: Int32) throws -> Bytes {
        var partition = FetchRequest.Partition()
        partition.fetchOffset = offset
        partition.maxBytes = maxBytes
        var data = FetchRequest.Topic()
        data.name = topic
        data.partitions = [partition]
        var request = FetchRequest()
        request.maxWaitMilliseconds = 1000
        request.minBytes = 1
        request.maxBytes = maxBytes
        request.topics = [data]
        return try request.frame(version: 11, correlationID: 1, clientID: "bench").bytes()
    }

    /// The size of the answer to a fetch that found `byteCount` bytes.
    private static func fetchAnswerBytes(_ byteCount: Int) throws -> Int {
        var partition = FetchResponse.Partition()
        partition.records = .bytes(Bytes([UInt8](repeating: 0, count: byteCount)))
        var data = FetchResponse.Topic()
        data.name = topic
        data.partitions = [partition]
        var response = FetchResponse()
        response.topics = [data]
        return try response.responseFrame(version: 11, correlationID: 1).count
    }
}
