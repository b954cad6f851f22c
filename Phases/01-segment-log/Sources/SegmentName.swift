/// The names of a segment's files: Kafka's, the base offset in 20 digits and what the file holds.
enum SegmentName {
    /// Batches.
    static let log = "log"
    /// The offset index.
    static let offsetIndex = "index"
    /// The time index.
    static let timeIndex = "timeindex"

    /// What the three files hold.
    static let kinds = [log, offsetIndex, timeIndex]

    /// The name of one of the files.
    static func of(_ baseOffset: Offset, _ suffix: String) -> String {
        let digits = String(baseOffset.value)
        return String(repeating: "0", count: 20 - digits.count) + digits + "." + suffix
    }

    /// The names of all three files.
    static func all(_ baseOffset: Offset) -> [String] {
        kinds.map { of(baseOffset, $0) }
    }

    /// The base offset in a name with `suffix`; nil for any other name.
    static func baseOffset(of name: String, suffix: String = log) -> Offset? {
        guard name.utf8.count == 21 + suffix.utf8.count, name.hasSuffix("." + suffix) else { return nil }
        // Every offset in a segment is within 32 bits of its base: the base leaves room for them.
        guard let value = Int64(name.prefix(20)), (0...(Int64.max - Int64(UInt32.max))).contains(value) else {
            return nil
        }
        return Offset(value)
    }
}
