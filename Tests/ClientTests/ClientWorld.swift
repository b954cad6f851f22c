@testable import LogbookClient
import Broker
import SegmentLog
@testable import WireProtocol

/// Clients' machines and a real broker's node in one world without clocks, threads or sockets: each
/// frame takes a while, connections are cut and refused by chance, and a seed decides all of it.
final class ClientWorld<Machine: ClientMachine> {
    /// How often things go wrong, in percent.
    struct Faults {
        var cut = 0
        var refuse = 0
        /// The longest that a frame or a synchronize takes, in milliseconds.
        var delay = 3
    }

    private enum Side: Hashable {
        /// A client by its number.
        case client(Int)
        case broker

        /// Who is woken first where several are to be.
        var turn: Int { if case .client(let number) = self { number } else { .max } }
    }

    private struct Link {
        /// Whose it is.
        var number: Int
        var client: ConnectionID
        var broker: ConnectionID
        /// When the last frame in each direction arrives: none overtakes another.
        var toBroker = Instant(nanoseconds: 0)
        var toClient = Instant(nanoseconds: 0)
    }

    private(set) var clients: [Machine]
    /// Clients that have stopped, and those that are gone without a word.
    private(set) var ended: Set<Int> = []
    private(set) var broker: BrokerNode
    private(set) var now = Instant(nanoseconds: 0)
    var faults = Faults()
    /// Changes what the broker sends, on its way.
    var rewrite: (Bytes) throws -> Bytes = { $0 }
    /// How many connections were cut or refused.
    private(set) var faultCount = 0
    private var random: SplitMix64
    private var links: [Link] = []
    private var brokerConnections: UInt64 = 0
    fileprivate var appended: UInt64 = 0
    private var events: [(at: Instant, number: Int, perform: () throws -> Void)] = []
    private var eventCount = 0
    private var wakes: [Side: Instant] = [:]

    init(_ client: Machine, _ broker: BrokerNode, seed: UInt64) {
        clients = [client]
        self.broker = broker
        random = SplitMix64(seed: seed)
    }

    /// The first client.
    var client: Machine { clients[0] }

    /// Adds a client; returns its number.
    func add(_ client: Machine) -> Int {
        clients.append(client)
        return clients.count - 1
    }

    /// Lets the test change a client, as a user's task would, and has it look at what changed.
    @discardableResult
    func withClient<Result>(_ number: Int = 0, _ body: (inout Machine, Instant) throws -> Result) throws -> Result {
        let result = try body(&clients[number], now)
        try tellClient(.woke, number)
        return result
    }

    /// Lets the world go on until `isDone`, or nothing happens any more, or the time is over. Returns `isDone`.
    func run(milliseconds: Int64, until isDone: () -> Bool = { false }) throws -> Bool {
        let end = now.advanced(byMilliseconds: milliseconds)
        while !isDone() {
            let wake = wakes.min { ($0.value, $0.key.turn) < ($1.value, $1.key.turn) }
            let next = events.first
            guard let at = [wake?.value, next?.at].compactMap({ $0 }).min(), at <= end else {
                now = end
                return isDone()
            }
            now = max(now, at)
            if let next, next.at <= at {
                events.removeFirst()
                try next.perform()
            } else if let wake {
                wakes[wake.key] = nil
                if case .client(let number) = wake.key { try tellClient(.woke, number) } else { try tellBroker(.woke) }
            }
        }
        return true
    }

    /// Ends every connection.
    func cutAll() throws { while let link = links.first { try cut(link) } }

    /// A client is gone without a word.
    func crash(_ number: Int) throws {
        ended.insert(number)
        wakes[.client(number)] = nil
        for link in links where link.number == number { try close(link, tell: .broker) }
    }

    // MARK: The two sides

    fileprivate func tellClient(_ event: Event, _ number: Int) throws {
        if ended.contains(number) { return }
        var effects = Effects()
        clients[number].handle(event, at: now, &effects)
        for resume in clients[number].takeResumptions() { resume() }
        for effect in effects.all {
            switch effect {
            case .open(let id, _): later { try self.open(id, of: number) }
            case .send(let id, let payload?):
                guard let index = links.firstIndex(where: { $0.client == id && $0.number == number }) else { continue }
                let frame = try payload.bytes().dropFirst(4)
                let link = links[index].broker
                links[index].toBroker = max(links[index].toBroker, arrival())
                later(at: links[index].toBroker) { try self.deliver(frame, on: link, to: .broker) }
            case .close(let id):
                let link = links.first { $0.client == id && $0.number == number }
                if let link { try close(link, tell: .broker) }
            case .wake(let at):
                let side = Side.client(number)
                wakes[side] = min(wakes[side] ?? at, at)
            case .stop:
                ended.insert(number)
                wakes[.client(number)] = nil
            default: break
            }
        }
    }

    fileprivate func tellBroker(_ event: Event) throws {
        var effects = Effects()
        broker.handle(event, at: now, &effects)
        for effect in effects.all {
            switch effect {
            case .send(let id, let payload?):
                guard let index = links.firstIndex(where: { $0.broker == id }) else { continue }
                let frame = try rewrite(try payload.bytes().dropFirst(4))
                links[index].toClient = max(links[index].toClient, arrival())
                let side = Side.client(links[index].number)
                later(at: links[index].toClient) { try self.deliver(frame, on: id, to: side) }
            case .close(let id):
                if let link = links.first(where: { $0.broker == id }) { try close(link, tell: .client(link.number)) }
            case .synchronize(let ticket, let files):
                later {
                    for file in files { try file.synchronize() }
                    try self.tellBroker(.synchronized(ticket))
                }
            case .wake(let at): wakes[.broker] = min(wakes[.broker] ?? at, at)
            default: break
            }
        }
    }

