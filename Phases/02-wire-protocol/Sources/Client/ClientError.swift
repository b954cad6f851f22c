import SegmentLog

/// Why a client's request has no useful answer.
public enum ClientError: Error, Equatable, Sendable {
    /// The connection could not be made, or ended before the answer came. Whether the request was
    /// carried out is not known.
    case disconnected(peer: String, reason: String)
    /// There was no answer in time. Whether the request was carried out is not known.
    case timedOut(what: String, milliseconds: Int64)
    /// The broker speaks no version of the API that this client speaks.
    case unsupportedVersion(ApiKey)
    /// The broker's bytes make no sense.
    case unreadable(what: String)
    /// The broker's answer is an error.
    case broker(ErrorCode, what: String)
    /// The client's own limits or settings do not allow it; the text says which.
    case refused(String)
    /// The client was closed before the answer came.
    case closed
    /// The task that asked was cancelled before the answer came.
    case cancelled

    /// Whether the same request may succeed later, perhaps at another broker.
    public var isRetriable: Bool {
        switch self {
        case .disconnected, .timedOut: true
        case .broker(let code, _): code.isRetriable
        case .unsupportedVersion, .unreadable, .refused, .closed, .cancelled: false
        }
    }
}

extension ClientError: CustomStringConvertible {
    /// What happened, to whom, and why.
    public var description: String {
        switch self {
        case .disconnected(let peer, let reason): "no connection to \(peer): \(reason)"
        case .timedOut(let what, let milliseconds): "\(what) was not done within \(milliseconds) ms"
        case .unsupportedVersion(let api): "the broker serves no version of \(api) that this client knows"
        case .unreadable(let what): "the broker's answer cannot be read: \(what)"
        case .broker(let code, let what): "\(what): \(code.name)"
        case .refused(let reason): reason
        case .closed: "the client is closed"
        case .cancelled: "the task was cancelled"
        }
    }
}
