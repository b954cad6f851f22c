import LogbookClient
import TopicsPartitions

/// `logbook produce`: sends what comes by standard input, a record for each line.
enum ProduceCommand {
    static let usage = """
        usage: logbook produce TOPIC [-f FORMAT] [-k KEY] [-p PARTITION] [-H NAME=VALUE]... [-z CODEC] [--acks N]

        Sends each line of standard input as a record's value, and prints for each record, in the order of
        the lines, where it is: partition@offset. A topic that is not there is created where the broker
        allows that. Status 1 if a record was not delivered.

          -f FORMAT      what a line holds, such as '%k:%v' (%v). Each field goes on to where the next text of
                         the format begins, the last one takes the rest; %k, %v, %s, %p and %T can be read.
                         Text behind the last field ends a record instead of the line end: '%v\\x00'
          -k KEY         the key of records that have none in the format
          -p PARTITION   the partition; else the key chooses as in Kafka, and without a key the client
          -H NAME=VALUE  a header of each record, any number of times
          -z CODEC       none, gzip, snappy, lz4 or zstd
          --acks N       0, 1 or all: who must have a record before it counts as delivered (all)
          --idempotent   refused: this client numbers no records
        \(ClientOptions.usage)

        \(RecordFormat.usage)
        With -o wide lines are TOPIC, PARTITION@OFFSET and TIMESTAMP; with -o json each line is an object with
        topic, partition, offset, timestamp and error. Settings for -X: \(
            (ClientProperty.producer.map(\.name)).joined(separator: ", ")), default.api.timeout.ms.
        """

    static func run(_ arguments: [String]) async throws {
        let arguments = try Arguments(
            arguments,
            valued: ClientOptions.valued + [
                "-k|--key", "-p|--partition", "-H|--header", "-f|--format", "-z|--compress", "--acks",
            ],
            plain: ClientOptions.plain + ["--idempotent"])
        if arguments.has("-h") { return Output.line(usage) }
        let job = try ProduceJob(arguments)
        try await job.run()
    }
}

/// What is to be produced, and how.
struct ProduceJob {
    let topic: String
    private let options: ClientOptions
    private let configuration: ProducerConfiguration
    private let format: InputFormat
    private let key: Bytes?
    private let partition: Int32?
    private let headers: [RecordHeader]

    init(_ arguments: Arguments) throws {
        guard let topic = arguments.positional.first else { throw UsageError("produce needs a topic") }
        if arguments.positional.count > 1 { throw UsageError("unexpected argument \(arguments.positional[1])") }
        if arguments.has("--idempotent") {
            throw UsageError("--idempotent: this client numbers no records, so a retry may store one twice")
        }
        self.topic = topic
        options = try ClientOptions(arguments)
        format = try InputFormat(arguments.value("-f") ?? "%v")
        key = arguments.value("-k").map(Bytes.init(utf8:))
        partition = try arguments.number("-p", in: 0...Int32.max)
        headers = try arguments.values("-H").map { text in
            let (name, value) = try nameAndValue(text, of: "-H")
            return RecordHeader(key: Bytes(utf8: name), value: Bytes(utf8: value))
        }
        let servers = options.bootstrapServers
        var configuration = try refusalsAsUsage { try ProducerConfiguration(bootstrapServers: servers) }
        // As the admin, which looks first whether somebody is there.
        configuration.maxBlockMilliseconds = 10_000
        var settings = options.properties
        if let codec = arguments.value("-z") { settings.append(("compression.type", codec)) }
        if let acks = arguments.value("--acks") { settings.append(("acks", acks)) }
        try ClientProperty.apply(
            settings, ClientProperty.producer, to: &configuration, passingOver: ["default.api.timeout.ms"])
        self.configuration = configuration
    }

    func run() async throws {
        let producer = try refusalsAsUsage { try Producer(configuration) }
        let admin = try options.admin(passingOver: ClientProperty.producer.map(\.name))
        // Says at once where nobody can be reached.
        _ = try await admin.describeCluster()
        var reports: [Task<DeliveryReport, Never>] = []
        var total = DeliveryReport()
        var failure: (any Error)?
        do {
            var lines = InputRecords(format, limit: configuration.maxRequestBytes)
            var progress = Progress()
            while let records = try await lines.next() {
                var deliveries: [Delivery] = []
                defer { reports.append(report(deliveries, after: reports.last)) }
                for fields in records.fields { deliveries.append(try await producer.send(record(fields))) }
                if let error = records.error { throw error }
                progress.show(lines.count, "records")
                // What is not reported yet is held in memory.
                while reports.count > 1_000 { total += await reports.removeFirst().value }
            }
        } catch {
            failure = error
        }
        await producer.close()
        for report in reports { total += await report.value }
        if let failure { throw failure }
        if let first = total.firstError {
            throw CommandFailure("\(total.failedCount) records were not delivered; the first: \(first)")
        }
    }

