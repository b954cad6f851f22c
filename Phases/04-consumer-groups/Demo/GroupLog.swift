import ConsumerGroups
import SegmentLog
import WireProtocol

/// What the log of a group's partition of `__consumer_offsets` says.
enum GroupLog {
    /// The records of a group, a line each.
    static func lines(_ batches: [RecordBatch], of group: String) throws -> [String] {
        var lines: [String] = []
        for batch in batches {
            var records = batch.records()
            while let record = try records.next() {
                let key = batch.bytes(record.key) ?? Bytes()
                let read = GroupRecord(key: key, value: batch.bytes(record.value))
                if let line = try describe(read, of: group) { lines.append("\(batch.offset(of: record)): \(line)") }
            }
        }
        return lines
    }

    private static func describe(_ record: GroupRecord, of group: String) throws -> String? {
        switch try record.kind {
        case OffsetCommitKey.kind:
            let key = try OffsetCommitKey(decoding: record.key)
            guard key.group == group else { return nil }
            let value = try record.value.map { try OffsetCommitValue(decoding: $0) }
            let offset = value.map { "offset \($0.offset)" } ?? "gone"
            return "kind 1, OffsetCommit   \(key.group), \(key.topic)-\(key.partition): \(offset)"
        case GroupMetadataKey.kind:
            guard try GroupMetadataKey(decoding: record.key).group == group else { return nil }
            let value = try record.value.map { try GroupMetadataValue(decoding: $0) }
            return "kind 2, GroupMetadata  \(group): \(try value.map(describe) ?? "gone")"
        case let kind: return "kind \(kind)"
        }
    }

    /// "generation 3, range  a: 0 1  b: 2 3".
    static func describe(_ value: GroupMetadataValue) throws -> String {
        guard !value.members.isEmpty else { return "generation \(value.generation), nobody" }
        let members = try value.members.map { member in
            // Whoever the leader gave nothing has no bytes at all.
            let assignment =
                member.assignment.count == 0
                ? ConsumerProtocolAssignment() : try ConsumerProtocolAssignment(decoding: member.assignment)
            return "\(member.clientID): \(list(assignment.assignedPartitions.flatMap(\.partitions).sorted()))"
        }
        return "generation \(value.generation), \(members.sorted().joined(separator: "  "))"
    }

    /// The newest generation of a classic group.
    static func newestGeneration(of group: String, at node: RunningNode) throws -> GroupMetadataValue {
        var newest: GroupMetadataValue?
        for batch in try node.groupBatches(of: group) {
            var records = batch.records()
            while let record = try records.next() {
                guard let key = batch.bytes(record.key), let value = batch.bytes(record.value),
                    try GroupRecord(key: key, value: value).kind == GroupMetadataKey.kind,
                    try GroupMetadataKey(decoding: key).group == group
                else { continue }
                newest = try GroupMetadataValue(decoding: value)
            }
        }
        guard let newest else { throw DemoFailure("nothing was written of \(group)") }
        return newest
    }
}

extension RunningNode {
    /// The number of a group's partition of `__consumer_offsets`.
    static func partition(of group: String) -> Int32 {
        OffsetsTopic.partition(of: group, count: settings.offsetsPartitionCount)
    }

    /// What was written of the groups in a group's partition.
    func groupBatches(of group: String) throws -> [RecordBatch] {
        try batches(OffsetsTopic.name, Self.partition(of: group))
    }
}
