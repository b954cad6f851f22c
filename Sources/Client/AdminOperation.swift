import WireProtocol

/// Who answers for an item of an operation.
enum AdminTarget: Hashable, Sendable {
    /// Any broker.
    case any
    /// The broker that takes requests for the controller.
    case controller
    /// The broker with this id.
    case broker(Int32)
    /// The leader of the partition.
    case leader(TopicPartition)
    /// The coordinator of the group.
    case coordinator(String)
}

/// What an answer says of one item.
struct AdminAnswer<Value: Sendable>: Sendable {
    var errorCode = ErrorCode.none
    /// The reason in the broker's words.
    var message: String?
    /// What was asked for; not looked at where there is an error.
    var value: Value
}

/// Something that an admin was asked to do, as its machine sees it.
protocol AdminOperation: Sendable {
    /// The topics whose leaders have to be known.
    var topics: [String] { get }
    /// Whether each item has its outcome.
    var isDone: Bool { get }
    /// Nothing is asked before this time.
    var retryAt: Instant? { get }

    /// Asks about every item that is to be asked about, and whose target is known. False where one is not.
    mutating func send(_ wire: inout WireClient, at now: Instant, _ effects: inout Effects) -> Bool
    /// Takes an answer; true where it was for this operation, and something has to be asked again.
    mutating func take(_ call: CallID, _ result: Result<Answer, ClientError>, retryAt: Instant) -> Bool
    /// Gives up what has no outcome.
    mutating func expire(_ wire: WireClient, milliseconds: Int64)
    /// Tells whoever waits.
    func finish(_ error: ClientError?)
}

/// Items that are asked about until each has its outcome: the shape that all of Kafka's requests for
/// administration share.
///
/// Items with the same destination go in one request. One that fails in a way that may mend itself is
/// asked about again without the others, until `default.api.timeout.ms` is over.
struct KeyedOperation<Key: Hashable & Sendable & CustomStringConvertible, Value: Sendable>: AdminOperation {
    /// What is being done, for who waits in vain.
    let what: String
    private let targets: [Key: AdminTarget]
    private let request: @Sendable ([Key]) -> any Request
    private let read: @Sendable (Answer) throws(ClientError) -> [Key: AdminAnswer<Value>]
    private let isRetried: @Sendable (ErrorCode) -> Bool
    private let whenDone: @Sendable (Result<[Key: Result<Value, ClientError>], ClientError>) -> Void
    private var waiting: [Key]
    private var asked: [(call: CallID, keys: [Key])] = []
    private var outcomes: [Key: Result<Value, ClientError>] = [:]
    /// Why an item is asked about again.
    private var failures: [Key: ClientError] = [:]
    /// Who coordinates the groups that are asked about.
    private var coordinators: [String: GroupCoordinator] = [:]
    private(set) var retryAt: Instant?

    /// - Parameters:
    ///   - request: asks about some items.
    ///   - read: what an answer says of each.
    ///   - isRetried: which errors of an item are worth another try.
    init(
        _ what: String, _ keys: [Key], target: (Key) -> AdminTarget,
        request: @escaping @Sendable ([Key]) -> any Request,
        read: @escaping @Sendable (Answer) throws(ClientError) -> [Key: AdminAnswer<Value>],
        isRetried: @escaping @Sendable (ErrorCode) -> Bool,
        whenDone: @escaping @Sendable (Result<[Key: Result<Value, ClientError>], ClientError>) -> Void
    ) {
        self.what = what
        waiting = keys
        targets = Dictionary(keys.map { ($0, target($0)) }) { first, _ in first }
        self.request = request
        self.read = read
        self.isRetried = isRetried
        self.whenDone = whenDone
        for case .coordinator(let group) in targets.values { coordinators[group] = GroupCoordinator(of: group) }
    }

    var isDone: Bool { waiting.isEmpty && asked.isEmpty }

    var topics: [String] {
        targets.values.compactMap { if case .leader(let partition) = $0 { partition.topic } else { nil } }
    }

