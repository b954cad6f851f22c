import Foundation

@testable import WorkbookKit

/// A repository of one phase with two exercises, in a directory of its own.
final class ToyRepository {
    let root: String
    let workbook: String

    static let sum = """
        /// Sums and products.
        public enum Toy {
            /// The sum of both.
            public static func sum(_ a: Int, _ b: Int) -> Int {
                // Easy.
                a + b
            }

            /// Their product.
            @inlinable
            public static func product(_ a: Int, _ b: Int) -> Int { a * b }
        }

        """

    static let list = """
        [{"id": "1.1", "title": "a sum", "blank": [{"file": "Toy.swift", "declaration": "static func sum("}],
          "tests": ["SumTests"], "adr": "0001", "read": "a book", "asks": "sums", "hints": ["a", "b", "c"],
          "mutations": [{"replace": "a + b", "with": "a - b"}]},
         {"id": "1.2", "title": "a product", "blank": [{"file": "Toy.swift", "declaration": "static func product("}],
          "tests": ["ProductTests/both"], "adr": "0001", "read": "a book", "asks": "products", "hints": ["a", "b", "c"],
          "mutations": [{"replace": "*", "with": "+"}]}]
        """

    init() throws {
        let directory = FileManager.default.temporaryDirectory.resolvingSymlinksInPath().path
        root = "\(directory)/toy-\(UUID().uuidString)"
        workbook = root + "/Workbook"
        try write(
            "Package.swift",
            """
            // swift-tools-version: 6.2
            import PackageDescription
            let package = Package(
                name: "toy", platforms: [.macOS("26.0")],
                targets: [
                    .target(name: "Toy", path: "Phases/01-toy/Sources", swiftSettings: [.strictMemorySafety()]),
                    .target(name: "Later", dependencies: ["Toy"]),
                    .target(name: "TestSupport", dependencies: ["Toy", "Later"], path: "Tests/Support"),
                    .testTarget(name: "Phase1ToyTests", dependencies: ["Toy", "TestSupport"]),
                ])
            """)
        try write("Phases/01-toy/workbook.json", Self.list)
        try write("Phases/01-toy/Sources/Toy.swift", Self.sum)
        try write("Phases/01-toy/Sources/Deep/Other.swift", "public let other = 1\n")
        try write("Sources/Later/Later.swift", "import Toy\npublic let later = other\n")
        try write("ADR/0001-toys.md", "# Toys\n")
        try write("Tests/Support/Early.swift", "public let two = 2\n")
        try write("Tests/Support/Late.swift", "import Later\npublic let three = later + 2\n")
        try write(
            "Tests/Phase1ToyTests/ToyTests.swift",
            """
            import TestSupport
            import Testing
            import Toy

            @Suite struct SumTests {
                @Test("adds") func both() { #expect(Toy.sum(two, 1) == 3, "two and one") }
            }
            @Suite struct ProductTests {
                @Test("is of sums") func both() { #expect(Toy.product(Toy.sum(1, 1), 3) == 6) }
            }
            """)
    }

    deinit { try? Files.remove(root) }

    func write(_ path: String, _ text: String) throws { try Files.write(text, to: "\(root)/\(path)") }

    func phase() throws -> Phase {
        guard let phase = try Phase("01-toy", in: root) else { throw WorkbookError("there is no phase") }
        return phase
    }

    func copy() throws -> LearnersCopy { LearnersCopy(of: try phase(), in: workbook) }

    /// The learner's file, with another text in place of a stub.
    func solve(_ id: String, with body: String) throws {
        let path = workbook + "/01-toy/Sources/Toy.swift"
        let text = try Files.read(path)
        try Files.write(text.replacingOccurrences(of: "exercise(\"\(id)\")", with: body), to: path)
    }
}
