import Foundation

/// Reading and writing small files, with errors that name them.
enum Files {
    static func exists(_ path: String) -> Bool { FileManager.default.fileExists(atPath: path) }

    static func read(_ path: String) throws -> String {
        guard let data = FileManager.default.contents(atPath: path) else {
            throw WorkbookError("cannot read \(path)")
        }
        return String(decoding: data, as: UTF8.self)
    }

    /// Writes a file, and the directories above it. One that holds just that already is left alone, so
    /// that nothing is built again for it.
    static func write(_ text: String, to path: String) throws {
        if let old = FileManager.default.contents(atPath: path), old == Data(text.utf8) { return }
        try FileManager.default.createDirectory(
            atPath: (path as NSString).deletingLastPathComponent, withIntermediateDirectories: true)
        try Data(text.utf8).write(to: URL(fileURLWithPath: path), options: .atomic)
    }

    static func remove(_ path: String) throws { try FileManager.default.removeItem(atPath: path) }

    /// What a directory holds, sorted; nothing where there is none.
    static func names(in directory: String) -> [String] {
        ((try? FileManager.default.contentsOfDirectory(atPath: directory)) ?? []).sorted()
    }

    /// All files with an ending below a directory, by their paths from there, sorted. Links, and what
    /// begins with a dot, are passed over.
    static func all(_ ending: String, in directory: String) -> [String] {
        var found: [String] = []
        for name in names(in: directory) where !name.hasPrefix(".") {
            let path = directory + "/" + name
            switch (try? FileManager.default.attributesOfItem(atPath: path))?[.type] as? FileAttributeType {
            case .typeDirectory: found += all(ending, in: path).map { name + "/" + $0 }
            case .typeRegular where name.hasSuffix(ending): found.append(name)
            default: break
            }
        }
        return found
    }

    /// The path of the file with this name below a directory; `name` itself where there is none.
    static func place(of name: String, in directory: String) -> String {
        if exists(directory + "/" + name) { return name }
        let last = (name as NSString).lastPathComponent
        return all(".swift", in: directory).first { ($0 as NSString).lastPathComponent == last } ?? name
    }

    /// Links `path` to `target`, through a relative path.
    static func link(_ path: String, to target: String) throws {
        try FileManager.default.createDirectory(
            atPath: (path as NSString).deletingLastPathComponent, withIntermediateDirectories: true)
        if (try? FileManager.default.destinationOfSymbolicLink(atPath: path)) != nil { try remove(path) }
        let from = path.split(separator: "/").dropLast()
        let to = target.split(separator: "/")
        let common = zip(from, to).prefix { $0 == $1 }.count
        let steps = Array(repeating: "..", count: from.count - common) + to.dropFirst(common).map(String.init)
        try FileManager.default.createSymbolicLink(
            atPath: path, withDestinationPath: steps.joined(separator: "/"))
    }
}
