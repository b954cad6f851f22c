import SegmentLog
import Testing

@testable import TopicsPartitions

@Suite("The JSON node on a disk that fails")
struct JSONNodeCrashTests {
    /// What a client knows: what it sent, and what was answered.
    private struct History {
        var sent: [String: [Int]] = [:]
        var acknowledged: [String: [Int64: Int]] = [:]
        var committed: [String: Int64] = [:]
        var tried: [String: Int64] = [:]
    }

    /// Sends and commits until the power fails, at most `count` batches of lines.
    private static func run(_ disk: MemoryDisk, _ count: Int, _ random: inout SplitMix64) -> History {
        var history = History()
        var config = TopicConfig()
        config.log.segmentBytes = 400 + random.below(2000)
        do {
            var talk = try JSONTalk(disk, defaults: config)
            var number = 0
            for _ in 0..<count {
                var input = ""
                var pending: [(key: String, number: Int?, commit: Int64)] = []
                for id in 0..<(1 + random.below(4)) {
                    let key = "k\(random.below(3))"
                    if random.chance(70) {
                        number += 1
                        history.sent[key, default: []].append(number)
                        pending.append((key, number, -1))
                        input += line(id, #""type":"send","key":"\#(key)","msg":\#(number)"#)
                    } else {
                        let commit = Int64(random.below(50))
                        history.tried[key] = max(commit, history.tried[key] ?? -1)
                        pending.append((key, nil, commit))
                        input += line(id, #""type":"commit_offsets","offsets":{"\#(key)":\#(commit)}"#)
                    }
                }
                for answer in try talk.exchange(input) {
                    guard let body = (try? JSON(parsing: Bytes(utf8: answer)))?["body"],
                        case .number(let id)? = body["in_reply_to"], let place = Int(id)
                    else {
                        Issue.record("\(answer)")
                        return history
                    }
                    let request = pending[place]
                    if let number = request.number, case .number(let offset)? = body["offset"] {
                        history.acknowledged[request.key, default: [:]][Int64(offset) ?? -1] = number
                    } else if body["type"] == .string("commit_offsets_ok") {
                        history.committed[request.key] = max(request.commit, history.committed[request.key] ?? -1)
                    }
                }
            }
        } catch {}
        return history
    }

    private static func line(_ id: Int, _ members: String) -> String {
        #"{"src":"c","dest":"n","body":{"msg_id":\#(id),\#(members)}}"# + "\n"
    }

    private static func check(_ history: History, _ disk: MemoryDisk, _ what: Comment) throws {
        var talk = try JSONTalk(disk)
        for key in ["k0", "k1", "k2"] {
            let polled = try JSON(parsing: Bytes(utf8: try talk.ask(#""type":"poll","offsets":{"\#(key)":0}"#)))
            var found: [Int64: Int] = [:]
            if case .array(let pairs)? = polled["msgs"]?[key] {
                for pair in pairs {
                    guard case .array(let values) = pair, case .number(let offset) = values[0],
                        case .number(let number) = values[1]
                    else { continue }
                    found[Int64(offset) ?? -1] = Int(number)
                }
            }
            for (offset, number) in history.acknowledged[key] ?? [:] {
                #expect(found[offset] == number, "\(what): \(key) at \(offset)")
            }
            let inOrder = found.sorted { $0.key < $1.key }.map(\.value)
            #expect(inOrder == Array((history.sent[key] ?? []).prefix(inOrder.count)), what)
            let listed = try JSON(
                parsing: Bytes(utf8: try talk.ask(#""type":"list_committed_offsets","keys":["\#(key)"]"#)))
            var committed: Int64 = -1
            if case .number(let text)? = listed["offsets"]?[key] { committed = Int64(text) ?? -2 }
            #expect(committed >= history.committed[key] ?? -1, what)
            #expect(committed <= history.tried[key] ?? -1, what)
        }
    }

    @Test("keeps every send and commit that it has answered, wherever the power fails", arguments: UInt64(0)..<60)
    func powerFailure(seed: UInt64) throws {
        let beginning = SplitMix64(seed: seed)
        let whole = MemoryDisk(seed: seed)
        var random = beginning
        let history = Self.run(whole, 12, &random)
        try Self.check(history, whole.afterPowerLoss(seed: seed), "after the last answer")
        // Once more, with the power cut at a few of the steps that this took.
        for _ in 0..<8 {
            let disk = MemoryDisk(seed: seed)
            let step = random.below(whole.steps)
            disk.losePower(afterSteps: step)
            var same = beginning
            let history = Self.run(disk, 12, &same)
            try Self.check(history, disk.afterPowerLoss(seed: seed &+ UInt64(step)), "seed \(seed), step \(step)")
        }
    }

    @Test("answers nothing once a synchronize has failed")
    func failedSynchronize() throws {
        var talk = try JSONTalk()
        _ = try talk.ask(#""type":"send","key":"k","msg":1"#)
        talk.disk.failNext(.synchronize, with: 5)
        #expect(throws: LogError.self) { try talk.ask(#""type":"send","key":"k","msg":2"#) }
        #expect(throws: LogError.self) { try talk.ask(#""type":"poll","offsets":{}"#) }
    }

    @Test("says that it does not know when a write fails, and goes on")
    func failedAppend() throws {
        var talk = try JSONTalk()
        _ = try talk.ask(#""type":"send","key":"k","msg":1"#)
        talk.disk.failNext(.append, with: 28)
        #expect(try talk.ask(#""type":"send","key":"k","msg":2"#).contains(#""code":13"#))
        #expect(try talk.ask(#""type":"send","key":"k","msg":3"#) == #"{"type":"send_ok","offset":1}"#)
    }

    @Test("shares one synchronize between all lines of a partition that came together")
    func sharedSynchronize() throws {
        var talk = try JSONTalk()
        _ = try talk.ask(#""type":"send","key":"k","msg":0"#)
        func steps(_ count: Int) throws -> Int {
            let before = talk.disk.steps
            let input = (0..<count).map { Self.line($0, #""type":"send","key":"k","msg":1"#) }.joined()
            #expect(try talk.exchange(input).count == count)
            return talk.disk.steps - before
        }
        // A write each, and one synchronize.
        #expect(try steps(1) == 2)
        #expect(try steps(50) == 51)
    }
}
