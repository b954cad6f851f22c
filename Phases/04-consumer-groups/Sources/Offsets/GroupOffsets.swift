import SegmentLog
import WireProtocol

/// How far groups have read: the committed offsets in one partition of `__consumer_offsets`.
///
/// A request changes nothing that a client can see: it gives records, and these are shown once `replay` is told that
/// they are durable. Until then they are known as written, and later requests decide with them: a group that is
/// deleted loses the offset whose commit is on its way, too.
///
///     let (response, records) = offsets.commit(request, at: time, in: image, metadataMaxBytes: 4096)
///     // append the records; once they are durable, in their order:
///     for record in records { _ = try offsets.replay(record) }
///     // and only then answer with the response
///
/// - I4.20: OffsetFetch shows only what is durable; what it has shown or acknowledged, it shows until a later
///   commit, a deletion or an expiry takes its place.
/// - I4.21: offsets become visible in the order of the log. Reading the log again gives what was visible, and what
///   was written behind it.
/// - I4.22: no offset of a deleted topic is shown for a later one of its name.
public struct GroupOffsets: Sendable {
    /// A partition that a group reads.
    struct Place: Hashable, Comparable {
        var topic: String
        var partition: Int32

        static func < (left: Place, right: Place) -> Bool {
            (left.topic, left.partition) < (right.topic, right.partition)
        }
    }

    /// The offsets of one group.
    struct Group {
        /// What is on disk.
        var durable: [Place: OffsetCommitValue] = [:]
        /// What was written last, nil for removed, with how many records of this place are not yet durable.
        var written: [Place: Written] = [:]

        /// See `written`.
        struct Written {
            var value: OffsetCommitValue?
            var count: Int
        }

        /// The offset of a place as the last record has it, durable or not.
        func latest(_ place: Place) -> OffsetCommitValue? {
            if let written = written[place] { return written.value }
            return durable[place]
        }

        /// Those that are wanted, in order.
        func all(
            isLatest: Bool, where isWanted: (Place, OffsetCommitValue) -> Bool = { _, _ in true }
        ) -> [(place: Place, value: OffsetCommitValue)] {
            var found: [(place: Place, value: OffsetCommitValue)] = []
            for (place, value) in durable where !isLatest || written[place] == nil {
                if isWanted(place, value) { found.append((place, value)) }
            }
            for case let (place, value?) in written.mapValues(\.value) where isLatest && isWanted(place, value) {
                found.append((place, value))
            }
            return found.sorted { $0.place < $1.place }
        }
    }

    var byGroup = GroupTable<Group>()

    /// No offsets.
    public init() {}

    /// The groups that have offsets, or had some whose removal is not yet durable; in ascending order.
    public var groups: [String] { byGroup.ids }

    /// Whether a group has offsets by the last that was written, durable or not.
    public func hasOffsets(of group: String) -> Bool {
        guard let group = byGroup[group] else { return false }
        return group.written.values.contains { $0.value != nil }
            || group.durable.keys.contains { group.written[$0] == nil }
    }

    // MARK: The log

    /// Takes in a record that is durable: one that was given to be written, or one of the log that is loaded. In the
    /// log's order. False, and nothing is done, if it is not about an offset.
    public mutating func replay(_ record: GroupRecord) throws(CodingError) -> Bool {
        guard OffsetCommitKey.kinds.contains(try record.kind) else { return false }
        let key = try OffsetCommitKey(decoding: record.key)
        var value: OffsetCommitValue?
        if let bytes = record.value { value = try OffsetCommitValue(decoding: bytes) }
        replay(key, value)
        return true
    }

    /// The same for a key and a value, nil for a tombstone.
    public mutating func replay(_ key: OffsetCommitKey, _ value: OffsetCommitValue?) {
        let place = Place(topic: key.topic, partition: key.partition)
        byGroup[key.group, default: Group()].durable[place] = value
        if let count = byGroup[key.group]?.written[place]?.count {
            if count > 1 {
                byGroup[key.group]?.written[place]?.count = count - 1
            } else {
                byGroup[key.group]?.written[place] = nil
            }
        }
        if let group = byGroup[key.group], group.durable.isEmpty, group.written.isEmpty { byGroup[key.group] = nil }
    }

    /// The record that gives a place this offset, or none; from here on that is the latest.
    mutating func write(
        _ value: OffsetCommitValue?, of group: String, at place: Place
    ) throws(CodingError) -> GroupRecord {
        let record = try record(value, of: group, at: place)
        note(value, of: group, at: place)
        return record
    }

    /// The record that gives a place this offset, or none.
    func record(_ value: OffsetCommitValue?, of group: String, at place: Place) throws(CodingError) -> GroupRecord {
        let key = OffsetCommitKey(group: group, topic: place.topic, partition: place.partition)
        guard let value else { return try GroupRecord(removing: key) }
        return try GroupRecord(key, value)
    }

    /// A record that says so is on its way.
    mutating func note(_ value: OffsetCommitValue?, of group: String, at place: Place) {
        let count = byGroup[group]?.written[place]?.count ?? 0
        byGroup[group, default: Group()].written[place] = Group.Written(value: value, count: count + 1)
    }

    /// The record that removes an offset. The key was encoded before, when the offset was written or read.
    mutating func remove(_ place: Place, of group: String) -> GroupRecord? {
        try? write(nil, of: group, at: place)
    }
}
