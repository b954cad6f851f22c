#if os(Linux)
    import BenchmarkSupport
    import Glibc
    import SegmentLog
    import WireProtocol

    /// `bench-server serve bare|reactor SERVICE… DIRECTORY`: one of the servers, until it is killed.
    enum Served {
        static func run(_ arguments: [String]) throws {
            let listeners = try Listeners(bindingTo: [SocketAddress(host: "127.0.0.1", port: 0)])
            print("ready on \(listeners.addresses[0])")
            fflush(nil)
            guard arguments.count >= 3, let directory = arguments.last else { throw BenchmarkFailure("what to serve?") }
            let details = arguments[2...].dropLast()
            if arguments[0] == "reactor" {
                let size = details.first.flatMap { Int($0) }
                return try runReactor(answer: size.map { Bytes([UInt8](repeating: 0, count: $0 - 4)) }, listeners)
            }
            try BareServer(try service(arguments[1], Array(details), directory)).run(listeners)
        }

        private static func service(_ name: String, _ details: [String], _ directory: String) throws -> Service {
            let numbers = details.compactMap { Int($0) }
            let path = directory + "/bare"
            switch (name, numbers.count) {
            case ("echo", 0): return .echo
            case ("acknowledge", 1): return .acknowledge(answerBytes: numbers[0])
            case ("append", 1): return .append(path: path, synchronizing: false, answerBytes: numbers[0])
            case ("append-synchronized", 1): return .append(path: path, synchronizing: true, answerBytes: numbers[0])
            case ("send", 2): return .send(path: details[0], chunk: numbers[0], answerBytes: numbers[1])
            default: throw BenchmarkFailure("no service \(name)")
            }
        }
    }
#endif
