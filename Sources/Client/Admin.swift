import WireProtocol

/// Looks after topics, partitions, settings and the cluster.
///
///     let admin = try Admin(AdminConfiguration(bootstrapServers: "localhost:9092"))
///     for (name, result) in try await admin.createTopics([NewTopic("orders", partitionCount: 12)]) {
///         print(name, try result.get().id)
///     }
///
/// What concerns many things at once has an outcome for each: a failure of one says nothing of the
/// others, and its error carries the broker's own words. What can mend itself is tried again without a
/// word, until `default.api.timeout.ms` is over: a broker that is gone, a controller or a leader that has
/// moved. Any number of tasks may ask.
public final class Admin: Sendable {
    private let thread: ClientThread<AdminMachine>
    /// `request.timeout.ms`, as brokers are told it.
    let requestTimeoutMilliseconds: Int32

    /// An admin that connects when it is asked something.
    ///
    /// - Throws: `refused` for a setting out of its range.
    public init(_ configuration: AdminConfiguration) throws(ClientError) {
        requestTimeoutMilliseconds = Int32(clamping: configuration.requestTimeoutMilliseconds)
        thread = try ClientThread(try AdminMachine(configuration, seed: .random(in: 0...UInt64.max)))
    }

    deinit { thread.stop() }

    /// Ends the connections. Whoever waits for an answer gets `closed`.
    public func close() { thread.stop() }

    /// Asks about `keys` until each has its outcome.
    func ask<Key: Hashable & Sendable & CustomStringConvertible, Value: Sendable>(
        _ what: String, _ keys: [Key], target: (Key) -> AdminTarget,
        isRetried: @escaping @Sendable (ErrorCode) -> Bool = \.mayBeAskedElsewhere,
        request: @escaping @Sendable ([Key]) -> any Request,
        read: @escaping @Sendable (Answer) throws(ClientError) -> [Key: AdminAnswer<Value>]
    ) async throws(ClientError) -> [Key: Result<Value, ClientError>] {
        if keys.isEmpty { return [:] }
        let id = thread.withMachine { $0.number() }
        let result = await withTaskCancellationHandler {
            await withCheckedContinuation {
                (continuation: CheckedContinuation<Result<[Key: Result<Value, ClientError>], ClientError>, Never>) in
                let operation = KeyedOperation(
                    what, keys, target: target, request: request, read: read, isRetried: isRetried
                ) { continuation.resume(returning: $0) }
                if !thread.withMachine({ $0.begin(id, operation) }) {
                    return continuation.resume(returning: .failure(.closed))
                }
                // Cancelled before there was anything to cancel.
                if Task.isCancelled { cancel(id) } else { thread.announceWork() }
            }
        } onCancel: {
            cancel(id)
        }
        return try result.get()
    }

    /// Asks the one question, and returns its answer.
    func ask<Value: Sendable>(
        _ what: String, request: @escaping @Sendable () -> any Request,
        read: @escaping @Sendable (Answer) throws(ClientError) -> AdminAnswer<Value>
    ) async throws(ClientError) -> Value {
        let outcomes = try await ask(
            what, [what], target: { _ in .any }, request: { _ in request() },
            read: { answer throws(ClientError) in [what: try read(answer)] })
        guard let outcome = outcomes[what] else { throw .closed }
        return try outcome.get()
    }

    private func cancel(_ id: UInt64) {
        thread.withMachine { $0.cancel(id) }
        thread.announceWork()
    }
}

extension ErrorCode {
    /// Whether another broker, or the same one later, may do what this one has not done: what Kafka's own
    /// admin asks again about.
    var mayBeAskedElsewhere: Bool { self == .notController || self == .throttlingQuotaExceeded }
}
