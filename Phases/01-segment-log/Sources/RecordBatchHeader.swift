/// The 61 bytes before the records of a batch (magic 2, KIP-98): what a broker needs to know.
///
///     byte  0  base offset              8 bytes   written by the broker
///           8  batch length             4         everything behind this field
///          12  partition leader epoch   4         written by the broker
///          16  magic                    1         2
///          17  CRC-32C                  4         of everything from byte 21 on
///          21  attributes               2         codec, timestamp type, transactional, control
///          23  last offset delta        4         the last record's offset, less the base offset
///          27  base timestamp           8         milliseconds since 1970
///          35  max timestamp            8
///          43  producer id              8         -1 without idempotence
///          51  producer epoch           2
///          53  base sequence            4
///          57  number of records        4
///
/// The CRC leaves out the two fields that the broker writes, so a produced batch is stored without
/// computing it again.
@frozen
public struct RecordBatchHeader: Equatable, Sendable {
    /// The header's size in bytes.
    public static let byteCount = 61
    /// The bytes before those that the batch length counts: base offset and the length itself.
    public static let lengthOverhead = 12
    /// The first byte that the CRC covers.
    public static let checksumStart = 21

    /// The offset of the first record.
    public var baseOffset: Offset
    /// The bytes of the whole batch, from the base offset to the last record.
    public var byteCount: Int
    /// The leader epoch in which the batch was appended.
    public var leaderEpoch: LeaderEpoch
    /// The format's version; only 2 is accepted.
    public var magic: Int8
    /// The CRC-32C that the header claims.
    public var checksum: UInt32
    /// Codec and flags.
    public var attributes: BatchAttributes
    /// The last record's offset, less the base offset; 0 or more.
    public var lastOffsetDelta: Int32
    /// What the records' timestamp deltas are relative to, in milliseconds since 1970.
    public var baseTimestamp: Int64
    /// The greatest timestamp in the batch, in milliseconds since 1970; -1 for none.
    public var maxTimestamp: Int64
    /// The idempotent producer's id, or -1.
    public var producerID: Int64
    /// The idempotent producer's epoch, or -1.
    public var producerEpoch: Int16
    /// The sequence number of the first record, or -1.
    public var baseSequence: Int32
    /// How many records the batch claims to hold.
    public var recordCount: Int32

    /// The offset of the last record.
    public var lastOffset: Offset { Offset(baseOffset.value &+ Int64(lastOffsetDelta)) }
    /// The offset behind the last record.
    public var nextOffset: Offset { Offset(lastOffset.value &+ 1) }

    /// Reads a header from the beginning of `bytes`, and checks what can be checked without the
    /// records: magic, lengths, and that no offset leaves the range of 64 bits.
    public init(parsing bytes: Bytes) throws(BatchError) {
        guard bytes.count >= Self.byteCount else { throw .truncated(needed: Self.byteCount, available: bytes.count) }
        do {
            var reader = ByteReader(bytes)
            try self.init(&reader)
        } catch {
            throw .truncated(needed: Self.byteCount, available: bytes.count)
        }
        guard magic == 2 else { throw .unsupportedMagic(magic) }
        guard byteCount >= Self.byteCount else { throw .impossibleLength(byteCount) }
        let (last, overflow) = baseOffset.value.addingReportingOverflow(Int64(lastOffsetDelta))
        guard baseOffset.value >= 0, lastOffsetDelta >= 0, !overflow, last < Int64.max else {
            throw .impossibleOffsets(base: baseOffset.value, lastDelta: lastOffsetDelta)
        }
    }

    private init(_ reader: inout ByteReader) throws(CodingError) {
        baseOffset = Offset(try reader.integer())
        byteCount = Self.lengthOverhead + Int(try reader.integer(Int32.self))
        leaderEpoch = LeaderEpoch(try reader.integer())
        magic = try reader.integer()
        checksum = try reader.integer()
        attributes = BatchAttributes(rawValue: try reader.integer())
        lastOffsetDelta = try reader.integer()
        baseTimestamp = try reader.integer()
        maxTimestamp = try reader.integer()
        producerID = try reader.integer()
        producerEpoch = try reader.integer()
        baseSequence = try reader.integer()
        recordCount = try reader.integer()
    }

