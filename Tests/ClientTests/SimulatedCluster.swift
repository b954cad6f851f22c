import SegmentLog
import TestSupport
import WireProtocol

@testable import LogbookClient

/// A machine as the driver drives a node, and as tasks change it.
struct MachineNode<Machine: ClientMachine>: Node {
    final class Box { var machine: Machine; init(_ machine: Machine) { self.machine = machine } }

    let box: Box

    mutating func handle(_ event: Event, at now: Instant, _ effects: inout Effects) {
        box.machine.handle(event, at: now, &effects)
        for resume in box.machine.takeResumptions() { resume() }
    }
}

/// Brokers that a test writes: what they lead, what they hold, and what goes wrong.
final class SimulatedCluster {
    struct Partition {
        var leader: Int32 = 1
        var epoch: Int32 = 5
        var startOffset: Int64 = 0
        var batches: [Bytes] = []
        /// What fetches of it get instead of records.
        var error: ErrorCode?

        var endOffset: Int64 {
            guard let last = batches.last, let header = try? RecordBatchHeader(parsing: last) else {
                return startOffset
            }
            return header.nextOffset.value
        }
    }

    struct SeenFetch {
        var broker: Int32
        var version: Int16
        var request: FetchRequest
    }

    private struct Held {
        var connection: ConnectionID
        var fetch: SeenFetch
        var correlationID: Int32
        var deadline: Instant
    }

    let box: MachineNode<ConsumerMachine>.Box
    let driver: NodeDriver<MachineNode<ConsumerMachine>>
    var partitions: [TopicPartition: Partition] = [:]
    var brokers: [Int32] = [1]
    var topicErrors: [String: ErrorCode] = [:]
    var hasTopicIDs = true
    var maxFetchVersion: Int16 = 16
    /// Whether an answer tells who leads where the broker does not (KIP-951).
    var givesHints = false
    /// Bytes of each partition's records behind the whole batches that fit are cut from the next one.
    var cutsBatches = false
    /// Changes an answer's bytes on their way.
    var mutate: ((ApiKey, inout [UInt8]) -> Void)?
    /// Who answers what concerns groups.
    var coordinator: FakeCoordinator?
    /// Connections with a request whose answer waits: what comes behind waits too.
    private var blocked: Set<ConnectionID> = []
    /// Brokers whose answers to fetches do not arrive until `release`.
    var stalled: Set<Int32> = []
    private var late: [(Held, FetchResponse)] = []
    private(set) var fetches: [SeenFetch] = []
    private(set) var listOffsets: [ListOffsetsRequest] = []
    private var connections: [(id: ConnectionID, broker: Int32)] = []
    private var openedCount = 0
    private var takenFrames: [ConnectionID: Int] = [:]
    private var held: [Held] = []

    init(_ configure: (inout ConsumerConfiguration) -> Void = { _ in }) throws {
        var configuration = ConsumerConfiguration(bootstrapServers: "broker1:9092")
        configure(&configuration)
        box = .init(try ConsumerMachine(configuration, seed: 1))
        driver = NodeDriver(MachineNode(box: box))
    }

    var machine: ConsumerMachine {
        get { box.machine }
        _modify { yield &box.machine }
    }

    static func topicID(_ name: String) -> Uuid {
        Uuid(high: 7, low: UInt64(name.utf8.reduce(0) { $0 &* 31 &+ Int($1) }))
    }

    /// Appends a batch of these values.
    func append(
        _ values: [String], to name: TopicPartition, codec: BatchAttributes.Codec = .none, timestamp: Int64 = 1_000
    ) throws {
        var builder = RecordBatchBuilder(baseTimestamp: timestamp)
        for value in values { builder.append(key: nil, value: Bytes(utf8: value)) }
        append(try codec == .none ? builder.finish() : builder.finish(codec: codec), to: name)
    }

