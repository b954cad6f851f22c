import Foundation
import SegmentLog
import TestSupport
import Testing

/// The codecs that compress.
private let codecs: [BatchAttributes.Codec] = [.gzip, .snappy, .lz4, .zstd]

@Suite("A codec", .timeLimit(.minutes(15)))
struct CodecTests {
    @Test("gives back what it compressed, at every size and for every kind of data", arguments: codecs)
    func sizes(_ codec: BatchAttributes.Codec) throws {
        for size in [0, 1, 2, 100, 32_767, 32_768, 32_769, 65_536, 65_537, 262_145, 3_000_000] {
            for kind in Sample.Kind.allCases {
                let bytes = Sample.bytes(kind, size, seed: UInt64(size))
                let compressed = try codec.compress(bytes)
                #expect(try codec.decompress(compressed, limit: size) == bytes, "\(kind), \(size) bytes")
                #expect(try codec.decompress(compressed, limit: .max) == bytes, "\(kind), \(size) bytes")
                guard size > 0 else { continue }
                #expect(throws: CompressionError.tooLarge(limit: size - 1), "\(kind), \(size) bytes") {
                    try codec.decompress(compressed, limit: size - 1)
                }
            }
        }
    }

    @Test("gives back what it compressed, over 200 seeds", arguments: codecs)
    func seeds(_ codec: BatchAttributes.Codec) throws {
        for seed in UInt64(0)..<200 {
            var random = SplitMix64(seed: seed)
            let kind = Sample.Kind.allCases[random.below(Sample.Kind.allCases.count)]
            let bytes = Sample.bytes(kind, random.below(20_000), seed: seed)
            let compressed = try codec.compress(bytes)
            #expect(try codec.decompress(compressed, limit: bytes.count) == bytes, "seed \(seed)")
            // As a slice of something larger, nothing before or behind it is read.
            var writer = ByteWriter()
            writer.integer(UInt32.max)
            writer.append(compressed)
            writer.integer(UInt32.max)
            let inside = writer.finish().slice(4..<(4 + compressed.count))
            #expect(try codec.decompress(inside, limit: bytes.count) == bytes, "seed \(seed)")
        }
    }

    @Test("reads what other implementations wrote", arguments: Foreign.streams)
    func foreign(_ stream: Foreign) throws {
        #expect(try stream.codec.decompress(stream.bytes, limit: Foreign.text.count) == Foreign.text)
        #expect(throws: CompressionError.tooLarge(limit: Foreign.text.count - 1)) {
            try stream.codec.decompress(stream.bytes, limit: Foreign.text.count - 1)
        }
    }

    @Test("reads streams behind one another as one", arguments: Foreign.streams)
    func concatenated(_ stream: Foreign) throws {
        // Raw snappy has no end to put anything behind.
        guard stream.name != "cramjam, raw" else { return }
        var expected: [UInt8] = []
        var streams: [UInt8] = []
        for _ in 0..<3 {
            expected += Foreign.text.array
            streams += stream.bytes.array
        }
        #expect(try stream.codec.decompress(Bytes(streams), limit: expected.count).array == expected)
        #expect(throws: CompressionError.tooLarge(limit: expected.count - 1)) {
            try stream.codec.decompress(Bytes(streams), limit: expected.count - 1)
        }
    }

    @Test("refuses bytes cut short anywhere", arguments: Foreign.streams)
    func truncated(_ stream: Foreign) throws {
        // Kafka's snappy framing says neither how many blocks there are nor where they end.
        let ends = stream.name == "kafka-python, framed" ? [16, 59, 102] : []
        for count in 0..<stream.bytes.count where !ends.contains(count) {
            #expect(throws: CompressionError.self, "\(count) bytes") {
                try stream.codec.decompress(stream.bytes.slice(0..<count), limit: 1 << 20)
            }
        }
    }

    @Test("refuses bytes that follow the last stream", arguments: Foreign.streams)
    func trailing(_ stream: Foreign) throws {
        let bytes = Bytes(stream.bytes.array + [1, 2, 3, 4, 5])
        #expect(throws: CompressionError.self) { try stream.codec.decompress(bytes, limit: 1 << 20) }
    }

    @Test("with any byte changed to any other never traps, and never exceeds the limit", arguments: Foreign.streams)
    func changedBytes(_ stream: Foreign) throws {
        let limit = 1 << 16
        let good = stream.bytes.array
        var refused = 0
        for index in good.indices {
            for value in UInt8.min...UInt8.max where value != good[index] {
                var bytes = good
                bytes[index] = value
                if let inflated = try? stream.codec.decompress(Bytes(bytes), limit: limit) {
                    #expect(inflated.count <= limit)
                    // Gzip has a CRC: what is accepted is right, because only its header was changed.
                    if stream.codec == .gzip { #expect(inflated == Foreign.text, "byte \(index): \(value)") }
                } else {
                    refused += 1
                }
            }
        }
        #expect(refused > good.count)
    }

    @Test("of 20,000 random mutations inflates or is refused, and never traps", arguments: codecs)
    func mutations(_ codec: BatchAttributes.Codec) throws {
        var random = SplitMix64(seed: 11)
        let good = try codec.compress(Sample.bytes(.words, 3_000, seed: 5)).array
        var refused = 0
        for _ in 0..<20_000 {
            var bytes = good
            for _ in 0...random.below(6) { bytes[random.below(bytes.count)] = UInt8(truncatingIfNeeded: random.next()) }
            if random.chance(20) { bytes.removeLast(random.below(bytes.count)) }
            if random.chance(10) { bytes.removeFirst(random.below(bytes.count)) }
            do {
                #expect(try codec.decompress(Bytes(bytes), limit: 10_000).count <= 10_000)
            } catch {
                refused += 1
            }
        }
        #expect(refused > 0)
    }

    @Test("refuses bytes that are noise", arguments: codecs)
    func noise(_ codec: BatchAttributes.Codec) {
        for seed in UInt64(0)..<2_000 {
            let bytes = Sample.bytes(.noise, Int(seed % 300), seed: seed)
            // Raw snappy has neither magic nor checksum, so a few bytes of noise may be right.
            if codec == .snappy {
                _ = try? codec.decompress(bytes, limit: 1 << 16)
            } else {
                #expect(throws: CompressionError.self, "seed \(seed)") { try codec.decompress(bytes, limit: 1 << 16) }
            }
        }
    }

    @Test("none lets bytes pass, up to the limit")
    func none() throws {
        let none = BatchAttributes.Codec.none
        #expect(try none.compress(Foreign.text) == Foreign.text)
        #expect(try none.decompress(Foreign.text, limit: Foreign.text.count) == Foreign.text)
        #expect(throws: CompressionError.tooLarge(limit: 5)) { try none.decompress(Foreign.text, limit: 5) }
    }

    @Test("writes snappy in the framing and the blocks of the Java client")
    func framing() throws {
        let compressed = try BatchAttributes.Codec.snappy.compress(Sample.bytes(.noise, 70_000, seed: 1))
        var reader = ByteReader(compressed)
        #expect(try reader.slice(8) == [0x82, 0x53, 0x4E, 0x41, 0x50, 0x50, 0x59, 0x00])
        #expect(try reader.integer(Int32.self) == 1)
        #expect(try reader.integer(Int32.self) == 1)
        var blocks: [UInt32] = []
        while reader.remaining > 0 {
            var block = ByteReader(try reader.slice(Int(try reader.integer(Int32.self))))
            blocks.append(try block.unsignedVarint32())
        }
        #expect(blocks == [32_768, 32_768, 70_000 - 65_536])
    }

    @Test("writes lz4 in blocks that do not depend on one another, as the Java client demands")
    func independentBlocks() throws {
        let compressed = try BatchAttributes.Codec.lz4.compress(Sample.bytes(.words, 200_000, seed: 1))
        #expect(compressed.slice(0..<4) == [0x04, 0x22, 0x4D, 0x18])
        // The flags: version 1, independent blocks, no checksums, no size.
        #expect(compressed[4] == 0b0110_0000)
    }
}

