#if os(Linux)
    import BenchmarkSupport
    import Foundation
    import SegmentLog
    import WireProtocol

    /// Everything that is measured of one kind of group, with brokers of its own.
    struct Run<Member: GroupMember> {
        private let scale: Scale
        private let directory: String
        private var figures = Figures()

        init(_ scale: Scale, in directory: String) {
            self.scale = scale
            self.directory = directory
        }

        /// The figures.
        func measured() throws -> Figures {
            var run = self
            try run.measureManyGroups()
            try run.measureOneLargeGroup()
            if !Member.waitsForOthers { try run.measureInterval() }
            return run.figures
        }

        private func startBroker(_ name: String, _ settings: [String] = []) throws -> ServerProcess {
            try FileManager.default.createDirectory(
                atPath: "\(directory)/\(name)", withIntermediateDirectories: true)
            // No member is to be lost because another one's work took the machine.
            return try .broker(
                directory: "\(directory)/\(name)",
                arguments: (["group.consumer.session.timeout.ms=600000"] + settings).flatMap { ["--override", $0] })
        }

        private func say(_ what: String) {
            FileHandle.standardError.write(Data("\(Member.kind): \(what)\n".utf8))
        }

        // MARK: Many groups

        private mutating func measureManyGroups() throws {
            var broker = try startBroker("many")
            defer { broker.kill() }
            let memberCount = scale.groupCount * scale.groupSize
            var connections = try Connections(memberCount, to: broker.address)
            let topic = try connections.makeTopic("many", partitionCount: scale.partitionCount)
            var fleet = Fleet<Member>(
                scale.groupCount, of: scale.groupSize, named: "many", reading: topic, connections)
            // What a connection takes once something was received and sent is no part of what a member takes.
            _ = try fleet.load(for: 0, connections.apiVersionsFrame())
            figures.residentBytesBefore = broker.residentBytes
            say("\(memberCount) members join")
            let processor = broker.processorSeconds
            figures.manyStable = try fleet.joinAll().stable
            figures.manyJoinProcessor = broker.processorSeconds - processor
            try fleet.heartbeatOnce()
            figures.residentBytesAfter = broker.residentBytes
            figures.memberCount = memberCount

            say("heartbeats")
            let heartbeat = try measureRequests(fleet, broker, connections)
            figures.heartbeatsPerSecond = heartbeat.perSecond
            figures.heartbeatMicroseconds = heartbeat.microseconds
            figures.heartbeatRatio = heartbeat.ratio
            figures.intervalShare = try measureShare(fleet, broker)

            say("rebalances")
            fleet.startPace()
            for number in 0..<scale.rebalances {
                let group = number * fleet.groupCount / scale.rebalances
                let (left, joined) = try fleet.leaveAndRejoin(number % scale.groupSize, of: group)
                figures.manyRebalances.append(contentsOf: [left, joined])
            }
            say("commits")
            try measureCommits(fleet, broker)

            say("restart")
            broker.kill()
            connections.close()
            let start = ContinuousClock.now
            broker = try startBroker("many")
            figures.restartReady = start.seconds(to: .now)
            connections = try Connections(memberCount, to: broker.address)
            try connections.waitForGroups((0..<scale.groupCount).map { "many-\($0)" }, Member.self)
            figures.restartLoaded = start.seconds(to: .now)
            fleet = fleet.reconnected(connections)
            try fleet.heartbeatOnce()
            figures.restartAnswered = start.seconds(to: .now)
        }

        /// Heartbeats and ApiVersions requests in turn: the medians of the rounds.
        private func measureRequests(
            _ fleet: Fleet<Member>, _ broker: ServerProcess, _ connections: Connections
        ) throws -> (perSecond: Double, microseconds: Double, ratio: Double) {
            let apiVersions = try connections.apiVersionsFrame()
            var rounds: [(perSecond: Double, microseconds: Double, ratio: Double)] = []
            for _ in 0..<scale.rounds {
                let heartbeat = try measured(broker) {
                    try fleet.load(for: scale.seconds) { member, _ in try member.heartbeat() }
                }
                let bare = try measured(broker) { try fleet.load(for: scale.seconds, apiVersions) }
                rounds.append((heartbeat.perSecond, heartbeat.microseconds, heartbeat.microseconds / bare.microseconds))
            }
            return (
                median(rounds.map(\.perSecond)), median(rounds.map(\.microseconds)), median(rounds.map(\.ratio))
            )
        }

        /// What the broker uses of one core while members send heartbeats in their default interval.
        private func measureShare(_ fleet: Fleet<Member>, _ broker: ServerProcess) throws -> Double {
            let processor = broker.processorSeconds
            let seconds = try measure { try fleet.heartbeatAtInterval(for: scale.seconds * 10) }
            return (broker.processorSeconds - processor) / seconds
        }

        /// One member of each group commits again and again.
        private mutating func measureCommits(_ fleet: Fleet<Member>, _ broker: ServerProcess) throws {
            var rounds: [(perSecond: Double, microseconds: Double)] = []
            for _ in 0..<scale.rounds {
                rounds.append(
                    try measured(broker) {
                        try fleet.load(for: scale.seconds, every: scale.groupSize) { member, number in
                            try member.commit(Int64(number))
                        }
                    })
            }
            figures.commitsPerSecond = median(rounds.map(\.perSecond))
            figures.commitMicroseconds = median(rounds.map(\.microseconds))
        }

        private func measured(
            _ broker: ServerProcess, _ body: () throws -> Int
        ) rethrows -> (perSecond: Double, microseconds: Double) {
            let processor = broker.processorSeconds
            let start = ContinuousClock.now
            let count = Double(try body())
            let seconds = start.seconds(to: .now)
            return (count / seconds, (broker.processorSeconds - processor) * 1e6 / count)
        }

        // MARK: One large group

        private mutating func measureOneLargeGroup() throws {
            let broker = try startBroker("large")
            defer { broker.kill() }
            let connections = try Connections(scale.largeSize, to: broker.address)
            let topic = try connections.makeTopic("large", partitionCount: Int32(scale.largeSize))
            func group(_ name: String) -> Fleet<Member> {
                Fleet(1, of: scale.largeSize, named: name, reading: topic, connections)
            }
            say("a group of \(scale.largeSize): all at once")
            let fleet = group("at-once")
            var processor = broker.processorSeconds
            let (joined, stable) = try fleet.joinAll()
            (figures.largeJoined, figures.largeStable) = (joined, stable)
            figures.largeJoinProcessor = broker.processorSeconds - processor
            let heartbeat = try measureRequests(fleet, broker, connections)
            figures.largeHeartbeatRatio = heartbeat.ratio
            say("rebalances")
            for number in 0..<max(scale.rebalances / 10, 3) {
                let (left, joined) = try fleet.leaveAndRejoin(number * 7 % scale.largeSize, of: 0)
                figures.largeLeft.append(left)
                figures.largeRejoined.append(joined)
            }
            if Member.waitsForOthers { return }
            say("one by one")
            processor = broker.processorSeconds
            let (all, lastTenth) = try group("one-by-one").joinOneByOne()
            figures.oneByOne = (all, lastTenth, broker.processorSeconds - processor)
        }

        /// A large group whose targets the broker puts off.
        private mutating func measureInterval() throws {
            let broker = try startBroker("interval", ["group.consumer.assignment.interval.ms=1000"])
            defer { broker.kill() }
            let connections = try Connections(scale.largeSize, to: broker.address)
            let topic = try connections.makeTopic("interval", partitionCount: Int32(scale.largeSize))
            let fleet = Fleet<Member>(1, of: scale.largeSize, named: "interval", reading: topic, connections)
            say("all at once, with an interval between targets")
            let processor = broker.processorSeconds
            let stable = try fleet.joinAll().stable
            figures.withInterval = (stable, broker.processorSeconds - processor)
        }
    }

    extension Connections {
        /// A request that every broker answers without looking at anything.
        func apiVersionsFrame() throws -> Bytes {
            var request = ApiVersionsRequest()
            request.clientSoftwareName = "bench-groups"
            request.clientSoftwareVersion = "1"
            return try request.frame(version: 3, correlationID: 1, clientID: "bench-groups").bytes()
        }

        /// Creates a topic, and `__consumer_offsets`.
        func makeTopic(_ name: String, partitionCount: Int32) throws -> ReadTopic {
            var topic = CreateTopicsRequest.Topic()
            topic.name = name
            topic.partitionCount = partitionCount
            topic.replicationFactor = 1
            var request = CreateTopicsRequest()
            request.topics = [topic]
            let created = try ask(request, version: 7).topics.first
            guard let created, created.errorCode == .none else {
                throw BenchmarkFailure("the topic was not created: \(String(describing: created))")
            }
            var find = FindCoordinatorRequest()
            find.coordinatorKeys = ["any"]
            _ = try ask(find, version: 4)
            return ReadTopic(name: name, id: created.topicID, partitionCount: Int(partitionCount))
        }

        /// Waits until the broker has read all of these groups from its log.
        func waitForGroups<Member: GroupMember>(_ ids: [String], _: Member.Type) throws {
            let start = ContinuousClock.now
            while true {
                let states = try Member.self == ConsumerMember.self ? consumerStates(ids) : classicStates(ids)
                if states.allSatisfy({ $0 == "Stable" }) { return }
                guard start.seconds(to: .now) < 60 else {
                    throw BenchmarkFailure("a minute after the restart groups are \(Set(states).sorted())")
                }
                usleep(1_000)
            }
        }

        private func classicStates(_ ids: [String]) throws -> [String] {
            var request = DescribeGroupsRequest()
            request.groups = ids
            return try ask(request, version: 6).groups.map { $0.errorCode == .none ? $0.groupState : "\($0.errorCode)" }
        }

        private func consumerStates(_ ids: [String]) throws -> [String] {
            var request = ConsumerGroupDescribeRequest()
            request.groupIDs = ids
            return try ask(request, version: 0).groups.map { $0.errorCode == .none ? $0.groupState : "\($0.errorCode)" }
        }
    }
#endif
