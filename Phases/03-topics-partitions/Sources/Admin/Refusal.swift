import WireProtocol

/// Why a part of a request is not done.
struct Refusal: Error {
    var code: ErrorCode
    var reason: String

    init(code: ErrorCode, reason: String) {
        self.code = code
        self.reason = reason
    }

    init(_ code: ErrorCode, _ reason: String) { self.init(code: code, reason: reason) }
}
