import Foundation
import LogbookClient
import SegmentLog

/// What a member has to tell: JSON lines, each written whole and at once, so that what was logged outlives the process.
///
/// Times are seconds of CLOCK_MONOTONIC, which all processes of a machine share.
final class MemberLog: Sendable {
    private let file: Lock<FileHandle>

    init(path: String) throws {
        guard FileManager.default.createFile(atPath: path, contents: nil),
            let handle = FileHandle(forWritingAtPath: path)
        else { throw Failure("cannot write \(path)") }
        file = Lock(handle)
    }

    static func now() -> Double {
        var now = timespec()
        unsafe clock_gettime(CLOCK_MONOTONIC, &now)
        return Double(now.tv_sec) + Double(now.tv_nsec) / 1e9
    }

    func started() { write("started", #""client": "logbook", "pid": \#(getpid())"#) }

    func changed(_ event: String, _ partitions: [TopicPartition], generation: Int32) {
        let indexes = partitions.map { "\($0.partition)" }.joined(separator: ", ")
        write(event, #""partitions": [\#(indexes)], "generation": \#(generation)"#)
    }

    /// The first and the last offset of each run of records.
    func processed(_ runs: [(partition: Int32, first: Int64, last: Int64)], generation: Int32) {
        let listed = runs.map { "[\($0.partition), \($0.first), \($0.last)]" }.joined(separator: ", ")
        write("processed", #""records": [\#(listed)], "generation": \#(generation)"#)
    }

    /// The coordinator has acknowledged these offsets, which were handed in at `sent`.
    func committed(_ offsets: [TopicPartition: OffsetAndMetadata], sent: Double) {
        let listed = offsets.map { "[\($0.key.partition), \($0.value.offset)]" }.sorted().joined(separator: ", ")
        write("committed", #""sent": \#(sent), "offsets": [\#(listed)]"#)
    }

    /// A commit or a read that failed: that is allowed.
    func refused(_ what: String) { say("refused", what) }

    /// What must not be.
    func wrong(_ what: String) { say("wrong", what) }

    func stopped() { write("stopped", #""client": "logbook""#) }

    private func say(_ event: String, _ what: String) {
        let text = what.replacing("\\", with: "/").replacing("\"", with: "'").replacing("\n", with: " ")
        write(event, #""what": "\#(text)""#)
    }

    private func write(_ event: String, _ rest: String) {
        file.withLock { file in
            let line = #"{"t": \#(Self.now()), "event": "\#(event)", \#(rest)}"# + "\n"
            file.write(Data(line.utf8))
        }
    }
}

struct Failure: Error, CustomStringConvertible {
    let description: String
    init(_ description: String) { self.description = description }
}
