import SegmentLog
import TestSupport
import WireProtocol

/// What libFuzzer calls with each input. The first byte chooses the way in, see `Entrance`.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzz(_ start: UnsafePointer<UInt8>, _ count: Int) -> CInt {
    guard count > 0 else { return 0 }
    // SAFETY: libFuzzer hands over `count` bytes.
    let input = unsafe Bytes(UnsafeBufferPointer(start: start, count: count))
    Entrance.allCases[Int(input[0]) % Entrance.allCases.count].take(input.dropFirst(1))
    return 0
}

/// The ways by which bytes of others come in. No bytes may trap, and what is understood must come back from its
/// own bytes as it is.
enum Entrance: CaseIterable {
    /// A stream of frames in pieces; the first byte is the size of the pieces.
    case stream
    /// A request's frame: its header says what it is.
    case requestFrame
    /// A body: the first two bytes choose a message and its version.
    case body
    /// What consumers tell each other through the coordinator.
    case consumerProtocol
    /// A record batch; length and CRC are mended where the first byte is odd.
    case batch
    /// The two index files of a segment.
    case indexes
    /// The files of lines in a log directory.
    case checkpoints
    /// A file of settings.
    case settings
    /// Several connections to a whole broker; see `BrokerWorld`.
    case broker
    /// A JSON text.
    case json
    /// Lines to a JSON node.
    case lines

    /// Takes bytes in.
    func take(_ bytes: Bytes) {
        switch self {
        case .stream: takeStream(bytes)
        case .requestFrame:
            takeMessage(MessageCase(ApiVersionsRequest.self, version: 0)) { message throws(CodingError) in
                try message.reading(bytes)
            }
        case .body:
            guard bytes.count >= 2 else { return }
            let type = MessageCase.types[Int(bytes[0]) % MessageCase.types.count]
            let versions = type.apiKey.versions
            let message = MessageCase(
                type, version: versions.lowerBound + Int16(bytes[1]) % Int16(versions.count))
            takeMessage(message) { message throws(CodingError) in (message, try message.body(bytes.dropFirst(2))) }
        case .consumerProtocol:
            takeConsumerProtocol(ConsumerProtocolSubscription.self, bytes)
            takeConsumerProtocol(ConsumerProtocolAssignment.self, bytes)
        case .batch: takeBatch(bytes)
        case .indexes:
            takeIndex(OffsetIndex.self, bytes)
            takeIndex(TimeIndex.self, bytes)
        case .checkpoints: takeCheckpoints(bytes)
        case .settings: takeSettings(bytes)
        case .broker: BrokerWorld.take(bytes)
        case .json: takeJSON(bytes)
        case .lines: takeLines(bytes)
        }
    }

    private func takeMessage(
        _ message: MessageCase, _ read: (MessageCase) throws(CodingError) -> (MessageCase, any Message)
    ) {
        guard let (claimed, body) = try? read(message) else { return }
        if let reason = claimed.whyUnfaithful(body) { fatalError(reason) }
    }

    private func takeConsumerProtocol<Told: ConsumerProtocol>(_: Told.Type, _ bytes: Bytes) {
        guard let told = try? Told(decoding: bytes) else { return }
        var reader = ByteReader(bytes)
        let version = min((try? reader.integer(Int16.self)) ?? 0, Told.versions.upperBound)
        guard let again = try? Told(decoding: told.encoded(version: version)), again == told else {
            fatalError("\(told) does not come back from its own bytes")
        }
    }
}
