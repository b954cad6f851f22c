import SegmentLog
import WireProtocol

/// A fetch on its way to a broker.
struct FetchInFlight: Sendable {
    /// A partition of it.
    struct Asked: Sendable {
        var index: Int
        var generation: UInt64
        var offset: Int64

        /// The same of a partition whose index has changed; nil where it is no longer read.
        func moved(to index: Int?) -> Asked? {
            index.map { Asked(index: $0, generation: generation, offset: offset) }
        }
    }

    var call: CallID
    var broker: Int32
    var asked: [TopicPartition: Asked]
    /// The topics by their ids, which stand for the names from version 13 on (KIP-516).
    var names: [Uuid: String]
}

extension ConsumerMachine {
    /// The first version that names topics by their ids only.
    private static let firstVersionByID: Int16 = 13

    private var fetchedBytes: Int {
        partitions.reduce(0) { $1.isPaused ? $0 : $0 + $1.bufferedBytes }
    }

    /// Whether there is room for more. Where a broker is asked at all it is asked for all of its
    /// partitions: an answer may wait for `fetch.max.wait.ms`, and who is left out waits with it.
    var mayFetchAhead: Bool { fetchedBytes < max(1, configuration.fetchAheadBytes) }

    // MARK: Asking

    /// Asks every broker that has no fetch in flight for all of its partitions that can be fetched.
    mutating func sendFetches(at now: Instant, _ effects: inout Effects) {
        guard mayFetchAhead else { return }
        var byBroker: [(broker: Int32, indices: [Int])] = []
        var lacksLeader = false
        for index in partitions.indices.sorted(by: { partitions[$0].turn < partitions[$1].turn }) {
            let partition = partitions[index]
            guard partition.isReadable, partition.mayAsk(at: now), case .offset = partition.next else { continue }
            guard let leader = leader(of: partition.name)?.leader else {
                lacksLeader = true
                failUnusable(index, at: now)
                continue
            }
            if fetches.contains(where: { $0.broker == leader }) { continue }
            if let place = byBroker.firstIndex(where: { $0.broker == leader }) {
                byBroker[place].indices.append(index)
            } else {
                byBroker.append((leader, [index]))
            }
        }
        for (broker, indices) in byBroker { fetch(indices, from: broker, at: now, &effects) }
        if lacksLeader { wire.refresh(at: now, &effects) }
    }

    private mutating func fetch(_ indices: [Int], from broker: Int32, at now: Instant, _ effects: inout Effects) {
        let room = Int32(clamping: configuration.fetchAheadBytes - fetchedBytes)
        var request = FetchRequest()
        request.maxWaitMilliseconds = configuration.fetchMaxWaitMilliseconds
        request.minBytes = configuration.fetchMinBytes
        request.maxBytes = min(configuration.fetchMaxBytes, max(room, configuration.maxPartitionFetchBytes))
        var asked: [TopicPartition: FetchInFlight.Asked] = [:]
        var names: [Uuid: String] = [:]
        var maxVersion = Int16.max
        for index in indices {
            let name = partitions[index].name
            guard case .offset(let offset) = partitions[index].next else { continue }
            asked[name] = FetchInFlight.Asked(index: index, generation: partitions[index].generation, offset: offset)
            if request.topics.last?.name != name.topic {
                var topic = FetchRequest.Topic()
                topic.name = name.topic
                topic.topicID = wire.cluster.topicIDs[name.topic] ?? .zero
                names[topic.topicID] = name.topic
                if topic.topicID == .zero { maxVersion = Self.firstVersionByID - 1 }
                request.topics.append(topic)
            }
            var partition = FetchRequest.Partition()
            partition.index = name.partition
            partition.currentLeaderEpoch = leader(of: name)?.leaderEpoch ?? -1
            partition.fetchOffset = offset
            partition.maxBytes = configuration.maxPartitionFetchBytes
            request.topics[request.topics.count - 1].partitions.append(partition)
        }
        let call = wire.send(request, to: .broker(broker), at: now, maxVersion: maxVersion, &effects)
        fetches.append(FetchInFlight(call: call, broker: broker, asked: asked, names: names))
    }

    /// Tells the reader where a topic cannot be used at all.
    private mutating func failUnusable(_ index: Int, at now: Instant) {
        let name = partitions[index].name
        guard case .unusable(let code)? = wire.cluster.topics[name.topic], !code.isRetriable else { return }
        fail(index, .broker(code, what: "\(name)"), resuming: partitions[index].next, at: now)
    }

    // MARK: Answers

