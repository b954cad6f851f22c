import SegmentLog

/// Asks which broker coordinates a group or a transaction.
public struct FindCoordinatorRequest: Request {
    /// The body of the answer.
    public typealias Response = FindCoordinatorResponse
    /// FindCoordinator.
    public static let apiKey = ApiKey.findCoordinator

    /// The group or the transactional id, up to version 3.
    public var key = ""
    /// 0 for a group, 1 for a transaction, 2 for a share group.
    public var keyType: Int8 = 0
    /// The groups or transactional ids, from version 4 on (KIP-699).
    public var coordinatorKeys: [String] = []

    /// An empty request.
    public init() {}

    /// The fields in the order of the specification.
    public mutating func code(_ c: inout some MessageCoder) throws(CodingError) {
        try c.field(&key, until: 3)
        try c.field(&keyType, since: 1)
        try c.field(&coordinatorKeys, since: 4)
        try c.tags()
    }
}

/// Where the coordinators are.
public struct FindCoordinatorResponse: Message {
    /// FindCoordinator.
    public static let apiKey = ApiKey.findCoordinator

    /// The answer for one key.
    public struct Coordinator: Field, Equatable {
        /// The group or the transactional id.
        public var key = ""
        /// The broker's id; -1 for none.
        public var nodeID: Int32 = 0
        /// Its host name or address.
        public var host = ""
        /// Its port; -1 for none.
        public var port: Int32 = 0
        /// Why there is none, or none.
        public var errorCode = ErrorCode.none
        /// The reason in words, or null.
        public var errorMessage: String?

        /// An entry of zeros.
        public init() {}

        /// The fields in the order of the specification.
        public mutating func code(_ c: inout some MessageCoder) throws(CodingError) {
            try c.field(&key)
            try c.field(&nodeID)
            try c.field(&host)
            try c.field(&port)
            try c.field(&errorCode)
            try c.field(&errorMessage)
            try c.tags()
        }
    }

    /// How long the request was held back, in milliseconds.
    public var throttleTimeMilliseconds: Int32 = 0
    /// Why there is none, or none; up to version 3, as are the next four.
    public var errorCode = ErrorCode.none
    /// The reason in words, or null.
    public var errorMessage: String?
    /// The broker's id; -1 for none.
    public var nodeID: Int32 = 0
    /// Its host name or address.
    public var host = ""
    /// Its port; -1 for none.
    public var port: Int32 = 0
    /// The answers, from version 4 on.
    public var coordinators: [Coordinator] = []

    /// An empty response.
    public init() {}

    /// The fields in the order of the specification.
    public mutating func code(_ c: inout some MessageCoder) throws(CodingError) {
        try c.field(&throttleTimeMilliseconds, since: 1)
        try c.field(&errorCode, until: 3)
        try c.field(&errorMessage, since: 1, until: 3)
        try c.field(&nodeID, until: 3)
        try c.field(&host, until: 3)
        try c.field(&port, until: 3)
        try c.field(&coordinators, since: 4)
        try c.tags()
    }
}