    /// Appends a batch as it is, but for the fields that brokers write. `at` leaves a gap.
    func append(_ batch: RecordBatch, to name: TopicPartition, at offset: Int64? = nil) {
        let base = offset ?? partitions[name, default: Partition()].endOffset
        var bytes = batch.bytes.array
        for index in 0..<8 { bytes[index] = UInt8(truncatingIfNeeded: base >> (56 - 8 * Int64(index))) }
        let epoch = partitions[name, default: Partition()].epoch
        for index in 0..<4 { bytes[12 + index] = UInt8(truncatingIfNeeded: epoch >> (24 - 8 * Int32(index))) }
        partitions[name, default: Partition()].batches.append(Bytes(bytes))
    }

    // MARK: Time

    /// Has everything happen that can at this time.
    func settle() throws {
        try driver.deliver(.woke)
        while try step() {}
    }

    /// Moves time on; fetches that wait are answered when their time is over.
    func advance(_ milliseconds: Int64) throws {
        try driver.advance(milliseconds: milliseconds)
        try settle()
    }

    /// Ends every connection.
    func disconnect(_ broker: Int32? = nil) throws {
        let ending = connections.filter { broker == nil || $0.broker == broker }
        connections.removeAll { connection in ending.contains { $0.id == connection.id } }
        held.removeAll { waiting in ending.contains { $0.id == waiting.connection } }
        for connection in ending { try driver.deliver(.disconnected(connection.id)) }
    }

    /// Lets the answers of stalled brokers arrive, as they were given.
    func release() throws {
        stalled = []
        for (held, response) in late {
            try send(response, held.fetch.version, held.correlationID, on: held.connection)
        }
        late = []
        try settle()
    }

    /// Has one thing happen; false where nothing can.
    func step() throws -> Bool {
        if openedCount < driver.opening.count {
            let (id, address) = driver.opening[openedCount]
            openedCount += 1
            let broker = Int32(address.host.dropFirst("broker".count)) ?? 0
            if brokers.contains(broker) {
                connections.append((id, broker))
                try driver.deliver(.opened(id))
            } else {
                try driver.deliver(.disconnected(id))
            }
            return true
        }
        for (id, broker) in connections where !driver.closed.contains(id) {
            // Answers keep the order of their requests: a fetch that waits holds up what comes behind.
            if held.contains(where: { $0.connection == id }) || blocked.contains(id) { continue }
            let frames = driver.sent[id] ?? []
            let taken = takenFrames[id, default: 0]
            if taken < frames.count {
                takenFrames[id] = taken + 1
                try serve(frames[taken], on: id, of: broker)
                return true
            }
        }
        let ready = held.firstIndex { waiting in
            waiting.deadline <= driver.now || driver.closed.contains(waiting.connection)
                || answer(waiting.fetch).topics.contains {
                    $0.partitions.contains { $0.errorCode != .none || $0.records?.count ?? 0 > 0 }
                }
        }
        guard let ready else { return false }
        let waiting = held.remove(at: ready)
        if stalled.contains(waiting.fetch.broker) {
            late.append((waiting, answer(waiting.fetch)))
            return true
        }
        try send(answer(waiting.fetch), waiting.fetch.version, waiting.correlationID, on: waiting.connection)
        return true
    }

    private func send(_ body: some Message, _ version: Int16, _ correlationID: Int32, on id: ConnectionID) throws {
        guard !driver.closed.contains(id) else { return }
        var bytes = try body.responseFrame(version: version, correlationID: correlationID).bytes().dropFirst(4).array
        mutate?(type(of: body).apiKey, &bytes)
        try driver.deliver(.received(id, Bytes(bytes)))
    }

    // MARK: Requests

    private func serve(_ frame: Bytes, on id: ConnectionID, of broker: Int32) throws {
        var header = try RequestHeader(fixedPartOf: frame)
        guard let api = ApiKey(rawValue: header.apiKey) else { return }
        let body = try header.readRest(of: frame, as: api)
        let (version, correlation) = (header.apiVersion, header.correlationID)
        switch api {
        case .apiVersions: try send(apiVersions(), version, correlation, on: id)
        case .metadata:
            try send(metadata(try MetadataRequest(decoding: body, version: version)), version, correlation, on: id)
        case .listOffsets:
            let request = try ListOffsetsRequest(decoding: body, version: version)
            listOffsets.append(request)
            try send(answer(request, broker), version, correlation, on: id)
        case .fetch:
            let request = try FetchRequest(decoding: body, version: version)
            let seen = SeenFetch(broker: broker, version: version, request: request)
            fetches.append(seen)
            let deadline = driver.now.advanced(byMilliseconds: Int64(request.maxWaitMilliseconds))
            held.append(Held(connection: id, fetch: seen, correlationID: correlation, deadline: deadline))
        default:
            blocked.insert(id)
            try coordinator?.serve(api, body, version, from: id, at: broker) { message in
                self.blocked.remove(id)
                try self.send(message, version, correlation, on: id)
            }
        }
    }