@Suite("A decompression bomb", .timeLimit(.minutes(15)))
struct BombTests {
    @Test("is refused at the limit", arguments: codecs)
    func refused(_ codec: BatchAttributes.Codec) throws {
        let bomb = try codec.compress(Bytes([UInt8](repeating: 0, count: 10_000_000)))
        #expect(codec == .snappy ? bomb.count < 500_000 : bomb.count < 50_000)
        for limit in [-1, 0, 1, 1_000, 1 << 20, 9_999_999] {
            let error = #expect(throws: CompressionError.self) { try codec.decompress(bomb, limit: limit) }
            #expect(error == .tooLarge(limit: max(limit, 0)))
        }
        #expect(try codec.decompress(bomb, limit: 10_000_000).count == 10_000_000)
    }

    @Test("takes no more memory than the limit and a little, whatever it says about its size")
    func memory() async {
        await #expect(processExitsWith: .success) {
            // A mebibyte of zeros 2,000 times over, and zstd as its header and a run of 128 KiB 20,000 times.
            let mebibyte = Bytes([UInt8](repeating: 0, count: 1 << 20))
            var bombs: [(BatchAttributes.Codec, Bytes)] = []
            for codec in [BatchAttributes.Codec.gzip, .snappy, .lz4, .zstd] {
                let one = try codec.compress(mebibyte)
                var writer = ByteWriter()
                for _ in 0..<2_000 where writer.count < 8 << 20 { writer.append(one) }
                bombs.append((codec, writer.finish()))
            }
            var runs = ByteWriter()
            // Magic, no content size, and a window of 2 GiB.
            runs.append([0x28, 0xB5, 0x2F, 0xFD, 0x00, 0xA8])
            for _ in 0..<20_000 { runs.append([0x02, 0x00, 0x10, 0x00]) }
            bombs.append((.zstd, runs.finish()))

            let limit = 16 << 20
            let before = try residentPeak()
            for (codec, bomb) in bombs {
                let error = #expect(throws: CompressionError.self) { try codec.decompress(bomb, limit: limit) }
                #expect(error == .tooLarge(limit: limit))
            }
            let grown = try residentPeak() - before
            // A sanitizer keeps what was freed, and shadows the rest.
            #expect(grown < (isSanitized() ? 16 * limit : limit + (8 << 20)), "grown by \(grown) bytes")
        }
    }

    @Test(
        "that claims an absurd size is refused before memory is taken",
        arguments: [
            // Zstandard: a content size of 2^62 bytes.
            Foreign(.zstd, "claim", "28b52ffde00000000000000040010000"),
            // Raw snappy: a length of 2^32 - 1 bytes, and of 64 MiB, in a few bytes.
            Foreign(.snappy, "claim", "ffffffff0f004100"), Foreign(.snappy, "claim", "80808020004100"),
            // Framed snappy: a block of 2 GiB, a block of -1 byte, a block whose length is cut off.
            Foreign(.snappy, "claim", "82534e41505059000000000100000001" + "7fffffff00"),
            Foreign(.snappy, "claim", "82534e41505059000000000100000001" + "ffffffff00"),
            Foreign(.snappy, "claim", "82534e41505059000000000100000001" + "000000"),
        ])
    func claims(_ stream: Foreign) {
        #expect(throws: CompressionError.self) { try stream.codec.decompress(stream.bytes, limit: 1 << 20) }
        #expect(throws: CompressionError.self) { try stream.codec.decompress(stream.bytes, limit: .max) }
    }
}

