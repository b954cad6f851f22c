import SegmentLog
import WireProtocol

@testable import ConsumerGroups

/// Clients of one classic group, by a seed: they join, sync, beat, commit, leave, restart, say things twice, say old
/// things, and fall silent, while time passes and the coordinator now and then starts again.
final class ClassicWorld {
    /// One client, as far as it knows.
    private struct Client {
        var instance: String?
        var version: Int16
        var session: Int32
        var offer: [String: [UInt8]] = [:]
        var names: [String] = []
        var id = ""
        var generation: Int32 = -1
        var hasSynced = false
        /// Whom it is to assign to, where it leads.
        var list: [String] = []
        var waitsFor: UInt64?
    }

    /// A request that has no answer yet.
    private struct Waiting {
        var client: Int
        var isJoin: Bool
        var id: String
        var generation: Int32 = -1
        var since: Int64
        var instance: String?
        var session: Int32 = 0
        var offer: [String: [UInt8]] = [:]
        /// Whether it was there before the step.
        var isParked = false
    }

    /// What somebody was once told, for requests that come late.
    private struct Credential {
        var id: String
        var generation: Int32
        var instance: String?
        var list: [String]
    }

    let talk = ClassicTalk { $0.maxSize = 5 }
    var model = ClassicModel()
    private var random: SplitMix64
    private var clients: [Client] = []
    private var waiting: [UInt64: Waiting] = [:]
    private var credentials: [Credential] = []
    private var lastGeneration: Int32 = 0
    private var partitions: UInt8 = 6
    private static let rebalanceTimeout: Int64 = 9_000

    init(seed: UInt64) {
        random = SplitMix64(seed: seed)
        talk.random = SplitMix64(seed: seed &+ 1)
        for number in 0..<6 {
            // Two clients believe to be the same instance: one will fence the other.
            let instance = number < 3 ? ["s", "t", "t"][number] : nil
            var client = Client(
                instance: instance, version: [3, 5, 8, 9][random.below(4)], session: 6_000 + Int32(random.below(4_000)))
            offerAnew(&client)
            clients.append(client)
        }
    }

    private func offerAnew(_ client: inout Client) {
        client.names = [["a", "b"], ["b", "a"], ["a"]][random.below(3)]
        client.offer = [:]
        for name in client.names { client.offer[name] = [UInt8(random.below(256)), UInt8(random.below(256))] }
    }

    // MARK: Steps

    func step() {
        let number = random.below(clients.count)
        switch random.below(100) {
        case 0..<50: act(number)
        case 50..<55: ask(number)
        case 55..<60: speakOfOld()
        case 60..<63: leave(number)
        case 63..<68: restartClient(number)
        case 68..<70: join(number)
        case 70: restartCoordinator()
        case 71: talk.expire()
        case 72..<74: pass(Int64(random.below(11_000)))
        default: pass(Int64(random.below(700)))
        }
        look()
    }

    /// Lets time pass, and looks after each wake.
    private func pass(_ milliseconds: Int64) {
        let end = talk.now + milliseconds
        while let wake = talk.wakeAt, wake.nanoseconds <= end * 1_000_000 {
            talk.advance(to: wake.nanoseconds / 1_000_000)
            look()
        }
        talk.advance(to: end)
        look()
    }

    /// What a client does that is in order.
    private func act(_ number: Int) {
        let client = clients[number]
        guard client.waitsFor == nil else { return }
        if client.generation < 0 {
            join(number)
        } else if !client.hasSynced {
            sync(number, client.id, client.generation, client.instance, client.list)
        } else {
            ask(number)
        }
    }

    private func join(_ number: Int) {
        if random.chance(15) { offerAnew(&clients[number]) }
        let client = clients[number]
        let protocols = client.names.map { ($0, client.offer[$0] ?? []) }
        let sent = talk.join(
            client.id, instance: client.instance, version: client.version, protocols: protocols,
            session: client.session, rebalance: Int32(Self.rebalanceTimeout), client: "c\(number)")
        waiting[sent] = Waiting(
            client: number, isJoin: true, id: client.id, since: talk.now, instance: client.instance,
            session: client.session, offer: client.offer)
        clients[number].waitsFor = sent
    }

    private func sync(_ number: Int, _ id: String, _ generation: Int32, _ instance: String?, _ list: [String]) {
        let sent = talk.sent + 1
        let source = [sent >> 24, sent >> 16, sent >> 8, sent].map { UInt8(truncatingIfNeeded: $0) }
        let assignments = list.enumerated().map { index, member in
            (member, source + (0..<partitions).filter { Int($0) % list.count == index })
        }
        talk.sync(id, generation, instance: instance, assignments: assignments)
        waiting[sent] = Waiting(
            client: number, isJoin: false, id: id, generation: generation, since: talk.now, instance: instance)
        clients[number].waitsFor = sent
    }

    /// A heartbeat or a commit, with what the client knows.
    private func ask(_ number: Int) {
        let client = clients[number]
        guard client.generation >= 0 else { return }
        let error = ask(client.id, client.generation, client.instance)
        guard error != .none else { return }
        clients[number].generation = -1
        clients[number].hasSynced = false
        if error == .unknownMemberID || error == .fencedInstanceID { clients[number].id = "" }
    }

