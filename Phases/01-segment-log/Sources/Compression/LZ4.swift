/// LZ4 frames, by liblz4.
enum LZ4 {
    static let library = SystemLibrary(
        "liblz4", debian: "liblz4-1", homebrew: "lz4", linux: "liblz4.so.1", darwin: "liblz4.1.dylib")

    private static let functions = Result(catching: Functions.load)

    /// LZ4F_VERSION: the frame interface's own version, the same since liblz4 1.7.
    private static let version: UInt32 = 100

    static func decompress(_ bytes: Bytes, into output: inout InflatedBytes) throws(CompressionError) {
        let lz4 = try functions.get()
        var created: UnsafeMutableRawPointer?
        // SAFETY: the library writes the context's address, and nothing else, to `created`.
        let result = unsafe lz4.createContext(&created, version)
        guard lz4.isError(result) == 0, let context = unsafe created else {
            throw .failed(.lz4, reason: lz4.reason(result))
        }
        defer { _ = unsafe lz4.freeContext(context) }
        output.expect(4 * bytes.count)
        var position = 0
        while true {
            var consumed = bytes.count - position
            var produced = 0
            var hint = 0
            try unsafe output.fill { room in
                produced = room.count
                // SAFETY: the library reads at most `consumed` bytes and writes at most `produced`, and
                // sets both to what it did. It keeps no pointer: without `stableDst` it copies its history.
                hint = unsafe bytes.withUnsafeBytes {
                    let source = unsafe $0.baseAddress.map { unsafe $0 + position }
                    return unsafe lz4.decompress(context, room.baseAddress, &produced, source, &consumed, nil)
                }
                return lz4.isError(hint) == 0 ? produced : 0
            }
            guard lz4.isError(hint) == 0 else { throw .corrupt(.lz4, reason: lz4.reason(hint)) }
            position += consumed
            if hint == 0 && position == bytes.count { return }
            // A frame is unfinished, and there is room: then bytes were lost.
            guard consumed > 0 || produced > 0 else { throw .corrupt(.lz4, reason: "the data ends inside a frame") }
        }
    }

    static func compress(_ bytes: Bytes) throws(CompressionError) -> Bytes {
        let lz4 = try functions.get()
        // SAFETY: LZ4F_preferences_t is 14 words of 32 bits since liblz4 1.7, where zero means the
        // default. The second is the block mode; the words 4 and 5 are one of 64 bits, hence the alignment.
        let preferences = UnsafeMutableRawBufferPointer.allocate(byteCount: 56, alignment: 8)
        defer { unsafe preferences.deallocate() }
        unsafe preferences.initializeMemory(as: UInt8.self, repeating: 0)
        // Kafka's Java client reads no blocks that depend on one another.
        unsafe preferences.storeBytes(of: 1, toByteOffset: 4, as: UInt32.self)

        let bound = unsafe lz4.compressFrameBound(bytes.count, preferences.baseAddress)
        var writer = ByteWriter(capacity: bound)
        _ = try unsafe writer.fill(upTo: bound) { room throws(CompressionError) in
            // SAFETY: the library writes at most `room.count` bytes, and reads `$0.count`.
            let result = unsafe bytes.withUnsafeBytes {
                unsafe lz4.compressFrame(
                    room.baseAddress, room.count, $0.baseAddress, $0.count, preferences.baseAddress)
            }
            guard lz4.isError(result) == 0 else { throw .failed(.lz4, reason: lz4.reason(result)) }
            return result
        }
        return writer.finish()
    }
}

extension LZ4 {
    /// The functions that are used, all of `lz4frame.h`'s stable part. A `size_t` stands as `Int`.
    @safe private struct Functions: Sendable {
        typealias CreateContext =
            @convention(c) @Sendable (UnsafeMutablePointer<UnsafeMutableRawPointer?>, UInt32) -> Int
        typealias Decompress =
            @convention(c) @Sendable (
                UnsafeMutableRawPointer, UnsafeMutableRawPointer?, UnsafeMutablePointer<Int>,
                UnsafeRawPointer?, UnsafeMutablePointer<Int>, UnsafeRawPointer?
            ) -> Int
        typealias CompressFrame =
            @convention(c) @Sendable (
                UnsafeMutableRawPointer?, Int, UnsafeRawPointer?, Int, UnsafeRawPointer?
            ) -> Int

        let createContext: CreateContext
        let freeContext: @convention(c) @Sendable (UnsafeMutableRawPointer) -> Int
        let decompress: Decompress
        let compressFrameBound: @convention(c) @Sendable (Int, UnsafeRawPointer?) -> Int
        let compressFrame: CompressFrame
        let isError: @convention(c) @Sendable (Int) -> UInt32
        let errorName: @convention(c) @Sendable (Int) -> UnsafePointer<CChar>?

        static func load() throws(CompressionError) -> Functions {
            let lz4 = try DynamicLibrary(LZ4.library, for: .lz4)
            // SAFETY: the types are those of lz4frame.h, the same since liblz4 1.7.
            return unsafe Functions(
                createContext: try lz4.function("LZ4F_createDecompressionContext"),
                freeContext: try lz4.function("LZ4F_freeDecompressionContext"),
                decompress: try lz4.function("LZ4F_decompress"),
                compressFrameBound: try lz4.function("LZ4F_compressFrameBound"),
                compressFrame: try lz4.function("LZ4F_compressFrame"),
                isError: try lz4.function("LZ4F_isError"),
                errorName: try lz4.function("LZ4F_getErrorName"))
        }

        func reason(_ result: Int) -> String {
            // SAFETY: the library returns constant text that ends with a zero.
            unsafe errorName(result).map { unsafe String(cString: $0) } ?? "error \(result)"
        }
    }
}
