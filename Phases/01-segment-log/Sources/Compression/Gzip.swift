/// Gzip (RFC 1952), by zlib.
enum Gzip {
    static let library = SystemLibrary(
        "zlib", debian: "zlib1g", homebrew: "zlib", linux: "libz.so.1", darwin: "libz.1.dylib")

    private static let functions = Result(catching: Functions.load)

    /// A window of 2^15 bytes, and 16 for gzip's header and trailer.
    private static let windowBits: Int32 = 15 + 16
    // What the functions return.
    private static let ok: Int32 = 0
    private static let streamEnd: Int32 = 1
    private static let memoryError: Int32 = -4
    private static let bufferError: Int32 = -5

    static func decompress(_ bytes: Bytes, into output: inout InflatedBytes) throws(CompressionError) {
        let zlib = try functions.get()
        var stream = unsafe ZStream(end: zlib.inflateEnd)
        // SAFETY: the stream is zeroed, which is what the library expects.
        let status = unsafe stream.call { unsafe zlib.inflateInit($0, windowBits, "1", Int32(ZStream.byteCount)) }
        guard status == ok else { throw .failed(.gzip, reason: "inflateInit2 returned \(status)") }
        output.expect(4 * bytes.count)
        var position = 0
        while true {
            var step = ZStream.Step()
            try unsafe output.fill { room in
                // SAFETY: the library reads and writes only within the two buffers it is given.
                step = unsafe bytes.dropFirst(position).withUnsafeBytes { input in
                    unsafe stream.step(from: input, to: room) { unsafe zlib.inflate($0, 0) }
                }
                return step.produced
            }
            position += step.consumed
            switch step.status {
            case ok where step.consumed > 0 || step.produced > 0: continue
            case ok, bufferError: throw .corrupt(.gzip, reason: "the data ends inside a member")
            case streamEnd:
                if position == bytes.count { return }
                // Another member follows.
                let status = unsafe stream.call { unsafe zlib.inflateReset($0) }
                guard status == ok else { throw .failed(.gzip, reason: "inflateReset returned \(status)") }
            case memoryError: throw .failed(.gzip, reason: "out of memory")
            default: throw .corrupt(.gzip, reason: stream.message ?? "inflate returned \(step.status)")
            }
        }
    }

    static func compress(_ bytes: Bytes) throws(CompressionError) -> Bytes {
        let zlib = try functions.get()
        var stream = unsafe ZStream(end: zlib.deflateEnd)
        // SAFETY: the stream is zeroed, which is what the library expects. Level -1 is the default,
        // method 8 is deflate, memory level 8 and strategy 0 are the defaults.
        let status = unsafe stream.call {
            unsafe zlib.deflateInit($0, -1, 8, windowBits, 8, 0, "1", Int32(ZStream.byteCount))
        }
        guard status == ok else { throw .failed(.gzip, reason: "deflateInit2 returned \(status)") }
        let bound = unsafe stream.call { unsafe zlib.deflateBound($0, UInt(bytes.count)) }
        var writer = ByteWriter(capacity: Int(bound))
        _ = try unsafe writer.fill(upTo: Int(bound)) { room throws(CompressionError) in
            // SAFETY: the library reads and writes only within the two buffers it is given.
            let step = unsafe bytes.withUnsafeBytes { input in
                unsafe stream.step(from: input, to: room) { unsafe zlib.deflate($0, 4) }
            }
            guard step.status == streamEnd else { throw .failed(.gzip, reason: "deflate returned \(step.status)") }
            return step.produced
        }
        return writer.finish()
    }
}

/// zlib's `z_stream`: what is to be read, what may be written, and the library's own state.
///
///     byte  0  next_in    24  next_out    48  msg     64  zalloc    88  data_type
///           8  avail_in   32  avail_out   56  state   72  zfree     96  adler
///          16  total_in   40  total_out               80  opaque   104  reserved
@safe private struct ZStream: ~Copyable {
    // SAFETY: this is the layout where pointers and `unsigned long` have 64 bits. It has never
    // changed, and the library refuses to begin where the size it is told is not its own.
    static let byteCount = 112

    /// What one call did.
    struct Step {
        var status: Int32 = 0
        var consumed = 0
        var produced = 0
    }

