import Foundation
import SegmentLog
import WireProtocol

/// The demo of phase 2: a server is started, spoken to by hand with the bytes shown, and then by kcat.
///
/// With an argument, the server is started and the argument run as a shell's command, with its address in `BROKER`.
@main
struct Phase2Demo {
    static func main() throws {
        let listeners = try Listeners(bindingTo: [SocketAddress(host: "127.0.0.1", port: 0)])
        let address = listeners.addresses[0]
        try startThread {
            do {
                // The node and its reactor live on this thread, and nowhere else.
                let node = try OneLogNode(at: address)
                let reactor = try Reactor(node, listeners: listeners) { line in
                    if line.level > .debug { print("   \(line)") }
                }
                _ = try reactor.run()
            } catch {
                print("the server failed: \(error)")
                exit(1)
            }
        }
        if let command = CommandLine.arguments.dropFirst().first {
            return print(try output(of: "BROKER=\(address); \(command)"), terminator: "")
        }
        print("1. A server with one topic, \"demo\", listens on \(address)")
        let connection = try BlockingConnection(to: address)
        try askForVersions(connection)
        try produceAndFetch(connection)
        try runKcat(address)
    }

    static func askForVersions(_ connection: BlockingConnection) throws {
        print("\n2. ApiVersions, version 0, by hand: ten bytes behind four of length")
        let request: Bytes = [0, 0, 0, 10, 0, 18, 0, 0, 0, 0, 0, 7, 0xFF, 0xFF]
        show(
            request,
            [
                (4, "length: 10"), (2, "API key 18: ApiVersions"), (2, "API version 0"), (4, "correlation id 7"),
                (2, "client id: null"),
            ])
        try connection.send(request)
        guard let frame = try connection.receiveFrame() else { throw DemoFailure("no answer") }
        let (correlation, body) = try ApiVersionsResponse.decodeResponse(frame, version: 0)
        print("   answer, \(frame.count) bytes:")
        var fields = [(4, "correlation id \(correlation)"), (2, "no error"), (4, "\(body.apiKeys.count) APIs")]
        for api in body.apiKeys {
            let name = ApiKey(rawValue: api.apiKey).map { "\($0)" } ?? "?"
            fields.append((6, "API \(api.apiKey) (\(name)), versions \(api.minVersion) to \(api.maxVersion)"))
        }
        show(frame, fields)
    }

    static func produceAndFetch(_ connection: BlockingConnection) throws {
        print("\n3. Produce one record, while a fetch on another connection waits for it")
        var builder = RecordBatchBuilder(baseTimestamp: 1_700_000_000_000)
        builder.append(key: Bytes(utf8: "greeting"), value: Bytes(utf8: "hello"))
        var data = ProduceRequest.Partition()
        data.records = .bytes(builder.finish().bytes)
        var topic = ProduceRequest.Topic()
        (topic.name, topic.partitions) = ("demo", [data])
        var produce = ProduceRequest()
        (produce.acks, produce.topics) = (-1, [topic])

        var partition = FetchRequest.Partition()
        partition.maxBytes = 1 << 20
        var wanted = FetchRequest.Topic()
        (wanted.name, wanted.partitions) = ("demo", [partition])
        var fetch = FetchRequest()
        (fetch.maxWaitMilliseconds, fetch.minBytes, fetch.topics) = (10_000, 1, [wanted])
        // Two requests in flight on one connection: the waiting fetch first. The answers keep that order.
        try connection.send(try fetch.frame(version: 11, correlationID: 21, clientID: "demo"))
        try connection.send(try produce.frame(version: 9, correlationID: 22, clientID: "demo"))
        guard let first = try connection.receiveFrame(), let second = try connection.receiveFrame() else {
            throw DemoFailure("no answer")
        }
        let fetched = try FetchResponse.decodeResponse(first, version: 11)
        let produced = try ProduceResponse.decodeResponse(second, version: 9)
        guard case .bytes(let bytes)? = fetched.body.topics.first?.partitions.first?.records else {
            throw DemoFailure("nothing was fetched")
        }
        let batch = try RecordBatch(checking: bytes)
        var records = batch.records()
        let value = try records.next().flatMap { batch.bytes($0.value)?.utf8 } ?? "nothing"
        print("   first answer: fetch \(fetched.correlationID), woken by the produce: \"\(value)\"")
        let offset = produced.body.topics.first?.partitions.first?.baseOffset ?? -1
        print("   second answer: produce \(produced.correlationID), at offset \(offset); field by field:")
        for line in produced.body.lines { print("   \(line)") }
    }

    static func runKcat(_ address: SocketAddress) throws {
        print("\n4. The same with kcat")
        let broker = address.description
        let command =
            "printf 'one\\ntwo\\n' | kcat -P -b \(broker) -t demo && kcat -C -b \(broker) -t demo -e -q -f '%o: %s\\n'"
        print("   $ \(command)")
        let text = try output(
            of: "command -v kcat >/dev/null || { echo 'kcat is not installed (Debian: kcat)'; exit 0; }; \(command)")
        for line in text.split(separator: "\n") { print("   \(line)") }
    }

    /// What a shell's command prints.
    static func output(of command: String) throws -> String {
        let shell = Process()
        shell.executableURL = URL(fileURLWithPath: "/bin/sh")
        shell.arguments = ["-c", command]
        let output = Pipe()
        shell.standardOutput = output
        try shell.run()
        let text = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        shell.waitUntilExit()
        if shell.terminationStatus != 0 { throw DemoFailure("a command failed: \(command)") }
        return text
    }

    /// Bytes in hexadecimal, each field with its meaning.
    static func show(_ bytes: Bytes, _ fields: [(count: Int, meaning: String)]) {
        var position = 0
        for (count, meaning) in fields {
            let hex = bytes.slice(position..<(position + count)).array.map {
                ($0 < 16 ? "0" : "") + String($0, radix: 16)
            }
            print("   " + hex.joined(separator: " ") + String(repeating: " ", count: 20 - count * 3) + meaning)
            position += count
        }
    }
}

struct DemoFailure: Error, CustomStringConvertible {
    var description: String
    init(_ description: String) { self.description = description }
}