@Suite("A system library")
struct SystemLibraryTests {
    @Test("that is missing is an error that names the packages to install")
    func missing() {
        let library = SystemLibrary(
            "libzstd", debian: "libzstd1", homebrew: "zstd", files: ["libnothing.so.9", "/nowhere/libnothing.so"])
        let error = #expect(throws: CompressionError.self) { try DynamicLibrary(library, for: .zstd) }
        #expect(error == .libraryMissing(.zstd, library))
        #expect(
            error?.description == """
                zstd needs libzstd, which cannot be loaded here: install it with `apt-get install libzstd1` \
                (Debian, Ubuntu) or `brew install zstd` (macOS), and start again
                """)
    }

    @Test("that lacks a function is an error that names the packages to install")
    func tooOld() throws {
        let library = SystemLibrary(
            "zlib", debian: "zlib1g", homebrew: "zlib", files: ["libnothing.so", "libz.so.1", "/usr/lib/libz.1.dylib"])
        let opened = try DynamicLibrary(library, for: .gzip)
        typealias Function = @convention(c) () -> Void
        #expect(throws: CompressionError.libraryMissing(.gzip, library)) {
            let _: Function = try opened.function("a_function_that_zlib_never_had")
        }
    }
}

@Suite("A compressed batch", .timeLimit(.minutes(15)))
struct CompressedBatchTests {
    @Test("has a valid CRC, and reads back record by record once it is opened", arguments: codecs)
    func written(_ codec: BatchAttributes.Codec) throws {
        for seed in UInt64(0)..<50 {
            let plain = Self.builder(seed).finish()
            let batch = try RecordBatch(checking: try Self.builder(seed).finish(codec: codec).bytes)
            #expect(batch.header.attributes.codec == codec)
            #expect(batch.header.recordCount == plain.header.recordCount)
            #expect(batch.header.maxTimestamp == plain.header.maxTimestamp)
            let opened = try batch.opened()
            // An opened batch is an ordinary one: here the very bytes that were never compressed.
            #expect(opened.bytes == plain.bytes && opened.header == plain.header, "seed \(seed)")
            #expect(try opened.checkRecords() == plain.header.maxTimestamp)
            var (left, right) = (opened.records(), plain.records())
            while let record = try left.next(), let expected = try right.next() {
                #expect(opened.bytes(record.key) == plain.bytes(expected.key))
                #expect(opened.bytes(record.value) == plain.bytes(expected.value))
                #expect(try opened.headers(of: record) == plain.headers(of: expected))
                #expect(opened.offset(of: record) == plain.offset(of: expected))
            }
        }
    }