    private func ask(_ id: String, _ generation: Int32, _ instance: String?) -> ErrorCode {
        let isHeartbeat = random.chance(60)
        // What is said while all is well depends on the state alone.
        let halting: ClassicGroup.State = isHeartbeat ? .preparingRebalance : .completingRebalance
        let fit: ErrorCode = talk.group.state == halting ? .rebalanceInProgress : .none
        let error =
            isHeartbeat
            ? talk.heartbeat(id, generation, instance: instance) ?? .unknownServerError
            : talk.commit(id, generation, instance: instance)
        let member = model.members[id]
        model.check(error, fit: fit, from: id, generation, instance: instance, in: talk.group, at: talk.now)
        if !isHeartbeat && error == .rebalanceInProgress, let member {
            // A commit that is refused keeps nobody alive.
            model.members[id]?.heardAtLeast = member.heardAtLeast
        }
        model.note("\(isHeartbeat ? "heartbeat" : "commit") \(error)")
        return error
    }

    /// A request of somebody who has been away: a heartbeat, a commit, a SyncGroup, or leaving.
    private func speakOfOld() {
        guard !credentials.isEmpty else { return }
        let old = credentials[random.below(credentials.count)]
        switch random.below(10) {
        case 0..<6: _ = ask(old.id, old.generation, old.instance)
        case 6..<9: sync(random.below(clients.count), old.id, old.generation, old.instance, old.list)
        default: leave(old.id, old.instance)
        }
    }

    private func leave(_ number: Int) {
        let client = clients[number]
        if let instance = client.instance, random.chance(30) { return leave("", instance) }
        guard !client.id.isEmpty else { return }
        leave(client.id, client.instance)
        forget(number)
    }

    private func leave(_ id: String, _ instance: String?) {
        let target = id.isEmpty ? instance.flatMap { model.instances[$0] } ?? "" : id
        let mustBeMember = model.mustBeMember(target, in: talk.group, at: talk.now)
        let mustBeGone = model.mustBeGone(target, in: talk.group, at: talk.now)
        let error = talk.leave([(id, instance)])?.members.first?.errorCode ?? .unknownServerError
        if error == .none {
            model.expect(!mustBeGone, "\(target) leaves once more")
            model.members[target]?.isGone = true
            if let instance = model.members[target]?.instance { model.instances[instance] = nil }
            model.note("left")
        } else if error == .unknownMemberID {
            model.expect(!mustBeMember, "\(target) cannot leave")
        }
    }

    private func restartClient(_ number: Int) {
        forget(number)
        model.note("clients restarted")
    }

    private func forget(_ number: Int) {
        clients[number].id = ""
        clients[number].generation = -1
        clients[number].hasSynced = false
        clients[number].waitsFor = nil
    }

    private func restartCoordinator() {
        guard !talk.records.isEmpty, let value = try? talk.lastValue() else { return }
        try? talk.restart()
        waiting = [:]
        for number in clients.indices { clients[number].waitsFor = nil }
        credentials.removeAll { $0.generation > value.generation }
        for number in clients.indices where clients[number].generation > value.generation {
            clients[number].generation = -1
            clients[number].hasSynced = false
        }
        lastGeneration = value.generation
        model.restarted(from: value, at: talk.now)
        model.note("coordinators restarted")
    }

    // MARK: After each step

    private func look() {
        let answered = waiting.keys.sorted().filter { talk.answers[$0] != nil }
        for number in answered { takeJoin(number) }
        for number in answered { if let join = talk.joined(number), join.errorCode == .none { model.listed(join) } }
        for number in answered { takeSync(number) }
        for number in answered { waiting[number] = nil }
        park()
        let group = talk.group
        model.expect(group.generation >= lastGeneration, "I4.1: \(group.generation) after \(lastGeneration)")
        if group.generation > lastGeneration {
            // A new generation begins all sessions anew, those of static members that have not joined it too.
            for (id, member) in model.members where member.instance != nil { model.members[id]?.heardAtMost = talk.now }
        }
        lastGeneration = group.generation
        if let problem = group.checkInvariants() { model.problems.append(problem) }
        model.expect(talk.surplus.isEmpty, "I4.4: \(talk.surplus) are answered twice")
        for request in waiting.values {
            let limit = Self.rebalanceTimeout + (request.isJoin ? 6_000 : 0)
            model.expect(
                talk.now - request.since <= limit, "I4.4: \(request.id) waits for \(talk.now - request.since) ms")
        }
    }

    /// Requests that were not answered in their step wait: their senders are not silent.
    private func park() {
        for number in waiting.keys.sorted() where waiting[number]?.isParked == false {
            guard let request = waiting[number] else { continue }
            waiting[number]?.isParked = true
            model.members[request.id]?.waiting += 1
            if request.isJoin {
                model.members[request.id]?.offer = request.offer
                learnSession(request.id, request.session)
                // A static member that is replaced is another from here on, whatever its id will be.
                if request.id.isEmpty, let instance = request.instance, let old = model.instances[instance] {
                    model.members[old]?.isGone = true
                    model.instances[instance] = nil
                }
            } else {
                model.members[request.id]?.hasSynced = true
            }
        }
    }

