import SegmentLog
import WireProtocol

/// An offset that is looked up by time.
struct Lookup: Sendable {
    /// Who wants it.
    enum Owner: Equatable, Sendable {
        /// The position of a partition, by its index and generation.
        case position(Int, UInt64)
        /// The question of this number.
        case question(UInt64)
    }

    var owner: Owner
    var partition: TopicPartition
    var timestamp: Int64
    /// The request that asks for it.
    var call: CallID?
    var retryAt: Instant?

    var isForPosition: Bool { if case .position = owner { true } else { false } }

    /// Whether both fit into one request: none may name a partition twice.
    func goesWith(_ other: Lookup) -> Bool { isForPosition && other.isForPosition || owner == other.owner }
}

/// Something that a task waits to be told.
struct Question: Sendable {
    enum Kind: Sendable {
        case partitionCount(topic: String)
        case position(TopicPartition)
        /// Offsets by time; those still missing are among the lookups.
        case offsets([TopicPartition: OffsetAndTimestamp])
        /// The offsets that the group has committed.
        case committed([TopicPartition])
        /// A commit; retried for as long as the question may take, or not at all.
        case commit([TopicPartition: OffsetAndMetadata]?, isRetried: Bool)
        /// The end of the membership.
        case farewell
    }

    enum Reply: Sendable {
        case partitionCount(Int)
        case position(Int64)
        case offsets([TopicPartition: OffsetAndTimestamp])
        case committed([TopicPartition: OffsetAndMetadata])
        case done
    }

    var id: UInt64
    var kind: Kind
    /// What is being asked, for who asks in vain.
    var what: String
    var timeoutMilliseconds: Int64
    var deadline: Instant?
    var finish: @Sendable (Result<Reply, ClientError>) -> Void
}

extension ConsumerMachine {
    // MARK: Questions

    /// Takes a question. False where the consumer is closed: `finish` will not be called.
    mutating func ask(
        _ id: UInt64, _ kind: Question.Kind, times: [TopicPartition: Int64] = [:], what: String,
        timeoutMilliseconds: Int64? = nil, finish: @escaping @Sendable (Result<Question.Reply, ClientError>) -> Void
    ) -> Bool {
        if isClosed { return false }
        if case .partitionCount(let topic) = kind { follow(topic) }
        for name in times.keys.sorted() {
            follow(name.topic)
            lookups.append(Lookup(owner: .question(id), partition: name, timestamp: times[name] ?? 0))
        }
        switch kind {
        case .committed(let partitions):
            committedOffsets.fetches.append(
                CommittedOffsets.Fetch(owner: .question(id), partitions: partitions.sorted()))
        case .commit(let offsets, let isRetried):
            committedOffsets.commits.append(
                CommittedOffsets.Commit(question: id, offsets: offsets ?? positions, isRetried: isRetried))
        default: break
        }
        let timeout = timeoutMilliseconds ?? configuration.defaultApiTimeoutMilliseconds
        questions.append(Question(id: id, kind: kind, what: what, timeoutMilliseconds: timeout, finish: finish))
        return true
    }

    /// Drops a question, and returns what was to be called; nil where it has been.
    mutating func cancelQuestion(_ id: UInt64) -> (@Sendable (Result<Question.Reply, ClientError>) -> Void)? {
        lookups.removeAll { $0.owner == .question(id) }
        committedOffsets.cancel(id)
        guard let index = questions.firstIndex(where: { $0.id == id }) else { return nil }
        return questions.remove(at: index).finish
    }

    /// Answers what can be answered, and gives up what has waited for too long.
    mutating func answerQuestions(at now: Instant) {
        for index in questions.indices where questions[index].deadline == nil {
            questions[index].deadline = now.advanced(byMilliseconds: questions[index].timeoutMilliseconds)
        }
        for question in questions {
            if let result = answer(to: question) ?? timeout(of: question, at: now) { finish(question.id, result) }
        }
    }

    mutating func finish(_ id: UInt64, _ result: Result<Question.Reply, ClientError>) {
        if let finish = cancelQuestion(id) { resume { finish(result) } }
    }

    private func answer(to question: Question) -> Result<Question.Reply, ClientError>? {
        switch question.kind {
        case .partitionCount(let topic):
            if let count = wire.cluster.partitionCount(of: topic) { return .success(.partitionCount(count)) }
            guard case .unusable(let code)? = wire.cluster.topics[topic], !code.isRetriable else { return nil }
            return .failure(.broker(code, what: topic))
        case .position(let name):
            guard let index = indices[name] else {
                return .failure(.refused("\(name) is not assigned to this consumer"))
            }
            return position(of: index).map { .success(.position($0)) }
        case .offsets(let found):
            return lookups.contains { $0.owner == .question(question.id) } ? nil : .success(.offsets(found))
        case .farewell: return isDoneWithGroup ? .success(.done) : nil
        case .committed, .commit: return nil
        }
    }

    private func timeout(of question: Question, at now: Instant) -> Result<Question.Reply, ClientError>? {
        guard let deadline = question.deadline, deadline <= now else { return nil }
        if case .partitionCount(let topic) = question.kind, case .unusable(let code)? = wire.cluster.topics[topic] {
            return .failure(.broker(code, what: topic))
        }
        return .failure(.timedOut(what: question.what, milliseconds: question.timeoutMilliseconds))
    }

    // MARK: Lookups

