import SegmentLog

/// Chooses the partition of a record that names none.
///
/// A key always goes to the same partition, the one that Kafka's own client and librdkafka's
/// `murmur2_random` choose. Records without a key stay with one partition until its batch is closed,
/// and then move to another (KIP-480): few full batches instead of many small ones.
struct Partitioner: Sendable {
    private var random: SplitMix64
    /// Where a topic's records without a key go for the moment.
    private var sticky: [String: Int32] = [:]

    init(seed: UInt64) { random = SplitMix64(seed: seed) }

    /// The partition, of `count`, for a record with this key.
    mutating func partition(of topic: String, key: Bytes?, count: Int) -> Int32 {
        if let key { return Int32(truncatingIfNeeded: Int(murmur2(key) & 0x7FFF_FFFF) % count) }
        if let chosen = sticky[topic], chosen < count { return chosen }
        let chosen = Int32(truncatingIfNeeded: random.below(count))
        sticky[topic] = chosen
        return chosen
    }

    /// A batch of a partition takes no more records.
    mutating func closed(_ partition: TopicPartition) {
        if sticky[partition.topic] == partition.partition { sticky[partition.topic] = nil }
    }
}

/// Austin Appleby's MurmurHash2 with the seed that Kafka uses.
func murmur2(_ bytes: Bytes) -> UInt32 {
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