    private func record(_ fields: InputFormat.Fields) -> ProducerRecord {
        var record = ProducerRecord(
            topic: topic, partition: fields.partition ?? partition,
            key: fields.key.map { Bytes(Array($0)) } ?? key, value: fields.value.map { Bytes(Array($0)) })
        record.headers = headers
        record.timestamp = fields.timestamp
        return record
    }

    /// Prints where records went, behind what was reported before.
    private func report(_ deliveries: [Delivery], after before: Task<DeliveryReport, Never>?) -> Task<
        DeliveryReport, Never
    > {
        Task {
            var report = DeliveryReport()
            var output: [UInt8] = []
            for delivery in deliveries {
                do throws(ClientError) {
                    output += line(try await delivery.acknowledged(), nil).utf8
                } catch {
                    output += line(nil, error).utf8
                    report.failedCount += 1
                    report.firstError = report.firstError ?? error
                }
            }
            _ = await before?.value
            // Where nobody reads on, records are sent all the same.
            _ = Output.flush(&output)
            return report
        }
    }

    private func line(_ place: RecordMetadata?, _ error: ClientError?) -> String {
        let offset = place.flatMap { $0.offset < 0 ? nil : $0.offset }
        let placed = place.map { "\($0.topicPartition.partition)@\(offset.map(String.init) ?? "-")" } ?? "-"
        switch options.format {
        case .table: return placed + "\n"
        case .wide: return "\(topic)\t\(placed)\t\(place.map { "\($0.timestamp)" } ?? "-")\n"
        case .json:
            return JSON.members([
                ("topic", .string(topic)), ("partition", JSON(place?.topicPartition.partition)),
                ("offset", JSON(offset)), ("timestamp", JSON(place?.timestamp)),
                ("error", JSON(error?.description)),
            ]).text + "\n"
        }
    }
}

/// How many records were not delivered, and why the first of them.
struct DeliveryReport {
    var failedCount = 0
    var firstError: ClientError?

    static func += (left: inout DeliveryReport, right: DeliveryReport) {
        left.failedCount += right.failedCount
        left.firstError = left.firstError ?? right.firstError
    }
}

/// Records from standard input.
struct InputRecords {
    private let format: InputFormat
    private let limit: Int
    private var splitter: RecordSplitter
    private var hasEnded = false
    /// How many records have been read.
    private(set) var count = 0

    /// - Parameter limit: the most bytes that a record may have.
    init(_ format: InputFormat, limit: Int) {
        self.format = format
        self.limit = limit
        splitter = RecordSplitter(terminator: format.terminator)
    }

    /// The next records, and why none comes behind them; nil at the end.
    mutating func next() async throws -> (fields: [InputFormat.Fields], error: CommandFailure?)? {
        guard !hasEnded else { return nil }
        guard let chunk = try await Input.chunk() else {
            hasEnded = true
            return read(splitter.last().map { [$0] } ?? [])
        }
        let records = read(splitter.split(chunk))
        if records.error == nil, splitter.restCount > limit {
            return (records.fields, CommandFailure("record \(count + 1) is larger than max.request.size (\(limit))"))
        }
        return records
    }

    private mutating func read(
        _ records: [ArraySlice<UInt8>]
    ) -> (fields: [InputFormat.Fields], error: CommandFailure?) {
        var fields: [InputFormat.Fields] = []
        for record in records {
            count += 1
            guard let found = format.read(record) else {
                return (fields, CommandFailure("record \(count) is not of the form that -f says: \(shown(record))"))
            }
            fields.append(found)
        }
        return (fields, nil)
    }

    private func shown(_ record: ArraySlice<UInt8>) -> String {
        let text = String(decoding: record.prefix(60), as: UTF8.self)
        return record.count > 60 ? text + "…" : text
    }
}
