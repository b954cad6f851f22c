/// Why records could not be compressed or decompressed.
public enum CompressionError: Error, Equatable, Sendable {
    /// The library that does the codec's work is not on this machine, or is too old to have what is needed.
    case libraryMissing(BatchAttributes.Codec, SystemLibrary)
    /// The bytes are not what the codec writes: what is wrong with them.
    case corrupt(BatchAttributes.Codec, reason: String)
    /// The bytes inflate to more than this many.
    case tooLarge(limit: Int)
    /// The batch names a codec that Kafka does not have: the number in its attributes, 5 to 7.
    case unknownCodec(Int)
    /// The library could not do its work, for a reason that is not in the bytes: memory, mostly.
    case failed(BatchAttributes.Codec, reason: String)
}

extension CompressionError: CustomStringConvertible {
    /// The reason in words, and what to install where something is missing.
    public var description: String {
        switch self {
        case .libraryMissing(let codec, let library):
            """
            \(codec) needs \(library.name), which cannot be loaded here: install it with \
            `apt-get install \(library.debianPackage)` (Debian, Ubuntu) or `brew install \(library.homebrewPackage)` \
            (macOS), and start again
            """
        case .corrupt(let codec, let reason): "the \(codec) data is corrupt: \(reason)"
        case .tooLarge(let limit): "the records inflate to more than the \(limit) bytes allowed"
        case .unknownCodec(let number): "the batch names codec \(number), which does not exist"
        case .failed(let codec, let reason): "\(codec) failed: \(reason)"
        }
    }
}