    // MARK: The network

    private func open(_ id: ConnectionID, of number: Int) throws {
        if ended.contains(number) { return }
        if random.chance(faults.refuse) {
            faultCount += 1
            return try tellClient(.failedToOpen(id, SystemError("connect", 111)), number)
        }
        brokerConnections += 1
        let link = Link(number: number, client: id, broker: ConnectionID(brokerConnections))
        links.append(link)
        try tellBroker(.connected(link.broker, peer: "client", listener: "PLAINTEXT"))
        try tellClient(.opened(id), number)
    }

    /// `id` is the connection as the broker knows it.
    private func deliver(_ frame: Bytes, on id: ConnectionID, to side: Side) throws {
        guard let link = links.first(where: { $0.broker == id }) else { return }
        if random.chance(faults.cut) {
            faultCount += 1
            return try cut(link)
        }
        if side == .broker {
            try tellBroker(.received(link.broker, frame))
        } else {
            try tellClient(.received(link.client, frame), link.number)
        }
    }

    private func cut(_ link: Link) throws {
        links.removeAll { $0.broker == link.broker }
        try tellBroker(.disconnected(link.broker))
        try tellClient(.disconnected(link.client), link.number)
    }

    private func close(_ link: Link, tell side: Side) throws {
        links.removeAll { $0.broker == link.broker }
        if side == .broker {
            try tellBroker(.disconnected(link.broker))
        } else {
            try tellClient(.disconnected(link.client), link.number)
        }
    }

    // MARK: Time

    private func arrival() -> Instant { now.advanced(byMilliseconds: Int64(random.below(faults.delay + 1))) }

    private func later(at instant: Instant? = nil, _ perform: @escaping () throws -> Void) {
        let at = instant ?? arrival()
        eventCount += 1
        let place = events.lastIndex { $0.at <= at }.map { $0 + 1 } ?? 0
        events.insert((at, eventCount, perform), at: place)
    }
}

/// A node in memory with topics of `partitions` partitions.
func makeBroker(partitions: Int) throws -> BrokerNode {
    var configuration = Configuration()
    try configuration.set("num.partitions", to: "\(partitions)")
    return try BrokerNode(configuration, storage: MemoryStorage(), seed: 1)
}

extension ClientWorld {
    /// Has a client end, as its thread would.
    func stopClient(_ number: Int = 0) throws { try tellClient(.stopping, number) }

    /// Appends a record of this value.
    func append(_ value: String, to topic: String, partition: Int32) throws {
        var builder = RecordBatchBuilder(baseTimestamp: 1_000)
        builder.append(key: nil, value: Bytes(utf8: value))
        var data = ProduceRequest.Partition()
        data.index = partition
        data.records = .bytes(builder.finish().bytes)
        var named = ProduceRequest.Topic()
        named.name = topic
        named.partitions = [data]
        var request = ProduceRequest()
        request.acks = 1
        request.topics = [named]
        let frame = try request.frame(version: 9, correlationID: 1, clientID: nil).bytes().dropFirst(4)
        // Each on a connection of its own: nobody waits for the answers.
        let id = ConnectionID(1 << 42 + appended)
        appended += 1
        try tellBroker(.connected(id, peer: "writer", listener: "PLAINTEXT"))
        try tellBroker(.received(id, frame))
        try tellBroker(.disconnected(id))
    }

    /// Everything in a partition, asked for at once and without faults.
    func readAll(topic: String, partition: Int32) throws -> [RecordBatch] {
        let id = ConnectionID(1 << 40 + UInt64(partition))
        var driver = broker
        var effects = Effects()
        driver.handle(.connected(id, peer: "reader", listener: "PLAINTEXT"), at: now, &effects)
        var batches: [RecordBatch] = []
        var offset: Int64 = 0
        while true {
            var asked = FetchRequest.Partition()
            asked.index = partition
            asked.fetchOffset = offset
            asked.maxBytes = 1 << 20
            var named = FetchRequest.Topic()
            named.name = topic
            named.partitions = [asked]
            var request = FetchRequest()
            request.topics = [named]
            let frame = try request.frame(version: 11, correlationID: 1, clientID: nil).bytes().dropFirst(4)
            effects.removeAll()
            driver.handle(.received(id, frame), at: now, &effects)
            var answer: Bytes?
            for case .send(id, let payload?) in effects.all { answer = try payload.bytes().dropFirst(4) }
            guard let answer,
                case .bytes(var rest)? = try FetchResponse.decodeResponse(answer, version: 11)
                    .body.topics.first?.partitions.first?.records, rest.count > 0
            else { return batches }
            while rest.count > 0 {
                let header = try RecordBatchHeader(parsing: rest)
                batches.append(try RecordBatch(checking: rest.slice(0..<header.byteCount)))
                rest = rest.dropFirst(header.byteCount)
                offset = header.nextOffset.value
            }
        }
    }
}

extension ClientWorld {
    /// Has the broker create a topic, as a producer's question would.
    func createTopic(_ name: String) throws {
        var request = MetadataRequest()
        request.topics = [MetadataRequest.Topic()]
        request.topics?[0].name = name
        let frame = try request.frame(version: 12, correlationID: 1, clientID: nil).bytes().dropFirst(4)
        let id = ConnectionID(1 << 41)
        try tellBroker(.connected(id, peer: "creator", listener: "PLAINTEXT"))
        try tellBroker(.received(id, frame))
        _ = try run(milliseconds: 1_000)
    }
}
