#if canImport(Darwin)
    import Darwin
#else
    import Glibc
#endif
import SegmentLog
import TopicsPartitions
import WireProtocol

/// `logbook node`: a node that speaks lines of JSON, as Maelstrom's do, until its input ends.
enum NodeCommand {
    private static let usage = """
        usage: logbook node [--log-dirs DIRECTORY]

        Answers lines of JSON on standard input with lines of JSON on standard output, in Maelstrom's form:
        {"src":"c1","dest":"n1","body":{"type":"partition_append","msg_id":1,"topic":"t","partition":0,"message":"m"}}
        Requests: init, partition_append, partition_read, partition_info, and those of Maelstrom's kafka
        workload: send, poll, commit_offsets, list_committed_offsets. An error is an answer of type error
        with one of Maelstrom's codes.

        --log-dirs keeps the log in a directory, which is made if there is none. An answer then says what is
        on disk, and the next node finds it there. Without it the log is in memory, and gone with the process.
        The end of the input ends the node, with exit status 0.
        """

    static func run(_ arguments: [String]) throws {
        let arguments = try Arguments(arguments, valued: ["--log-dirs"], plain: ["--help", "-h"])
        if arguments.has("--help") || arguments.has("-h") { return Output.line(usage) }
        if let extra = arguments.positional.first { throw UsageError("unexpected argument \(extra)") }
        if let directory = arguments.flags.last?.value {
            let storage = try FileStorage(path: directory)
            let lock = try storage.lock()
            defer { withExtendedLifetime(lock) {} }
            try serve(storage, TopicConfig())
        } else {
            var defaults = TopicConfig()
            // In memory an append to a segment may copy it, so that it must not become large.
            defaults.log.segmentBytes = 2 << 20
            try serve(MemoryStorage(), defaults)
        }
    }

    private static func serve(_ storage: any Storage, _ defaults: TopicConfig) throws {
        var seeds = SystemRandomNumberGenerator()
        var node = try JSONNode(in: storage, defaults: defaults, seed: seeds.next())
        for line in node.recovery.lines { Output.log(LogLine(.warn, "recovery", ["found": line]), from: .info) }
        // Whatever has come by the time that one read returns shares a synchronize.
        while var input = try readInput() {
            while input.count > 0 {
                node.receive(&input, at: WallClock.milliseconds())
                write(try node.answers())
            }
        }
        node.endOfInput(at: WallClock.milliseconds())
        write(try node.answers())
        try node.close()
    }

    private static func write(_ lines: [String]) {
        if !lines.isEmpty { Output.line(lines.joined(separator: "\n")) }
    }

    /// What has come on standard input, once something has; nil at its end.
    private static func readInput() throws -> Bytes? {
        while true {
            var count = 0
            let bytes = unsafe [UInt8](unsafeUninitializedCapacity: 1 << 16) { buffer, used in
                count = unsafe read(STDIN_FILENO, buffer.baseAddress, buffer.count)
                used = max(count, 0)
            }
            if count > 0 { return Bytes(bytes) }
            if count == 0 { return nil }
            guard errno == EINTR else { throw StorageError("read", "standard input", .system(errno)) }
        }
    }
}
