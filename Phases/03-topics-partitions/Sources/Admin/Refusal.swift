import WireProtocol

/// Why a part of a request is not done.
struct Refusal: Error {
    var code: ErrorCode
    var reason: String
    /// The records of a batch that are at fault (KIP-467).
    var records: [ProduceResponse.RecordError] = []

    init(_ code: ErrorCode, _ reason: String) {
        self.code = code
        self.reason = reason
    }
}

/// The answer for a part of a request: done, or refused with a code and a reason.
protocol Refusable {
    var errorCode: ErrorCode { get set }
    var errorMessage: String? { get set }
}

extension Refusable {
    mutating func refuse(_ refusal: Refusal) { (errorCode, errorMessage) = (refusal.code, refusal.reason) }
}

extension MutableCollection where Element: Refusable {
    /// Refuses all that is not refused yet: what could be done was to be done together, and failed.
    mutating func refuseOthers(_ refusal: Refusal) {
        for index in indices where self[index].errorCode == .none { self[index].refuse(refusal) }
    }
}

extension AlterConfigsResult: Refusable {}
extension CreatePartitionsResponse.Result: Refusable {}
extension CreateTopicsResponse.Topic: Refusable {}
extension DeleteTopicsResponse.Topic: Refusable {}
extension DescribeConfigsResponse.Result: Refusable {}
extension ProduceResponse.Partition: Refusable {}
