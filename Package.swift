// swift-tools-version: 6.2

import PackageDescription

/// Every Swift target builds in the Swift 6 language mode, with strict memory safety, and without
/// a single warning.
let strict: [SwiftSetting] = [
    .swiftLanguageMode(.v6),
    .strictMemorySafety(),
    .treatAllWarnings(as: .error),
]

/// The phases' modules are optimized in debug builds too, with their assertions and what a trap says kept: the suites
/// go through thousands of seeds. A package that depends on this one gets the ordinary debug build, which is sooner done.
let isDependency = Context.packageDirectory.split(separator: "/").dropLast().last == "checkouts"
let phase: [SwiftSetting] =
    isDependency
    ? strict : strict + [.unsafeFlags(["-O", "-assert-config", "Debug"], .when(configuration: .debug))]

/// Tests keep the same language mode; strict memory safety is for code that ships.
let checked: [SwiftSetting] = [
    .swiftLanguageMode(.v6),
    .treatAllWarnings(as: .error),
]

let package = Package(
    name: "logbook",
    platforms: [.macOS(.v26)],
    products: [
        .executable(name: "logbook", targets: ["logbook"]),
        .library(name: "LogbookClient", targets: ["LogbookClient"]),
        .executable(name: "phase1", targets: ["Phase1Demo"]),
        .executable(name: "phase2", targets: ["Phase2Demo"]),
        .executable(name: "phase3", targets: ["Phase3Demo"]),
        .executable(name: "phase4", targets: ["Phase4Demo"]),
        .executable(name: "mutate", targets: ["Mutate"]),
        .executable(name: "group-member", targets: ["GroupMember"]),
        .executable(name: "bench-slice", targets: ["SliceBenchmark"]),
        .executable(name: "bench-log", targets: ["LogBenchmark"]),
        .executable(name: "bench-client", targets: ["ClientBenchmark"]),
        .executable(name: "bench-groups", targets: ["GroupsBenchmark"]),
        .executable(name: "bench-server", targets: ["ServerBenchmark"]),
        .executable(name: "workbook", targets: ["workbook"]),
    ],
    dependencies: [],
    targets: [
        // What Swift cannot import from the system: epoll, eventfd, accept4, hardware CRC-32C.
        .target(name: "CSystem"),

        // Phase 1
        .target(
            name: "SegmentLog",
            dependencies: ["CSystem"],
            path: "Phases/01-segment-log/Sources",
            swiftSettings: phase
        ),
        .executableTarget(
            name: "Phase1Demo",
            dependencies: ["SegmentLog"],
            path: "Phases/01-segment-log/Demo",
            swiftSettings: strict
        ),
        .testTarget(
            name: "Phase1SegmentLogTests",
            dependencies: ["SegmentLog", "TestSupport"],
            swiftSettings: checked
        ),

        // Phase 2
        .target(
            name: "WireProtocol",
            dependencies: ["CSystem", "SegmentLog"],
            path: "Phases/02-wire-protocol/Sources",
            swiftSettings: phase
        ),
        .executableTarget(
            name: "Phase2Demo",
            dependencies: ["SegmentLog", "WireProtocol"],
            path: "Phases/02-wire-protocol/Demo",
            swiftSettings: strict
        ),
        .testTarget(
            name: "Phase2WireProtocolTests",
            dependencies: ["SegmentLog", "WireProtocol", "TestSupport"],
            exclude: ["Golden"],
            swiftSettings: checked
        ),

        // Phase 3
        .target(
            name: "TopicsPartitions",
            dependencies: ["SegmentLog", "WireProtocol"],
            path: "Phases/03-topics-partitions/Sources",
            swiftSettings: phase
        ),
        .executableTarget(
            name: "Phase3Demo",
            dependencies: ["LogbookClient", "SegmentLog", "TopicsPartitions", "WireProtocol"],
            path: "Phases/03-topics-partitions/Demo",
            swiftSettings: strict
        ),
        .testTarget(
            name: "Phase3TopicsPartitionsTests",
            dependencies: ["TopicsPartitions", "SegmentLog", "WireProtocol", "TestSupport"],
            swiftSettings: checked
        ),

        // Phase 4
        .target(
            name: "ConsumerGroups",
            dependencies: ["SegmentLog", "TopicsPartitions", "WireProtocol"],
            path: "Phases/04-consumer-groups/Sources",
            swiftSettings: phase
        ),
        .executableTarget(
            name: "Phase4Demo",
            dependencies: ["ConsumerGroups", "LogbookClient", "SegmentLog", "TopicsPartitions", "WireProtocol"],
            path: "Phases/04-consumer-groups/Demo",
            swiftSettings: strict
        ),
        .testTarget(
            name: "Phase4ConsumerGroupsTests",
            dependencies: ["ConsumerGroups", "SegmentLog", "TopicsPartitions", "WireProtocol", "TestSupport"],
            swiftSettings: checked
        ),

        // The client
        .target(
            name: "LogbookClient",
            dependencies: ["ConsumerGroups", "SegmentLog", "WireProtocol"],
            path: "Sources/Client",
            swiftSettings: strict
        ),
        .testTarget(
            name: "ClientTests",
            dependencies: ["LogbookClient", "Broker", "SegmentLog", "WireProtocol", "TestSupport"],
            swiftSettings: checked
        ),

        // The broker, and the command line tool
        .target(
            name: "Broker",
            dependencies: ["ConsumerGroups", "SegmentLog", "TopicsPartitions", "WireProtocol"],
            swiftSettings: strict
        ),
        .executableTarget(
            name: "logbook",
            dependencies: ["Broker", "LogbookClient", "SegmentLog", "TopicsPartitions", "WireProtocol"],
            swiftSettings: strict
        ),
        .testTarget(
            name: "ToolTests",
            dependencies: ["logbook", "LogbookClient", "TopicsPartitions"],
            swiftSettings: checked
        ),
        .testTarget(
            name: "BrokerTests",
            dependencies: ["Broker", "SegmentLog", "TopicsPartitions", "WireProtocol", "TestSupport"],
            swiftSettings: checked
        ),

        // The workbook: exercises, their checks, and the checks of what is written about the code
        .target(name: "WorkbookKit", swiftSettings: strict),
        .executableTarget(name: "workbook", dependencies: ["WorkbookKit"], swiftSettings: strict),
        .testTarget(name: "WorkbookTests", dependencies: ["WorkbookKit"], swiftSettings: checked),

        // What the suites share, and the benchmarks
        .target(
            name: "TestSupport",
            dependencies: ["SegmentLog", "WireProtocol"],
            path: "Tests/Support",
            swiftSettings: checked
        ),
        // A million frames changed at random, and the memory that each takes: `make mutate`.
        .executableTarget(
            name: "Mutate",
            dependencies: ["Broker", "CAllocations", "SegmentLog", "TestSupport", "WireProtocol"],
            path: "Tests/Mutate",
            swiftSettings: strict
        ),
        // A member of a group that logs what happens to it, for `make churn`.
        .executableTarget(
            name: "GroupMember",
            dependencies: ["LogbookClient", "SegmentLog"],
            path: "Tests/Member",
            swiftSettings: strict
        ),
        .target(
            name: "BenchmarkSupport",
            dependencies: ["CSystem", "SegmentLog", "WireProtocol"],
            path: "Benchmarks/Support",
            swiftSettings: strict
        ),
        // Counts what is taken from the heap, by standing in for malloc in one executable.
        .target(name: "CAllocations", path: "Benchmarks/Allocations"),
        .executableTarget(
            name: "LogBenchmark",
            dependencies: ["BenchmarkSupport", "CAllocations", "SegmentLog", "WireProtocol"],
            path: "Benchmarks/Log",
            swiftSettings: strict
        ),
        .executableTarget(
            name: "ClientBenchmark",
            dependencies: ["BenchmarkSupport", "LogbookClient", "SegmentLog", "WireProtocol"],
            path: "Benchmarks/Client",
            swiftSettings: strict
        ),
        .executableTarget(
            name: "GroupsBenchmark",
            dependencies: ["BenchmarkSupport", "SegmentLog", "WireProtocol"],
            path: "Benchmarks/Groups",
            swiftSettings: strict
        ),
        .executableTarget(
            name: "ServerBenchmark",
            dependencies: ["BenchmarkSupport", "CSystem", "SegmentLog", "WireProtocol"],
            path: "Benchmarks/Server",
            swiftSettings: strict
        ),
        .executableTarget(
            name: "SliceBenchmark",
            dependencies: ["BenchmarkSupport", "Broker", "CSystem", "SegmentLog", "WireProtocol"],
            path: "Benchmarks/Slice",
            swiftSettings: strict
        ),
    ]
)

// `make fuzz` asks for it: libFuzzer brings its own main, so that no other build can have this executable.
if Context.environment["LOGBOOK_FUZZ"] != nil {
    package.targets.append(
        .executableTarget(
            name: "Fuzz",
            dependencies: ["Broker", "TestSupport", "SegmentLog", "TopicsPartitions", "WireProtocol"],
            path: "Tests/Fuzz",
            exclude: ["fuzz.sh", "fuzz.dict"],
            swiftSettings: strict
        ))
}

// `make tsan` asks for it: the tests that it runs are of phase 1, and its sanitizer has everything built anew.
if Context.environment["LOGBOOK_TSAN"] != nil {
    let names = ["CSystem", "SegmentLog", "WireProtocol", "TestSupport", "Phase1SegmentLogTests"]
    package.targets.removeAll { !names.contains($0.name) }
    package.products.removeAll()
}
