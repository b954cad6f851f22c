import SegmentLog
import WireProtocol

/// The key of a classic group's record in `__consumer_offsets`.
public struct GroupMetadataKey: GroupRecordKey {
    /// What is known of the group.
    public typealias Value = GroupMetadataValue
    /// Kafka's number of this kind.
    public static let kind: Int16 = 2

    /// The group.
    public var group = ""

    /// The key of the group without a name.
    public init() {}

    /// The key of a group.
    public init(group: String) { self.group = group }

    /// The fields in the order of the specification.
    public mutating func code(_ c: inout some MessageCoder) throws(CodingError) { try c.field(&group) }
}

/// A generation of a classic group: what a coordinator needs to go on with it after a restart.
public struct GroupMetadataValue: GroupRecordValue {
    /// Version 1 has rebalance timeouts, 2 the time of the state, 3 static members, 4 is flexible.
    public static let versions: ClosedRange<Int16> = 0...4
    /// The highest that is not flexible, which is what Kafka writes (KIP-915).
    public static let written: Int16 = 3
    /// The first with compact lengths.
    public static let firstFlexible: Int16 = 4

    /// A member.
    public struct Member: Field, Equatable {
        /// Its id.
        public var memberID = ""
        /// The id of a static member, or null (KIP-345).
        public var groupInstanceID: String?
        /// What its client calls itself.
        public var clientID = ""
        /// The address that it joined from.
        public var clientHost = ""
        /// How long it may take to join again, in milliseconds; -1 for the session timeout.
        public var rebalanceTimeoutMilliseconds: Int32 = -1
        /// How long it may be silent, in milliseconds.
        public var sessionTimeoutMilliseconds: Int32 = 0
        /// What it said under the protocol that was chosen. A slice of what was read: copy it to keep it.
        public var subscription = Bytes()
        /// What it is assigned. A slice of what was read: copy it to keep it.
        public var assignment = Bytes()

        /// A member without an id.
        public init() {}

        /// The fields in the order of the specification.
        public mutating func code(_ c: inout some MessageCoder) throws(CodingError) {
            try c.field(&memberID)
            try c.field(&groupInstanceID, since: 3)
            try c.field(&clientID)
            try c.field(&clientHost)
            try c.field(&rebalanceTimeoutMilliseconds, since: 1)
            try c.field(&sessionTimeoutMilliseconds)
            try c.field(&subscription)
            try c.field(&assignment)
            try c.tags()
            try memberID.checkFitsRecord()
            try groupInstanceID?.checkFitsRecord()
            try clientID.checkFitsRecord()
            try clientHost.checkFitsRecord()
        }
    }

    /// What kind of group it is; empty where nobody has joined yet.
    public var protocolType = ""
    /// The number of the generation.
    public var generation: Int32 = 0
    /// The protocol that was chosen; null without members.
    public var protocolName: String?
    /// The member that assigns; null without members.
    public var leader: String?
    /// When the group came into its state, in milliseconds since 1970; -1 for unknown.
    public var currentStateTimestamp: Int64 = -1
    /// The members; a group without any is empty.
    public var members: [Member] = []

    /// A group that nobody has joined.
    public init() {}

    /// The fields in the order of the specification.
    public mutating func code(_ c: inout some MessageCoder) throws(CodingError) {
        try c.field(&protocolType)
        try c.field(&generation)
        try c.field(&protocolName)
        try c.field(&leader)
        try c.field(&currentStateTimestamp, since: 2)
        try c.field(&members)
        try c.tags()
        try protocolType.checkFitsRecord()
        try protocolName?.checkFitsRecord()
        try leader?.checkFitsRecord()
    }
}

extension String {
    /// Throws where a length of two bytes cannot say how long the text is. A record can bring such a text all the same,
    /// one that a client wrote: behind a compact length, or as bytes that are no text, each of which becomes three.
    /// What is read here is written again, so that record is not read.
    func checkFitsRecord() throws(CodingError) {
        if utf8.count > Int(Int16.max) { throw .invalidLength(at: 0, utf8.count) }
    }
}
