import Broker
import Foundation
import SegmentLog
import TestSupport
import WireProtocol

/// What fuzzing begins with: recorded frames, a generated body of every message in its oldest and its newest
/// version, and a sound input for every other way in. The first byte of each is the way in, see `Entrance` in Tests/Fuzz.
enum Seeds {
    static func write(to directory: String) throws {
        try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
        for (index, seed) in try all().enumerated() {
            try Data(seed).write(to: URL(filePath: directory).appending(path: "seed-\(index)"))
        }
    }

    private static func all() throws -> [[UInt8]] {
        var seeds: [[UInt8]] = []
        for golden in GoldenFrame.all where golden.isRequest && golden.bytes.count < 1024 {
            seeds.append([0, 5] + golden.bytes + golden.bytes)
            seeds.append([1] + golden.bytes.dropFirst(4))
        }
        for (index, type) in MessageCase.types.enumerated() {
            let versions = type.apiKey.versions
            for version in Set([versions.lowerBound, versions.upperBound]).sorted() {
                let body = try MessageCase(type, version: version).layout(seed: UInt64(index)).bytes
                seeds.append([2, UInt8(index), UInt8(version - versions.lowerBound)] + body)
            }
        }
        var subscription = ConsumerProtocolSubscription()
        subscription.topics = ["t"]
        subscription.ownedPartitions = [ConsumerProtocolTopicPartitions()]
        seeds.append([3] + (try subscription.encoded(version: 3)).array)
        let batch = Batches.make(3).bytes
        // Where the second byte is odd, the batch's length and CRC are mended.
        for codec in BatchAttributes.Codec.allCases {
            var header = batch.slice(0..<RecordBatchHeader.byteCount).array
            header[22] = UInt8(codec.rawValue)
            guard let records = try? codec.compress(batch.dropFirst(RecordBatchHeader.byteCount)) else { continue }
            seeds.append([4, 1] + header + records.array)
        }
        seeds.append([5, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 9, 0, 0, 1, 0, 0, 0, 0, 2, 0, 0, 2, 0])
        for lines in ["0\n2\nt 0 42\nu 1 17\n", "0\n2\n0 0\n3 42\n"] { seeds.append([6] + Array(lines.utf8)) }
        for lines in ["node.id=1\nlisteners=PLAINTEXT://127.0.0.1:9092\n", "cluster.id=c\nnode.id=1\nversion=1\n"] {
            seeds.append([7] + Array(lines.utf8))
        }
        seeds.append(
            [8, 6, UInt8(batch.count)] + batch.array + [10, 0x16, UInt8(batch.count)] + batch.array + [10, 12, 1, 0])
        seeds.append([9] + Array(#"{"a":[1.5e-3,true,null,"\u00e9\ud83d\ude00\n"],"a":{}}"#.utf8))
        seeds.append([10] + Array(Self.lines.utf8))
        for client in GoldenFrame.clients { seeds += try conversations(of: client) }
        return seeds
    }

    /// For a JSON node: one of each request.
    private static let lines = [
        #""type":"init","node_id":"n1","node_ids":["n1"]"#,
        #""type":"partition_append","topic":"t","partition":1,"message":"m""#,
        #""type":"partition_read","topic":"t","partition":1,"offset":0"#,
        #""type":"partition_info","topic":"t","partition":1"#,
        #""type":"send","key":"k","msg":[1]"#,
        #""type":"poll","offsets":{"k":0}"#,
        #""type":"commit_offsets","offsets":{"k":0}"#,
        #""type":"list_committed_offsets","keys":["k"]"#,
    ].map { #"{"src":"c1","dest":"n1","body":{"msg_id":1,\#($0)}}"# + "\n" }.joined()

    /// For a broker: a client's request for metadata, which makes the topic, and one more of its requests.
    private static func conversations(of client: String) throws -> [[UInt8]] {
        let steps = try GoldenFrame.all
            .filter { $0.client == client && $0.isRequest && BrokerNode.served.contains($0.api) }
            .map { golden in
                let frame = Bytes(golden.bytes.dropFirst(4))
                var header = try RequestHeader(fixedPartOf: frame)
                let body = try header.readRest(of: frame, as: golden.api)
                let api = UInt8(BrokerNode.served.firstIndex(of: golden.api) ?? 0)
                let version = UInt8(golden.version - golden.api.versions.lowerBound)
                return (golden.api, [0, api, version, UInt8(body.count >> 8), UInt8(body.count & 0xFF)] + body.array)
            }
        let opening = steps.filter { $0.0 == .metadata }.map(\.1).max { $0.count < $1.count } ?? []
        return steps.map { [8] + opening + $0.1 + [10, 12, 1, 0] }
    }
}
