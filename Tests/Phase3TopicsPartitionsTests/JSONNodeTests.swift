import SegmentLog
import TestSupport
import Testing
import WireProtocol

@testable import TopicsPartitions

@Suite("The JSON node")
struct JSONNodeTests {
    @Test("answers init, append, read and info with Maelstrom's lines")
    func lines() throws {
        let cases = [
            (
                #"{"type":"init","msg_id":1,"node_id":"n1","node_ids":["n1"]}"#,
                #"{"type":"init_ok","in_reply_to":1,"msg_id":0}"#
            ),
            (
                #"{"type":"partition_append","msg_id":2,"topic":"orders","partition":0,"message":"msg-1"}"#,
                #"{"type":"partition_append_ok","in_reply_to":2,"offset":0,"segment":"00000000000000000000.log","timestamp":1000,"msg_id":1}"#
            ),
            (
                #"{"type":"partition_read","msg_id":3,"topic":"orders","partition":0,"offset":0}"#,
                #"{"type":"partition_read_ok","in_reply_to":3,"message":"msg-1","offset":0,"next_offset":1,"msg_id":2}"#
            ),
            (
                #"{"type":"partition_info","msg_id":4,"topic":"orders","partition":0}"#,
                #"{"type":"partition_info_ok","in_reply_to":4,"start_offset":0,"end_offset":1,"segments":1,"total_bytes":75,"msg_id":3}"#
            ),
        ]
        var talk = try JSONTalk()
        for (request, expected) in cases {
            #expect(try talk.lines(request) == [#"{"src":"n1","dest":"c1","body":\#(expected)}"#])
        }
    }

