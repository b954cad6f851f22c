/// Snappy by libsnappy, in the framing of the Java library (xerial), which is Kafka's:
///
///     82 53 4E 41 50 50 59 00   magic
///     int32                     version: 1
///     int32                     the oldest version that can read it: 1
///     int32, bytes              the length of a block, and the block; and so on to the end
///
/// librdkafka and others send one raw block without any framing, so that is read too.
enum Snappy {
    static let library = SystemLibrary(
        "libsnappy", debian: "libsnappy1v5", homebrew: "snappy", linux: "libsnappy.so.1", darwin: "libsnappy.1.dylib")

    private static let functions = Result(catching: Functions.load)

    private static let magic: UInt64 = 0x8253_4E41_5050_5900
    /// The Java library's block size, before compression.
    private static let blockBytes = 32 << 10

    static func decompress(_ bytes: Bytes, into output: inout InflatedBytes) throws(CompressionError) {
        let snappy = try functions.get()
        var reader = ByteReader(bytes)
        guard isBeforeHeader(reader) else { return try snappy.decompress(bytes, into: &output) }
        while let block = try nextBlock(&reader) { try snappy.decompress(block, into: &output) }
    }

    private static func isBeforeHeader(_ reader: ByteReader) -> Bool {
        var ahead = reader
        return (try? ahead.integer(UInt64.self)) == magic
    }

    /// The next framed block, or nil at the end.
    private static func nextBlock(_ reader: inout ByteReader) throws(CompressionError) -> Bytes? {
        do {
            // Where streams were put behind one another, another header stands in a block's place. Its
            // two versions are passed over: there has only been one.
            while isBeforeHeader(reader) { _ = try reader.skip(16) }
            guard reader.remaining > 0 else { return nil }
            return try reader.slice(Int(try reader.integer(Int32.self)))
        } catch {
            throw .corrupt(.snappy, reason: error.description)
        }
    }

    static func compress(_ bytes: Bytes) throws(CompressionError) -> Bytes {
        let snappy = try functions.get()
        var writer = ByteWriter(capacity: 16 + bytes.count / 2)
        writer.integer(magic)
        writer.integer(Int32(1))
        writer.integer(Int32(1))
        for start in stride(from: 0, to: bytes.count, by: blockBytes) {
            let block = bytes.slice(start..<min(start + blockBytes, bytes.count))
            let place = writer.count
            writer.integer(Int32(0))
            writer.replaceInteger(at: place, with: Int32(try snappy.compress(block, into: &writer)))
        }
        return writer.finish()
    }
}

extension Snappy {
    /// The functions that are used: `snappy-c.h` has but one more. A `size_t` stands as `Int`, and a
    /// `snappy_status` of 0 means that all went well.
    @safe private struct Functions: Sendable {
        typealias Convert =
            @convention(c) @Sendable (
                UnsafeRawPointer?, Int, UnsafeMutableRawPointer?, UnsafeMutablePointer<Int>
            ) -> UInt32

        let compress: Convert
        let uncompress: Convert
        let maxCompressedLength: @convention(c) @Sendable (Int) -> Int
        let uncompressedLength: @convention(c) @Sendable (UnsafeRawPointer?, Int, UnsafeMutablePointer<Int>) -> UInt32

        static func load() throws(CompressionError) -> Functions {
            let snappy = try DynamicLibrary(Snappy.library, for: .snappy)
            // SAFETY: the types are those of snappy-c.h, the same since version 1.0.
            return unsafe Functions(
                compress: try snappy.function("snappy_compress"),
                uncompress: try snappy.function("snappy_uncompress"),
                maxCompressedLength: try snappy.function("snappy_max_compressed_length"),
                uncompressedLength: try snappy.function("snappy_uncompressed_length"))
        }

        /// Inflates one block.
        func decompress(_ block: Bytes, into output: inout InflatedBytes) throws(CompressionError) {
            var claimed = 0
            // SAFETY: the library reads at most `$0.count` bytes, and writes only the length.
            let parsed = unsafe block.withUnsafeBytes {
                unsafe uncompressedLength($0.baseAddress, $0.count, &claimed)
            }
            // Three bytes, the densest element there is, make 64.
            guard parsed == 0, claimed >= 0, claimed <= 22 * block.count else {
                throw .corrupt(.snappy, reason: "a block of \(block.count) bytes has no length that it can have")
            }
            guard claimed <= output.remaining else { throw .tooLarge(limit: output.limit) }
            output.expect(claimed)
            try unsafe output.fill { room throws(CompressionError) in
                var length = room.count
                // SAFETY: the library writes at most `length` bytes, and sets it to how many it wrote.
                let status = unsafe block.withUnsafeBytes {
                    unsafe uncompress($0.baseAddress, $0.count, room.baseAddress, &length)
                }
                guard status == 0 else { throw .corrupt(.snappy, reason: "a block does not hold what it says") }
                return length
            }
        }

        /// Compresses one block, and returns how many bytes that made.
        func compress(_ block: Bytes, into writer: inout ByteWriter) throws(CompressionError) -> Int {
            try unsafe writer.fill(upTo: maxCompressedLength(block.count)) { room throws(CompressionError) in
                var length = room.count
                // SAFETY: the library writes at most `length` bytes, and sets it to how many it wrote.
                let status = unsafe block.withUnsafeBytes {
                    unsafe compress($0.baseAddress, $0.count, room.baseAddress, &length)
                }
                guard status == 0 else { throw .failed(.snappy, reason: "status \(status)") }
                return length
            }
        }
    }
}
