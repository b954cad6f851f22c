import Foundation
import Testing
import WireProtocol

@Suite("An error code")
struct ErrorCodeTests {
    @Test("has the number and the name that its declaration says")
    func declarations() throws {
        let source = URL(filePath: #filePath).deletingLastPathComponent()
            .appending(path: "../../Phases/02-wire-protocol/Sources/Codec/ErrorCode+Codes.swift")
        let text = try String(contentsOf: source, encoding: .utf8)
        let declaration = /\/\/\/ ([A-Z_]+)[^\n]*\n\s*public static let (\w+) = ErrorCode\(rawValue: (-?\d+)\)/
        var numbers: [Int16] = []
        for match in text.matches(of: declaration) {
            let number = try #require(Int16(match.3))
            numbers.append(number)
            #expect(ErrorCode(rawValue: number).name == match.1, "\(match.2)")
        }
        #expect(numbers == Array(-1...133))
    }

    @Test("is retriable where Kafka's exception is")
    func retriable() {
        let retriable = (Int16(-1)...200).map { ErrorCode(rawValue: $0) }.filter(\.isRetriable).map(\.name)
        #expect(
            retriable == [
                "CORRUPT_MESSAGE", "UNKNOWN_TOPIC_OR_PARTITION", "LEADER_NOT_AVAILABLE", "NOT_LEADER_OR_FOLLOWER",
                "REQUEST_TIMED_OUT", "REPLICA_NOT_AVAILABLE", "NETWORK_EXCEPTION", "COORDINATOR_LOAD_IN_PROGRESS",
                "COORDINATOR_NOT_AVAILABLE", "NOT_COORDINATOR", "NOT_ENOUGH_REPLICAS",
                "NOT_ENOUGH_REPLICAS_AFTER_APPEND", "NOT_CONTROLLER", "CONCURRENT_TRANSACTIONS", "KAFKA_STORAGE_ERROR",
                "FETCH_SESSION_ID_NOT_FOUND", "INVALID_FETCH_SESSION_EPOCH", "LISTENER_NOT_FOUND",
                "FENCED_LEADER_EPOCH", "UNKNOWN_LEADER_EPOCH", "OFFSET_NOT_AVAILABLE",
                "PREFERRED_LEADER_NOT_AVAILABLE", "ELIGIBLE_LEADERS_NOT_AVAILABLE", "ELECTION_NOT_NEEDED",
                "UNSTABLE_OFFSET_COMMIT", "THROTTLING_QUOTA_EXCEEDED", "UNKNOWN_TOPIC_ID", "INCONSISTENT_TOPIC_ID",
                "FETCH_SESSION_TOPIC_ID_ERROR", "SHARE_SESSION_NOT_FOUND", "INVALID_SHARE_SESSION_EPOCH",
                "SHARE_SESSION_LIMIT_REACHED",
            ])
    }

    @Test("that has no name here shows its number", arguments: [-2, 134, 999, .min, .max] as [Int16])
    func unknown(number: Int16) {
        let code = ErrorCode(rawValue: number)
        #expect(code.name == "ERROR_\(number)" && !code.isRetriable)
    }
}
