import Broker
import SegmentLog
import TestSupport
import WireProtocol

/// A whole broker on a disk in memory, with one topic "t" and three connections. The input is a list of steps, a
/// byte each and what it needs: frames, synchronizes, time, ends of connections.
///
/// Whatever comes, the broker stays up, and answers on each connection in the order of the requests (I2.1).
struct BrokerWorld {
    private let driver: NodeDriver<BrokerNode>
    private var connections: [ConnectionID] = []
    private var correlationID: Int32 = 0
    private var answered: [ConnectionID: Int32] = [:]

    private init() throws {
        driver = NodeDriver(try BrokerNode(Configuration(), storage: MemoryStorage(), seed: 1))
        for _ in 0..<3 { connections.append(try driver.connect()) }
        var topic = MetadataRequest.Topic()
        topic.name = "t"
        var request = MetadataRequest()
        request.topics = [topic]
        _ = try driver.ask(request, version: 12, on: connections[0])
    }

    static func take(_ bytes: Bytes) {
        do {
            var world = try BrokerWorld()
            var reader = ByteReader(bytes)
            // The input's end ends the steps.
            while let step = try? reader.integer(UInt8.self), reader.remaining > 0 {
                try world.take(step, &reader)
                world.check()
            }
            try world.driver.synchronizeAll()
            try world.driver.deliver(.stopping)
            try world.driver.synchronizeAll()
            world.check()
        } catch let error as CodingError {
            // The input ends within a step.
            _ = error
        } catch {
            fatalError("Fuzz: a disk in memory does not fail: \(error)")
        }
    }

    /// What must hold after every step.
    private mutating func check() {
        if case .some(.some(let failure)) = driver.stopped { fatalError("Fuzz: the broker stopped: \(failure)") }
        for connection in connections {
            for frame in driver.takeSent(on: connection) {
                var reader = ByteReader(frame)
                guard let id = try? reader.integer(Int32.self) else { fatalError("Fuzz: an answer without a header") }
                // Frames of the input's own choice have ids of its own choice, below 0.
                if id >= 0 {
                    precondition(id > answered[connection, default: 0], "Fuzz: an answer out of order")
                    answered[connection] = id
                }
            }
        }
    }

    private mutating func take(_ step: UInt8, _ reader: inout ByteReader) throws {
        let place = Int(step >> 4) % connections.count
        switch step & 0b1111 {
        case 0...5:
            let api = BrokerNode.served[Int(try reader.integer(UInt8.self)) % BrokerNode.served.count]
            let version = api.versions.lowerBound + Int16(try reader.integer(UInt8.self)) % Int16(api.versions.count)
            let body = try reader.slice(min(Int(try reader.integer(UInt16.self)) % 1024, reader.remaining))
            try send(body.array, to: api, version, on: connections[place])
        case 6...8: try produce(try reader.slice(min(Int(try reader.integer(UInt8.self)), reader.remaining)), place)
        case 9:
            let frame = try reader.slice(min(Int(try reader.integer(UInt8.self)), reader.remaining)).array
            // Correlation ids of such a frame are negative, to tell them from those that are counted.
            let marked = frame.enumerated().map { $0.offset == 4 ? $0.element | 0x80 : $0.element }
            try driver.deliver(.received(connections[place], Bytes(marked)))
        case 10, 11: try driver.synchronizeOnce()
        case 12: try driver.advance(milliseconds: Int64(try reader.integer(UInt16.self)))
        case 13: try driver.deliver(.endOfInput(connections[place]))
        default:
            try driver.deliver(.disconnected(connections[place]))
            connections[place] = try driver.connect()
        }
    }

    private mutating func send(
        _ body: [UInt8], to api: ApiKey, _ version: Int16, on connection: ConnectionID
    ) throws {
        correlationID += 1
        let frame = try MessageCase(api.requestType, version: version).frame(body, correlationID: correlationID)
        try driver.deliver(.received(connection, Bytes(frame)))
    }

    /// A produce that is sound, of a batch that may not be.
    private mutating func produce(_ batch: Bytes, _ place: Int) throws {
        var data = ProduceRequest.Partition()
        data.records = .bytes(batch.mendedBatch)
        var topic = ProduceRequest.Topic()
        topic.name = "t"
        topic.partitions = [data]
        var request = ProduceRequest()
        request.acks = [-1, 0, 1][batch.count % 3]
        request.topics = [topic]
        try send(try request.encoded(version: 9).bytes().array, to: .produce, 9, on: connections[place])
    }
}
