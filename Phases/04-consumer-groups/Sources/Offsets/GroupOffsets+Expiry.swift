import WireProtocol

/// From when on a group's offsets count as unused (KIP-211).
public enum OffsetExpiry: Sendable {
    /// Not at all: there are members, and what they read is not settled or not known.
    case never
    /// From each one's commit, but for the topics that a member reads: a group whose members' subscriptions are known,
    /// and one without members or protocol, of clients that only commit.
    case sinceCommit(subscribedTopics: Set<String>)
    /// From the time, in milliseconds since 1970, at which a classic group lost its last member.
    case since(Int64)
}

extension GroupOffsets {
    /// The records that remove the offsets of a group which nobody has used for `retention` milliseconds, or whose own
    /// time of expiry has come, in the order of topics and partitions. Where `hasOffsets` is false then, an empty
    /// group has nothing left.
    ///
    /// - Parameter time: in milliseconds since 1970.
    public mutating func expire(
        _ group: String, _ expiry: OffsetExpiry, at time: Int64, retention: Int64
    ) -> [GroupRecord] {
        removeAll(of: group) { place, value in
            let base: Int64
            switch expiry {
            case .never: return false
            case .sinceCommit(let subscribed):
                if subscribed.contains(place.topic) { return false }
                base = value.commitTimestamp
            case .since(let start): base = start
            }
            if value.expireTimestamp != -1 { return time >= value.expireTimestamp }
            let (age, overflow) = time.subtractingReportingOverflow(base)
            return overflow ? base < 0 : age >= retention
        }
    }

    /// The records that remove all offsets of a group which is deleted.
    public mutating func deleteAll(of group: String) -> [GroupRecord] { removeAll(of: group) { _, _ in true } }

    /// The records that remove all groups' offsets of topics that were deleted, by the topics' ids: for offsets that
    /// were read from the log of a broker that was killed before it could write them.
    public mutating func deleteAll(ofTopics wasRemoved: (Uuid) -> Bool) -> [GroupRecord] {
        groups.flatMap { removeAll(of: $0) { _, value in value.topicID != .zero && wasRemoved(value.topicID) } }
    }

    /// The records that remove the offsets of topics that were deleted, by their names, of all groups.
    public mutating func deleteAll(ofTopics topics: [String: Uuid]) -> [GroupRecord] {
        groups.flatMap { group in
            removeAll(of: group) { place, value in
                guard let id = topics[place.topic] else { return false }
                return value.topicID == .zero || value.topicID == id
            }
        }
    }

    private mutating func removeAll(
        of group: String, where isGone: (Place, OffsetCommitValue) -> Bool
    ) -> [GroupRecord] {
        let gone = byGroup[group]?.all(isLatest: true, where: isGone) ?? []
        return gone.compactMap { remove($0.place, of: group) }
    }
}
