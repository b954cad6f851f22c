import ConsumerGroups
import Foundation
import LogbookClient
import SegmentLog
import WireProtocol

/// The demo of phase 4: a group by hand, members that are killed in three kinds of groups, one that commits too late, and
/// a coordinator that begins again.
///
/// The members are processes of their own: this executable, started with `member` as its first argument.
@main
struct Phase4Demo {
    static func main() async throws {
        if let orders = Member.Orders(Array(CommandLine.arguments.dropFirst())) {
            return try await Member(orders).run()
        }
        endInTime()
        let disk = MemoryDisk(seed: 4)
        let node = try RunningNode(on: disk, seed: 4)
        for topic in ["orders", "clicks", "views"] { try node.create(topic, partitions: 6) }
        try node.create("invoices", partitions: 1)
        let producer = try Producer(ProducerConfiguration(bootstrapServers: [node.address]))
        try talk(node)
        try await killWhereAllStop(node, producer)
        try await killWhereOthersGoOn(node, producer)
        try await killWhereTheBrokerAssigns(node, producer)
        let members = try await commitTooLate(node, producer)
        let restarted = try await losePower(disk, node, members)
        try await runKcat(restarted)
    }

    /// Nothing here waits for a time; if what it waits for does not come, it ends all the same.
    static func endInTime() {
        Task.detached {
            try await Task.sleep(for: .seconds(90))
            print("the demo waits for something that does not come")
            exit(1)
        }
    }

    // MARK: Request by request

    static func talk(_ node: RunningNode) throws {
        heading("1. A classic group, request by request: x and y share the six partitions of orders")
        var find = FindCoordinatorRequest()
        find.coordinatorKeys = ["hand"]
        let found = try node.ask(find).coordinators.first
        let partition = RunningNode.partition(of: "hand")
        print("   FindCoordinator of \"hand\": node \(found?.nodeID ?? -1), with \(OffsetsTopic.name)-\(partition)")
        var x = try HandMember("x", in: "hand", of: "orders", session: 30_000, at: node.address)
        print("   x  JoinGroup without an id: \(try x.askForID()), and an id to come with")
        show("x", try x.join())
        print("   x  SyncGroup with \(try syncAsLeader(x, [x]))")
        var y = try HandMember("y", in: "hand", of: "orders", session: 30_000, at: node.address)
        print("   y  JoinGroup without an id: \(try y.askForID()), and an id to come with")
        try y.sendJoin()
        print("   y  JoinGroup: no answer as long as x has not joined again")
        var code = ErrorCode.none
        while code == .none { code = try x.heartbeat(generation: 1) }
        print("   x  Heartbeat in generation 1: \(code)")
        show("x", try x.join())
        show("y", try y.awaitJoin())
        print("   x  SyncGroup with \(try syncAsLeader(x, [x, y]))")
        print("   y  SyncGroup with nothing: y gets \(list(try y.sync()))")
        for generation in [2, 1] as [Int32] {
            print("   x  Heartbeat in generation \(generation): \(try x.heartbeat(generation: generation))")
        }
        print("   LeaveGroup: x \(try x.leave()), y \(try y.leave())")
    }

    static func show(_ name: String, _ answer: JoinGroupResponse) {
        func plain(_ id: String) -> String { String(id.prefix(1)) }
        let protocolName = answer.protocolName ?? "?"
        print(
            "   \(name)  JoinGroup: generation \(answer.generationID), \(protocolName), leader \(plain(answer.leader)); ",
            terminator: "")
        if answer.members.isEmpty { return print("of the members only the leader is told") }
        let wishes = answer.members.map { member in
            let subscription = try? ConsumerProtocolSubscription(decoding: member.metadata)
            return "\(plain(member.memberID)) wants \(subscription?.topics.joined(separator: " ") ?? "?")"
        }
        print(wishes.sorted().joined(separator: ", "))
    }

    /// The leader computes what everybody gets.
    static func syncAsLeader(_ leader: HandMember, _ members: [HandMember]) throws -> String {
        let subscribers = members.map { GroupSubscriber(memberID: $0.id, subscription: $0.subscription) }
        let all = RangeAssignor().assign(subscribers, partitionCounts: [leader.topic: 6])
        let own = try leader.sync(bringing: all)
        let brought = members.map { "\($0.name): \(list(all[$0.id]?.flatMap(\.partitions) ?? []))" }
        return "\(brought.joined(separator: ", ")); \(leader.name) gets \(list(own))"
    }

    // MARK: For all steps

    static func heading(_ text: String) { print(text.hasPrefix("1.") ? text : "\n\(text)") }

    /// Writes so many records to each of the topic's partitions.
    static func write(_ count: Int, to topic: String, partitions: Range<Int32> = 0..<6, _ producer: Producer)
        async throws
    {
        var deliveries: [Delivery] = []
        for number in 0..<count {
            for partition in partitions {
                let record = ProducerRecord(topic: topic, partition: partition, value: "\(number)")
                deliveries.append(try await producer.send(record))
            }
        }
        for delivery in deliveries { _ = try await delivery.acknowledged() }
    }
}
