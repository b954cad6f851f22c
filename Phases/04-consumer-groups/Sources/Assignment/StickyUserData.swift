import SegmentLog
import WireProtocol

/// What a member with the `sticky` assignor says of itself in its subscription: Kafka's StickyAssignorUserData. It
/// begins with no version: who reads it tries the newest first.
struct StickyUserData: Field, Equatable {
    /// What it had.
    var previousAssignment: [ConsumerProtocolTopicPartitions] = []
    /// Since when, -1 for unknown; in version 1 only.
    var generation: Int32 = -1

    /// Nothing, since no time.
    init() {}

    /// An assignment and its generation.
    init(previousAssignment: [ConsumerProtocolTopicPartitions], generation: Int32) {
        self.previousAssignment = previousAssignment
        self.generation = generation
    }

    /// The fields in the order of the specification.
    mutating func code(_ c: inout some MessageCoder) throws(CodingError) {
        try c.field(&previousAssignment)
        try c.field(&generation, since: 1)
    }

    /// Reads version 1 or 0, whichever takes up all the bytes; nil where none does. kafka-python puts two bytes with the
    /// version in front, and is understood too.
    init?(decoding bytes: Bytes) {
        let plain = Self.decoded(bytes, version: 1) ?? Self.decoded(bytes, version: 0)
        let prefixed = bytes.count > 2 && bytes[0] == 0 && bytes[1] == 1 ? bytes.dropFirst(2) : Bytes()
        guard let value = plain ?? Self.decoded(prefixed, version: 1) else { return nil }
        self = value
    }

    private static func decoded(_ bytes: Bytes, version: Int16) -> Self? {
        var decoder = MessageDecoder(bytes, version: version, isFlexible: false)
        var value = Self()
        do {
            try value.code(&decoder)
            try decoder.finish()
        } catch {
            return nil
        }
        return value
    }

    /// Version 1, as Java's clients, librdkafka and aiokafka write it; nil where it cannot be written.
    func encoded() -> Bytes? { try? encoded(behind: 1, version: 1, isFlexible: false).dropFirst(2) }
}