    @Test("by kafka-python opens to the records that were put in", arguments: Foreign.batches)
    func foreign(_ stream: Foreign) throws {
        let batch = try RecordBatch(checking: stream.bytes)
        #expect(batch.header.attributes.codec == stream.codec)
        let opened = try batch.opened()
        #expect(try opened.checkRecords() == 1_002)
        var records = opened.records()
        for index in 0..<3 {
            let record = try #require(try records.next())
            #expect(opened.offset(of: record) == Offset(Int64(index)))
            #expect(opened.timestamp(of: record) == 1_000 + Int64(index))
            #expect(opened.bytes(record.key)?.utf8 == "key-\(index)")
            #expect(opened.bytes(record.value)?.utf8 == String(repeating: "value ", count: 10))
        }
        #expect(try records.next() == nil)
        #expect(try RecordBatch(checking: opened.bytes).header == opened.header)
    }

    @Test("keeps its place, its producer and its flags when it is opened")
    func header() throws {
        var header = try Self.builder(1).finish(codec: .zstd).header
        let records = try Self.builder(1).finish(codec: .zstd).bytes.dropFirst(RecordBatchHeader.byteCount)
        header.baseOffset = Offset(1 << 40)
        header.leaderEpoch = LeaderEpoch(7)
        header.producerID = 99
        header.producerEpoch = 3
        header.baseSequence = 12
        header.attributes = BatchAttributes(rawValue: 0b1_1000 | header.attributes.rawValue)
        let opened = try header.sealing(records).opened()
        #expect(opened.header.attributes.rawValue == 0b1_1000)
        header.attributes = opened.header.attributes
        header.byteCount = opened.bytes.count
        header.checksum = opened.header.checksum
        #expect(opened.header == header)
        #expect(try RecordBatch(checking: opened.bytes).header == header)
        // LogAppendTime: all records have the batch's time.
        var reader = opened.records()
        let record = try #require(try reader.next())
        #expect(opened.timestamp(of: record) == header.maxTimestamp)
    }

    @Test("that is not compressed opens as itself, and one with an unknown codec not at all")
    func notCompressed() throws {
        let plain = Batches.make(3)
        #expect(try plain.opened(limit: 0).bytes == plain.bytes)
        for number in Int16(5)...7 {
            var header = plain.header
            header.attributes = BatchAttributes(rawValue: number)
            #expect(throws: CompressionError.unknownCodec(Int(number))) { try header.sealing([1, 2, 3]).opened() }
        }
    }

    @Test("that inflates to too much is not opened, nor one whose records are something else", arguments: codecs)
    func refused(_ codec: BatchAttributes.Codec) throws {
        let batch = try Self.builder(2).finish(codec: codec)
        let size = try batch.opened().bytes.count - RecordBatchHeader.byteCount
        #expect(try batch.opened(limit: size).bytes.count == size + RecordBatchHeader.byteCount)
        #expect(throws: CompressionError.tooLarge(limit: size - 1)) { try batch.opened(limit: size - 1) }
        #expect(throws: CompressionError.self) { try batch.header.sealing([]).opened() }
        let other = try batch.header.sealing(codec.compress(Foreign.text)).opened()
        #expect(throws: BatchError.self) { try other.checkRecords() }
    }

