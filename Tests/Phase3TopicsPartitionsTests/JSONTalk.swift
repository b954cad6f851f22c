import SegmentLog

@testable import TopicsPartitions

/// A JSON node in a test, and who talks to it.
struct JSONTalk {
    let disk: MemoryDisk
    var node: JSONNode
    private var nextMessageID = 1

    init(_ disk: MemoryDisk = MemoryDisk(), defaults: TopicConfig = TopicConfig()) throws(LogError) {
        self.disk = disk
        node = try JSONNode(in: MemoryStorage(disk), defaults: defaults, seed: 1)
    }

    /// The answers to some input.
    mutating func exchange(_ input: Bytes) throws(LogError) -> [String] {
        var input = input
        var lines: [String] = []
        repeat {
            node.receive(&input, at: 1000)
            lines += try node.answers()
        } while input.count > 0
        return lines
    }

    mutating func exchange(_ input: String) throws(LogError) -> [String] { try exchange(Bytes(utf8: input)) }

    /// The answers to the end of the input.
    mutating func end() throws(LogError) -> [String] {
        node.endOfInput(at: 1000)
        return try node.answers()
    }

    /// The answers to a message from c1 to n1 with this body.
    mutating func lines(_ body: String) throws(LogError) -> [String] {
        try exchange(#"{"src":"c1","dest":"n1","body":\#(body)}"# + "\n")
    }

    /// The body of the answer to a request with these members, without `in_reply_to` and `msg_id`; "" where
    /// there is none.
    mutating func ask(_ members: String) throws(LogError) -> String {
        let id = nextMessageID
        nextMessageID += 1
        guard let line = try lines(#"{\#(members),"msg_id":\#(id)}"#).first,
            let body = (try? JSON(parsing: Bytes(utf8: line)))?["body"], case .object(let answer) = body,
            body["in_reply_to"] == .integer(id)
        else { return "" }
        return JSON.object(answer.filter { !["in_reply_to", "msg_id"].contains($0.name) }).text
    }
}
