import LogbookClient

/// Where `group seek` has a group go on in each partition.
enum SeekTarget: Equatable {
    /// What `--to` says.
    case place(StartOffset)
    /// What `--by` says: so many records on, or back.
    case shift(Int64)

    init(_ arguments: Arguments) throws {
        switch (arguments.value("--to"), arguments.value("--by")) {
        case (let text?, nil): self = .place(try StartOffset(text, of: "--to"))
        case (nil, let text?):
            guard let count = Int64(text) else { throw UsageError("--by takes a number of records, not \(text)") }
            self = .shift(count)
        case (nil, nil): throw UsageError("group seek needs --to or --by")
        case (.some, .some): throw UsageError("--to and --by are two ways to say where to: give one")
        }
    }

    /// The same, with a point in time for an age.
    func at(_ now: Int64) -> SeekTarget {
        if case .place(let place) = self { .place(place.at(now)) } else { self }
    }

    /// The time that has to be looked up for it.
    var timestamp: Int64? {
        if case .place(.position(.timestamp(let time))) = self { time } else { nil }
    }

    /// A partition's new offset, and what there is to say of it.
    ///
    /// As in Kafka's tool it is never outside of the log, and the end where no record has the time.
    ///
    /// - Parameters:
    ///   - current: the group's offset; nil for none.
    ///   - found: the offset that belongs to the timestamp; -1 for none.
    /// - Returns: nil where there is nothing to shift.
    func offset(current: Int64?, log: ClosedRange<Int64>, found: Int64?) -> (offset: Int64, note: String?)? {
        let wanted: Int64
        switch self {
        case .place(.position(.earliest)): return (log.lowerBound, nil)
        case .place(.position(.latest)): return (log.upperBound, nil)
        case .place(.position(.offset(let offset))): wanted = offset
        case .place(.beforeEnd(let count)): wanted = log.upperBound - count
        case .shift(let count):
            guard let current else { return nil }
            let (sum, overflow) = current.addingReportingOverflow(count)
            wanted = overflow ? (count > 0 ? .max : 0) : sum
        case .place:
            guard let found, found >= 0 else { return (log.upperBound, "no record is of that time or later") }
            wanted = found
        }
        if wanted < log.lowerBound { return (log.lowerBound, "\(wanted) is before the log's start") }
        if wanted > log.upperBound { return (log.upperBound, "\(wanted) is behind the log's end") }
        return (wanted, nil)
    }
}

/// What `-t` chooses: a topic, or some of its partitions.
struct TopicChoice: Equatable {
    let topic: String
    /// nil for all of them.
    let partitions: [Int32]?

    init(_ text: String) throws {
        let parts = text.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
        topic = String(parts[0])
        let numbers = parts.count < 2 ? nil : parts[1].split(separator: ",", omittingEmptySubsequences: false)
        partitions = try numbers?.map { number in
            guard let partition = Int32(number), partition >= 0 else { throw Self.complaint(text) }
            return partition
        }
        if topic.isEmpty { throw Self.complaint(text) }
    }

    private static func complaint(_ text: String) -> UsageError {
        UsageError("-t takes TOPIC or TOPIC:PARTITION,..., not \(text)")
    }
}
