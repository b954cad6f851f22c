import SegmentLog
import Testing
import WireProtocol

@Suite("Records in a message")
struct RecordsPayloadTests {
    private static let batch = Bytes((0..<200).map { UInt8($0) })

    private static func response(_ records: [Records?]) -> FetchResponse {
        var topic = FetchResponse.Topic()
        topic.name = "orders"
        topic.partitions = records.map { records in
            var partition = FetchResponse.Partition()
            partition.records = records
            return partition
        }
        var response = FetchResponse()
        response.topics = [topic]
        return response
    }

    /// A file of `count` bytes on a disk in memory.
    private func file(_ count: Int) throws -> any File {
        let file = try MemoryStorage().open("00000000000000000000.log", creating: true)
        try file.append(Bytes((0..<count).map { UInt8(truncatingIfNeeded: $0 &* 3) }), at: 0)
        return file
    }

    @Test("become parts of their own, not copies", arguments: [4, 12, 16] as [Int16])
    func partsOfTheirOwn(version: Int16) throws {
        let range = FileRange(file: try file(1000), position: 100, count: 300)
        let payload = try Self.response([.bytes(Self.batch), .file(range), nil]).encoded(version: version)
        #expect(payload.parts.count == 5)
        guard case .bytes(let bytes) = payload.parts[1], case .file(let sent) = payload.parts[3] else {
            Issue.record("the batches are not where they should be")
            return
        }
        #expect(bytes.address == Self.batch.address && bytes.count == Self.batch.count)
        #expect(sent.file === range.file && sent.position == 100 && sent.count == 300)
        #expect(payload.count == payload.parts.reduce(0) { $0 + $1.count })
    }

    @Test("that are empty or null take no part", arguments: [4, 16] as [Int16])
    func empty(version: Int16) throws {
        let nothing = FileRange(file: try file(1), position: 1, count: 0)
        let payload = try Self.response([nil, .bytes(Bytes()), .file(nothing)]).encoded(version: version)
        #expect(payload.parts.count == 1)
        let decoded = try FetchResponse(decoding: try payload.bytes(), version: version)
        #expect(decoded.topics[0].partitions.map(\.records?.count) == [nil, 0, 0])
    }

    @Test("count in the length before the frame, and are read when the frame is copied", arguments: [4, 16] as [Int16])
    func framedLength(version: Int16) throws {
        let range = FileRange(file: try file(70_000), position: 5, count: 66_000)
        let payload = try Self.response([.file(range), .bytes(Self.batch)]).encoded(version: version)
        let framed = payload.framed()
        #expect(framed.count == payload.count + 4)
        let copy = try framed.bytes()
        var reader = ByteReader(copy)
        #expect(Int(try reader.integer(Int32.self)) == payload.count)
        #expect(copy.count == framed.count)
        let decoded = try FetchResponse(decoding: reader.rest(), version: version)
        #expect(decoded.topics[0].partitions.map(\.records) == [.bytes(try range.read()), .bytes(Self.batch)])
    }

    @Test("are slices of the frame that they came in", arguments: [4, 9] as [Int16])
    func decodedWithoutCopy(version: Int16) throws {
        var partition = ProduceRequest.Partition()
        partition.records = .bytes(Self.batch)
        var topic = ProduceRequest.Topic()
        topic.partitions = [partition]
        var request = ProduceRequest()
        request.topics = [topic]
        let body = try request.encoded(version: version).bytes()
        let decoded = try ProduceRequest(decoding: body, version: version)
        guard case .bytes(let bytes)? = decoded.topics[0].partitions[0].records else {
            Issue.record("no batches")
            return
        }
        #expect(bytes == Self.batch)
        #expect((body.address..<(body.address + UInt(body.count))).contains(bytes.address))
    }

    @Test("are equal where they are the same bytes, or the same part of the same file")
    func equality() throws {
        let file = try file(100)
        let range = FileRange(file: file, position: 10, count: 20)
        #expect(Records.file(range) == .file(FileRange(file: file, position: 10, count: 20)))
        #expect(Records.file(range) != .file(FileRange(file: file, position: 11, count: 20)))
        #expect(Records.file(range) != .file(FileRange(file: file, position: 10, count: 21)))
        #expect(Records.file(range) != .file(FileRange(file: try self.file(100), position: 10, count: 20)))
        #expect(Records.file(range) != .bytes(try range.read()))
        #expect(Records.bytes(try range.read()) == .bytes(try range.read()))
    }

    @Test("that a file no longer has are an error, not a frame that is too short")
    func shortFile() throws {
        let file = try file(100)
        let payload = Payload(parts: [.file(FileRange(file: file, position: 50, count: 50))]).framed()
        #expect(try payload.bytes().count == 54)
        try file.truncate(to: 80)
        #expect(throws: StorageError.self) { _ = try payload.bytes() }
    }
}
