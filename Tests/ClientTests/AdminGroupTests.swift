import SegmentLog
import Testing
import WireProtocol

@testable import LogbookClient

@Suite("An admin that looks after groups", .timeLimit(.minutes(5)))
struct AdminGroupTests {
    /// Says that broker 2 coordinates every group, first that nobody does.
    private static func find(_ isFirst: Bool) -> FindCoordinatorResponse {
        var entry = FindCoordinatorResponse.Coordinator()
        entry.errorCode = isFirst ? .coordinatorNotAvailable : .none
        entry.nodeID = isFirst ? -1 : 2
        var response = FindCoordinatorResponse()
        response.coordinators = [entry]
        return response
    }

    private func cluster(
        _ react: @escaping @Sendable (Int32, ScriptedBroker.Asked) throws -> any Message
    ) throws -> ScriptedCluster {
        let finds = Lock(0)
        return try ScriptedCluster(count: 2) { broker, asked in
            if asked.api == .findCoordinator {
                return .answer(Self.find(finds.next() == 1))
            }
            return .answer(try react(broker, asked))
        }
    }

    @Test("asks every broker for its groups")
    func list() async throws {
        let cluster = try cluster { broker, _ in
            var group = ListGroupsResponse.Group()
            (group.groupID, group.protocolType, group.groupState) = ("g\(3 - broker)", "consumer", "Stable")
            if broker == 1 { group.groupType = "Classic" }
            var response = ListGroupsResponse()
            response.groups = [group]
            return response
        }
        let groups = try await cluster.admin().listGroups()
        #expect(groups.map(\.id) == ["g1", "g2"])
        #expect(groups[0] == GroupListing(id: "g1", protocolType: "consumer", state: "Stable", type: nil))
        #expect(groups[1].type == "classic")
    }

    @Test("describes groups of both protocols, each at its coordinator")
    func describe() async throws {
        let cluster = try cluster { broker, asked in
            #expect(broker == 2)
            if asked.api == .consumerGroupDescribe {
                var response = ConsumerGroupDescribeResponse()
                for name in try asked.decoded(as: ConsumerGroupDescribeRequest.self).groupIDs {
                    var group = ConsumerGroupDescribeResponse.Group()
                    (group.groupID, group.groupState, group.assignorName) = (name, "Stable", "uniform")
                    if name != "new" { group.errorCode = .groupIDNotFound }
                    response.groups.append(group)
                }
                return response
            }
            var topic = ConsumerProtocolTopicPartitions()
            (topic.topic, topic.partitions) = ("t", [1, 0])
            var assignment = ConsumerProtocolAssignment()
            assignment.assignedPartitions = [topic]
            var member = DescribeGroupsResponse.Member()
            (member.memberID, member.clientID, member.clientHost) = ("m", "c", "/h")
            member.memberAssignment = try assignment.encoded(version: 0)
            var response = DescribeGroupsResponse()
            for name in try asked.decoded(as: DescribeGroupsRequest.self).groups {
                var group = DescribeGroupsResponse.Group()
                (group.groupID, group.groupState, group.protocolData) = (name, "Stable", "range")
                group.members = [member]
                if name == "gone" { (group.groupState, group.members) = ("Dead", []) }
                response.groups.append(group)
            }
            return response
        }
        let groups = try await cluster.admin().describeGroups(["new", "old", "gone"])
        #expect(try groups["new"]?.get().type == "consumer")
        let old = try #require(try groups["old"]?.get())
        #expect(old.type == "classic" && old.assignor == "range")
        #expect(old.members.map(\.assignment) == [[TopicPartition("t", 0), TopicPartition("t", 1)]])
        #expect(throws: ClientError.broker(.groupIDNotFound, what: "gone")) { try groups["gone"]?.get() }
    }

    @Test("asks again where the coordinator has moved, and tells of what each group says")
    func delete() async throws {
        let count = Lock(0)
        let cluster = try cluster { _, asked in
            let isFirst = count.next() == 1
            var response = DeleteGroupsResponse()
            for name in try asked.decoded(as: DeleteGroupsRequest.self).groupNames {
                var result = DeleteGroupsResponse.Result()
                result.groupID = name
                result.errorCode = isFirst ? .notCoordinator : name == "busy" ? .nonEmptyGroup : .none
                response.results.append(result)
            }
            return response
        }
        let outcomes = try await cluster.admin().deleteGroups(["busy", "idle"])
        #expect(throws: ClientError.broker(.nonEmptyGroup, what: "busy")) { try outcomes["busy"]?.get() }
        #expect(throws: Never.self) { try outcomes["idle"]?.get() }
    }

    @Test("lists, sets and deletes a group's offsets")
    func offsets() async throws {
        let cluster = try cluster { _, asked in
            switch asked.api {
            case .offsetFetch:
                var topic = OffsetFetchResponse.Topic()
                topic.name = "t"
                topic.partitions = [OffsetFetchResponse.Partition(), OffsetFetchResponse.Partition()]
                (topic.partitions[0].committedOffset, topic.partitions[0].metadata) = (42, "note")
                topic.partitions[1].index = 1
                var response = OffsetFetchResponse()
                response.groups = [OffsetFetchResponse.Group()]
                response.groups[0].topics = [topic]
                return response
            case .offsetCommit:
                let request = try asked.decoded(as: OffsetCommitRequest.self)
                #expect(request.generationIDOrMemberEpoch == -1 && request.memberID.isEmpty)
                var response = OffsetCommitResponse()
                response.topics = request.topics.map { topic in topic.map { error($0.index, .none) } }
                return response
            default:
                let request = try asked.decoded(as: OffsetDeleteRequest.self)
                var response = OffsetDeleteResponse()
                response.topics = request.topics.map { topic in
                    topic.map { error($0.index, ErrorCode(rawValue: $0.index == 0 ? 86 : 0)) }
                }
                return response
            }
        }
        let admin = try cluster.admin()
        let (t0, t1) = (TopicPartition("t", 0), TopicPartition("t", 1))
        #expect(try await admin.listConsumerGroupOffsets("g") == [t0: OffsetAndMetadata(42, metadata: "note")])
        let set = try await admin.alterConsumerGroupOffsets("g", [t1: OffsetAndMetadata(7)])
        #expect(throws: Never.self) { try set[t1]?.get() }
        let deleted = try await admin.deleteConsumerGroupOffsets("g", [t0, t1])
        #expect(throws: ClientError.broker(ErrorCode(rawValue: 86), what: "t-0")) { try deleted[t0]?.get() }
        #expect(throws: Never.self) { try deleted[t1]?.get() }
        await #expect(throws: ClientError.refused("t-0 has no offset -1")) {
            try await admin.alterConsumerGroupOffsets("g", [t0: OffsetAndMetadata(-1)])
        }
    }
}

private func error(_ index: Int32, _ code: ErrorCode) -> PartitionError {
    var answer = PartitionError()
    (answer.index, answer.errorCode) = (index, code)
    return answer
}

extension Lock<Int> {
    fileprivate func next() -> Int {
        withLock { count in
            count += 1
            return count
        }
    }
}
