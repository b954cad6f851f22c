import SegmentLog
import WireProtocol

/// Serves the records of many partitions: Produce, Fetch and ListOffsets.
///
/// Every request is answered at once, or left to wait: a produce until its appends are as durable as was
/// promised, a fetch until there is enough, or its time is over. A synchronize that is done acknowledges
/// produces and moves high watermarks; that, and time, wake fetches.
public struct PartitionServer {
    /// The topics, with their partitions.
    public internal(set) var topics: Topics
    /// The most bytes that one fetch returns.
    public let maxFetchBytes: Int
    /// What clients may do with topics, and what a topic gets where nobody says.
    public let settings: AdminSettings
    /// What time of day it is.
    public var clock = WallClock()

    var synchronizes = SynchronizeQueue<Int>()
    var produces: [ProduceID: WaitingProduce] = [:]
    var nextProduce: UInt64 = 0
    /// The keys of partitions in which appends of the node's own have become committed, see `takeAdvanced`.
    var advanced: [Int] = []
    var fetches = DelayedOperations<FetchKey, WaitingFetch>()
    /// Whether something has become durable since it was last set to false: checkpoints are behind.
    public var hasNewDurable = false

    /// What ended the disk's use: nobody knows what is on disk, and nothing more may be answered.
    public private(set) var failure: String?

    /// What a waiting fetch can be found by.
    enum FetchKey: Hashable {
        case partition(Int)
        case connection(ConnectionID)
    }

    /// Draws ids of topics, and the partition that a fetch begins with.
    var random: SplitMix64

    /// Serves the partitions of `topics`; `seed` begins all randomness.
    public init(_ topics: Topics, maxFetchBytes: Int, settings: AdminSettings = AdminSettings(), seed: UInt64) {
        self.topics = topics
        random = SplitMix64(seed: seed)
        self.maxFetchBytes = maxFetchBytes
        self.settings = settings
    }

    /// Whether no synchronize is running or needed.
    public var isIdle: Bool { synchronizes.isIdle }

    /// Answers what waits, and synchronizes what is not on disk yet.
    public mutating func stop(_ server: inout RequestServer, _ effects: inout Effects) {
        finishAllFetches(&server, &effects)
        for partition in topics.partitions {
            if let (file, end) = partition.unsynchronized { synchronizes.add(partition.key, file: file, end: end) }
        }
        startSynchronize(&effects)
    }

    /// Hands in what waits, unless a synchronize is running. The names of new logs come first, once for all.
    mutating func startSynchronize(_ effects: inout Effects) {
        if synchronizes.isRunning || synchronizes.isIdle { return }
        do { try topics.directory.synchronizeNames() } catch { return storageFailed(error, &effects) }
        synchronizes.start(&effects)
    }

    /// Changes topics: what the records say is durable on return. Whoever waits for a partition that is gone
    /// is told so.
    public mutating func change(
        _ records: [MetadataRecord], at now: Instant, _ server: inout RequestServer, _ effects: inout Effects
    ) throws(LogError) {
        for partition in try topics.append(records, at: clock.milliseconds(at: now)) {
            for id in partition.waitingProduces { fail(id, of: partition, &server, &effects) }
            for id in fetches.watching(.partition(partition.key)) {
                if let waiting = fetches.remove(id) { finish(waiting, &server, &effects) }
            }
        }
    }

    /// KIP-320: a client that knows another leader than this one is told so.
    func checkLeaderEpoch(_ epoch: Int32, of partition: Partition) -> ErrorCode {
        if epoch < 0 || epoch == partition.leaderEpoch.value { return .none }
        return epoch < partition.leaderEpoch.value ? .fencedLeaderEpoch : .unknownLeaderEpoch
    }

    /// Something could not be written: a line for the operator, or the end after a failed synchronize.
    mutating func storageFailed(_ error: LogError, _ effects: inout Effects) {
        if error.isFinal {
            failure = failure ?? error.description
        } else {
            effects.log(.error, "storage_failed", ["error": error.description])
        }
    }
}

/// The time of day, as the node was last told it.
public struct WallClock: Sendable {
    private var offset: Int64 = 0

    /// A clock that begins with the node's own.
    public init() {}

    /// At `now` it is `milliseconds` since 1970.
    public mutating func set(_ milliseconds: Int64, at now: Instant) {
        offset = milliseconds &- now.nanoseconds / 1_000_000
    }

    /// Milliseconds since 1970.
    public func milliseconds(at now: Instant) -> Int64 {
        let (sum, overflow) = offset.addingReportingOverflow(now.nanoseconds / 1_000_000)
        return overflow ? .max : sum
    }
}
