import SegmentLog
import WireProtocol

/// Batches on their way to brokers, and what comes back.
extension ProducerMachine {
    // MARK: Sending

    /// Sends every batch that can be sent.
    mutating func drain(at now: Instant, _ effects: inout Effects) {
        var byLeader: [(leader: Int32, places: [Int])] = []
        var isLeaderMissing = false
        let isFull = isMemoryShort
        for place in listed {
            // Where others wait for memory, nobody lingers.
            if queues[place].isIdle, isFull || queues[place].isLingerOver(at: now) { close(place) }
            guard queues[place].isReady(at: now) else { continue }
            let partition = queues[place].partition
            let leader = wire.cluster[partition.topic, partition.partition]?.leader ?? -1
            guard leader >= 0, wire.cluster.brokers[leader] != nil else {
                isLeaderMissing = true
                continue
            }
            if let index = byLeader.firstIndex(where: { $0.leader == leader }) {
                byLeader[index].places.append(place)
            } else {
                byLeader.append((leader, [place]))
            }
        }
        if isLeaderMissing { wire.refresh(at: now, &effects) }
        for (leader, places) in byLeader { send(places, to: leader, at: now, &effects) }
        unlist()
    }

    private mutating func send(_ places: [Int], to leader: Int32, at now: Instant, _ effects: inout Effects) {
        var rest = places[...]
        while !rest.isEmpty, requests[leader, default: 0] < configuration.maxInFlight {
            var taken: [(queue: Int, batch: PartitionQueue.Batch)] = []
            var size = 0
            while let place = rest.first, let next = queues[place].firstSize {
                guard taken.isEmpty || size + next <= configuration.maxRequestBytes else { break }
                rest.removeFirst()
                if let batch = queues[place].take() { taken.append((place, batch)) }
                size += next
            }
            guard !taken.isEmpty else { return }
            let id = wire.send(
                request(taken.map(\.batch)), to: .broker(leader), at: now, isAnswered: configuration.acks != .none,
                &effects)
            inFlight[id] = taken
            destinations[id] = leader
            requests[leader, default: 0] += 1
        }
    }

    private func request(_ batches: [PartitionQueue.Batch]) -> ProduceRequest {
        var request = ProduceRequest()
        request.acks = configuration.acks.rawValue
        request.timeoutMilliseconds = Int32(clamping: configuration.requestTimeoutMilliseconds)
        var topics: [String: Int] = [:]
        for batch in batches {
            let target = batch.outcome.partition
            var partition = ProduceRequest.Partition()
            partition.index = target.partition
            partition.records = .bytes(batch.records.bytes)
            if let index = topics[target.topic] {
                request.topics[index].partitions.append(partition)
            } else {
                topics[target.topic] = request.topics.count
                var topic = ProduceRequest.Topic()
                topic.name = target.topic
                topic.partitions = [partition]
                request.topics.append(topic)
            }
        }
        return request
    }

    /// Forgets the queues that have nothing to do. The first one goes to the end, so that another
    /// partition is the first in the next request.
    private mutating func unlist() {
        for place in listed where queues[place].isEmpty && !queues[place].isInFlight { queues[place].isListed = false }
        listed.removeAll { !queues[$0].isListed }
        if listed.count > 1 { listed.append(listed.removeFirst()) }
    }

    // MARK: Answers

    mutating func takeAnswers(at now: Instant, _ effects: inout Effects) {
        for (id, result) in wire.takeAnswers() {
            guard let batches = inFlight.removeValue(forKey: id) else { continue }
            if let leader = destinations.removeValue(forKey: id) { requests[leader, default: 1] -= 1 }
            let answers: Result<[TopicPartition: ProduceResponse.Partition], ClientError>
            do throws(ClientError) {
                let answer = try result.get()
                answers = .success(configuration.acks == .none ? [:] : try partitions(of: answer))
            } catch {
                answers = .failure(error)
            }
            for (place, batch) in batches {
                queues[place].finished()
                conclude(place, batch, answers, at: now, &effects)
            }
        }
    }

    private func partitions(of answer: Answer) throws(ClientError) -> [TopicPartition: ProduceResponse.Partition] {
        let response = try answer.decoded(as: ProduceResponse.self)
        var found: [TopicPartition: ProduceResponse.Partition] = [:]
        for topic in response.topics {
            for partition in topic.partitions { found[TopicPartition(topic.name, partition.index)] = partition }
        }
        return found
    }

    private mutating func conclude(
        _ place: Int, _ batch: PartitionQueue.Batch,
        _ answers: Result<[TopicPartition: ProduceResponse.Partition], ClientError>,
        at now: Instant, _ effects: inout Effects
    ) {
        let target = batch.outcome.partition
        let failure: ClientError
        switch answers {
        case .failure(let error): failure = error
        case .success where configuration.acks == .none:
            return finish(batch, .success(BatchOutcome.Place(baseOffset: -1, logAppendTime: -1)))
        case .success(let partitions):
            guard let answer = partitions[target] else {
                return finish(batch, .failure(.unreadable(what: "Produce: no answer for \(target)")))
            }
            if answer.errorCode == .none { return finish(batch, acknowledgement(of: batch, answer)) }
            _ = wire.learn(target.topic, target.partition, answer.currentLeader)
            let reason = answer.errorMessage.map { " (\($0))" } ?? ""
            failure = .broker(answer.errorCode, what: "\(target)\(reason)")
        }
        guard failure.isRetriable else { return finish(batch, .failure(failure)) }
        wire.refresh(at: now, &effects)
        let again = now.advanced(byMilliseconds: configuration.retryBackoffMilliseconds)
        guard again < batch.deadline else { return finish(batch, .failure(failure)) }
        queues[place].putBack(batch, until: again)
    }

    /// Where the answer says that a batch is; its last record must have an offset, too.
    private func acknowledgement(
        of batch: PartitionQueue.Batch, _ answer: ProduceResponse.Partition
    ) -> Result<BatchOutcome.Place, ClientError> {
        let recordCount = Int64(batch.records.header.recordCount)
        guard !answer.baseOffset.addingReportingOverflow(recordCount).overflow else {
            return .failure(.unreadable(what: "Produce: \(batch.outcome.partition) has no offset \(answer.baseOffset)"))
        }
        return .success(
            BatchOutcome.Place(baseOffset: answer.baseOffset, logAppendTime: answer.logAppendTimeMilliseconds))
    }

    mutating func finish(_ batch: PartitionQueue.Batch, _ result: Result<BatchOutcome.Place, ClientError>) {
        bufferedBytes -= batch.bufferedBytes
        resumptions.append { batch.outcome.resolve(result) }
    }
}
