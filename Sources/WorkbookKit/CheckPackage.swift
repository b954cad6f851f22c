import Foundation

/// The package in which one phase is built alone: its module, what that needs, its tests and their support.
/// Everything but the module's sources is linked from the repository.
struct CheckPackage {
    private struct Dump: Decodable {
        var targets: [Target]
    }

    private struct Target: Decodable {
        var name: String
        var path: String?
        var type: String
        var dependencies: [[String: [String?]]]
        var exclude: [String]
        var settings: [Setting]

        var needs: [String] { dependencies.compactMap { $0["byName"]?.first ?? nil } }
        var directory: String { path ?? (type == "test" ? "Tests/" : "Sources/") + name }
    }

    private struct Setting: Decodable {
        var kind: [String: [String: Value]]
    }

    /// What a setting is set to, if that is one text.
    private struct Value: Decodable {
        let text: String?

        init(from decoder: any Decoder) throws {
            text = try? decoder.singleValueContainer().decode(String.self)
        }
    }

    /// How the compiler's warnings are taken: a learner may have some, the repository none.
    enum Warnings: String { case warning, error }

    /// The phase's module.
    let module: String
    /// The target of its tests.
    let testTarget: String
    private let targets: [Target]
    private let excluded: [String: [String]]
    private let root: String

    /// Reads the repository's package.
    init(_ phase: Phase) throws {
        root = phase.root
        let dump = try Command(["swift", "package", "dump-package"], in: phase.root).runQuietly()
        guard let start = dump.firstIndex(of: "{") else { throw WorkbookError("swift package dump-package: \(dump)") }
        let all = try JSONDecoder().decode(Dump.self, from: Data(dump[start...].utf8)).targets
        guard
            let module = all.first(where: { $0.path == "Phases/\(phase.name)/Sources" }),
            let tests = all.first(where: { $0.type == "test" && $0.name == "Phase\(phase.number)\(module.name)Tests" })
        else { throw WorkbookError("Package.swift has no target for Phases/\(phase.name), or none for its tests") }
        self.module = module.name
        testTarget = tests.name
        // What the module needs, then what only the tests need; that may not bring in later phases.
        var names = [module.name]
        while let next = all.first(where: { target in
            !names.contains(target.name) && all.contains { names.contains($0.name) && $0.needs.contains(target.name) }
        }) {
            names.append(next.name)
        }
        let modules = Set(all.map(\.name))
        names += tests.needs.filter { !names.contains($0) } + [tests.name]
        targets = all.filter { names.contains($0.name) }.map { target in
            var target = target
            target.dependencies = target.needs.filter(names.contains).map { ["byName": [$0]] }
            return target
        }
        // A support file that imports what is not there is left out.
        let foreign = modules.subtracting(names)
        var excluded: [String: [String]] = [:]
        for target in targets where target.name != module.name && target.type != "test" {
            let directory = root + "/" + target.directory
            excluded[target.name] = try Files.all(".swift", in: directory).filter { file in
                let imports = try Files.read(directory + "/" + file).split(separator: "\n").compactMap {
                    $0.hasPrefix("import ") ? String($0.dropFirst(7)) : nil
                }
                return !foreign.isDisjoint(with: imports)
            }
        }
        self.excluded = excluded
    }

    /// Writes the manifest and the links into `directory`, whose `Sources` somebody else writes.
    func write(to directory: String, warnings: Warnings) throws {
        try Files.write(manifest(warnings), to: directory + "/Package.swift")
        for target in targets where target.name != module {
            try Files.link("\(directory)/Linked/\(target.name)", to: "\(root)/\(target.directory)")
        }
    }

    private func manifest(_ warnings: Warnings) -> String {
        let targets = targets.map { target in
            var parts = ["name: \"\(target.name)\""]
            if !target.needs.isEmpty { parts.append("dependencies: \(target.needs)") }
            parts.append("path: \"\(target.name == module ? "Sources" : "Linked/" + target.name)\"")
            let files = target.exclude + (excluded[target.name] ?? [])
            if !files.isEmpty { parts.append("exclude: \(files)") }
            let settings = target.settings.compactMap { Self.setting($0, warnings) }
            if !settings.isEmpty { parts.append("swiftSettings: [\(settings.joined(separator: ", "))]") }
            return "        .\(target.type == "test" ? "testTarget" : "target")(\(parts.joined(separator: ", "))),"
        }
        return """
            // swift-tools-version: 6.2
            // Made by `make start`: your copy of one phase. What is linked belongs to the repository.
            import PackageDescription

            let package = Package(
                name: "workbook", platforms: [.macOS("26.0")],
                targets: [
            \(targets.joined(separator: "\n"))
                ])

            """
    }

    /// Flags are left out, which are there to optimize: this module is built for one exercise after the other.
    private static func setting(_ setting: Setting, _ warnings: Warnings) -> String? {
        guard let (name, values) = setting.kind.first, name != "unsafeFlags" else { return nil }
        let text = values["_0"]?.text
        switch name {
        case "swiftLanguageMode": return ".swiftLanguageMode(.version(\"\(text ?? "6")\"))"
        case "treatAllWarnings": return ".treatAllWarnings(as: .\(warnings))"
        case "strictMemorySafety": return ".strictMemorySafety()"
        default: return ".\(name)(\"\(text ?? "")\")"
        }
    }
}