    /// Sends what is to be looked up to the leaders: one request for all positions that a leader
    /// knows, and one for each question.
    mutating func sendLookups(at now: Instant, _ effects: inout Effects) {
        var groups: [(leader: Int32, indices: [Int])] = []
        var lacksLeader = false
        failUnusableLookups(at: now)
        for index in lookups.indices where lookups[index].isDue(at: now) {
            guard let leader = leader(of: lookups[index].partition)?.leader else {
                lacksLeader = true
                continue
            }
            let place = groups.firstIndex {
                $0.leader == leader && lookups[$0.indices[0]].goesWith(lookups[index])
            }
            if let place { groups[place].indices.append(index) } else { groups.append((leader, [index])) }
        }
        for (leader, indices) in groups {
            let request = listOffsets(indices.map { lookups[$0] })
            let call = wire.send(request, to: .broker(leader), at: now, &effects)
            for index in indices { lookups[index].call = call }
        }
        if lacksLeader { wire.refresh(at: now, &effects) }
    }

    private mutating func failUnusableLookups(at now: Instant) {
        for lookup in lookups where lookup.isDue(at: now) {
            guard case .unusable(let code)? = wire.cluster.topics[lookup.partition.topic], !code.isRetriable else {
                continue
            }
            fail(lookup, .broker(code, what: "\(lookup.partition)"), at: now)
        }
    }

    private func listOffsets(_ lookups: [Lookup]) -> ListOffsetsRequest {
        var request = ListOffsetsRequest()
        request.replicaID = -1
        request.timeoutMilliseconds = Int32(clamping: configuration.requestTimeoutMilliseconds)
        for lookup in lookups {
            if request.topics.last?.name != lookup.partition.topic {
                var topic = ListOffsetsRequest.Topic()
                topic.name = lookup.partition.topic
                request.topics.append(topic)
            }
            var partition = ListOffsetsRequest.Partition()
            partition.index = lookup.partition.partition
            partition.timestamp = lookup.timestamp
            partition.currentLeaderEpoch = leader(of: lookup.partition)?.leaderEpoch ?? -1
            request.topics[request.topics.count - 1].partitions.append(partition)
        }
        return request
    }

    /// Takes the answer to a request of `sendLookups`; one to a lookup that is gone is passed over.
    mutating func takeLookups(
        _ call: CallID, _ result: Result<Answer, ClientError>, at now: Instant, _ effects: inout Effects
    ) {
        let asked = lookups.filter { $0.call == call }
        guard !asked.isEmpty else { return }
        var answers: [TopicPartition: ListOffsetsResponse.Partition] = [:]
        var failure: ClientError?
        do throws(ClientError) {
            for topic in try result.get().decoded(as: ListOffsetsResponse.self).topics {
                for partition in topic.partitions { answers[TopicPartition(topic.name, partition.index)] = partition }
            }
        } catch {
            failure = error
        }
        for lookup in asked {
            if let failure, !failure.isRetriable {
                fail(lookup, failure, at: now)
            } else if let answer = answers[lookup.partition] {
                take(answer, to: lookup, at: now)
            } else {
                retry(lookup, at: now)
            }
        }
        let isAskedAgain = asked.contains { lookup in lookups.contains { $0.isSame(lookup) } }
        if isAskedAgain { wire.refresh(at: now, &effects) }
    }

    private mutating func take(_ answer: ListOffsetsResponse.Partition, to lookup: Lookup, at now: Instant) {
        switch answer.errorCode {
        case .none: found(answer, lookup, at: now)
        case .topicAuthorizationFailed: fail(lookup, .broker(answer.errorCode, what: "\(lookup.partition)"), at: now)
        // The log is of a time before records had timestamps: there is none of that time.
        case .unsupportedForMessageFormat:
            var none = answer
            none.offset = -1
            found(none, lookup, at: now)
        // As in Kafka: whatever else is wrong may be mended.
        default: retry(lookup, at: now)
        }
    }

    private mutating func found(_ answer: ListOffsetsResponse.Partition, _ lookup: Lookup, at now: Instant) {
        switch lookup.owner {
        case .position(let index, _):
            if answer.offset >= 0 {
                remove(lookup)
                partitions[index].next = .offset(answer.offset)
            } else if lookup.timestamp >= 0 {
                // No record is that late: the next ones will be.
                remove(lookup)
                setNext(index, .lookUp(timestamp: ListOffsetsRequest.latest))
            } else {
                retry(lookup, at: now)
            }
        case .question(let id):
            remove(lookup)
            guard let place = questions.firstIndex(where: { $0.id == id }),
                case .offsets(var found) = questions[place].kind, answer.offset >= 0
            else { return }
            found[lookup.partition] = OffsetAndTimestamp(
                offset: answer.offset, timestamp: answer.timestamp, leaderEpoch: answer.leaderEpoch)
            questions[place].kind = .offsets(found)
        }
    }

    private mutating func retry(_ lookup: Lookup, at now: Instant) {
        for index in lookups.indices where lookups[index].isSame(lookup) {
            lookups[index].call = nil
            lookups[index].retryAt = retryTime(after: now)
        }
    }

    private mutating func fail(_ lookup: Lookup, _ error: ClientError, at now: Instant) {
        remove(lookup)
        switch lookup.owner {
        case .position(let index, _): fail(index, error, resuming: .lookUp(timestamp: lookup.timestamp), at: now)
        case .question(let id): finish(id, .failure(error))
        }
    }

    private mutating func remove(_ lookup: Lookup) { lookups.removeAll { $0.isSame(lookup) } }
}

extension Lookup {
    fileprivate func isDue(at now: Instant) -> Bool { call == nil && retryAt.map { $0 <= now } ?? true }

    fileprivate func isSame(_ other: Lookup) -> Bool {
        owner == other.owner && partition == other.partition
    }
}