    @Test("answers Maelstrom's kafka workload, on the partitions that append and read know")
    func kafkaWorkload() throws {
        var talk = try JSONTalk()
        let steps = [
            (#""type":"send","key":"k1","msg":{"a":[1.0,null]}"#, #""type":"send_ok","offset":0"#),
            (#""type":"send","key":"k1","msg":9"#, #""type":"send_ok","offset":1"#),
            (#""type":"send","key":"k2","msg":"x""#, #""type":"send_ok","offset":0"#),
            (
                #""type":"poll","offsets":{"k1":0,"k2":1,"k3":0,"k1":1}"#,
                #""type":"poll_ok","msgs":{"k1":[[0,{"a":[1.0,null]}],[1,9]],"k1":[[1,9]]}"#
            ),
            (#""type":"poll","offsets":{"k1":77}"#, #""type":"poll_ok","msgs":{}"#),
            (
                #""type":"list_committed_offsets","keys":["k1","k2"]"#,
                #""type":"list_committed_offsets_ok","offsets":{}"#
            ),
            (#""type":"commit_offsets","offsets":{"k1":1,"k9":0}"#, #""type":"commit_offsets_ok""#),
            // A commit that comes late takes nothing back.
            (#""type":"commit_offsets","offsets":{"k1":0,"k9":5}"#, #""type":"commit_offsets_ok""#),
            (
                #""type":"list_committed_offsets","keys":["k9","k2","k1","not a name"]"#,
                #""type":"list_committed_offsets_ok","offsets":{"k9":5,"k1":1}"#
            ),
            (
                #""type":"partition_read","topic":"k1","partition":0,"offset":1"#,
                #""type":"partition_read_ok","message":9,"offset":1,"next_offset":2"#
            ),
        ]
        for (request, expected) in steps { #expect(try talk.ask(request) == "{\(expected)}") }
    }

    @Test(
        "answers what it cannot do with Maelstrom's codes",
        arguments: [
            (10, #""type":"wat""#),
            (12, #""kind":"init""#),
            (12, #""type":1"#),
            (12, #""type":"init""#),
            (12, #""type":"partition_append","topic":"t","partition":0"#),
            (12, #""type":"partition_append","topic":7,"partition":0,"message":1"#),
            (12, #""type":"partition_append","topic":"t","partition":-1,"message":1"#),
            (12, #""type":"partition_append","topic":"t","partition":1.0,"message":1"#),
            (12, #""type":"partition_append","topic":"t","partition":10000,"message":1"#),
            (12, #""type":"partition_append","topic":"t","partition":99999999999999999999,"message":1"#),
            (12, #""type":"partition_append","topic":"","partition":0,"message":1"#),
            (12, #""type":"partition_append","topic":"..","partition":0,"message":1"#),
            (12, #""type":"partition_append","topic":"a/b","partition":0,"message":1"#),
            (12, #""type":"partition_append","topic":"ö","partition":0,"message":1"#),
            (12, #""type":"partition_append","topic":"__cluster_metadata","partition":0,"message":1"#),
            (12, #""type":"partition_append","topic":"__consumer_offsets","partition":0,"message":1"#),
            // "here.too" is there, and would collide with this one in Kafka's metrics.
            (12, #""type":"partition_append","topic":"here_too","partition":0,"message":1"#),
            (12, #""type":"partition_read","topic":"here.too","partition":0,"offset":"0""#),
            (20, #""type":"partition_read","topic":"here.too","partition":0,"offset":1"#),
            (20, #""type":"partition_read","topic":"here.too","partition":0,"offset":9223372036854775807"#),
            (20, #""type":"partition_read","topic":"here.too","partition":1,"offset":0"#),
            (20, #""type":"partition_read","topic":"nowhere","partition":0,"offset":0"#),
            (20, #""type":"partition_info","topic":"nowhere","partition":0"#),
            (12, #""type":"partition_info","topic":"a b","partition":0"#),
            (12, #""type":"send","key":"a b","msg":1"#),
            (12, #""type":"send","key":"k""#),
            (12, #""type":"poll","offsets":[]"#),
            (12, #""type":"poll","offsets":{"k":-1}"#),
            (12, #""type":"commit_offsets","offsets":{"k":1,"a b":1}"#),
            (12, #""type":"list_committed_offsets","keys":["k",1]"#),
        ])
    func errors(code: Int, request: String) throws {
        var talk = try JSONTalk()
        _ = try talk.ask(#""type":"partition_append","topic":"here.too","partition":0,"message":1"#)
        let before = talk.disk.contents()
        let answer = try JSON(parsing: Bytes(utf8: try talk.ask(request)))
        #expect(answer["type"] == .string("error"))
        #expect(answer["code"] == .integer(code), "\(answer)")
        #expect(answer["text"] != nil)
        #expect(talk.disk.contents() == before, "what is refused changes nothing")
        #expect(try talk.ask(#""type":"send","key":"k","msg":1"#) == #"{"type":"send_ok","offset":0}"#)
    }

    @Test("answers what is no request as well as it can, and answers no answers")
    func noRequests() throws {
        var talk = try JSONTalk()
        _ = try talk.lines(#"{"type":"init","msg_id":1,"node_id":"n7","node_ids":["n7"]}"#)
        let cases: [(line: String, answer: [String])] = [
            ("", []),
            (#"{"src":"c1","dest":"n1","body":{"type":"send_ok","in_reply_to":3,"offset":0}}"#, []),
            (#"{"src":"c1","dest":"n1","body":{"type":"error","in_reply_to":3,"msg_id":1,"code":12}}"#, []),
            (
                "{\"src\":",
                [
                    #"{"src":"n7","dest":"","body":{"type":"error","code":12,"text":"the line is not JSON: byte 7: the text ends where a value should be"}}"#
                ]
            ),
            ("[]", [#"{"src":"n7","dest":"","body":{"type":"error","code":12,"text":"body must be an object"}}"#]),
            (
                #"{"src":"c1","dest":"n1","body":{"type":"send"}}"#,
                [#"{"src":"n1","dest":"c1","body":{"type":"error","code":12,"text":"msg_id must be an integer"}}"#]
            ),
            (
                #"{"body":{"type":"partition_info","msg_id":-5,"topic":"t","partition":0}}"#,
                [
                    #"{"src":"n7","dest":"","body":{"type":"error","in_reply_to":-5,"code":20,"text":"there is no partition t-0"}}"#
                ]
            ),
        ]
        for (line, answer) in cases { #expect(try talk.exchange(line + "\n") == answer) }
    }

    @Test("numbers its own messages from 0 without a gap, and counts no errors")
    func messageIDs() throws {
        var talk = try JSONTalk()
        for _ in 0..<2 {
            #expect(try talk.lines(#"{"type":"wat","msg_id":5}"#).first?.contains(#""code":10"#) == true)
        }
        for id in 0..<3 {
            let line = try #require(try talk.lines(#"{"type":"poll","msg_id":5,"offsets":{}}"#).first)
            #expect(try JSON(parsing: Bytes(utf8: line))["body"]?["msg_id"] == .integer(id))
        }
    }

    @Test("makes a partition with all before it, and more of them later")
    func partitionsAreMade() throws {
        var talk = try JSONTalk()
        for (partition, offset) in [(3, 0), (0, 0), (5, 0), (3, 1), (9_999, 0)] {
            let answer = try talk.ask(#""type":"partition_append","topic":"t","partition":\#(partition),"message":1"#)
            #expect(answer.hasPrefix(#"{"type":"partition_append_ok","offset":\#(offset),"#))
        }
        #expect(talk.node.topics["t"]?.partitions.count == 10_000)
        #expect(
            try talk.ask(#""type":"partition_info","topic":"t","partition":4"#)
                == #"{"type":"partition_info_ok","start_offset":0,"end_offset":0,"segments":1,"total_bytes":0}"#)
    }

    @Test("takes lines in whatever pieces they come, and the last one without its end")
    func pieces() throws {
        let requests = (0..<20).map {
            #"{"src":"c","dest":"n","body":{"type":"send","msg_id":\#($0),"key":"k","msg":"ä"}}"#
        }
        let input = requests.joined(separator: "\n")
        var whole = try JSONTalk()
        let expected = try whole.exchange(input) + whole.end()
        #expect(expected.count == 20)
        for size in [1, 2, 7, 100, 4096] {
            var talk = try JSONTalk()
            var answers: [String] = []
            let bytes = Bytes(utf8: input)
            for start in stride(from: 0, to: bytes.count, by: size) {
                answers += try talk.exchange(bytes.slice(start..<min(bytes.count, start + size)))
            }
            #expect(try answers + talk.end() == expected)
        }
    }

    @Test("refuses a line that is too long, keeps none of it, and goes on with the next one")
    func longLines() throws {
        var talk = try JSONTalk()
        let piece = Bytes([UInt8](repeating: UInt8(ascii: " "), count: 1 << 20))
        // Exactly as long as a line may be, and one byte more.
        for _ in 0..<16 { #expect(try talk.exchange(piece).isEmpty) }
        #expect(try talk.exchange("\n").first?.contains("not JSON") == true)
        for _ in 0..<40 { #expect(try talk.exchange(piece).isEmpty) }
        #expect(
            try talk.exchange("\n").first?.contains(#""code":12,"text":"a line has more than 16777216 bytes""#) == true)
        #expect(try talk.ask(#""type":"send","key":"k","msg":1"#) == #"{"type":"send_ok","offset":0}"#)
    }

    @Test("refuses a message that is larger than max.message.bytes, and makes no topic for it")
    func largeMessages() throws {
        var talk = try JSONTalk()
        func send(_ count: Int) throws -> String {
            try talk.ask(#""type":"send","key":"k","msg":"\#(String(repeating: "x", count: count))""#)
        }
        #expect(try send(1_048_588).contains(#""code":12"#))
        #expect(talk.node.topics["k"] == nil)
        // The header of a batch, what stands before a record, and the quotes.
        #expect(try send(1_048_588 - 61 - 12 - 2) == #"{"type":"send_ok","offset":0}"#)
    }

    @Test("bounds what a poll returns, but for the first message of a key, and leaves no key out for the others")
    func pollIsBounded() throws {
        var talk = try JSONTalk()
        let large = String(repeating: "x", count: 300_000)
        for _ in 0..<6 {
            for key in ["a", "b"] { _ = try talk.ask(#""type":"send","key":"\#(key)","msg":"\#(large)""#) }
        }
        var next = ["a": 0, "b": 0]
        while next != ["a": 6, "b": 6] {
            let line = try talk.ask(#""type":"poll","offsets":{"a":\#(next["a"] ?? 0),"b":\#(next["b"] ?? 0)}"#)
            #expect(line.utf8.count < 1_500_000)
            let polled = try #require(try JSON(parsing: Bytes(utf8: line))["msgs"])
            for key in ["a", "b"] {
                guard case .array(let pairs)? = polled[key] else {
                    Issue.record("key \(key) is left out")
                    return
                }
                next[key, default: 0] += pairs.count
            }
        }
    }

    @Test("holds few answers in memory: what follows is taken in the next call")
    func answersAreBounded() throws {
        var talk = try JSONTalk()
        _ = try talk.ask(#""type":"send","key":"k","msg":"\#(String(repeating: "x", count: 600_000))""#)
        let poll = #"{"src":"c","dest":"n","body":{"type":"poll","msg_id":1,"offsets":{"k":0}}}"#
        var input = Bytes(utf8: String(repeating: poll + "\n", count: 10))
        var counts: [Int] = []
        while input.count > 0 {
            talk.node.receive(&input, at: 1)
            counts.append(try talk.node.answers().count)
        }
        #expect(counts == [Int](repeating: 2, count: 5))
    }

    @Test("reads what a broker's clients wrote: many records in a batch, compressed, null, and no JSON")
    func recordsOfOthers() throws {
        var talk = try JSONTalk()
        _ = try talk.ask(#""type":"send","key":"k","msg":0"#)
        let log = try #require(try talk.node.topics["k"]?.partition(0)?.log())
        var builder = RecordBatchBuilder(baseTimestamp: 1)
        for value in ["[ 1,\n2]", "plain text", nil, "{\"a\":"] {
            builder.append(key: nil, value: value.map { Bytes(utf8: $0) })
        }
        _ = try log.append(try builder.finish(codec: .gzip), leaderEpoch: LeaderEpoch(0))
        #expect(
            try talk.ask(#""type":"poll","offsets":{"k":1}"#)
                == #"{"type":"poll_ok","msgs":{"k":[[1,[1,2]],[2,"plain text"],[3,null],[4,"{\"a\":"]]}}"#)
        #expect(
            try talk.ask(#""type":"partition_read","topic":"k","partition":0,"offset":3"#)
                == #"{"type":"partition_read_ok","message":null,"offset":3,"next_offset":4}"#)
    }
}
