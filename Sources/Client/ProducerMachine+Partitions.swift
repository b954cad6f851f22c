import WireProtocol

/// Which partition a record goes to.
extension ProducerMachine {
    /// Where a record goes.
    struct Choice: Sendable {
        var partition: Int32
        /// It goes where the topic's records stick together; what it adds counts for moving on.
        var isSticky = false
        /// A batch that had no room for it was closed on the way.
        var hasClosed = false
    }

    /// Where a record of `size` bytes at most goes.
    mutating func choose(for record: ProducerRecord, size: Int, partitionCount: Int) -> Choice {
        let topic = record.topic
        if let named = record.partition { return Choice(partition: named) }
        if let keyed = partitioner.partition(ofKey: record.key, count: partitionCount) {
            return Choice(partition: keyed)
        }
        if partitioner.kind == .roundRobin { return Choice(partition: nextInTurn(topic, partitionCount)) }
        var hasClosed = false
        if let current = partitioner.current(topic), Int(current) < partitionCount {
            let place = place(of: TopicPartition(topic, current))
            if queues[place].hasOpenBatch, queues[place].needsNewBatch(for: size, limit: configuration.batchBytes) {
                close(place)
                hasClosed = true
            }
            if !queues[place].isFull(limit: configuration.batchBytes) || !partitioner.isSatisfied(topic) {
                return Choice(partition: current, isSticky: true, hasClosed: hasClosed)
            }
        }
        let drawn = partitioner.draw(topic, from: candidates(topic, partitionCount))
        return Choice(partition: drawn, isSticky: true, hasClosed: hasClosed)
    }

    /// Partitions without a leader are passed over, as long as there are others.
    private mutating func nextInTurn(_ topic: String, _ partitionCount: Int) -> Int32 {
        let led = (0..<Int32(clamping: partitionCount)).lazy.filter { [wire] in wire.cluster.hasLeader(topic, $0) }
        let ledCount = led.reduce(0) { count, _ in count + 1 }
        let turn = partitioner.turn(of: topic, count: ledCount > 0 ? ledCount : partitionCount)
        return led.dropFirst(turn).first { _ in true } ?? Int32(truncatingIfNeeded: turn)
    }

    /// The partitions that have a leader, or all of them where none has.
    private func candidates(_ topic: String, _ partitionCount: Int) -> [Partitioner.Candidate] {
        var all = (0..<Int32(clamping: partitionCount)).map { Partitioner.Candidate(partition: $0, waiting: 0) }
        // A queue that is not listed has nothing that waits.
        for place in listed where queues[place].partition.topic == topic {
            let index = Int(queues[place].partition.partition)
            if index < all.count { all[index].waiting = queues[place].waitingCount }
        }
        let led = all.filter { wire.cluster.hasLeader(topic, $0.partition) }
        return led.isEmpty ? all : led
    }
}

extension Cluster {
    fileprivate func hasLeader(_ topic: String, _ partition: Int32) -> Bool {
        self[topic, partition].map { $0.leader >= 0 } ?? false
    }
}