    private func learnSession(_ id: String, _ session: Int32) {
        guard let member = model.members[id] else { return }
        model.members[id]?.session = Int64(session)
        model.members[id]?.longestSession = max(member.longestSession, Int64(session))
    }

    private func unpark(_ request: Waiting, _ error: ErrorCode) {
        guard request.isParked else { return }
        if let member = model.members[request.id], error == .unknownMemberID {
            model.expect(member.isGone, "I4.4: \(request.id) waits, and is taken for dead")
        }
        model.members[request.id]?.waiting -= 1
        model.members[request.id]?.heardAtMost = talk.now
    }

    private func takeJoin(_ number: UInt64) {
        guard let request = waiting[number], let response = talk.joined(number) else { return }
        unpark(request, response.errorCode)
        model.note("join \(response.errorCode)")
        if response.errorCode == .none {
            becomeMember(request, response)
        } else if response.errorCode == .groupMaxSizeReached || response.errorCode == .unknownMemberID {
            model.members[request.id]?.isGone = true
        }
        guard clients[request.client].waitsFor == number else { return }
        clients[request.client].waitsFor = nil
        clients[request.client].hasSynced = false
        switch response.errorCode {
        case .none:
            clients[request.client].id = response.memberID
            clients[request.client].generation = response.generationID
            clients[request.client].list = response.members.map(\.memberID)
        case .memberIDRequired: clients[request.client].id = response.memberID
        case .fencedInstanceID, .unknownMemberID, .groupMaxSizeReached: clients[request.client].id = ""
        default: break
        }
    }

    private func becomeMember(_ request: Waiting, _ response: JoinGroupResponse) {
        let id = response.memberID
        var hasRestarted = false
        if let instance = request.instance {
            if let old = model.instances[instance], old != id {
                model.members[old]?.isGone = true
                model.formerIDs[id] = old
                // Its answer came at once: nothing but its id has changed.
                hasRestarted = !request.isParked
            }
            model.instances[instance] = id
        }
        var member =
            model.members[id]
            ?? ClassicModel.Member(
                session: 0, longestSession: 0, heardAtLeast: .min / 2, heardAtMost: 0, generation: -1)
        member.instance = request.instance ?? member.instance
        member.offer = request.offer
        if response.generationID > member.generation { member.hasSynced = false }
        member.generation = response.generationID
        member.heardAtMost = talk.now
        if request.isParked || hasRestarted || model.members[id] == nil {
            member.heardAtLeast = talk.now
            member.session = Int64(request.session)
            member.longestSession = max(member.longestSession, Int64(request.session))
        }
        model.members[id] = member
        if hasRestarted { model.note("static members restarted in a stable group") }
        model.joined(response, offer: request.offer, in: talk.group)
        credentials.append(
            Credential(
                id: id, generation: response.generationID, instance: request.instance,
                list: response.members.map(\.memberID)))
    }

    private func takeSync(_ number: UInt64) {
        guard let request = waiting[number], let response = talk.synced(number) else { return }
        unpark(request, response.errorCode)
        model.note("sync \(response.errorCode)")
        if response.errorCode == .none {
            model.members[request.id]?.heardAtMost = talk.now
            if request.isParked { model.members[request.id]?.heardAtLeast = talk.now }
            model.members[request.id]?.hasSynced = true
            model.synced(request.id, request.generation, response.assignment.array, in: talk.group)
        }
        guard clients[request.client].waitsFor == number else { return }
        clients[request.client].waitsFor = nil
        guard clients[request.client].id == request.id else { return }
        if response.errorCode == .none && clients[request.client].generation == request.generation {
            clients[request.client].hasSynced = true
        } else if response.errorCode != .none {
            clients[request.client].generation = -1
            if response.errorCode == .unknownMemberID { clients[request.client].id = "" }
        }
    }

    // MARK: The end

    private var isHealed: Bool {
        let generation = talk.group.generation
        let isIn = clients.indices.allSatisfy {
            $0 == 2 || clients[$0].hasSynced && clients[$0].generation == generation
        }
        return isIn && talk.group.state == .stable && talk.group.memberCount == 5
    }

    /// All clients do what is in order: the group becomes stable, with all of them. Then all fall silent.
    func finish() {
        // Of the two that are one instance one gives up, as a real client does that is fenced.
        for _ in 0..<160 where !isHealed {
            for number in clients.indices where number != 2 {
                act(number)
                look()
            }
            pass(500)
        }
        model.expect(isHealed, "I4.4: it does not heal: \(talk.group.state.rawValue)")
        pass(400_000)
        model.expect(talk.group.isEmpty, "I4.10: \(talk.group.memberCount) silent members")
        model.expect(waiting.isEmpty, "I4.4: \(waiting.keys.sorted()) are never answered")
        model.expect(talk.wakeAt == nil, "an empty group is woken")
    }
}
