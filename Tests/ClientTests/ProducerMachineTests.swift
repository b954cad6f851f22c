import Broker
@testable import LogbookClient
import SegmentLog
import Testing
import WireProtocol

/// A producer beside a real broker's node, in a world that a seed decides.
@Suite("A producer among faults")
struct ProducerMachineTests {
    /// What became of each record, in the order in which they were handed in.
    private final class Reports: @unchecked Sendable {
        // Sendable: the world runs on one thread.
        var places: [Int: Result<BatchOutcome.Place, ClientError>] = [:]

        /// Hands in a record of its own for t, whose outcome is known by `number`. Returns whether it was taken.
        func send(_ number: Int, with world: ClientWorld<ProducerMachine>) throws -> Bool {
            let appended = try world.withClient { client, now in
                try client.append(ProducerRecord(topic: "t", value: "x"), timestamp: 0, ticket: nil, at: now)
            }
            guard case .taken(let delivery, _) = appended else { return false }
            delivery.batch.whenKnown { self.places[number] = $0 }
            return true
        }
    }

    @Test("loses nothing that was acknowledged, and keeps each partition's order", arguments: UInt64(0)..<150)
    func orderAndLoss(seed: UInt64) throws {
        var random = SplitMix64(seed: seed)
        var configuration = ProducerConfiguration(bootstrapServers: [SocketAddress(host: "b", port: 9092)])
        configuration.lingerMilliseconds = Int64(random.below(6))
        configuration.batchBytes = 100 + random.below(400)
        configuration.maxRequestBytes = 600
        configuration.maxInFlight = 1 + random.below(4)
        configuration.retryBackoffMilliseconds = Int64(random.below(30))
        configuration.requestTimeoutMilliseconds = 200
        let world = ClientWorld(
            ProducerMachine(configuration, seed: seed), try makeBroker(partitions: 3), seed: random.next())
        world.faults = .init(cut: random.below(15), refuse: random.below(40), delay: 1 + random.below(8))
        let reports = Reports()
        var sent: [(partition: Int32, number: Int, delivery: Delivery)] = []
        var waiting: UInt64?
        while sent.count < 120 {
            let partition = Int32(random.below(3))
            let record = ProducerRecord(topic: "t", partition: partition, value: "\(sent.count)")
            let appended = try world.withClient { client, now in
                try client.append(record, timestamp: 0, ticket: waiting, at: now)
            }
            switch appended {
            case .taken(let delivery, _):
                let number = sent.count
                delivery.batch.whenKnown { reports.places[number] = $0 }
                sent.append((partition, number, delivery))
                waiting = nil
            case .mustWait(let ticket): waiting = ticket
            }
            _ = try world.run(milliseconds: Int64(random.below(4)))
        }
        world.faults = .init()
        let isDone = try world.run(milliseconds: 60_000) { reports.places.count == sent.count }
        try #require(isDone, "\(reports.places.count) of \(sent.count) are known")
        let log = try contents(of: world)
        for (partition, number, delivery) in sent {
            let place = try #require(try reports.places[number]?.get())
            let offset = Int(place.baseOffset) + delivery.index
            #expect(log[Int(partition)][offset] == number)
        }
        for numbers in log {
            // A batch that was sent again may be there twice, one copy right behind the other.
            let batches = numbers.reduce(into: [[Int]]()) { runs, number in
                if let last = runs.last?.last, number > last {
                    runs[runs.count - 1].append(number)
                } else {
                    runs.append([number])
                }
            }
            #expect(numbers == numbers.sorted() || isRepeatedRuns(batches), "\(numbers)")
        }
    }

    /// Whether each run begins again at most what the run before it ended with.
    private func isRepeatedRuns(_ runs: [[Int]]) -> Bool {
        zip(runs, runs.dropFirst()).allSatisfy { before, after in
            let overlap = before.drop { $0 < after[0] }
            return Array(after.prefix(overlap.count)) == Array(overlap)
        }
    }