    private let memory: UnsafeMutableRawPointer
    private let end: @convention(c) @Sendable (UnsafeMutableRawPointer) -> Int32

    /// A stream that `end` will free. Until it has begun, freeing it does nothing.
    init(end: @convention(c) @Sendable (UnsafeMutableRawPointer) -> Int32) {
        unsafe memory = .allocate(byteCount: Self.byteCount, alignment: 8)
        unsafe memory.initializeMemory(as: UInt8.self, repeating: 0, count: Self.byteCount)
        unsafe self.end = end
    }

    deinit {
        // SAFETY: the library frees its state, if there is one; then nobody knows the memory any more.
        _ = unsafe end(memory)
        unsafe memory.deallocate()
    }

    /// Calls `body` with the stream, which stays where it is: the library remembers the address.
    mutating func call<Result>(_ body: (UnsafeMutableRawPointer) -> Result) -> Result {
        unsafe body(memory)
    }

    /// Lets `body` read from `input` and write to `output`, as far as 32 bits count.
    mutating func step(
        from input: UnsafeRawBufferPointer, to output: UnsafeMutableRawBufferPointer,
        _ body: (UnsafeMutableRawPointer) -> Int32
    ) -> Step {
        let available = (input: UInt32(clamping: input.count), output: UInt32(clamping: output.count))
        // SAFETY: the offsets are those of the layout above.
        unsafe memory.storeBytes(of: input.baseAddress, toByteOffset: 0, as: UnsafeRawPointer?.self)
        unsafe memory.storeBytes(of: available.input, toByteOffset: 8, as: UInt32.self)
        unsafe memory.storeBytes(of: output.baseAddress, toByteOffset: 24, as: UnsafeMutableRawPointer?.self)
        unsafe memory.storeBytes(of: available.output, toByteOffset: 32, as: UInt32.self)
        let status = unsafe body(memory)
        let left = unsafe (
            input: memory.load(fromByteOffset: 8, as: UInt32.self),
            output: memory.load(fromByteOffset: 32, as: UInt32.self)
        )
        return Step(
            status: status, consumed: Int(available.input - left.input), produced: Int(available.output - left.output))
    }

    /// What the library says about the last error.
    var message: String? {
        // SAFETY: `msg` is null, or constant text that ends with a zero.
        unsafe memory.load(fromByteOffset: 48, as: UnsafePointer<CChar>?.self).map { unsafe String(cString: $0) }
    }
}

extension Gzip {
    /// The functions that are used. Those that end in an underscore are what zlib's macros call.
    @safe private struct Functions: Sendable {
        typealias Stream = UnsafeMutableRawPointer
        typealias InflateInit = @convention(c) @Sendable (Stream, Int32, UnsafePointer<CChar>, Int32) -> Int32
        typealias DeflateInit =
            @convention(c) @Sendable (
                Stream, Int32, Int32, Int32, Int32, Int32, UnsafePointer<CChar>, Int32
            ) -> Int32

        let inflateInit: InflateInit
        let inflate: @convention(c) @Sendable (Stream, Int32) -> Int32
        let inflateReset: @convention(c) @Sendable (Stream) -> Int32
        let inflateEnd: @convention(c) @Sendable (Stream) -> Int32
        let deflateInit: DeflateInit
        let deflateBound: @convention(c) @Sendable (Stream, UInt) -> UInt
        let deflate: @convention(c) @Sendable (Stream, Int32) -> Int32
        let deflateEnd: @convention(c) @Sendable (Stream) -> Int32

        static func load() throws(CompressionError) -> Functions {
            let zlib = try DynamicLibrary(Gzip.library, for: .gzip)
            // SAFETY: the types are those of zlib.h, the same since version 1.2.
            return unsafe Functions(
                inflateInit: try zlib.function("inflateInit2_"),
                inflate: try zlib.function("inflate"),
                inflateReset: try zlib.function("inflateReset"),
                inflateEnd: try zlib.function("inflateEnd"),
                deflateInit: try zlib.function("deflateInit2_"),
                deflateBound: try zlib.function("deflateBound"),
                deflate: try zlib.function("deflate"),
                deflateEnd: try zlib.function("deflateEnd"))
        }
    }
}