    @Test("is looked into when a record is sought by its time", arguments: codecs)
    func lookup(_ codec: BatchAttributes.Codec) throws {
        let log = try Log(in: MemoryStorage())
        for base in [Int64(1_000), 2_000] {
            var builder = RecordBatchBuilder(baseTimestamp: base)
            for index in Int64(0)..<5 {
                builder.append(key: nil, value: Bytes(utf8: "value"), timestamp: base + 10 * index)
            }
            _ = try log.append(try builder.finish(codec: codec), leaderEpoch: LeaderEpoch(0))
        }
        for (sought, offset, timestamp) in [(0, 0, 1_000), (1_001, 1, 1_010), (1_040, 4, 1_040), (2_025, 8, 2_030)] {
            let found = try log.snapshot.record(notBefore: Int64(sought), upTo: log.end)
            #expect(found?.offset == Offset(Int64(offset)) && found?.timestamp == Int64(timestamp), "\(sought)")
        }
        #expect(try log.snapshot.record(notBefore: 2_041, upTo: log.end) == nil)
        #expect(try log.snapshot.recordWithGreatestTimestamp(upTo: log.end)?.offset == Offset(9))
    }

    @Test("that cannot be opened answers a search by time with its first offset")
    func closedLookup() throws {
        let log = try Log(in: MemoryStorage())
        var header = Batches.make(3, timestamp: 1_000).header
        header.attributes = BatchAttributes(rawValue: 4)
        _ = try log.append(header.sealing([1, 2, 3]), leaderEpoch: LeaderEpoch(0))
        #expect(try log.snapshot.record(notBefore: 900, upTo: log.end)?.offset == .zero)
    }

    /// Some records, the same for the same seed.
    private static func builder(_ seed: UInt64) -> RecordBatchBuilder {
        var random = SplitMix64(seed: seed)
        var builder = RecordBatchBuilder(baseTimestamp: 1_700_000_000_000)
        for index in 0...random.below(60) {
            let value = random.chance(10) ? nil : Sample.bytes(.words, random.below(500), seed: random.next())
            let headers = random.chance(30) ? [RecordHeader(key: Bytes(utf8: "h"), value: value)] : []
            builder.append(
                key: Bytes(utf8: "key-\(index)"), value: value, headers: headers,
                timestamp: 1_700_000_000_000 + Int64(random.below(1_000)))
        }
        return builder
    }
}

/// Whether the address or the thread sanitizer is part of this process.
private func isSanitized() -> Bool {
    let process = dlopen(nil, RTLD_NOW)
    return dlsym(process, "__asan_init") != nil || dlsym(process, "__tsan_init") != nil
}

/// The most memory that this process has had, in bytes.
private func residentPeak() throws -> Int {
    #if canImport(Darwin)
        var usage = rusage()
        getrusage(RUSAGE_SELF, &usage)
        return Int(usage.ru_maxrss)
    #else
        // Linux hands ru_maxrss on from the process that started this one; this it does not.
        let status = try String(contentsOfFile: "/proc/self/status", encoding: .utf8)
        let line = try #require(status.split(separator: "\n").first { $0.hasPrefix("VmHWM:") })
        return try #require(line.split(separator: " ").dropLast().last.flatMap { Int($0) }) << 10
    #endif
}

/// Data to compress.
private enum Sample {
    enum Kind: CaseIterable { case zeros, words, noise }

    static func bytes(_ kind: Kind, _ count: Int, seed: UInt64) -> Bytes {
        var random = SplitMix64(seed: seed)
        var writer = ByteWriter(capacity: count + 16)
        while writer.count < count {
            switch kind {
            case .zeros: writer.append(contentsOf: repeatElement(0, count: count))
            case .words: writer.append(words[random.below(words.count)])
            case .noise: writer.integer(random.next())
            }
        }
        return writer.finish().slice(0..<count)
    }

    private static let words = ["the ", "broker ", "stores ", "batches ", "as they ", "came, ", "untouched. "].map {
        Bytes(utf8: $0)
    }
}

/// Bytes that another implementation wrote.
struct Foreign: Sendable, CustomTestStringConvertible {
    let codec: BatchAttributes.Codec
    let name: String
    let bytes: Bytes
    var testDescription: String { "\(codec) by \(name)" }

    init(_ codec: BatchAttributes.Codec, _ name: String, _ hexadecimal: String) {
        self.codec = codec
        self.name = name
        var rest = Substring(hexadecimal)
        var bytes: [UInt8] = []
        while let byte = UInt8(rest.prefix(2), radix: 16) {
            bytes.append(byte)
            rest = rest.dropFirst(2)
        }
        self.bytes = Bytes(bytes)
    }

