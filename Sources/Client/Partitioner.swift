import SegmentLog

/// Chooses the partition of a record that names none, as `ProducerConfiguration.Partitioner` says.
///
/// Records that stick together stay with one partition until `batch.size` bytes have gone there, and
/// then move on at the end of a batch: few full batches instead of many small ones (KIP-480), and the
/// same bytes for every partition, however fast its broker is (KIP-794). The next partition is drawn
/// by chance, one with fewer batches waiting being likelier (`partitioner.adaptive.partitioning.enable`;
/// `partitioner.availability.timeout.ms` is 0, as in Kafka).
struct Partitioner: Sendable {
    /// A partition that may be chosen, and how many of its batches wait to be sent.
    struct Candidate: Sendable {
        var partition: Int32
        var waiting: Int
    }

    /// Where a topic's records go for the moment.
    private struct Sticky: Sendable {
        var partition: Int32
        var producedBytes = 0
    }

    let kind: ProducerConfiguration.Partitioner
    private let batchBytes: Int
    private var random: SplitMix64
    private var sticky: [String: Sticky] = [:]
    private var turns: [String: Int] = [:]

    init(_ kind: ProducerConfiguration.Partitioner, batchBytes: Int, seed: UInt64) {
        self.kind = kind
        self.batchBytes = batchBytes
        random = SplitMix64(seed: seed)
    }

    /// The partition, of `count`, that always gets this key; nil where the key does not decide.
    func partition(ofKey key: Bytes?, count: Int) -> Int32? {
        guard kind == .murmur2Random, let key else { return nil }
        return Int32(truncatingIfNeeded: Int(murmur2(key) & 0x7FFF_FFFF) % count)
    }

    /// Which of `count` partitions is next in the topic's round.
    mutating func turn(of topic: String, count: Int) -> Int {
        let turn = turns[topic, default: 0]
        turns[topic] = turn &+ 1
        return Int(UInt(bitPattern: turn) % UInt(count))
    }

    /// Where the topic's records go for the moment; nil where that is to be drawn.
    func current(_ topic: String) -> Int32? { sticky[topic]?.partition }

    /// Whether the topic's records have to move on, where the current partition's batches are all full.
    func isSatisfied(_ topic: String) -> Bool { sticky[topic].map { $0.producedBytes >= batchBytes } ?? true }

    /// Draws where the topic's records go from now on; the more batches wait, the less likely.
    mutating func draw(_ topic: String, from candidates: [Candidate]) -> Int32 {
        let most = candidates.reduce(0) { max($0, $1.waiting) }
        var left = random.below(candidates.reduce(0) { $0 + most + 1 - $1.waiting })
        let chosen = candidates.first { candidate in
            left -= most + 1 - candidate.waiting
            return left < 0
        }
        let partition = chosen?.partition ?? 0
        sticky[topic] = Sticky(partition: partition)
        return partition
    }

    /// The current partition got a record of so many bytes, and its batch may be full by that.
    mutating func produced(_ byteCount: Int, to topic: String, isBatchFull: Bool) {
        guard var current = sticky[topic] else { return }
        current.producedBytes += byteCount
        // Twice the size ends what a batch that never fills would go on with for ever.
        let limit = isBatchFull ? batchBytes : 2 * batchBytes
        sticky[topic] = current.producedBytes < limit ? current : nil
    }
}

/// Austin Appleby's MurmurHash2 with the seed that Kafka uses.
package func murmur2(_ bytes: Bytes) -> UInt32 {
    let multiplier: UInt32 = 0x5BD1_E995
    var hash = 0x9747_B28C ^ UInt32(truncatingIfNeeded: bytes.count)
    let whole = bytes.count & ~3
    for start in stride(from: 0, to: whole, by: 4) {
        // Little-endian, on every machine.
        var word = (0..<4).reduce(UInt32(0)) { $0 | UInt32(bytes[start + $1]) << UInt32(8 * $1) }
        word &*= multiplier
        word ^= word >> 24
        word &*= multiplier
        hash = (hash &* multiplier) ^ word
    }
    if whole < bytes.count {
        for index in whole..<bytes.count { hash ^= UInt32(bytes[index]) << UInt32(8 * (index - whole)) }
        hash &*= multiplier
    }
    hash ^= hash >> 13
    hash &*= multiplier
    return hash ^ (hash >> 15)
}