    /// A header for records that a builder gathered; the builder fills in lengths and checksum.
    package init(baseTimestamp: Int64, attributes: BatchAttributes = BatchAttributes(rawValue: 0)) {
        baseOffset = .zero
        byteCount = Self.byteCount
        leaderEpoch = .unknown
        magic = 2
        checksum = 0
        self.attributes = attributes
        lastOffsetDelta = 0
        self.baseTimestamp = baseTimestamp
        maxTimestamp = -1
        producerID = -1
        producerEpoch = -1
        baseSequence = -1
        recordCount = 0
    }

    /// Writes the 61 bytes.
    package func write(to writer: inout ByteWriter) {
        writer.integer(baseOffset.value)
        writer.integer(Int32(truncatingIfNeeded: byteCount - Self.lengthOverhead))
        writer.integer(leaderEpoch.value)
        writer.integer(magic)
        writer.integer(checksum)
        writer.integer(attributes.rawValue)
        writer.integer(lastOffsetDelta)
        writer.integer(baseTimestamp)
        writer.integer(maxTimestamp)
        writer.integer(producerID)
        writer.integer(producerEpoch)
        writer.integer(baseSequence)
        writer.integer(recordCount)
    }
}

/// The 16 bits of a batch that name its codec and its kind.
@frozen
public struct BatchAttributes: RawRepresentable, Hashable, Sendable {
    /// The bits as they stand in the header.
    public var rawValue: Int16

    /// The attributes with these bits.
    public init(rawValue: Int16) { self.rawValue = rawValue }

    /// How the records are compressed; nil where bits 0 to 2 name no codec that Kafka has.
    public var codec: Codec? { Codec(rawValue: Int8(rawValue & 0b111)) }
    /// Bit 3: the broker set the timestamps when it appended (KIP-32).
    public var isLogAppendTime: Bool {
        get { rawValue & 0b1000 != 0 }
        set { rawValue = newValue ? rawValue | 0b1000 : rawValue & ~0b1000 }
    }
    /// Bit 4: part of a transaction.
    public var isTransactional: Bool { rawValue & 0b1_0000 != 0 }
    /// Bit 5: markers that brokers write, never clients.
    public var isControl: Bool { rawValue & 0b10_0000 != 0 }

    /// Kafka's compression codecs by their numbers.
    public enum Codec: Int8, CaseIterable, Sendable {
        /// Records as they are.
        case none = 0
        /// RFC 1952.
        case gzip = 1
        /// Snappy in the framing of the Java library.
        case snappy = 2
        /// LZ4 frames.
        case lz4 = 3
        /// Zstandard (KIP-110).
        case zstd = 4
    }
}

/// What is wrong with a record batch.
public enum BatchError: Error, Equatable, Sendable {
    /// It ends before it should.
    case truncated(needed: Int, available: Int)
    /// It is of a format other than 2.
    case unsupportedMagic(Int8)
    /// Its length is less than its header.
    case impossibleLength(Int)
    /// Its offsets are negative, or beyond 64 bits.
    case impossibleOffsets(base: Int64, lastDelta: Int32)
    /// Its bytes are not those that the checksum was taken of.
    case checksumMismatch(stored: UInt32, computed: UInt32)
    /// Its records do not parse: which one, and why.
    case malformedRecord(index: Int, CodingError)
    /// It holds more or fewer records than it says.
    case wrongRecordCount(claimed: Int32, found: Int)
    /// A record's offset delta is not its place in the batch.
    case wrongOffsetDelta(index: Int, found: Int32)
}

extension BatchError: CustomStringConvertible {
    /// The reason in words.
    public var description: String {
        switch self {
        case .truncated(let needed, let available): "the batch needs \(needed) bytes, but only \(available) are there"
        case .unsupportedMagic(let magic): "the batch has magic \(magic); only magic 2 is supported"
        case .impossibleLength(let count): "the batch claims a length of \(count) bytes, less than its header"
        case .impossibleOffsets(let base, let delta):
            "the batch claims base offset \(base) and last offset delta \(delta)"
        case .checksumMismatch(let stored, let computed):
            "the batch's CRC-32C is \(hex(computed)), but its header says \(hex(stored))"
        case .malformedRecord(let index, let error): "record \(index) of the batch: \(error)"
        case .wrongRecordCount(let claimed, let found): "the batch claims \(claimed) records, but holds \(found)"
        case .wrongOffsetDelta(let index, let found): "record \(index) of the batch has offset delta \(found)"
        }
    }

    private func hex(_ value: UInt32) -> String { "0x" + String(value, radix: 16) }
}
