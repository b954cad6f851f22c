import WireProtocol

extension ClassicGroup {
    /// What is wrong with the group, by the invariant's id, or nil. Costs a look at every member: for tests.
    func checkInvariants() -> String? {
        let all = Array(members.values)
        switch state {
        case .empty where !all.isEmpty: return "I4.1: an empty group has members"
        case .completingRebalance where all.isEmpty, .stable where all.isEmpty:
            return "I4.1: nobody is in the generation"
        default: break
        }
        if !all.isEmpty && members[leaderID ?? ""] == nil { return "I4.1: the leader is not a member" }
        if state == .stable || state == .completingRebalance {
            guard let protocolName else { return "I4.1: a generation without a protocol" }
            guard all.allSatisfy({ $0.protocolNames.contains(protocolName) }) else {
                return "I4.1: a member does not know \(protocolName)"
            }
        }
        if initialRebalance != nil && state != .preparingRebalance {
            return "I4.1: a first rebalance in state \(state.rawValue)"
        }
        return checkWaits(all) ?? checkCounts()
    }

    private func checkWaits(_ all: [ClassicMember]) -> String? {
        for member in all {
            if member.join != nil && state != .preparingRebalance { return "I4.4: \(member.id) waits to join for ever" }
            if member.sync != nil && state != .completingRebalance {
                return "I4.4: \(member.id) waits to sync for ever"
            }
            if member.sessionEnd == nil && !member.isWaiting { return "I4.10: \(member.id) may be silent for ever" }
        }
        if phaseEnd == nil && (state == .preparingRebalance || state == .completingRebalance) {
            return "I4.10: \(state.rawValue) may last for ever"
        }
        let silent = all.filter { !$0.isWaiting || $0.isNew }.compactMap(\.sessionEnd)
        for end in silent + pendingMembers.values + [phaseEnd].compactMap({ $0 })
        where (wake ?? end) > end || wake == nil {
            return "I4.10: nobody is woken by \(end)"
        }
        return nil
    }

    func checkCounts() -> String? {
        let all = Array(members.values)
        if joinedCount != all.count(where: { $0.join != nil }) { return "members that have joined are miscounted" }
        var support: [String: Int] = [:]
        for name in all.flatMap(\.protocolNames) { support[name, default: 0] += 1 }
        if support != supporters { return "protocols are miscounted" }
        if protocolBytes != all.reduce(0, { $0 + $1.protocols.byteCount }) { return "protocols are mismeasured" }
        let instances = all.compactMap { member in member.instanceID.map { ($0, member.id) } }
        if Dictionary(instances, uniquingKeysWith: { first, _ in first }) != staticMembers {
            return "I4.1: an instance is not the member that it is taken for"
        }
        if instances.count != staticMembers.count { return "I4.1: two members are the same instance" }
        if all.contains(where: { pendingMembers[$0.id] != nil }) { return "a member is still to come" }
        if Dictionary(all.map { ($0.number, $0.id) }, uniquingKeysWith: { first, _ in first }) != numbered {
            return "a member has not its place"
        }
        if numbered.count != all.count { return "two members have one place" }
        if numbered.keys.contains(where: { $0 < leastNumber }) { return "a member would never lead" }
        return nil
    }
}
