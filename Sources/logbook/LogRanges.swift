import LogbookClient

/// Where the logs of partitions begin and end, as far as their leaders say.
struct LogRanges {
    /// The first offset of each.
    private(set) var starts: [TopicPartition: Int64] = [:]
    /// The offset behind the last record that a consumer may see.
    private(set) var ends: [TopicPartition: Int64] = [:]
    /// What could not be looked up, and why.
    private(set) var failures: [String] = []

    /// Asks the leaders of these partitions. One that has none, or is not there, is not asked about.
    init(of partitions: some Sequence<TopicPartition>, _ admin: Admin) async throws {
        let wanted = Set(partitions)
        let topics = try await admin.describeTopics(Set(wanted.map(\.topic)).sorted())
        var led: [TopicPartition] = []
        for (name, outcome) in topics {
            guard case .success(let topic) = outcome else { continue }
            led += topic.partitions.filter { $0.leader != nil }.map { TopicPartition(name, $0.index) }
        }
        led = led.filter(wanted.contains).sorted()
        let first = try await admin.listOffsets(Dictionary(led.map { ($0, .earliest) }) { first, _ in first })
        let last = try await admin.listOffsets(Dictionary(led.map { ($0, .latest) }) { first, _ in first })
        for name in led {
            if let error = first[name]?.error ?? last[name]?.error {
                failures.append(error.text("looking up the offsets of", "\(name)"))
            }
            starts[name] = try? first[name]?.get().offset
            ends[name] = try? last[name]?.get().offset
        }
    }
}
