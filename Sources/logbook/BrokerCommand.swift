#if canImport(Darwin)
    import Darwin
#else
    import Glibc
#endif
import Broker
import SegmentLog
import WireProtocol

/// `logbook broker`: runs a broker until SIGINT or SIGTERM.
enum BrokerCommand {
    static func run(_ arguments: [String]) throws {
        let arguments = try Arguments(
            arguments, valued: ["--config", "--listeners", "--log-dirs", "--node-id", "--override"],
            plain: ["--help", "-h"])
        if arguments.has("--help") || arguments.has("-h") { return Output.line(usage) }
        if let extra = arguments.positional.first { throw UsageError("unexpected argument \(extra)") }
        try serve(try configuration(arguments))
    }

    private static func configuration(_ arguments: Arguments) throws -> Configuration {
        var configuration = Configuration()
        var passedOver: [LogLine] = []
        do {
            for case ("--config", let path?) in arguments.flags {
                passedOver += try configuration.setAll(in: try contents(of: path)).map { name in
                    LogLine(.warn, "setting_unknown", ["file": path, "name": name])
                }
            }
            for (name, value) in arguments.flags {
                switch (name, value) {
                case ("--listeners", let value?): try configuration.set("listeners", to: value)
                case ("--log-dirs", let value?): try configuration.set("log.dirs", to: value)
                case ("--node-id", let value?): try configuration.set("node.id", to: value)
                case ("--override", let value?):
                    let parts = value.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
                    guard parts.count == 2 else { throw UsageError("--override takes name=value, not \(value)") }
                    try configuration.set(String(parts[0]), to: String(parts[1]))
                default: break
                }
            }
            try configuration.check()
        } catch let error as ConfigurationError {
            throw UsageError(error.description)
        }
        for line in passedOver { Output.log(line, from: configuration.logLevel) }
        return configuration
    }

    private static func contents(of path: String) throws -> String {
        let (directory, name) = split(path)
        guard let text = try FileStorage(existing: directory).contents(of: name).utf8 else {
            throw CommandFailure("\(path) is not text")
        }
        return text
    }

    private static func serve(_ configuration: Configuration) throws {
        // Blocked here, so that every thread has them blocked, and `sigwait` gets them.
        var signals = stopSignals()
        unsafe pthread_sigmask(SIG_BLOCK, &signals, nil)

        let level = configuration.logLevel
        var limits = configuration.reactor
        limits.maxDescriptors = descriptorsForConnections()
        let storage = try FileStorage(path: configuration.logDirectory)
        let lock = try storage.lock()
        defer { withExtendedLifetime(lock) {} }
        let started = ContinuousClock.now
        var seeds = SystemRandomNumberGenerator()
        let isWatched = isatty(STDERR_FILENO) == 1
        var node = try BrokerNode(configuration, storage: storage, seed: seeds.next()) { done, total in
            if isWatched && (done % 100 == 0 || done == total) {
                Output.diagnostic("recovered \(done) of \(total) logs")
            }
        }
        for line in node.recovery.lines { Output.log(LogLine(.warn, "recovery", ["found": line]), from: level) }
        let recovered = started.duration(to: .now)

        // The port may be known only once it is bound; the node must advertise the real one.
        let listeners = try Listeners(binding: configuration.listeners)
        node.advertised = configuration.advertised(for: listeners.all)
        let reactor = try Reactor(node, listeners: listeners, limits: limits) { Output.log($0, from: level) }
        try waitForSignals(stopping: reactor.mailbox)
        Output.line(readyLine(reactor.addresses, node, configuration, recovered))
        let (failure, stopped) = try reactor.run()
        if let failure { throw CommandFailure(failure) }
        try stopped.close()
    }

    private static func stopSignals() -> sigset_t {
        var signals = sigset_t()
        unsafe sigemptyset(&signals)
        unsafe sigaddset(&signals, SIGINT)
        unsafe sigaddset(&signals, SIGTERM)
        return signals
    }

    /// The first signal asks for a graceful stop; the second ends the process at once, with the status that
    /// the signal alone would have given. What was acknowledged is on disk in either case.
    private static func waitForSignals(stopping mailbox: Mailbox) throws {
        try startThread {
            var signals = stopSignals()
            var number: Int32 = 0
            var isStopping = false
            while unsafe sigwait(&signals, &number) == 0 {
                if isStopping {
                    Output.log(LogLine(.error, "stopped_at_once", ["signal": "\(number)"]), from: .error)
                    _exit(128 + number)
                }
                isStopping = true
                mailbox.requestStop()
            }
        }
    }

    /// Lets this process have as many descriptors as the system allows. Returns how many of them connections
    /// may take: a quarter, up to a thousand, is left for segments.
    private static func descriptorsForConnections() -> Int32 {
        #if canImport(Darwin)
            let kind = RLIMIT_NOFILE
        #else
            let kind = __rlimit_resource_t(RLIMIT_NOFILE.rawValue)
        #endif
        var limit = rlimit()
        guard unsafe getrlimit(kind, &limit) == 0 else { return Int32.max }
        limit.rlim_cur = limit.rlim_max
        _ = unsafe setrlimit(kind, &limit)
        guard unsafe getrlimit(kind, &limit) == 0 else { return Int32.max }
        return Int32(clamping: limit.rlim_cur - min(limit.rlim_cur / 4, 1000))
    }

    private static func readyLine(
        _ addresses: [SocketAddress], _ node: BrokerNode, _ configuration: Configuration, _ recovered: Duration
    ) -> String {
        let milliseconds =
            recovered.components.seconds * 1000 + recovered.components.attoseconds / 1_000_000_000_000_000
        return """
            logbook broker ready on \(addresses.map(\.description).joined(separator: ",")) \
            (node \(configuration.nodeID), cluster \(node.clusterID), \(node.topicCount) topics in \
            \(configuration.logDirectory), \(node.recovery.scannedBytes) bytes checked in \(milliseconds) ms)
            """
    }

    private static let usage: String = {
        let settings = Setting.all.map { setting in
            let names = setting.names.joined(separator: ", ")
            return "  \(names) (\(setting.defaultValue ?? "none"))\n      \(setting.summary)"
        }
        return """
            usage: logbook broker [--listeners HOST:PORT] [--log-dirs DIRECTORY] [--node-id N]
                                  [--config FILE] [--override NAME=VALUE]...

            Runs a broker until SIGINT or SIGTERM. One line on standard output says that it is ready; events
            go to standard error, one logfmt line each. At the signal it takes no new requests, answers those in
            flight (for 10 seconds at most), synchronizes, and exits with status 0. A second signal ends it at
            once. --config names a file of NAME=VALUE lines; flags win over it. Settings:

            \(settings.joined(separator: "\n"))
            """
    }()
}

/// A path as its directory and the name in it.
func split(_ path: String) -> (directory: String, name: String) {
    guard let slash = path.lastIndex(of: "/") else { return (".", path) }
    return (slash == path.startIndex ? "/" : String(path[..<slash]), String(path[path.index(after: slash)...]))
}
