#if os(Linux)
    import BenchmarkSupport
    import Glibc
    import SegmentLog
    import WireProtocol

    /// Members of groups, each with a connection of its own.
    final class Fleet<Member: GroupMember> {
        private let connections: Connections
        private let topic: ReadTopic
        private let groupSize: Int
        private var members: [Member]
        /// By group, whether all its members are where they are to be.
        private var isSettled: [Bool]
        /// Whose turn it is to send a heartbeat in its interval, and since when how many have been sent.
        private var paced = (next: 0, since: ContinuousClock.now, sent: 0)

        /// Members of `groupCount` groups, none of whom has joined.
        init(
            _ groupCount: Int, of groupSize: Int, named prefix: String, reading topic: ReadTopic,
            _ connections: Connections
        ) {
            self.connections = connections
            self.topic = topic
            self.groupSize = groupSize
            members = (0..<groupCount * groupSize).map {
                Member(of: "\(prefix)-\($0 / groupSize)", reading: topic, number: $0)
            }
            isSettled = Array(repeating: false, count: groupCount)
        }

        /// The same members with other connections.
        func reconnected(_ connections: Connections) -> Fleet { Fleet(self, connections) }

        private init(_ other: Fleet, _ connections: Connections) {
            self.connections = connections
            (topic, groupSize, members, isSettled) = (other.topic, other.groupSize, other.members, other.isSettled)
        }

        /// How many members there are.
        var count: Int { members.count }
        /// How many groups there are.
        var groupCount: Int { isSettled.count }

        private func range(of group: Int) -> Range<Int> { group * groupSize..<(group + 1) * groupSize }

        /// Whether all that are in the group are of one epoch, which is newer than `epoch`, and have all partitions
        /// between them, evenly: where the broker puts a target off, those that have come since have the epoch of the last.
        private func settles(_ group: Int, after epoch: Int32) -> Bool {
            let present = members[range(of: group)].lazy.filter(\.isMember)
            guard let newest = present.first?.epoch, newest > epoch else { return false }
            let most = (topic.partitionCount + present.count - 1) / present.count
            return present.allSatisfy { $0.epoch == newest && $0.partitions.count <= most }
                && present.reduce(0) { $0 + $1.partitions.count } == topic.partitionCount
        }

        /// Changes with every member that gets on.
        private var progress: Int { members.reduce(0) { $0 + Int($1.epoch) + $1.partitions.count } }

        // MARK: Joining

        /// Lets all join at the same time. Returns after how long all had been answered, and all groups were stable.
        func joinAll() throws -> (joined: Seconds, stable: Seconds) {
            let start = ContinuousClock.now
            for member in members.indices { try connections.send(try members[member].join(), on: member) }
            try finishAll()
            let joined = start.seconds(to: .now)
            for group in isSettled.indices { isSettled[group] = settles(group, after: 0) }
            while let group = isSettled.firstIndex(of: false) {
                let before = progress
                for group in group..<isSettled.count where !isSettled[group] {
                    for member in range(of: group) {
                        try connections.send(try members[member].heartbeat(), on: member)
                    }
                }
                try finishAll()
                for group in group..<isSettled.count { isSettled[group] = settles(group, after: 0) }
                // The broker lets them wait: asking without a pause would be what it is busy with.
                if progress == before { usleep(100_000) }
            }
            return (joined, start.seconds(to: .now))
        }

        /// Lets all join one after the other, each when the one before has been answered. Returns after how long all had
        /// joined, and how long the last tenth took.
        func joinOneByOne() throws -> (joined: Seconds, lastTenth: Seconds) {
            let start = ContinuousClock.now
            var afterNineTenths: Seconds = 0
            for member in members.indices {
                if member == count - count / 10 { afterNineTenths = start.seconds(to: .now) }
                try connections.send(try members[member].join(), on: member)
                try finishAll()
            }
            let joined = start.seconds(to: .now)
            return (joined, joined - afterNineTenths)
        }

        /// Waits until no request is under way.
        private func finishAll() throws {
            while connections.busyCount > 0 { try receive() }
        }

        private func receive(milliseconds: Int32 = 1000) throws {
            try connections.wait(milliseconds: milliseconds) { number, answer in
                if let next = try members[number].take(answer) { try connections.send(next, on: number) }
            }
        }

        // MARK: Rebalances

        /// Lets a member leave, and join again. Returns after how long the group was stable, each time. The other groups'
        /// members send heartbeats in their interval, those of this group without a pause.
        func leaveAndRejoin(_ place: Int, of group: Int) throws -> (left: Seconds, joined: Seconds) {
            let member = range(of: group).lowerBound + place
            let pause: Int32 = groupSize > 100 ? 20 : 1
            let left = try change(member, of: group, pauseMilliseconds: pause) { try $0.leave() }
            let joined = try change(member, of: group, pauseMilliseconds: pause) { try $0.join() }
            try finishAll()
            return (left, joined)
        }

        private func change(
            _ member: Int, of group: Int, pauseMilliseconds: Int32, _ request: (inout Member) throws -> Bytes
        ) throws -> Seconds {
            while connections.isBusy[member] { try receive() }
            let epoch = members[range(of: group)].filter(\.isMember).map(\.epoch).max() ?? 0
            let start = ContinuousClock.now
            try connections.send(try request(&members[member]), on: member)
            // The broker is to have the request before the others ask, or they would hear of it only after the pause.
            try receive(milliseconds: 1)
            var askedAt: ContinuousClock.Instant?
            while connections.isBusy[member] || !settles(group, after: epoch) {
                if askedAt.map({ $0.seconds(to: .now) * 1000 >= Double(pauseMilliseconds) }) ?? true {
                    askedAt = .now
                    for one in range(of: group) where members[one].isMember && !connections.isBusy[one] {
                        try connections.send(try members[one].heartbeat(), on: one)
                    }
                }
                try pace(except: group)
                try receive(milliseconds: pauseMilliseconds)
            }
            return start.seconds(to: .now)
        }

        // MARK: Heartbeats

        /// Begins to count the heartbeats that are due.
        func startPace() { paced = (paced.next, .now, 0) }

        /// Sends the heartbeats that are due in the default interval, but those of one group.
        private func pace(except group: Int? = nil) throws {
            guard groupCount > 1 else { return }
            let due = Int(paced.since.seconds(to: .now) * Double(count) / Member.heartbeatInterval)
            while paced.sent < due {
                let member = paced.next
                paced.next = (member + 1) % count
                paced.sent += 1
                guard member / groupSize != group, members[member].isMember, !connections.isBusy[member] else {
                    continue
                }
                try connections.send(try members[member].heartbeat(), on: member)
            }
        }

        /// Lets all members send heartbeats in their interval.
        func heartbeatAtInterval(for seconds: Seconds) throws {
            startPace()
            while paced.since.seconds(to: .now) < seconds {
                try pace()
                try receive(milliseconds: 2)
            }
            try finishAll()
        }

        /// One heartbeat of every member, at the same time.
        func heartbeatOnce() throws {
            for member in members.indices where members[member].isMember {
                try connections.send(try members[member].heartbeat(), on: member)
            }
            try finishAll()
        }

        /// Lets one member in `stride` repeat a request for `seconds`, each as soon as it is answered. Returns how many were
        /// answered.
        func load(
            for seconds: Seconds, every stride: Int = 1, _ request: (inout Member, Int) throws -> Bytes
        ) throws -> Int {
            let start = ContinuousClock.now
            var answered = 0
            for member in Swift.stride(from: 0, to: count, by: stride) where members[member].isMember {
                try connections.send(try request(&members[member], answered), on: member)
            }
            while connections.busyCount > 0 {
                let isOver = start.seconds(to: .now) >= seconds
                try connections.wait { number, answer in
                    answered += 1
                    guard try members[number].take(answer) == nil else {
                        throw BenchmarkFailure("a group that was stable rebalances")
                    }
                    if !isOver { try connections.send(try request(&members[number], answered), on: number) }
                }
            }
            return answered
        }

        /// The same with one frame that has nothing to do with groups.
        func load(for seconds: Seconds, _ frame: Bytes) throws -> Int {
            let start = ContinuousClock.now
            var answered = 0
            for member in members.indices { try connections.send(frame, on: member) }
            while connections.busyCount > 0 {
                let isOver = start.seconds(to: .now) >= seconds
                try connections.wait { number, _ in
                    answered += 1
                    if !isOver { try connections.send(frame, on: number) }
                }
            }
            return answered
        }
    }
#endif