    /// What the streams hold.
    static let text = Bytes(utf8: String(repeating: "Logbook keeps what was written. ", count: 8))

    static let streams = [
        Foreign(
            .gzip, "Python's zlib",
            "1f8b0800000000000203f3c94f4fcacfcf56c84e4d2d285628cf482c51284f04328a324b4a52f3f4147c86b93c003a257d6800010000"
        ),
        Foreign(
            .gzip, "Python's gzip, with a file name",
            "1f8b08080100000002ff612e74787400f3c94f4fcacfcf56c84e4d2d285628cf482c51284f04328a324b4a52f3f4147c86b93c00"
                + "3a257d6800010000"),
        Foreign(
            .gzip, "cramjam",
            "1f8b08000000000000ffddc9510900200c04d02a97c0242b3161a80c9ce8c1ea6b0eff1e3c8956231c6eb60eb22b91fab00769b3"
                + "403eff0b3a257d6800010000"),
        Foreign(
            .snappy, "cramjam, raw",
            "80027c4c6f67626f6f6b206b65657073207768617420776173207772697474656e2e20fe2000fe2000fe20007e2000"),
        Foreign(
            .snappy, "kafka-python, framed",
            "82534e4150505900000000010000000100000027647c4c6f67626f6f6b206b65657073207768617420776173207772697474656e"
                + "2e20fe2000012000000027647c6f6f6b206b65657073207768617420776173207772697474656e2e204c6f6762fe20000120"
                + "00000025387c6b65657073207768617420776173207772697474656e2e204c6f67626f6f6b205e2000"),
        Foreign(
            .lz4, "python-lz4, with linked blocks and its size",
            "04224d1868400001000000000000af2b000000ff114c6f67626f6f6b206b65657073207768617420776173207772697474656e2e"
                + "202000c85074656e2e2000000000"),
        Foreign(
            .lz4, "python-lz4, with all checksums",
            "04224d187440bd2b000000ff114c6f67626f6f6b206b65657073207768617420776173207772697474656e2e202000c85074656e"
                + "2e2010c68a05000000000742cafd"),
        Foreign(
            .lz4, "cramjam",
            "04224d185440ae2b000000ff114c6f67626f6f6b206b65657073207768617420776173207772697474656e2e202000c85074656e"
                + "2e2010c68a05000000000742cafd"),
        Foreign(
            .zstd, "zstandard, with its size",
            "28b52ffd6000004d010004024c6f67626f6f6b206b65657073207768617420776173207772697474656e2e200100e80e4a3d01"),
        Foreign(
            .zstd, "zstandard, streamed, with a checksum",
            "28b52ffd04584d010004024c6f67626f6f6b206b65657073207768617420776173207772697474656e2e200100e80e4a3d01"
                + "bff5cf83"),
    ]

    /// Three records: offset i, timestamp 1,000 + i, key "key-i", value "value " ten times. Built by
    /// kafka-python 3.0.12's DefaultRecordBatchBuilder.
    static let batches = [
        Foreign(
            .gzip, "kafka-python",
            "00000000000000000000006c0000000002f01b6da000010000000200000000000003e800000000000003eaffffffffffffffffff"
                + "ffffffffff000000031f8b0800bb79016b02ffeb63646060e0ca4eadd435a8284bcc294d55208f64e863646062021b6448b1"
                + "412c2c60838c2833080095147e2fdb000000"),
        Foreign(
            .snappy, "kafka-python",
            "00000000000000000000007800000000020da71c0e00020000000200000000000003e800000000000003eaffffffffffffffffff"
                + "ffffffffff0000000382534e4150505900000000010000000100000033db01448e010000000a6b65792d307876616c756520"
                + "d6060018008e010002020a01490031ee4900054904040405490032f64900"),
        Foreign(
            .lz4, "kafka-python",
            "00000000000000000000007d00000000020452f57300030000000200000000000003e800000000000003eaffffffffffffffffff"
                + "ffffffffff0000000304224d186840db000000000000005235000000ff038e010000000a6b65792d307876616c7565200600"
                + "2361008e0100020249001f3149002e21040449001f32490026506c7565200000000000"),
        Foreign(
            .zstd, "kafka-python",
            "0000000000000000000000650000000002c3ef14ad00040000000200000000000003e800000000000003eaffffffffffffffffff"
                + "ffffffffff0000000328b52ffd20db5d0100e08e010000000a6b65792d307876616c756520008e0100020231040432050003"
                + "22408b06614c68a1e52c76"),
    ]
}
