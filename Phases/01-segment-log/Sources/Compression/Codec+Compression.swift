extension BatchAttributes.Codec {
    /// Inflates what this codec, in any implementation, has compressed.
    ///
    ///     let records = try BatchAttributes.Codec.zstd.decompress(bytes, limit: 1 << 20)
    ///
    /// Sizes that the data claims are never believed: memory is taken as bytes come out, and never
    /// for more than `limit` of them, beside what the library itself holds (gzip 40 KiB, zstd
    /// 160 KiB, lz4 two blocks of at most 4 MiB). Several streams behind one another are read as one.
    ///
    /// - Parameter limit: the most bytes that may come out. More than that is refused.
    public func decompress(_ bytes: Bytes, limit: Int) throws(CompressionError) -> Bytes {
        guard self != .none else {
            guard bytes.count <= limit else { throw .tooLarge(limit: limit) }
            return bytes
        }
        var output = InflatedBytes(limit: limit)
        try decompress(bytes, into: &output)
        return output.finish()
    }

    /// Compresses `bytes` with this codec, in the framing and with the default level of Kafka's
    /// Java client.
    public func compress(_ bytes: Bytes) throws(CompressionError) -> Bytes {
        guard bytes.count <= Int(Int32.max) else { throw .tooLarge(limit: Int(Int32.max)) }
        return switch self {
        case .none: bytes
        case .gzip: try Gzip.compress(bytes)
        case .snappy: try Snappy.compress(bytes)
        case .lz4: try LZ4.compress(bytes)
        case .zstd: try Zstandard.compress(bytes)
        }
    }

    /// The same into memory that is given; not for `none`.
    func decompress(_ bytes: Bytes, into output: inout InflatedBytes) throws(CompressionError) {
        // No codec compresses anything, not even nothing, to no bytes.
        guard bytes.count > 0 else { throw .corrupt(self, reason: "there are no bytes") }
        switch self {
        case .none: preconditionFailure("decompressing what is not compressed")
        case .gzip: try Gzip.decompress(bytes, into: &output)
        case .snappy: try Snappy.decompress(bytes, into: &output)
        case .lz4: try LZ4.decompress(bytes, into: &output)
        case .zstd: try Zstandard.decompress(bytes, into: &output)
        }
    }
}

extension BatchAttributes {
    /// These attributes with another codec.
    func with(_ codec: Codec) -> BatchAttributes {
        BatchAttributes(rawValue: rawValue & ~0b111 | Int16(codec.rawValue))
    }
}
