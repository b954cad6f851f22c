import SegmentLog
import WireProtocol

/// The least that a node can do: it answers each frame at once.
struct AnsweringNode: Node {
    /// The answer without its length; nil sends the frame back.
    let answer: Bytes?

    mutating func handle(_ event: Event, at now: Instant, _ effects: inout Effects) {
        switch event {
        case .received(let connection, let frame):
            effects.append(.send(connection, Payload(answer ?? frame).framed()))
        case .stopping: effects.append(.stop(failure: nil))
        default: break
        }
    }
}

/// Serves `answer` with the reactor, until the process is ended.
func runReactor(answer: Bytes?, _ listeners: Listeners) throws {
    _ = try Reactor(AnsweringNode(answer: answer), listeners: listeners, log: { line in print(line) }).run()
}