    mutating func takeFetch(
        _ fetch: FetchInFlight, _ result: Result<Answer, ClientError>, at now: Instant, _ effects: inout Effects
    ) {
        var unanswered = fetch.asked
        do throws(ClientError) {
            let answer = try result.get()
            let response = try answer.decoded(as: FetchResponse.self)
            guard response.errorCode == .none else {
                throw .broker(response.errorCode, what: "Fetch from broker \(fetch.broker)")
            }
            for topic in response.topics {
                let isNamedByID = answer.version >= Self.firstVersionByID
                guard let name = isNamedByID ? fetch.names[topic.topicID] : topic.name else { continue }
                for partition in topic.partitions {
                    let key = TopicPartition(name, partition.index)
                    // An answer to what was not asked, or was asked before a seek, is no answer.
                    guard let asked = unanswered.removeValue(forKey: key), isCurrent(asked.index, asked.generation),
                        partitions[asked.index].next == .offset(asked.offset)
                    else { continue }
                    take(partition, at: asked.offset, asked.index, now, &effects)
                }
            }
        } catch {
            failed(fetch, error, at: now, &effects)
        }
        for asked in unanswered.values where isCurrent(asked.index, asked.generation) {
            partitions[asked.index].retryAt = retryTime(after: now)
        }
    }

    /// A whole fetch has failed. What no retry mends is told once.
    private mutating func failed(
        _ fetch: FetchInFlight, _ error: ClientError, at now: Instant, _ effects: inout Effects
    ) {
        wire.refresh(at: now, &effects)
        if error.isRetriable { return }
        let current = fetch.asked.values.filter {
            isCurrent($0.index, $0.generation) && partitions[$0.index].next == .offset($0.offset)
        }
        guard let first = current.min(by: { $0.index < $1.index }) else { return }
        fail(first.index, error, resuming: .offset(first.offset), at: now)
    }

    private mutating func take(
        _ answer: FetchResponse.Partition, at offset: Int64, _ index: Int, _ now: Instant, _ effects: inout Effects
    ) {
        let name = partitions[index].name
        switch answer.errorCode {
        case .none:
            if case .bytes(let bytes)? = answer.records, bytes.count > 0 { take(bytes, at: offset, index, now) }
            return
        case .offsetOutOfRange: leaveRange(index, offset, at: now)
        // KIP-320: the broker has not heard of its epoch yet; it will.
        case .unknownLeaderEpoch, .unknownServerError: partitions[index].retryAt = retryTime(after: now)
        case let code where code.isRetriable && code != .corruptMessage:
            // KIP-951: the broker may know who leads now; then there is nothing to wait for.
            if !wire.learn(name.topic, name.partition, answer.currentLeader) {
                partitions[index].retryAt = retryTime(after: now)
            }
            wire.refresh(at: now, &effects)
        case let code:
            fail(index, .broker(code, what: "\(name) at offset \(offset)"), resuming: .offset(offset), at: now)
        }
        partitions[index].turn = number()
    }

    /// Keeps the whole batches of an answer for the reader; the last one may have been cut short.
    private mutating func take(_ bytes: Bytes, at offset: Int64, _ index: Int, _ now: Instant) {
        let name = partitions[index].name
        let (end, next, damage) = Self.wholeBatches(in: bytes, from: offset)
        if next > offset {
            let records = FetchedRecords(
                of: name, in: bytes.slice(0..<end), from: offset, checksCRCs: configuration.checksCRCs)
            buffered.append(Buffered(index: index, content: .records(records), byteCount: end))
            partitions[index].bufferedBytes += end
            partitions[index].next = .offset(next)
            partitions[index].turn = number()
        }
        if let damage {
            fail(index, .unreadable(what: "\(name) at offset \(next): \(damage)"), resuming: .offset(next), at: now)
        } else if next == offset {
            // From version 3 on a broker sends the first batch whole, whatever its size (KIP-74).
            let what = "\(name) at offset \(offset): there are \(bytes.count) bytes, but no whole batch"
            fail(index, .unreadable(what: what), resuming: .offset(offset), at: now)
        }
    }

    /// Where the whole batches at the beginning of `bytes` end, the offset behind them, and what is
    /// wrong with the header behind those.
    private static func wholeBatches(in bytes: Bytes, from offset: Int64) -> (end: Int, next: Int64, BatchError?) {
        var (end, next) = (0, offset)
        while bytes.count - end >= RecordBatchHeader.byteCount {
            do throws(BatchError) {
                let header = try RecordBatchHeader(parsing: bytes.dropFirst(end))
                guard header.byteCount <= bytes.count - end else { break }
                end += header.byteCount
                next = max(next, header.nextOffset.value)
            } catch {
                return (end, next, error)
            }
        }
        return (end, next, nil)
    }

    /// The offset is below the log's first one, or above its end.
    private mutating func leaveRange(_ index: Int, _ offset: Int64, at now: Instant) {
        let what = "\(partitions[index].name) at offset \(offset)"
        reset(index, orFail: .broker(.offsetOutOfRange, what: what), resuming: .offset(offset), at: now)
    }

    /// `auto.offset.reset`.
    mutating func reset(
        _ index: Int, orFail error: ClientError, resuming next: AssignedPartition.Next, at now: Instant
    ) {
        switch configuration.autoOffsetReset {
        case .earliest: setNext(index, .lookUp(timestamp: ListOffsetsRequest.earliest))
        case .latest: setNext(index, .lookUp(timestamp: ListOffsetsRequest.latest))
        case .none: fail(index, error, resuming: next, at: now)
        }
    }
}
