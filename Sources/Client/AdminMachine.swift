import WireProtocol

/// What an admin does: sends each operation's requests to whom they are for, and again where that may help.
struct AdminMachine: ClientMachine {
    private struct Entry: Sendable {
        var id: UInt64
        var operation: any AdminOperation
        var deadline: Instant?
    }

    let configuration: AdminConfiguration
    private(set) var wire: WireClient
    private var entries: [Entry] = []
    private var isClosed = false
    private var lastID: UInt64 = 0
    private var resumptions: [@Sendable () -> Void] = []

    init(_ configuration: AdminConfiguration, seed: UInt64) throws(ClientError) {
        self.configuration = configuration
        wire = WireClient(try configuration.wire(), seed: seed)
    }

    // MARK: What the user's tasks do

    /// A number that was not drawn before.
    mutating func number() -> UInt64 {
        lastID += 1
        return lastID
    }

    /// Takes an operation. False where the admin is closed: the operation is never finished.
    mutating func begin(_ id: UInt64, _ operation: any AdminOperation) -> Bool {
        if isClosed { return false }
        entries.append(Entry(id: id, operation: operation))
        return true
    }

    /// Drops an operation; what was sent of it may still be carried out.
    mutating func cancel(_ id: UInt64) {
        guard let index = entries.firstIndex(where: { $0.id == id }) else { return }
        let operation = entries.remove(at: index).operation
        unfollow(operation.topics)
        resumptions.append { operation.finish(.cancelled) }
    }

    mutating func takeResumptions() -> [@Sendable () -> Void] {
        defer { resumptions = [] }
        return resumptions
    }

    // MARK: Events

    mutating func handle(_ event: Event, at now: Instant, _ effects: inout Effects) {
        if case .stopping = event { return close(at: now, &effects) }
        start(at: now, &effects)
        wire.handle(event, at: now, &effects)
        proceed(at: now, &effects)
        expire(at: now)
        finish()
        var next: Instant?
        for entry in entries {
            for due in [entry.deadline, entry.operation.retryAt] {
                if let due, due > now { next = min(next ?? due, due) }
            }
        }
        if let next { effects.append(.wake(at: next)) }
    }

    private mutating func start(at now: Instant, _ effects: inout Effects) {
        for index in entries.indices where entries[index].deadline == nil {
            entries[index].deadline = now.advanced(byMilliseconds: configuration.defaultApiTimeoutMilliseconds)
            for topic in entries[index].operation.topics.sorted() { wire.follow(topic, at: now, &effects) }
        }
    }

    private mutating func proceed(at now: Instant, _ effects: inout Effects) {
        let retryAt = now.advanced(byMilliseconds: max(1, configuration.retryBackoffMilliseconds))
        // A request that cannot be sent fails at once.
        var answers: [(id: CallID, result: Result<Answer, ClientError>)]
        repeat {
            var lacksTarget = false
            for index in entries.indices {
                lacksTarget = !entries[index].operation.send(&wire, at: now, &effects) || lacksTarget
            }
            answers = wire.takeAnswers()
            for (id, result) in answers {
                for index in entries.indices {
                    lacksTarget = entries[index].operation.take(id, result, retryAt: retryAt) || lacksTarget
                }
            }
            if lacksTarget { wire.refresh(at: now, &effects) }
        } while !answers.isEmpty
    }

    private mutating func expire(at now: Instant) {
        for index in entries.indices where entries[index].deadline.map({ $0 <= now }) ?? false {
            entries[index].operation.expire(wire, milliseconds: configuration.defaultApiTimeoutMilliseconds)
        }
    }

    private mutating func finish() {
        let done = entries.filter(\.operation.isDone)
        guard !done.isEmpty else { return }
        entries.removeAll { $0.operation.isDone }
        for entry in done {
            unfollow(entry.operation.topics)
            resumptions.append { entry.operation.finish(nil) }
        }
    }

    /// Topics that no other operation asks about are not looked after any more.
    private mutating func unfollow(_ topics: [String]) {
        for topic in topics where !entries.contains(where: { $0.operation.topics.contains(topic) }) {
            wire.unfollow(topic)
        }
    }

    private mutating func close(at now: Instant, _ effects: inout Effects) {
        isClosed = true
        wire.close(at: now, &effects)
        _ = wire.takeAnswers()
        for entry in entries { resumptions.append { entry.operation.finish(.closed) } }
        entries = []
        effects.append(.stop(failure: nil))
    }
}
