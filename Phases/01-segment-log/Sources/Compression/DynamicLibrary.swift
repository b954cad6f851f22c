#if canImport(Darwin)
    import Darwin
#else
    import Glibc
#endif

/// A library that most machines have: what it is called, where it lies, and what to install.
public struct SystemLibrary: Equatable, Sendable {
    /// Its own name.
    public let name: String
    /// The package that brings it on Debian and Ubuntu.
    public let debianPackage: String
    /// The package that brings it with Homebrew.
    public let homebrewPackage: String
    /// What to ask the dynamic linker for, one after another.
    package let files: [String]

    /// A library that is one of `files`.
    package init(_ name: String, debian: String, homebrew: String, files: [String]) {
        self.name = name
        debianPackage = debian
        homebrewPackage = homebrew
        self.files = files
    }

    /// A library of this soname on Linux, of this file name on macOS.
    init(_ name: String, debian: String, homebrew: String, linux: String, darwin: String) {
        #if canImport(Darwin)
            // The linker's own path does not name the directory that Homebrew uses on Apple silicon.
            let files = ["/usr/lib/", "/opt/homebrew/lib/", "/usr/local/lib/"].map { $0 + darwin }
        #else
            let files = [linux]
        #endif
        self.init(name, debian: debian, homebrew: homebrew, files: files)
    }
}

/// A system library that was opened while the program runs (`dlopen`). It is never closed, so its
/// functions stay valid.
///
///     let library = try DynamicLibrary(zlib, for: .gzip)
///     let end: @convention(c) (UnsafeMutableRawPointer) -> Int32 = unsafe try library.function("inflateEnd")
@safe package struct DynamicLibrary {
    // ADR-0104: nothing is linked, so that nothing is needed to build.
    private let handle: UnsafeMutableRawPointer
    private let codec: BatchAttributes.Codec
    private let library: SystemLibrary

    /// Opens the first of the library's files that can be opened.
    package init(_ library: SystemLibrary, for codec: BatchAttributes.Codec) throws(CompressionError) {
        for file in library.files {
            guard let handle = unsafe dlopen(file, RTLD_NOW | RTLD_LOCAL) else { continue }
            unsafe self.handle = handle
            self.codec = codec
            self.library = library
            return
        }
        throw .libraryMissing(codec, library)
    }

    /// The C function `name`. The caller's `Function` must be its type: nothing can check that.
    @unsafe package func function<Function>(_ name: String) throws(CompressionError) -> Function {
        precondition(
            MemoryLayout<Function>.size == MemoryLayout<Int>.size, "DynamicLibrary: a C function's type")
        guard let symbol = unsafe dlsym(handle, name) else { throw .libraryMissing(codec, library) }
        // SAFETY: the sizes are the same; that the type is the function's is the caller's promise.
        return unsafe unsafeBitCast(symbol, to: Function.self)
    }
}
