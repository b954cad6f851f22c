import Broker
import SegmentLog
import TestSupport
import Testing
import WireProtocol

@Suite("A fetch that waits")
struct WaitTests {
    private func waiting(minBytes: Int32 = 1, maxWait: Int32 = 500) throws -> (TestBroker, consumer: ConnectionID) {
        let broker = try TestBroker()
        try broker.metadata("t")
        let consumer = try broker.driver.connect()
        let request = Requests.fetch(from: 0, of: "t", minBytes: minBytes, maxWait: maxWait)
        try broker.driver.send(request, version: 11, on: consumer)
        #expect(broker.driver.sent[consumer]?.isEmpty != false)
        return (broker, consumer)
    }

    private func answer(_ broker: TestBroker, _ consumer: ConnectionID) throws -> FetchResponse.Partition? {
        try broker.driver.answer(to: FetchRequest.self, version: 11, on: consumer)?.body.topics[0].partitions[0]
    }

    @Test("is woken by an append once that is on disk, not before")
    func wokenByAppend() throws {
        let (broker, consumer) = try waiting()
        try broker.driver.send(Requests.produce(Batches.make(1).bytes, to: "t"), version: 9, on: broker.connection)
        #expect(try answer(broker, consumer) == nil)
        try broker.driver.synchronizeAll()
        #expect(try answer(broker, consumer)?.values().count == 1)
    }

    @Test("is answered with what there is when its client sends nothing more, and others go on waiting")
    func endOfInput() throws {
        let (broker, consumer) = try waiting()
        let other = try broker.driver.connect()
        try broker.driver.send(
            Requests.fetch(from: 0, of: "t", minBytes: 1, maxWait: 500), version: 11, on: other)
        try broker.driver.deliver(.endOfInput(consumer))
        #expect(try answer(broker, consumer)?.errorCode == ErrorCode.none)
        #expect(try answer(broker, other) == nil)
        try broker.driver.deliver(.endOfInput(consumer))
        #expect(try answer(broker, consumer) == nil)
    }

    @Test("ends early where its connection is full of answers behind it, and does not where they are few")
    func holdsUp() throws {
        let broker = try TestBroker { $0.maxInFlightPerConnection = 10 }
        try broker.metadata("t")
        let consumer = try broker.driver.connect()
        let wait = Requests.fetch(from: 0, of: "t", minBytes: 1, maxWait: 500)
        let fetch = try broker.driver.send(wait, version: 11, on: consumer)
        for _ in 0..<8 { try broker.driver.send(Requests.metadata([]), version: 9, on: consumer) }
        #expect(broker.driver.sent[consumer] == nil)
        try broker.driver.send(Requests.metadata([]), version: 9, on: consumer)
        #expect(try broker.driver.answer(to: FetchRequest.self, version: 11, on: consumer)?.correlationID == fetch)
        #expect(broker.driver.sent[consumer]?.count == 9 && !broker.driver.paused.contains(consumer))
    }

    @Test("waits until there are enough bytes")
    func minBytes() throws {
        let batch = Batches.make(1).bytes
        let (broker, consumer) = try waiting(minBytes: Int32(batch.count * 3))
        for _ in 0..<2 {
            _ = try broker.produce(batch)
            #expect(try answer(broker, consumer) == nil)
        }
        _ = try broker.produce(batch)
        #expect(try answer(broker, consumer)?.values().count == 3)
    }

    @Test("is answered with what there is when its time is over, and exactly once")
    func expires() throws {
        let batch = Batches.make(1).bytes
        let (broker, consumer) = try waiting(minBytes: 100_000)
        _ = try broker.produce(batch)
        try broker.driver.advance(milliseconds: 499)
        #expect(try answer(broker, consumer) == nil)
        try broker.driver.advance(milliseconds: 1)
        #expect(try answer(broker, consumer)?.values().count == 1)
        for _ in 0..<3 { _ = try broker.produce(batch) }
        try broker.driver.advance(milliseconds: 10_000)
        #expect(try answer(broker, consumer) == nil)
    }

