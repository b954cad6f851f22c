import SegmentLog
import WireProtocol

/// One change of a cluster's metadata, as the metadata log holds it: a record whose value says what
/// kind of change it is, in which version, and then the change (KIP-631).
public enum MetadataRecord: Equatable, Sendable {
    /// A topic exists.
    case topic(TopicRecord)
    /// A partition exists.
    case partition(PartitionRecord)
    /// A config has a value.
    case config(ConfigRecord)
    /// A topic is gone.
    case removeTopic(RemoveTopicRecord)

    /// Kafka's number of the kind.
    private var kind: UInt64 {
        switch self {
        case .topic: 2
        case .partition: 3
        case .config: 4
        case .removeTopic: 9
        }
    }

    /// The version of the frame around every record.
    private static let frameVersion: UInt64 = 1
    /// The version of the records that are written.
    private static let version: Int16 = 0

    /// The record's value.
    public func encoded() throws(CodingError) -> Bytes {
        var encoder = MessageEncoder(version: Self.version, isFlexible: true)
        switch self {
        case .topic(var record): try record.code(&encoder)
        case .partition(var record): try record.code(&encoder)
        case .config(var record): try record.code(&encoder)
        case .removeTopic(var record): try record.code(&encoder)
        }
        var writer = ByteWriter()
        writer.unsignedVarint(Self.frameVersion)
        writer.unsignedVarint(kind)
        writer.unsignedVarint(UInt64(Self.version))
        for case .bytes(let bytes) in encoder.finish().parts { writer.append(bytes) }
        return writer.finish()
    }

    /// Reads a record's value; every byte must belong to it.
    public init(decoding bytes: Bytes) throws(MetadataError) {
        do {
            var reader = ByteReader(bytes)
            let frame = try reader.unsignedVarint64()
            let kind = try reader.unsignedVarint64()
            let version = try reader.unsignedVarint64()
            guard frame == Self.frameVersion, let version = Int16(exactly: version), version <= Self.newest(kind) else {
                throw MetadataError.unknownRecord(kind: kind, version: version)
            }
            var decoder = MessageDecoder(reader.rest(), version: version, isFlexible: true)
            switch kind {
            case 2: self = .topic(try Self.read(&decoder))
            case 3: self = .partition(try Self.read(&decoder))
            case 4: self = .config(try Self.read(&decoder))
            default: self = .removeTopic(try Self.read(&decoder))
            }
            try decoder.finish()
        } catch let error as MetadataError {
            throw error
        } catch {
            throw .unreadableRecord("\(error)")
        }
    }

    private static func read<Body: Field>(_ decoder: inout MessageDecoder) throws(CodingError) -> Body {
        var body = Body()
        try body.code(&decoder)
        return body
    }

    /// The newest version of a kind that can be read; -1 for a kind that is not known.
    private static func newest(_ kind: UInt64) -> Int16 {
        switch kind {
        case 3: 1
        case 2, 4, 9: 0
        default: -1
        }
    }
}

/// Why metadata cannot be used.
public enum MetadataError: Error, Equatable, Sendable, CustomStringConvertible {
    /// A record of a kind or version that this broker does not know.
    case unknownRecord(kind: UInt64, version: UInt64)
    /// A record whose bytes make no sense.
    case unreadableRecord(String)
    /// A record that cannot follow those before it.
    case inconsistent(String)

    /// What is wrong, in words.
    public var description: String {
        switch self {
        case .unknownRecord(let kind, let version):
            "the metadata log has a record of kind \(kind) in version \(version), which this broker does not know"
        case .unreadableRecord(let reason): "the metadata log has a record that cannot be read: \(reason)"
        case .inconsistent(let reason): "the metadata log contradicts itself: \(reason)"
        }
    }
}