    @Test("fails what is not acknowledged by delivery.timeout.ms, and goes on with what comes after")
    func deliveryTimeout() throws {
        var configuration = ProducerConfiguration(bootstrapServers: [SocketAddress(host: "b", port: 9092)])
        configuration.lingerMilliseconds = 0
        configuration.requestTimeoutMilliseconds = 100
        configuration.deliveryTimeoutMilliseconds = 500
        let world = ClientWorld(ProducerMachine(configuration, seed: 1), try makeBroker(partitions: 1), seed: 1)
        let reports = Reports()
        func send(_ number: Int) throws -> Bool { try reports.send(number, with: world) }
        #expect(try !send(0))
        _ = try world.run(milliseconds: 100)
        #expect(try send(0))
        #expect(try world.run(milliseconds: 1_000) { reports.places.count == 1 })
        world.faults.refuse = 100
        try world.cutAll()
        #expect(try send(1))
        let before = world.now
        #expect(try world.run(milliseconds: 5_000) { reports.places.count == 2 })
        #expect(world.now <= before.advanced(byMilliseconds: 600))
        #expect(throws: ClientError.self) { try reports.places[1]?.get() }
        world.faults.refuse = 0
        #expect(try send(2))
        #expect(try world.run(milliseconds: 5_000) { reports.places.count == 3 })
        #expect(try reports.places[2]?.get().baseOffset == 1)
        #expect(world.client.bufferedBytes == 0)
    }

    @Test("fails a batch that is with a silent broker by delivery.timeout.ms, and keeps its place until then")
    func silentBroker() throws {
        var configuration = ProducerConfiguration(bootstrapServers: [SocketAddress(host: "b", port: 9092)])
        configuration.lingerMilliseconds = 0
        configuration.requestTimeoutMilliseconds = 400
        configuration.retryBackoffMilliseconds = 10
        configuration.deliveryTimeoutMilliseconds = 500
        let world = ClientWorld(ProducerMachine(configuration, seed: 1), try makeBroker(partitions: 1), seed: 1)
        let reports = Reports()
        func send(_ number: Int) throws -> Bool { try reports.send(number, with: world) }
        _ = try send(0)
        _ = try world.run(milliseconds: 100)
        world.faults.delay = 100_000
        #expect(try send(1))
        let before = world.now
        // It is sent again after 400 ms; that request would time out after 800.
        #expect(try world.run(milliseconds: 5_000) { reports.places.count == 1 })
        #expect(world.now <= before.advanced(byMilliseconds: 510))
        #expect(throws: ClientError.self) { try reports.places[1]?.get() }
        _ = try world.run(milliseconds: 1_000)
        #expect(world.client.bufferedBytes == 0)
    }

    @Test("lets all go on who find room when an answer gives memory back, those first who came first")
    func waitersInTurn() throws {
        var configuration = ProducerConfiguration(bootstrapServers: [SocketAddress(host: "b", port: 9092)])
        configuration.bufferBytes = 1_000
        let world = ClientWorld(ProducerMachine(configuration, seed: 1), try makeBroker(partitions: 1), seed: 1)
        let value = Bytes([UInt8](repeating: 1, count: 60))
        func append(_ ticket: UInt64? = nil) throws -> ProducerMachine.Appended {
            try world.withClient { client, now in
                try client.append(ProducerRecord(topic: "t", value: value), timestamp: 0, ticket: ticket, at: now)
            }
        }
        _ = try append()
        _ = try world.run(milliseconds: 100)
        for _ in 0..<10 { _ = try append() }
        #expect(world.client.bufferedBytes == 1_000)
        final class Resumed: @unchecked Sendable { var tickets: [UInt64] = [] }
        // Sendable: the world runs on one thread.
        let resumed = Resumed()
        for _ in 0..<15 {
            guard case .mustWait(let ticket) = try append() else { throw ClientError.refused("there was room") }
            #expect(try world.withClient { client, _ in client.await(ticket) { _ in resumed.tickets.append(ticket) } })
        }
        #expect(try world.run(milliseconds: 1_000) { !resumed.tickets.isEmpty })
        #expect(resumed.tickets.count == 10)
        #expect(resumed.tickets == resumed.tickets.sorted())
        #expect(world.client.bufferedBytes == 1_000)
        // One gives up; the others come back in any order, and each finds its place.
        _ = try world.withClient { client, _ in client.cancel(resumed.tickets[0]) }
        for ticket in resumed.tickets.dropFirst().reversed() {
            guard case .taken = try append(ticket) else { throw ClientError.refused("it was its turn") }
        }
        #expect(resumed.tickets.count == 11)
        #expect(try world.run(milliseconds: 1_000) { resumed.tickets.count == 15 })
    }