    mutating func send(_ wire: inout WireClient, at now: Instant, _ effects: inout Effects) -> Bool {
        if let retryAt, retryAt > now { return true }
        retryAt = nil
        var groups: [(destination: WireClient.Destination, keys: [Key])] = []
        var unknown: [Key] = []
        var lacksMetadata = false
        for key in waiting {
            let found: WireClient.Destination?
            if case .coordinator(let group)? = targets[key] {
                found = coordinators[group]?.destination(&wire, at: now, &effects)
            } else {
                found = destination(of: key, wire.cluster)
                if found == nil { lacksMetadata = true }
            }
            guard let destination = found else {
                unknown.append(key)
                continue
            }
            if let index = groups.firstIndex(where: { $0.destination == destination }) {
                groups[index].keys.append(key)
            } else {
                groups.append((destination, [key]))
            }
        }
        waiting = unknown
        for (destination, keys) in groups {
            asked.append((wire.send(request(keys), to: destination, at: now, &effects), keys))
        }
        return !lacksMetadata
    }

    private func destination(of key: Key, _ cluster: Cluster) -> WireClient.Destination? {
        func known(_ id: Int32?) -> WireClient.Destination? {
            id.flatMap { cluster.brokers[$0] == nil ? nil : .broker($0) }
        }
        switch targets[key] ?? .any {
        case .any: return .any
        case .controller: return known(cluster.controllerID)
        case .broker(let id): return known(id)
        case .leader(let partition): return known(cluster[partition.topic, partition.partition]?.leader)
        case .coordinator: return nil
        }
    }

    mutating func take(_ call: CallID, _ result: Result<Answer, ClientError>, retryAt: Instant) -> Bool {
        if takeCoordinator(call, result, retryAt: retryAt) { return false }
        guard let index = asked.firstIndex(where: { $0.call == call }) else { return false }
        let keys = asked.remove(at: index).keys
        let before = waiting.count
        do throws(ClientError) {
            let answers = try read(try result.get())
            for key in keys { take(answers[key], of: key) }
        } catch {
            for key in keys { fail(key, error, isRetried: error.isRetriable) }
        }
        if waiting.count > before { self.retryAt = retryAt }
        return waiting.count > before
    }

    /// Whether it was an answer to FindCoordinator; where that says no for good, nothing can be asked of the group.
    private mutating func takeCoordinator(
        _ call: CallID, _ result: Result<Answer, ClientError>, retryAt: Instant
    ) -> Bool {
        for key in waiting {
            guard case .coordinator(let group)? = targets[key] else { continue }
            do throws(ClientError) {
                guard try coordinators[group]?.take(call, result, retryAt: retryAt) ?? false else { continue }
                if coordinators[group]?.node == nil { self.retryAt = retryAt }
            } catch {
                waiting.removeAll { $0 == key }
                outcomes[key] = .failure(error)
            }
            return true
        }
        return false
    }

    private mutating func take(_ answer: AdminAnswer<Value>?, of key: Key) {
        guard let answer else {
            return fail(key, .unreadable(what: "\(what): no answer for \(key)"), isRetried: false)
        }
        guard answer.errorCode != .none else { return outcomes[key] = .success(answer.value) }
        let reason = answer.message.map { " (\($0))" } ?? ""
        fail(key, .broker(answer.errorCode, what: "\(key)\(reason)"), isRetried: isRetried(answer.errorCode))
    }

    private mutating func fail(_ key: Key, _ error: ClientError, isRetried: Bool) {
        guard isRetried else { return outcomes[key] = .failure(error) }
        failures[key] = error
        waiting.append(key)
        if case .coordinator(let group)? = targets[key] { coordinators[group]?.forget() }
    }

    mutating func expire(_ wire: WireClient, milliseconds: Int64) {
        for key in waiting + asked.flatMap(\.keys) {
            outcomes[key] = .failure(
                failures[key] ?? reason(key, wire) ?? .timedOut(what: what, milliseconds: milliseconds))
        }
        waiting = []
        asked = []
    }

    /// Why an item could not be asked about.
    private func reason(_ key: Key, _ wire: WireClient) -> ClientError? {
        if case .coordinator(let group)? = targets[key], let failure = coordinators[group]?.failure { return failure }
        guard case .leader(let partition)? = targets[key], let topic = wire.cluster.topics[partition.topic] else {
            return wire.metadataFailure
        }
        switch topic {
        case .unusable(let code): return .broker(code, what: "\(partition)")
        case .partitions(let list):
            let isThere = partition.partition >= 0 && Int(partition.partition) < list.count
            return .broker(isThere ? .leaderNotAvailable : .unknownTopicOrPartition, what: "\(partition)")
        }
    }

    func finish(_ error: ClientError?) { whenDone(error.map { .failure($0) } ?? .success(outcomes)) }
}
