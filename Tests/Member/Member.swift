import LogbookClient
import SegmentLog

/// Reads, logs what it read, and commits that.
final class Member: RebalanceListener {
    private static let commitMilliseconds = 300

    /// How far a partition is that it has.
    private struct Progress {
        /// The offset behind the last record that was logged as processed.
        var end: Int64
        /// The highest offset that the coordinator has acknowledged.
        var acknowledged: Int64 = -1
    }

    private let log: MemberLog
    private let progress = Lock([TopicPartition: Progress]())

    init(log: MemberLog) { self.log = log }

    func read(_ consumer: Consumer, until isStopping: @Sendable () -> Bool) async {
        let clock = ContinuousClock()
        var commitAt = clock.now
        while !isStopping() {
            do throws(ClientError) {
                process(try await consumer.poll(maxRecords: 500, timeout: .milliseconds(100)), of: consumer)
                guard clock.now >= commitAt else { continue }
                commitAt = clock.now.advanced(by: .milliseconds(Self.commitMilliseconds))
                try commitInPassing(consumer)
            } catch {
                log.refused("\(error)")
                try? await Task.sleep(for: .milliseconds(100))
            }
        }
    }

    private func process(_ records: [ConsumerRecord], of consumer: Consumer) {
        if records.isEmpty { return }
        var runs: [(partition: Int32, first: Int64, last: Int64)] = []
        var places: [Int32: Int] = [:]
        for record in records {
            let (partition, offset) = (record.topicPartition.partition, record.offset)
            if record.value?.text != "\(offset)" {
                log.wrong("\(record.topicPartition) has \(record.value?.text ?? "null") at offset \(offset)")
            }
            if let place = places[partition], runs[place].last + 1 == offset {
                runs[place].last = offset
            } else {
                places[partition] = runs.count
                runs.append((partition, offset, offset))
            }
        }
        log.processed(runs, generation: generation(consumer))
        progress.withLock { progress in
            for record in records {
                progress[record.topicPartition, default: Progress(end: 0)].end = record.offset + 1
            }
        }
    }

    // MARK: Commits

    /// What was processed of these partitions and is not known to be committed.
    private func uncommitted(of partitions: [TopicPartition]? = nil) -> [TopicPartition: OffsetAndMetadata] {
        progress.withLock { progress in
            var found: [TopicPartition: OffsetAndMetadata] = [:]
            for (name, state) in progress where state.end > state.acknowledged {
                if partitions?.contains(name) ?? true { found[name] = OffsetAndMetadata(state.end) }
            }
            return found
        }
    }

    private func acknowledged(_ offsets: [TopicPartition: OffsetAndMetadata], sent: Double) {
        log.committed(offsets, sent: sent)
        progress.withLock { progress in
            for (name, offset) in offsets { progress[name]?.acknowledged = offset.offset }
        }
    }

    private func commitInPassing(_ consumer: Consumer) throws(ClientError) {
        let offsets = uncommitted()
        if offsets.isEmpty { return }
        let sent = MemberLog.now()
        try consumer.commitAsync(offsets) { [self] result in
            switch result {
            case .success: acknowledged(offsets, sent: sent)
            case .failure(let error): log.refused("\(error)")
            }
        }
    }

    // MARK: Rebalances

    func partitionsAssigned(_ partitions: [TopicPartition], to consumer: Consumer) async {
        log.changed("assigned", partitions, generation: generation(consumer))
    }

    func partitionsRevoked(_ partitions: [TopicPartition], from consumer: Consumer) async {
        log.changed("revoked", partitions, generation: generation(consumer))
        let going = uncommitted(of: partitions)
        do throws(ClientError) {
            if !going.isEmpty {
                let sent = MemberLog.now()
                try await consumer.commit(going)
                acknowledged(going, sent: sent)
            }
        } catch {
            log.refused("\(error)")
        }
        forget(partitions)
    }

    func partitionsLost(_ partitions: [TopicPartition], from consumer: Consumer) async {
        log.changed("lost", partitions, generation: generation(consumer))
        forget(partitions)
    }

    private func forget(_ partitions: [TopicPartition]) {
        progress.withLock { progress in for name in partitions { progress[name] = nil } }
    }

    private func generation(_ consumer: Consumer) -> Int32 { (try? consumer.groupMetadata().generationID) ?? -1 }
}