    @Test("does not wait where it wants nothing, has an error, or may not wait")
    func doesNotWait() throws {
        let broker = try TestBroker()
        try broker.metadata("t")
        for request in [
            Requests.fetch(from: 0, of: "t", minBytes: 0, maxWait: 500),
            Requests.fetch(from: 0, of: "t", minBytes: 1, maxWait: 0),
            Requests.fetch(from: 0, of: "t", minBytes: -1, maxWait: -1),
            Requests.fetch(from: 9, of: "t", minBytes: 1, maxWait: 500),
            Requests.fetch(from: 0, of: "unknown", minBytes: 1, maxWait: 500),
            FetchRequest(),
        ] {
            #expect(try broker.driver.ask(request, version: 11, on: broker.connection) != nil)
        }
    }

    @Test("does not wait at the end of a sealed segment, nor for more than the broker's limit")
    func sealedSegment() throws {
        let broker = try TestBroker {
            $0.log.segmentBytes = 1024
            $0.maxFetchBytes = 1500
        }
        try broker.metadata("t")
        for _ in 0..<20 { _ = try broker.produce(Batches.make(1, padding: 100).bytes) }
        let early = Requests.fetch(from: 0, of: "t", minBytes: 100_000, maxWait: 500)
        #expect(try broker.driver.ask(early, version: 11, on: broker.connection) != nil)
        let whole = try TestBroker { $0.maxFetchBytes = 1024 }
        try whole.metadata("t")
        for _ in 0..<20 { _ = try whole.produce(Batches.make(1, padding: 100).bytes) }
        let large = Requests.fetch(from: 0, of: "t", minBytes: 2000, maxWait: 500)
        #expect(try whole.driver.ask(large, version: 11, on: whole.connection) != nil)
    }

    @Test("is overtaken by a later produce, whose answer is held back until the fetch is answered")
    func answersInOrder() throws {
        let (broker, consumer) = try waiting(minBytes: 100_000)
        try broker.driver.send(Requests.produce(Batches.make(1).bytes, to: "t"), version: 9, on: consumer)
        try broker.driver.synchronizeAll()
        #expect(broker.driver.sent[consumer]?.isEmpty != false)
        #expect(try broker.fetch(from: 0)?.highWatermark == 1)
        try broker.driver.advance(milliseconds: 500)
        let fetched = try broker.driver.answer(to: FetchRequest.self, version: 11, on: consumer)
        let produced = try broker.driver.answer(to: ProduceRequest.self, version: 9, on: consumer)
        #expect(try #require(fetched).correlationID < #require(produced).correlationID)
    }

    @Test("is forgotten when its connection ends")
    func disconnected() throws {
        let (broker, consumer) = try waiting()
        try broker.driver.deliver(.disconnected(consumer))
        _ = try broker.produce(Batches.make(1).bytes)
        try broker.driver.advance(milliseconds: 10_000)
        #expect(broker.driver.sent[consumer]?.isEmpty != false)
    }

    @Test("is answered when the broker stops, which waits for what is in flight")
    func stopping() throws {
        let (broker, consumer) = try waiting(minBytes: 100_000)
        try broker.driver.send(Requests.produce(Batches.make(1).bytes, to: "t"), version: 9, on: broker.connection)
        try broker.driver.deliver(.stopping)
        #expect(try answer(broker, consumer) != nil)
        #expect(broker.driver.stopped == nil)
        try broker.driver.synchronizeAll()
        #expect(broker.driver.sent[broker.connection]?.count == 1)
        #expect(broker.driver.stopped == .some(nil))
    }

    @Test("on a pipelined connection pauses it at the limit, and resumes it")
    func pauses() throws {
        let broker = try TestBroker { $0.maxInFlightPerConnection = 4 }
        try broker.metadata("t")
        for _ in 0..<4 {
            try broker.driver.send(
                Requests.fetch(from: 0, of: "t", minBytes: 1, maxWait: 100), version: 11, on: broker.connection)
        }
        #expect(broker.driver.paused == [broker.connection])
        try broker.driver.advance(milliseconds: 100)
        #expect(broker.driver.paused.isEmpty)
        #expect(broker.driver.sent[broker.connection]?.count == 4)
    }
}