    private func apiVersions() -> ApiVersionsResponse {
        var response = ApiVersionsResponse()
        for api in [ApiKey.apiVersions, .metadata, .listOffsets, .fetch] + (coordinator?.served ?? []) {
            var entry = ApiVersionsResponse.ApiVersion()
            entry.apiKey = api.rawValue
            entry.minVersion = api.versions.lowerBound
            entry.maxVersion = api == .fetch ? maxFetchVersion : api.versions.upperBound
            if let newest = coordinator?.newest[api] { entry.maxVersion = newest }
            response.apiKeys.append(entry)
        }
        return response
    }

    private func metadata(_ request: MetadataRequest) -> MetadataResponse {
        var response = MetadataResponse()
        for id in brokers {
            var broker = MetadataResponse.Broker()
            broker.nodeID = id
            broker.host = "broker\(id)"
            broker.port = 9092
            response.brokers.append(broker)
        }
        for name in request.topics?.compactMap(\.name) ?? [] {
            var topic = MetadataResponse.Topic()
            topic.name = name
            topic.topicID = hasTopicIDs ? Self.topicID(name) : .zero
            topic.errorCode = topicErrors[name] ?? .none
            for key in partitions.keys.sorted() where key.topic == name {
                guard let partition = partitions[key] else { continue }
                var entry = MetadataResponse.Partition()
                entry.index = key.partition
                entry.leaderID = brokers.contains(partition.leader) ? partition.leader : -1
                entry.leaderEpoch = partition.epoch
                topic.partitions.append(entry)
            }
            if topic.partitions.isEmpty, topic.errorCode == .none { topic.errorCode = .unknownTopicOrPartition }
            response.topics.append(topic)
        }
        return response
    }

    private func check(_ key: TopicPartition, _ epoch: Int32, _ broker: Int32) -> ErrorCode {
        guard let partition = partitions[key] else { return .unknownTopicOrPartition }
        if partition.leader != broker { return ErrorCode(rawValue: 6) }
        if epoch >= 0, epoch != partition.epoch {
            return epoch < partition.epoch ? .fencedLeaderEpoch : .unknownLeaderEpoch
        }
        return .none
    }

    private func answer(_ request: ListOffsetsRequest, _ broker: Int32) -> ListOffsetsResponse {
        var response = ListOffsetsResponse()
        for asked in request.topics {
            var topic = ListOffsetsResponse.Topic()
            topic.name = asked.name
            for partition in asked.partitions {
                let key = TopicPartition(asked.name, partition.index)
                var entry = ListOffsetsResponse.Partition()
                entry.index = partition.index
                entry.errorCode = check(key, partition.currentLeaderEpoch, broker)
                if entry.errorCode == .none, let held = partitions[key] {
                    entry.offset = offset(partition.timestamp, held)
                }
                topic.partitions.append(entry)
            }
            response.topics.append(topic)
        }
        return response
    }

    private func offset(_ timestamp: Int64, _ partition: Partition) -> Int64 {
        switch timestamp {
        case ListOffsetsRequest.latest: partition.endOffset
        case ListOffsetsRequest.earliest: partition.startOffset
        default:
            partition.batches.compactMap { try? RecordBatchHeader(parsing: $0) }
                .first { $0.maxTimestamp >= timestamp }?.baseOffset.value ?? -1
        }
    }