    @Test(
        "takes no offset that the batch's last record could not have",
        arguments: [Int64.max, Int64.max - 1, Int64.max - 2])
    func impossibleOffset(_ offset: Int64) throws {
        var configuration = ProducerConfiguration(bootstrapServers: [SocketAddress(host: "b", port: 9092)])
        configuration.lingerMilliseconds = 20
        let world = ClientWorld(ProducerMachine(configuration, seed: 1), try makeBroker(partitions: 1), seed: 1)
        _ = try world.withClient { client, now in
            try client.append(ProducerRecord(topic: "t", value: "x"), timestamp: 0, ticket: nil, at: now)
        }
        _ = try world.run(milliseconds: 100)
        world.rewrite = { frame in
            guard let decoded = try? ProduceResponse.decodeResponse(frame, version: 11) else { return frame }
            var answer = decoded.body
            answer.topics[0].partitions[0].baseOffset = offset
            return try answer.responseFrame(version: 11, correlationID: decoded.correlationID).bytes()
                .dropFirst(4)
        }
        let reports = Reports()
        for number in 0..<3 {
            let appended = try world.withClient { client, now in
                try client.append(ProducerRecord(topic: "t", value: "x"), timestamp: 0, ticket: nil, at: now)
            }
            guard case .taken(let delivery, _) = appended else { throw ClientError.refused("there is no metadata") }
            delivery.batch.whenKnown { reports.places[number] = $0 }
        }
        #expect(try world.run(milliseconds: 1_000) { reports.places.count == 3 })
        for place in reports.places.values {
            guard case .failure(.unreadable) = place else { Issue.record("\(place)"); continue }
        }
        #expect(world.client.bufferedBytes == 0)
    }

    @Test("says after max.block.ms that a topic is still not there, where no broker creates it")
    func topicIsNotThere() throws {
        final class Told: @unchecked Sendable { var error: ClientError? }
        // Sendable: the world runs on one thread.
        let told = Told()
        var settings = Configuration()
        try settings.set("auto.create.topics.enable", to: "false")
        var configuration = ProducerConfiguration(bootstrapServers: [SocketAddress(host: "b", port: 9092)])
        configuration.maxBlockMilliseconds = 500
        let broker = try BrokerNode(settings, storage: MemoryStorage(), seed: 1)
        let world = ClientWorld(ProducerMachine(configuration, seed: 1), broker, seed: 1)
        let appended = try world.withClient { client, now in
            try client.append(ProducerRecord(topic: "t", value: "x"), timestamp: 0, ticket: nil, at: now)
        }
        guard case .mustWait(let ticket) = appended else { throw ClientError.refused("there is such a topic") }
        #expect(try world.withClient { client, _ in client.await(ticket) { told.error = $0 } })
        #expect(try world.run(milliseconds: 1_000) { told.error != nil })
        #expect(told.error == .broker(.unknownTopicOrPartition, what: "topic t"))
    }

    @Test("ends with everything known: what was not sent has failed")
    func stopping() throws {
        let configuration = ProducerConfiguration(bootstrapServers: [SocketAddress(host: "b", port: 9092)])
        let world = ClientWorld(ProducerMachine(configuration, seed: 1), try makeBroker(partitions: 1), seed: 1)
        let reports = Reports()
        _ = try world.withClient { client, now in
            try client.append(ProducerRecord(topic: "t", value: "x"), timestamp: 0, ticket: nil, at: now)
        }
        _ = try world.run(milliseconds: 100)
        let appended = try world.withClient { client, now in
            try client.append(ProducerRecord(topic: "t", value: "x"), timestamp: 0, ticket: nil, at: now)
        }
        guard case .taken(let delivery, _) = appended else { throw ClientError.refused("there is no metadata") }
        delivery.batch.whenKnown { reports.places[0] = $0 }
        try world.stopClient()
        #expect(throws: ClientError.closed) { try reports.places[0]?.get() }
        #expect(world.client.bufferedBytes == 0)
    }

    /// The numbers in each partition, by offset.
    private func contents(of world: ClientWorld<ProducerMachine>) throws -> [[Int]] {
        try (0..<3).map { partition in
            var numbers: [Int] = []
            for batch in try world.readAll(topic: "t", partition: Int32(partition)) {
                var reader = batch.records()
                while let record = try reader.next() {
                    numbers.append(try #require(Int(batch.bytes(record.value)?.text ?? "")))
                }
            }
            return numbers
        }
    }
}
