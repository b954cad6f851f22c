import SegmentLog

/// `logbook dump-log`: prints segments as Kafka's DumpLogSegments does, and says where one is damaged.
enum DumpLogCommand {
    private static let usage = """
        usage: logbook dump-log [--print-data-log] FILE...

        Prints the batches and records of .log files, and the entries of .index and .timeindex files.
        --print-data-log also prints keys, values and headers. Exit status 1 if a file is damaged.
        """

    static func run(_ arguments: [String]) throws {
        let arguments = try Arguments(
            arguments, valued: [], plain: ["--print-data-log", "--deep-iteration", "--help", "-h"])
        if arguments.has("--help") || arguments.has("-h") { return Output.line(usage) }
        guard !arguments.positional.isEmpty else { throw UsageError("no file given\n\n" + usage) }
        var damaged: [String] = []
        for path in arguments.positional {
            if try !dump(path, printsData: arguments.has("--print-data-log")) { damaged.append(path) }
        }
        if !damaged.isEmpty { throw CommandFailure("damaged: \(damaged.joined(separator: ", "))") }
    }

    /// Prints one file; false if it is damaged.
    private static func dump(_ path: String, printsData: Bool) throws -> Bool {
        let (directory, name) = split(path)
        let storage = try FileStorage(existing: directory)
        Output.line("Dumping \(path)")
        if name.hasSuffix(".timeindex") {
            return dump(TimeIndex(decoding: try storage.contents(of: name, limit: Int(Int32.max)))) {
                "timestamp: \($0.timestamp) offset: \(base(name) &+ Int64($0.relativeOffset))"
            }
        }
        if name.hasSuffix(".index") {
            return dump(OffsetIndex(decoding: try storage.contents(of: name, limit: Int(Int32.max)))) {
                "offset: \(base(name) &+ Int64($0.relativeOffset)) position: \($0.position)"
            }
        }
        return try dumpBatches(try storage.open(name, creating: false, writing: false), printsData: printsData)
    }

    /// The base offset that an index's name says; 0 where it says none.
    private static func base(_ name: String) -> Int64 { Int64(name.prefix { $0 != "." }) ?? 0 }

    private static func dump<Entry>(_ index: SparseIndex<Entry>?, _ line: (Entry) -> String) -> Bool {
        guard let index else {
            Output.line("the file is no index: it ends inside an entry, or its entries do not ascend")
            return false
        }
        for entry in index.entries { Output.line(line(entry)) }
        return true
    }

    private static func dumpBatches(_ file: any File, printsData: Bool) throws -> Bool {
        let size = try file.size()
        var scanner = BatchScanner(file, from: 0, to: size, checksums: true)
        while let step = try scanner.next() {
            switch step {
            case .damage(let position, let error):
                Output.line("damaged at position \(position), \(size - position) bytes before the end: \(error)")
                return false
            case .batch(let position, let header):
                Output.line(describe(header, position))
                let batch = try RecordBatch(checking: try scanner.bytes(at: position, header))
                do {
                    try dumpRecords(of: batch, printsData: printsData)
                } catch {
                    Output.line("damaged at position \(position): the CRC fits, but \(error)")
                    return false
                }
            }
        }
        return true
    }

    /// Prints a batch's records, or why they stay closed where that is not the batch's fault.
    private static func dumpRecords(of batch: RecordBatch, printsData: Bool) throws {
        let opened: RecordBatch
        do {
            opened = try batch.opened()
        } catch {
            if case .corrupt = error { throw error }
            return Output.line("| records not shown: \(error)")
        }
        var records = opened.records()
        while let record = try records.next() {
            Output.line(try describe(record, in: opened, printsData: printsData))
        }
    }

    private static func describe(_ header: RecordBatchHeader, _ position: Int64) -> String {
        let lastSequence = header.baseSequence < 0 ? -1 : header.baseSequence &+ header.lastOffsetDelta
        let codec = header.attributes.codec.map { "\($0)" } ?? "unknown"
        return """
            baseOffset: \(header.baseOffset) lastOffset: \(header.lastOffset) count: \(header.recordCount) \
            baseSequence: \(header.baseSequence) lastSequence: \(lastSequence) producerId: \(header.producerID) \
            producerEpoch: \(header.producerEpoch) partitionLeaderEpoch: \(header.leaderEpoch.value) \
            isTransactional: \(header.attributes.isTransactional) isControl: \(header.attributes.isControl) \
            position: \(position) \(header.attributes.isLogAppendTime ? "LogAppendTime" : "CreateTime"): \
            \(header.maxTimestamp) size: \(header.byteCount) magic: \(header.magic) compresscodec: \(codec) \
            crc: \(header.checksum) isvalid: true
            """
    }

    private static func describe(_ record: Record, in batch: RecordBatch, printsData: Bool) throws -> String {
        let headers = try batch.headers(of: record)
        var line = """
            | offset: \(batch.offset(of: record)) CreateTime: \(batch.timestamp(of: record)) \
            keySize: \(record.key?.count ?? -1) valueSize: \(record.value?.count ?? -1) \
            headerKeys: [\(headers.map { text($0.key) }.joined(separator: ","))]
            """
        if printsData {
            if let key = batch.bytes(record.key) { line += " key: \(text(key))" }
            if let value = batch.bytes(record.value) { line += " payload: \(text(value))" }
            for header in headers { line += " header: \(text(header.key))=\(header.value.map(text) ?? "null")" }
        }
        return line
    }

    private static func text(_ bytes: Bytes) -> String { bytes.text }
}
