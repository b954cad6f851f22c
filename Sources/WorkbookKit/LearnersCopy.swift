import Foundation

/// A learner's copy of a phase: `Workbook/01-segment-log`.
///
///     Sources/        the phase's code with blanked bodies, to be written in
///     Linked/         what it is built with, linked from the repository
///     Package.swift   for editors, and for `swift test` by hand
///     .workbook/      the reference as it was (base), what was replaced (backups), progress.json,
///                     and the tree that is built for a check
public struct LearnersCopy {
    /// The phase.
    public let phase: Phase
    /// The copy's directory.
    public let path: String
    /// The exercises and their bodies.
    public let blanking: Blanking

    var sources: String { path + "/Sources" }
    var base: String { path + "/.workbook/base" }
    var checkTree: String { path + "/.workbook/check" }
    /// The file that the stubs call into, which is nobody's to edit.
    static let supportFile = "Exercise.swift"

    /// The copy of a phase in the workbook's directory, whether it is there or not.
    public init(of phase: Phase, in workbook: String) {
        self.phase = phase
        path = workbook + "/" + phase.name
        blanking = Blanking(phase.exercises)
    }

    /// Whether it was started.
    public var exists: Bool { Files.exists(path) }

    /// Makes the copy. One that is there already is not touched.
    public func start() throws {
        guard !exists else {
            throw WorkbookError(
                """
                \(shown(path)) is there already, and nothing was changed.
                `make check \(phase.number)` says where you are; `make reset \(phase.number).1` takes exercise \
                \(phase.number).1 back.
                To begin anew, move the directory away first.
                """)
        }
        // Made beside its place, and then renamed: a start that is interrupted leaves no half of a copy.
        let parent = (path as NSString).deletingLastPathComponent
        let new = LearnersCopy(of: phase, at: "\(parent)/.new-\(phase.name)")
        if Files.exists(new.path) { try Files.remove(new.path) }
        try new.writeBase()
        for file in Files.all(".swift", in: phase.sources) {
            try Files.write(try blanking.blanked(try reference(file), file), to: "\(new.sources)/\(file)")
        }
        try Files.write(blanking.support(), to: "\(new.sources)/\(Self.supportFile)")
        try CheckPackage(phase).write(to: new.path, warnings: .warning)
        try FileManager.default.moveItem(atPath: new.path, toPath: path)
    }

    private init(of phase: Phase, at path: String) {
        self.phase = phase
        self.path = path
        blanking = Blanking(phase.exercises)
    }

    /// Throws where the phase was not started.
    public func require() throws {
        guard exists else {
            throw WorkbookError(
                "phase \(phase.number) is not started: `make start \(phase.number)` makes your copy of it")
        }
    }

    /// Keeps the reference as it is, to see later what changed.
    func writeBase() throws {
        if Files.exists(base) { try Files.remove(base) }
        for file in Files.all(".swift", in: phase.sources) {
            try Files.write(try reference(file), to: "\(base)/Sources/\(file)")
        }
        try Files.write(try Files.read(phase.list), to: "\(base)/workbook.json")
        try Files.write(try Files.read(phase.root + "/Package.swift"), to: "\(base)/Package.swift")
    }

    /// A file of the complete code.
    func reference(_ file: String) throws -> String {
        try Files.read("\(phase.sources)/\(Files.place(of: file, in: phase.sources))")
    }

    /// Where a file of the learner's is, by its name or path; where it would be, if it is gone.
    func place(_ file: String) -> String {
        let place = Files.place(of: file, in: sources)
        return Files.exists("\(sources)/\(place)")
            ? "\(sources)/\(place)" : "\(sources)/\(Files.place(of: file, in: phase.sources))"
    }

    /// A file of the learner's; an empty text where it is gone.
    func mine(_ file: String) throws -> String { Files.exists(place(file)) ? try Files.read(place(file)) : "" }

    /// Copies a file of the learner's to a new directory of backups, and returns where it is.
    func backUp(_ files: [String]) throws -> String {
        let number = Files.names(in: path + "/.workbook/backups").compactMap { Int($0) }.max() ?? 0
        let directory = "\(path)/.workbook/backups/\(number + 1)"
        for file in files { try Files.write(try mine(file), to: "\(directory)/\(file)") }
        return shown(directory)
    }

    /// A path as the learner knows it: from the repository on.
    func shown(_ path: String) -> String {
        path.hasPrefix(phase.root + "/") ? String(path.dropFirst(phase.root.count + 1)) : path
    }

    /// Puts the stub back into an exercise's bodies, and keeps what was there. Returns what to say about it.
    public func reset(_ exercise: Exercise) throws -> String {
        try require()
        var said = "\(exercise.id) is blank again; what you had is in \(try backUp(exercise.files))"
        for file in exercise.files {
            let text = try mine(file)
            let blanked = try? blanking.blanked(text, file, only: [exercise.id])
            if let blanked, SwiftSource(text).hasMatchingBraces {
                try Files.write(blanked, to: place(file))
            } else {
                // Where a body ends cannot be told: the whole file goes back.
                try Files.write(try blanking.blanked(try reference(file), file), to: place(file))
                said += "\n\(file) could not be read as Swift any more, so all of it is as at the start"
            }
        }
        return said
    }

    /// The difference between the learner's bodies and the reference, by declaration.
    public func reveal(_ exercise: Exercise) throws -> String {
        try require()
        var lines: [String] = []
        for blank in exercise.blank {
            let reference = SwiftSource(try reference(blank.file))
            let mine = SwiftSource(try mine(blank.file))
            lines.append("\(blank.file): \(blank.declaration)")
            let theirs = reference.text(in: try reference.body(of: blank.path))
            guard let range = try? mine.body(of: blank.path) else {
                lines.append("  Your file has no such declaration. The reference's body:")
                lines += LineDifference(from: "", to: theirs).rendered
                continue
            }
            let difference = LineDifference(from: mine.text(in: range), to: theirs)
            lines += difference.isEmpty ? ["  the same as the reference"] : difference.rendered
        }
        return lines.joined(separator: "\n")
    }
}

/// The difference of two texts, line by line: what is taken out and what is put in.
struct LineDifference {
    /// Each line with its sign: `-` only in the first, `+` only in the second, a space in both.
    let rendered: [String]
    /// Whether the texts are the same.
    let isEmpty: Bool

    init(from old: String, to new: String) {
        let oldLines = Self.lines(old)
        let newLines = Self.lines(new)
        let difference = newLines.difference(from: oldLines)
        var removed: Set<Int> = []
        var inserted: Set<Int> = []
        for change in difference {
            switch change {
            case .remove(let offset, _, _): removed.insert(offset)
            case .insert(let offset, _, _): inserted.insert(offset)
            }
        }
        var rendered: [String] = []
        var (left, right) = (0, 0)
        while left < oldLines.count || right < newLines.count {
            if removed.contains(left) {
                rendered.append("- " + oldLines[left])
                left += 1
            } else if inserted.contains(right) {
                rendered.append("+ " + newLines[right])
                right += 1
            } else {
                rendered.append("  " + newLines[right])
                left += 1
                right += 1
            }
        }
        self.rendered = rendered
        isEmpty = difference.isEmpty
    }

    private static func lines(_ text: String) -> [String] {
        var lines = text.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
        while lines.first?.allSatisfy(\.isWhitespace) == true { lines.removeFirst() }
        while lines.last?.allSatisfy(\.isWhitespace) == true { lines.removeLast() }
        return lines
    }
}
