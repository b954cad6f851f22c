import SegmentLog
import TestSupport
import Testing
import WireProtocol

@Suite("A frame that a real client sent or was sent")
struct GoldenFrameTests {
    @Test("is there for every client, and every API that each of them uses")
    func areThere() {
        for client in GoldenFrame.clients {
            for isRequest in [true, false] {
                let frames = GoldenFrame.all.filter { $0.client == client && $0.isRequest == isRequest }
                let apis = Set(frames.map(\.api))
                #expect(apis.isSuperset(of: [.apiVersions, .metadata, .produce, .fetch, .listOffsets]), "\(client)")
            }
        }
        let versions = Set(GoldenFrame.all.map { "\($0.api.name) \($0.version)" })
        #expect(versions.count >= 15)
    }

    @Test("has the header that it is said to have", arguments: GoldenFrame.all)
    func header(of golden: GoldenFrame) throws {
        let frame = Bytes(golden.bytes)
        var reader = ByteReader(frame)
        #expect(try reader.integer(Int32.self) == Int32(frame.count - 4))
        if golden.isRequest {
            var header = try RequestHeader(fixedPartOf: frame.dropFirst(4))
            _ = try header.readRest(of: frame.dropFirst(4), as: golden.api)
            #expect(header.apiKey == golden.api.rawValue && header.apiVersion == golden.version)
            #expect(header.clientID == golden.clientID && header.correlationID == golden.correlationID)
        } else {
            #expect(try reader.integer(Int32.self) == golden.correlationID)
        }
    }

    @Test("says what another codec reads in it, and is the same bytes when encoded again", arguments: GoldenFrame.all)
    func body(of golden: GoldenFrame) throws {
        let values: [String]
        let encoded: Bytes
        if golden.isRequest {
            (values, encoded) = try request(golden, golden.api.requestType)
        } else {
            (values, encoded) = try response(golden, golden.api.responseType)
        }
        for (ours, theirs) in zip(values, golden.fields) { #expect(ours == theirs.value, "\(theirs.name)") }
        #expect(values.count == golden.fields.count)
        #expect(encoded.array == golden.bytes)
    }

    @Test("carries the record that was produced", arguments: GoldenFrame.clients)
    func records(of client: String) throws {
        for api in [ApiKey.produce, .fetch] {
            let frames = GoldenFrame.all.filter { $0.client == client && $0.api == api }
            let batches = try frames.flatMap { try recordedBatches(in: $0) }
            #expect(!batches.isEmpty, "\(api)")
            for bytes in batches {
                let batch = try RecordBatch(checking: bytes)
                var records = batch.records()
                let record = try #require(try records.next())
                #expect(batch.bytes(record.key)?.utf8 == "golden key")
                #expect(batch.bytes(record.value)?.utf8 == "golden value")
                #expect(try records.next() == nil)
            }
        }
    }

    private func record(_ body: some Message, of golden: GoldenFrame) throws -> ValueRecorder {
        var body = body
        var recorder = ValueRecorder(version: golden.version, isFlexible: golden.api.isFlexible(golden.version))
        try body.code(&recorder)
        return recorder
    }

    private func request<Body: Request>(_ golden: GoldenFrame, _: Body.Type) throws -> ([String], Bytes) {
        let frame = Bytes(golden.bytes).dropFirst(4)
        var header = try RequestHeader(fixedPartOf: frame)
        let body = try Body(decoding: try header.readRest(of: frame, as: Body.apiKey), version: golden.version)
        let encoded = try body.frame(
            version: golden.version, correlationID: golden.correlationID, clientID: golden.clientID)
        return (try record(body, of: golden).values, try encoded.bytes())
    }

    private func response<Body: Message>(_ golden: GoldenFrame, _: Body.Type) throws -> ([String], Bytes) {
        let body = try decodedResponse(golden, Body.self)
        let encoded = try body.responseFrame(version: golden.version, correlationID: golden.correlationID)
        return (try record(body, of: golden).values, try encoded.bytes())
    }

    private func decodedResponse<Body: Message>(_ golden: GoldenFrame, _: Body.Type) throws -> Body {
        try Body.decodeResponse(Bytes(golden.bytes).dropFirst(4), version: golden.version).body
    }

    private func recordedBatches(in golden: GoldenFrame) throws -> [Bytes] {
        if golden.isRequest {
            let frame = Bytes(golden.bytes).dropFirst(4)
            var header = try RequestHeader(fixedPartOf: frame)
            let body = try header.readRest(of: frame, as: golden.api)
            guard golden.api == .produce else { return [] }
            return try record(ProduceRequest(decoding: body, version: golden.version), of: golden).batches
        }
        guard golden.api == .fetch else { return [] }
        return try record(decodedResponse(golden, FetchResponse.self), of: golden).batches
    }
}
