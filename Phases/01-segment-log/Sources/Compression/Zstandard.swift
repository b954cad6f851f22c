/// Zstandard frames (RFC 8878, KIP-110), by libzstd.
enum Zstandard {
    static let library = SystemLibrary(
        "libzstd", debian: "libzstd1", homebrew: "zstd", linux: "libzstd.so.1", darwin: "libzstd.1.dylib")

    private static let functions = Result(catching: Functions.load)

    /// The level that Kafka uses unless `compression.zstd.level` says otherwise.
    private static let level: Int32 = 3
    /// The most that a frame header can say: "I do not know", and "I am no frame".
    private static let unknownSize: UInt64 = .max
    private static let notAFrame: UInt64 = .max - 1

    /// Frames are inflated in one go, straight into the output: the streaming functions would keep a
    /// window of their own, as large as the frame asks for. A frame that does not say its size, as
    /// Kafka's clients write them, is tried again with more room where the room was too small.
    static func decompress(_ bytes: Bytes, into output: inout InflatedBytes) throws(CompressionError) {
        let zstd = try functions.get()
        // SAFETY: the pointer and the count are those of `bytes`, for the time of the call.
        let claimed = unsafe bytes.withUnsafeBytes { unsafe zstd.frameContentSize($0.baseAddress, $0.count) }
        if claimed < notAFrame {
            guard claimed <= UInt64(output.remaining) else { throw .tooLarge(limit: output.limit) }
            output.expect(Int(claimed))
        } else {
            output.expect(16 * bytes.count)
        }
        while true {
            var failure: Int?
            try unsafe output.fill { room in
                // SAFETY: the library writes at most `room.count` bytes, and reads `$0.count`.
                let result = unsafe bytes.withUnsafeBytes {
                    unsafe zstd.decompress(room.baseAddress, room.count, $0.baseAddress, $0.count)
                }
                if zstd.isError(result) == 0 { return result }
                failure = result
                return 0
            }
            guard let failure else { return }
            // ZSTD_error_dstSize_tooSmall; the numbers of these errors are promised not to change.
            guard zstd.errorCode(failure) == 70 else { throw zstd.error(failure) }
            guard !output.isFullyGrown else { throw .tooLarge(limit: output.limit) }
            output.expect(4 * output.room)
        }
    }

    static func compress(_ bytes: Bytes) throws(CompressionError) -> Bytes {
        let zstd = try functions.get()
        let bound = zstd.compressBound(bytes.count)
        var writer = ByteWriter(capacity: bound)
        _ = try unsafe writer.fill(upTo: bound) { room throws(CompressionError) in
            // SAFETY: the library writes at most `room.count` bytes, and reads `$0.count`.
            let result = unsafe bytes.withUnsafeBytes {
                unsafe zstd.compress(room.baseAddress, room.count, $0.baseAddress, $0.count, level)
            }
            guard zstd.isError(result) == 0 else { throw .failed(.zstd, reason: zstd.reason(result)) }
            return result
        }
        return writer.finish()
    }
}

extension Zstandard {
    /// The functions that are used, all of the library's stable part. A `size_t` stands as `Int`.
    @safe private struct Functions: Sendable {
        typealias Decompress =
            @convention(c) @Sendable (UnsafeMutableRawPointer?, Int, UnsafeRawPointer?, Int) -> Int
        typealias Compress =
            @convention(c) @Sendable (UnsafeMutableRawPointer?, Int, UnsafeRawPointer?, Int, Int32) -> Int

        let decompress: Decompress
        let compress: Compress
        let compressBound: @convention(c) @Sendable (Int) -> Int
        let frameContentSize: @convention(c) @Sendable (UnsafeRawPointer?, Int) -> UInt64
        let isError: @convention(c) @Sendable (Int) -> UInt32
        let errorCode: @convention(c) @Sendable (Int) -> UInt32
        let errorName: @convention(c) @Sendable (Int) -> UnsafePointer<CChar>?

        static func load() throws(CompressionError) -> Functions {
            let zstd = try DynamicLibrary(Zstandard.library, for: .zstd)
            // SAFETY: the types are those of zstd.h and zstd_errors.h, the same since version 1.3.
            return unsafe Functions(
                decompress: try zstd.function("ZSTD_decompress"),
                compress: try zstd.function("ZSTD_compress"),
                compressBound: try zstd.function("ZSTD_compressBound"),
                frameContentSize: try zstd.function("ZSTD_getFrameContentSize"),
                isError: try zstd.function("ZSTD_isError"),
                errorCode: try zstd.function("ZSTD_getErrorCode"),
                errorName: try zstd.function("ZSTD_getErrorName"))
        }

        func reason(_ result: Int) -> String {
            // SAFETY: the library returns constant text that ends with a zero.
            unsafe errorName(result).map { unsafe String(cString: $0) } ?? "error \(errorCode(result))"
        }

        /// ZSTD_error_memory_allocation is the machine's fault, everything else that of the bytes.
        func error(_ result: Int) -> CompressionError {
            errorCode(result) == 64
                ? .failed(.zstd, reason: reason(result)) : .corrupt(.zstd, reason: reason(result))
        }
    }
}
