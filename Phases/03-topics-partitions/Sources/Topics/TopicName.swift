/// Kafka's rules for the names of topics.
public enum TopicName {
    /// The topics that Kafka keeps its own state in. Clients read them, and may not delete or write them.
    public static let internalNames: Set<String> = ["__consumer_offsets", "__transaction_state"]

    /// The client id with which Kafka's own tools write to internal topics.
    static let internalClientID = "__admin_client"

    /// Why no topic can have this name, or nil if one can: 1 to 249 letters, digits, dots, dashes or
    /// underscores, but not "." or "..", nor the name of the metadata log.
    public static func whyInvalid(_ name: String) -> String? {
        guard name != ".", name != "..", (1...249).contains(name.utf8.count) else {
            return "a name has 1 to 249 characters, and is not \".\" or \"..\""
        }
        let isLegal = name.utf8.allSatisfy { byte in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "."), UInt8(ascii: "_"), UInt8(ascii: "-"):
                true
            default: false
            }
        }
        guard isLegal else { return "a name has letters, digits, dots, dashes and underscores only" }
        return name == MetadataLog.topicName ? "\(name) is the cluster's own" : nil
    }

    /// The name with dots for underscores. Two topics with the same would collide in Kafka's metrics, so
    /// that the second is refused.
    static func collisionKey(_ name: String) -> String { String(name.map { $0 == "." ? "_" : $0 }) }
}
