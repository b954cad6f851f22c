import Foundation
import SegmentLog
import WireProtocol

/// The processes of one group, and what they have said so far.
final class Members {
    /// One process.
    private struct Running {
        let process: Process
        /// What it is told.
        let input: FileHandle
    }

    /// A record, by where it is.
    struct Place: Hashable {
        var partition: Int32
        var offset: Int64
    }

    private let orders: Member.Orders
    private var running: [String: Running] = [:]
    private var said: AsyncStream<(name: String, line: String)>.Iterator
    private let saying: AsyncStream<(name: String, line: String)>.Continuation

    /// By name, what each has.
    private(set) var owned: [String: [Int32]] = [:]
    /// What was read, in the order in which it was heard.
    private(set) var read: [(name: String, place: Place)] = []
    /// By partition, the offset that was committed last.
    private(set) var committed: [Int32: Int64] = [:]
    /// What each was told of partitions, in order: "assigned 0 1".
    private(set) var told: [String: [String]] = [:]

    /// A group without members.
    init(group: String, topic: String, way: String, at server: SocketAddress) {
        orders = Member.Orders(
            name: "", server: server.description, group: group, topic: topic, way: way, session: 0)
        let (stream, saying) = AsyncStream<(name: String, line: String)>.makeStream()
        said = stream.makeAsyncIterator()
        self.saying = saying
    }

    deinit { for name in running.keys { signal(SIGKILL, to: name) } }

    /// Starts a process of this name.
    func start(_ name: String, session: Int32) throws {
        var own = orders
        (own.name, own.sessionMilliseconds) = (name, session)
        let process = Process()
        process.executableURL = Bundle.main.executableURL
        process.arguments = own.arguments
        let (input, output) = (Pipe(), Pipe())
        (process.standardInput, process.standardOutput) = (input, output)
        try process.run()
        owned[name] = []
        running[name] = Running(process: process, input: input.fileHandleForWriting)
        let (reading, saying) = (output.fileHandleForReading, saying)
        try startThread {
            var rest = Data()
            while case let data = reading.availableData, !data.isEmpty {
                rest.append(data)
                while let end = rest.firstIndex(of: UInt8(ascii: "\n")) {
                    saying.yield((name, String(decoding: rest[..<end], as: UTF8.self)))
                    rest = Data(rest[(end + 1)...])
                }
            }
            saying.yield((name, "ended"))
        }
    }

    /// Listens until `isReached`.
    func listen(until isReached: () throws -> Bool) async throws {
        while try !isReached() {
            guard let (name, line) = await said.next() else { throw DemoFailure("nobody says anything more") }
            try take(line, from: name)
        }
    }

    private func take(_ line: String, from name: String) throws {
        let words = line.split(separator: " ")
        let numbers = words.dropFirst().compactMap { Int64($0) }
        let partitions = numbers.map { Int32(truncatingIfNeeded: $0) }
        switch words.first {
        case "read":
            read.append((name, Place(partition: partitions[0], offset: numbers[1])))
        case "committed": committed[partitions[0]] = numbers[1]
        case "assigned":
            owned[name] = ((owned[name] ?? []) + partitions).sorted()
            note(line, of: partitions, from: name)
        case "revoked", "lost":
            owned[name]?.removeAll { partitions.contains($0) }
            note(line, of: partitions, from: name)
        case "ended":
            owned[name] = nil
            if running[name] != nil { throw DemoFailure("\(name) has ended") }
        default: throw DemoFailure("\(name) says: \(line)")
        }
    }

    /// After a rebalance in which nothing came, a cooperative member is told of no partitions at all.
    private func note(_ line: String, of partitions: [Int32], from name: String) {
        if !partitions.isEmpty { told[name, default: []].append(line) }
    }

    /// Begins anew with what the members are told of partitions.
    func forgetWhatTheyWereTold() { told = [:] }

    /// Says something to a member.
    func tell(_ name: String, _ line: String) { running[name]?.input.write(Data((line + "\n").utf8)) }

    /// Stops a process for a while, as a machine that swaps does.
    func pause(_ name: String) { signal(SIGSTOP, to: name) }

    /// Lets it go on.
    func resume(_ name: String) { signal(SIGCONT, to: name) }

    /// Kills a process, and waits until it is dead.
    func kill(_ name: String) async throws {
        guard let process = running[name]?.process else { return }
        signal(SIGKILL, to: name)
        process.waitUntilExit()
        running[name] = nil
        guard process.terminationReason == .uncaughtSignal, process.terminationStatus == SIGKILL else {
            throw DemoFailure("\(name) was not killed")
        }
        // What it had said before is heard first.
        try await listen { owned[name] == nil }
    }

    /// Has a member leave, and waits until its process has ended.
    func quit(_ name: String) async throws {
        tell(name, "quit")
        let process = running.removeValue(forKey: name)?.process
        try await listen { owned[name] == nil }
        process?.waitUntilExit()
    }

    private func signal(_ number: Int32, to name: String) {
        if let process = running[name]?.process { _ = Foundation.kill(process.processIdentifier, number) }
    }
}

extension Members {
    /// "a: 0 1  b: 2 3", of those that live.
    var text: String {
        owned.keys.sorted().map { "\($0): \(list(owned[$0] ?? []))" }.joined(separator: "  ")
    }

    /// "a assigned 2; b assigned 5", of what they were told of partitions.
    var toldText: String {
        told.sorted { $0.key < $1.key }.map { "\($0.key) \($0.value.joined(separator: ", "))" }.joined(separator: "; ")
    }

    /// How many different records were read.
    var differentCount: Int { Set(read.map(\.place)).count }

    /// The records that were read more than once.
    var repeated: Set<Place> {
        var seen: Set<Place> = []
        return Set(read.map(\.place).filter { !seen.insert($0).inserted })
    }

    /// How many records a member has read.
    func count(_ name: String) -> Int { read.count { $0.name == name } }
}

/// Numbers in a row.
func list(_ numbers: some Sequence<Int32>) -> String { numbers.map { "\($0)" }.joined(separator: " ") }
