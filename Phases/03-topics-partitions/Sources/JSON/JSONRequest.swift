import SegmentLog

extension JSONNode {
    /// Maelstrom's codes of the errors that a node answers with. All but `crash` are definite: nothing was done.
    public enum ErrorCode: Int, Sendable {
        /// There is no such request.
        case notSupported = 10
        /// The line is no message, or the request lacks something.
        case malformedRequest = 12
        /// The disk failed; nobody knows whether it was done.
        case crash = 13
        /// It cannot be done; the text says why.
        case abort = 14
        /// There is no such topic or partition, or nothing at the offset.
        case keyDoesNotExist = 20
    }

    /// An answer that is an error.
    struct Refusal: Error {
        var code: ErrorCode
        var text: String
        /// What the log could not do, if that is the reason.
        var cause: LogError?

        init(_ code: ErrorCode, _ text: String) {
            self.code = code
            self.text = text
        }

        /// Does something with the log; what it cannot do becomes an answer.
        static func unless<Result>(_ body: () throws(LogError) -> Result) throws(Refusal) -> Result {
            do {
                return try body()
            } catch {
                var refusal = Refusal(.crash, error.description)
                refusal.cause = error
                throw refusal
            }
        }
    }
}

/// A message that came in, and what its body says.
struct JSONRequest {
    /// Who sent it, if it says so.
    private(set) var source: String?
    /// Whom it was sent to, if it says so.
    private(set) var destination: String?
    /// What is asked; null where the message has none.
    private(set) var body = JSON.null

    /// A message of which nothing is known.
    init() {}

    init(_ message: JSON) {
        if case .string(let text)? = message["src"] { source = text }
        if case .string(let text)? = message["dest"] { destination = text }
        body = message["body"] ?? .null
    }

    /// The sender's number of the message; nil where it has none that is an integer.
    var messageID: JSON? {
        guard case .number(let text)? = body["msg_id"], Int64(text) != nil else { return nil }
        return body["msg_id"]
    }

    /// What is asked for. Throws where the message cannot be answered as Maelstrom has it.
    func type() throws(JSONNode.Refusal) -> String {
        guard case .object = body else { throw wrong("body", "an object") }
        guard messageID != nil else { throw wrong("msg_id", "an integer") }
        return try string("type")
    }

    private func wrong(_ name: String, _ kind: String) -> JSONNode.Refusal {
        JSONNode.Refusal(.malformedRequest, "\(name) must be \(kind)")
    }

    /// The value of a member that must be there.
    func value(_ name: String) throws(JSONNode.Refusal) -> JSON {
        guard let value = body[name] else { throw JSONNode.Refusal(.malformedRequest, "\(name) is missing") }
        return value
    }

    /// A string.
    func string(_ name: String) throws(JSONNode.Refusal) -> String {
        guard case .string(let text) = try value(name) else { throw wrong(name, "a string") }
        return text
    }

    /// An offset, or another integer from 0 on.
    func offset(_ name: String) throws(JSONNode.Refusal) -> Offset {
        guard let offset = Self.offset(try value(name)) else { throw wrong(name, "an integer from 0 on") }
        return offset
    }

    private static func offset(_ value: JSON) -> Offset? {
        guard case .number(let text) = value, let number = Int64(text), number >= 0 else { return nil }
        return Offset(number)
    }

    /// An offset for each of many keys, in the request's order.
    func offsets(_ name: String) throws(JSONNode.Refusal) -> [(key: String, offset: Offset)] {
        guard case .object(let members) = try value(name) else { throw wrong(name, "an object") }
        let offsets = members.compactMap { member in Self.offset(member.value).map { (member.name, $0) } }
        guard offsets.count == members.count else { throw wrong(name, "an object of integers from 0 on") }
        return offsets
    }

    /// An array of strings.
    func strings(_ name: String) throws(JSONNode.Refusal) -> [String] {
        guard case .array(let values) = try value(name) else { throw wrong(name, "an array") }
        let strings = values.compactMap { if case .string(let text) = $0 { text } else { nil } }
        guard strings.count == values.count else { throw wrong(name, "an array of strings") }
        return strings
    }
}
