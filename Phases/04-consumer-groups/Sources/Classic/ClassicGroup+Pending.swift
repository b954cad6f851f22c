import SegmentLog
import WireProtocol

// Ids that were given to members to come (KIP-394), who have not come yet.
extension ClassicGroup {
    /// The most ids that are good at a time (ADR-0401): an id is void once as many have been given after it.
    static let maxPendingMembers = 10_000

    /// Gives an id to a member to come, which is good for the session that it asked for.
    ///
    /// It is good until the end of a second of the clock, so that a group is woken for all of them once in a second.
    mutating func expect(
        _ memberID: String, withinMilliseconds session: Int64, at now: Instant, _ actions: inout GroupActions
    ) {
        // Not the one that ends first: beside ids for half an hour that would be whichever an honest client was given.
        if givenIDs.count < Self.maxPendingMembers {
            givenIDs.append(memberID)
        } else {
            pendingMembers[givenIDs[oldestGivenID]] = nil
            givenIDs[oldestGivenID] = memberID
            oldestGivenID = (oldestGivenID + 1) % Self.maxPendingMembers
        }
        let end = now.advanced(byMilliseconds: session).endOfSecond
        pendingMembers[memberID] = end
        askToBeWoken(at: end, &actions)
    }
}

extension Instant {
    /// The next whole second of the clock, which is this one where it is whole.
    fileprivate var endOfSecond: Instant {
        let rest = nanoseconds % 1_000_000_000
        return rest > 0 ? Instant(nanoseconds: nanoseconds - rest).advanced(byMilliseconds: 1_000) : self
    }
}