    private func answer(_ fetch: SeenFetch) -> FetchResponse {
        var response = FetchResponse()
        var budget = Int(fetch.request.maxBytes)
        for asked in fetch.request.topics {
            var topic = FetchResponse.Topic()
            (topic.name, topic.topicID) = (asked.name, asked.topicID)
            let name =
                fetch.version < 13
                ? asked.name : Set(partitions.keys.map(\.topic)).first { Self.topicID($0) == asked.topicID } ?? ""
            for partition in asked.partitions {
                let key = TopicPartition(name, partition.index)
                topic.partitions.append(
                    answer(key, partition, fetch.broker, &budget, isFirst: budget == fetch.request.maxBytes))
            }
            response.topics.append(topic)
        }
        return response
    }

    private func answer(
        _ key: TopicPartition, _ asked: FetchRequest.Partition, _ broker: Int32, _ budget: inout Int, isFirst: Bool
    ) -> FetchResponse.Partition {
        var answer = FetchResponse.Partition()
        answer.index = asked.index
        answer.records = Records()
        answer.errorCode = check(key, asked.currentLeaderEpoch, broker)
        guard let partition = partitions[key] else { return answer }
        if givesHints, answer.errorCode != .none {
            answer.currentLeader.leaderID = partition.leader
            answer.currentLeader.leaderEpoch = partition.epoch
        }
        guard answer.errorCode == .none else { return answer }
        answer.errorCode = partition.error ?? .none
        if asked.fetchOffset < partition.startOffset || asked.fetchOffset > partition.endOffset {
            answer.errorCode = .offsetOutOfRange
        }
        guard answer.errorCode == .none else { return answer }
        let limit = min(Int(asked.maxBytes), max(0, budget))
        var bytes: [UInt8] = []
        for batch in partition.batches {
            guard let header = try? RecordBatchHeader(parsing: batch), header.nextOffset.value > asked.fetchOffset
            else {
                continue
            }
            // The first batch of all comes whole (KIP-74); the last one may be cut short.
            if isFirst, bytes.isEmpty { bytes += batch.array; continue }
            let room = limit - bytes.count
            if room >= batch.count { bytes += batch.array; continue }
            if cutsBatches, room > 0, !bytes.isEmpty { bytes += batch.slice(0..<room).array }
            break
        }
        budget -= bytes.count
        answer.records = .bytes(Bytes(bytes))
        return answer
    }
}

/// Reads as an iteration does, but without waiting.
extension SimulatedCluster {
    /// What is there to read: records, and the error that ended them.
    func read(atMost count: Int = .max) throws -> (records: [ConsumerRecord], error: ClientError?) {
        let proof = try machine.beginReading()
        defer { machine.endReading(proof) }
        var records: [ConsumerRecord] = []
        var hasRoom = false
        var isFinished = true
        do throws(ClientError) {
            while records.count < count {
                switch machine.take(isFinished: isFinished, hasProcessed: records.isEmpty, hasRoom: &hasRoom) {
                case .rebalance(let step, let listener):
                    (listener as? RecordingListener)?.take(step)
                    machine.finishStep(step.id)
                    try? driver.deliver(.woke)
                case .records(var taken, _):
                    isFinished = false
                    while records.count < count, let record = try taken.next() {
                        records.append(record)
                        machine.progress.position.store(taken.position, ordering: .releasing)
                    }
                    machine.progress.position.store(taken.position, ordering: .releasing)
                    if records.count < count { isFinished = true }
                case .failed(let error): throw error
                case .goOn, .nothingYet, .ended: return (records, nil)
                }
            }
        } catch {
            _ = machine.failTaken()
            return (records, error)
        }
        return (records, nil)
    }

    /// The same as text.
    func readValues(atMost count: Int = .max) throws -> [String] {
        try read(atMost: count).records.map { $0.value?.text ?? "null" }
    }
}

/// What tasks ask the machine.
extension SimulatedCluster {
    func ask(
        _ id: UInt64, _ kind: Question.Kind, times: [TopicPartition: Int64] = [:], what: String,
        finish: @escaping @Sendable (Result<Question.Reply, ClientError>) -> Void
    ) -> Bool { box.machine.ask(id, kind, times: times, what: what, finish: finish) }

    func wait(_ id: UInt64, timeoutMilliseconds: Int64?, _ resume: @escaping @Sendable () -> Void) -> Bool {
        box.machine.wait(id, timeoutMilliseconds: timeoutMilliseconds, resume)
    }
}
