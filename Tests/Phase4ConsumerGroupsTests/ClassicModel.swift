import SegmentLog
import WireProtocol

@testable import ConsumerGroups

/// What follows of a classic group from requests and answers alone: who must be a member, who cannot be one, and what
/// the generations are. It knows nothing of how the group gets there.
struct ClassicModel {
    /// Somebody who was a member once.
    struct Member {
        var instance: String?
        /// The session that it asked for; with the longest that it ever did.
        var session: Int64
        var longestSession: Int64
        /// When the group has certainly heard of it last, and when it may have.
        var heardAtLeast: Int64
        var heardAtMost: Int64
        /// The last generation that it was told of.
        var generation: Int32
        /// Whether it has asked for its assignment there.
        var hasSynced = false
        var isGone = false
        /// How many of its requests wait.
        var waiting = 0
        /// What it said last, by protocol.
        var offer: [String: [UInt8]] = [:]
    }

    /// A generation.
    struct Generation {
        var leader: String
        var protocolName: String?
        /// The SyncGroup that its assignments come from, by a number that the leader puts into them.
        var source: [UInt8]?
        /// Who owns a partition, by the member's first id.
        var owners: [UInt8: String] = [:]
    }

    var members: [String: Member] = [:]
    var generations: [Int32: Generation] = [:]
    /// The ids that restarted static members had before.
    var formerIDs: [String: String] = [:]
    /// The last id that an instance was given.
    var instances: [String: String] = [:]
    /// What is wrong.
    var problems: [String] = []
    /// What was seen, so that a quiet run cannot pass for a hard one.
    var seen: [String: Int] = [:]

    mutating func expect(_ holds: Bool, _ problem: @autoclosure () -> String) {
        if !holds { problems.append(problem()) }
    }

    mutating func note(_ event: String) { seen[event, default: 0] += 1 }

    /// The first id of whoever has this one.
    func origin(of id: String) -> String {
        var id = id
        while let former = formerIDs[id] { id = former }
        return id
    }

    /// Whether nobody with this id can be a member.
    func mustBeGone(_ id: String, in group: ClassicGroup, at now: Int64) -> Bool {
        guard let member = members[id] else { return false }
        if member.isGone { return true }
        if member.instance == nil && member.generation < group.generation { return true }
        return member.waiting == 0 && now >= member.heardAtMost + member.longestSession
    }

    /// Whether somebody with this id must be a member: it is in the generation, and not silent.
    func mustBeMember(_ id: String, in group: ClassicGroup, at now: Int64) -> Bool {
        guard let member = members[id], !member.isGone, member.hasSynced else { return false }
        return member.generation == group.generation && now < member.heardAtLeast + member.session
    }

    /// Looks at the answer of a heartbeat or a commit, which is `fit` where nothing is wrong.
    mutating func check(
        _ error: ErrorCode, fit: ErrorCode, from id: String, _ generation: Int32, instance: String?,
        in group: ClassicGroup, at now: Int64
    ) {
        let what = "\(error) for \(id) in generation \(generation) of \(group.generation), \(group.state.rawValue)"
        let isFenced = instance.map { instances[$0] != nil && instances[$0] != id } ?? false
        let isAccepted = error == fit
        if isAccepted {
            expect(generation == group.generation, "I4.3: \(what)")
            expect(!mustBeGone(id, in: group, at: now), "I4.3: \(what), who must be gone")
            expect(!isFenced, "I4.3: \(what), whose instance is another")
            members[id]?.heardAtMost = now
            if members[id]?.waiting == 0 { members[id]?.heardAtLeast = now }
        } else {
            expect([.unknownMemberID, .illegalGeneration, .fencedInstanceID].contains(error), "I4.3: \(what)")
        }
        if isFenced { expect([.fencedInstanceID, .unknownMemberID].contains(error), "I4.3: \(what), fenced") }
        guard mustBeMember(id, in: group, at: now), !isFenced, instance == nil || members[id]?.instance == instance
        else { return }
        expect(error == (generation == group.generation ? fit : .illegalGeneration), "I4.3: \(what), a member")
    }

    /// A member is told a generation.
    mutating func joined(_ response: JoinGroupResponse, offer: [String: [UInt8]], in group: ClassicGroup) {
        let what = "\(response.memberID) in generation \(response.generationID)"
        expect(response.generationID == group.generation, "I4.1: \(what), which is not \(group.generation)")
        expect(response.generationID >= (generations.keys.max() ?? 0), "I4.1: \(what), which is over")
        expect(offer[response.protocolName ?? ""] != nil, "I4.1: \(what) does not know \(response.protocolName ?? "-")")
        if let known = generations[response.generationID] {
            expect(known.protocolName == response.protocolName, "I4.1: \(what) has another protocol")
            expect(origin(of: known.leader) == origin(of: response.leader), "I4.1: \(what) has another leader")
        } else {
            generations[response.generationID] = Generation(
                leader: response.leader, protocolName: response.protocolName)
            note("generations")
        }
    }

    /// The leader is told everybody.
    mutating func listed(_ response: JoinGroupResponse) {
        guard !response.members.isEmpty else { return }
        let ids = response.members.map(\.memberID)
        expect(
            response.leader == response.memberID, "I4.1: \(response.memberID) is told the members, and does not lead")
        expect(Set(ids).count == ids.count && ids.contains(response.memberID), "I4.1: a list of \(ids)")
        for member in response.members {
            let said = members[member.memberID]?.offer[response.protocolName ?? ""]
            expect(said == member.metadata.array, "I4.1: \(member.memberID) said \(said ?? [])")
            let hasJoined = members[member.memberID]?.generation == response.generationID
            expect(hasJoined || member.groupInstanceID != nil, "I4.1: \(member.memberID) has not joined")
        }
    }

    /// A member is told its assignment: the number of a request of the leader's, and partitions.
    mutating func synced(_ id: String, _ generation: Int32, _ bytes: [UInt8], in group: ClassicGroup) {
        let what = "\(id) is assigned \(bytes) in generation \(generation)"
        expect(generation == group.generation, "I4.2: \(what), which is not \(group.generation)")
        expect(bytes.count >= 4, "I4.2: \(what), by nobody")
        let source = Array(bytes.prefix(4))
        if let known = generations[generation]?.source { expect(known == source, "I4.2: \(what), after \(known)") }
        generations[generation]?.source = source
        for partition in bytes.dropFirst(4) {
            let owner = generations[generation]?.owners[partition] ?? origin(of: id)
            expect(owner == origin(of: id), "I4.2: \(what), but \(partition) is \(owner)'s")
            generations[generation]?.owners[partition] = owner
        }
    }

    /// The coordinator has started again with what this record says: what came after it never was.
    mutating func restarted(from value: GroupMetadataValue, at now: Int64) {
        generations = generations.filter { $0.key <= value.generation }
        for id in members.keys {
            guard let kept = value.members.first(where: { $0.memberID == id }) else {
                members[id]?.isGone = true
                continue
            }
            members[id]?.isGone = false
            members[id]?.waiting = 0
            members[id]?.heardAtLeast = now
            members[id]?.heardAtMost = now
            members[id]?.session = Int64(kept.sessionTimeoutMilliseconds)
            if let generation = members[id]?.generation, generation > value.generation {
                members[id]?.generation = value.generation
                members[id]?.hasSynced = false
            }
            members[id]?.offer = [value.protocolName ?? "": kept.subscription.array]
        }
        instances = instances.filter { instance, _ in value.members.contains { $0.groupInstanceID == instance } }
        for member in value.members {
            if let instance = member.groupInstanceID { instances[instance] = member.memberID }
        }
    }
}
