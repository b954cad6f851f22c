import Foundation

extension LearnersCopy {
    /// Brings the copy up to the repository, where that has changed since: the learner's bodies go into the
    /// new files. A file that was changed outside its exercises stays as it is. Returns what was done, in lines
    /// to show.
    public func catchUp() throws -> [String] {
        try restoreLost() + catchUpWithChanges()
    }

    /// Puts files back that are gone, and says which: a copy that lacks one does not compile.
    private func restoreLost() throws -> [String] {
        if !Files.exists("\(base)/workbook.json") { try writeBase() }
        if !Files.exists(path + "/Package.swift") { try CheckPackage(phase).write(to: path, warnings: .warning) }
        try Files.write(blanking.support(), to: "\(sources)/\(Self.supportFile)")
        let lost = Files.all(".swift", in: phase.sources).filter {
            Files.exists("\(base)/Sources/\($0)") && !Files.exists(place($0))
        }
        for file in lost { try Files.write(try blanking.blanked(try reference(file), file), to: place(file)) }
        return lost.map { "\($0) was gone, and is there again as at the start" }
    }

    private func catchUpWithChanges() throws -> [String] {
        let old = "\(base)/Sources"
        let isSameList = (try? Files.read("\(base)/workbook.json")) == (try? Files.read(phase.list))
        let files = Set(Files.all(".swift", in: old)).union(Files.all(".swift", in: phase.sources)).sorted()
        let changed = files.filter { (try? Files.read("\(old)/\($0)")) != (try? Files.read("\(phase.sources)/\($0)")) }
        let isSamePackage =
            (try? Files.read("\(base)/Package.swift")) == (try? Files.read(phase.root + "/Package.swift"))
        if isSameList && isSamePackage && changed.isEmpty { return [] }

        let before = try blankingOfBase()
        var said: [String] = []
        // A file is known by its name: one that moved to another directory is still the same.
        let names = Set((isSameList ? changed : files).map { ($0 as NSString).lastPathComponent }).sorted()
        for name in names {
            let line = try catchUp(
                name, was: try? Files.read("\(old)/\(Files.place(of: name, in: old))"), new: try? reference(name),
                before)
            if let line { said.append("  " + line) }
        }
        for exercise in phase.exercises where try referenceChanged(exercise, from: old) {
            said.append("  the reference of \(exercise.id) is another one: compare with `make reveal \(exercise.id)`")
        }
        let known = Set(before.exercises.map(\.id))
        let new = phase.exercises.map(\.id).filter { !known.contains($0) }
        if !new.isEmpty { said.append("  new exercises: \(new.joined(separator: ", "))") }
        try Files.write(blanking.support(), to: "\(sources)/\(Self.supportFile)")
        try CheckPackage(phase).write(to: path, warnings: .warning)
        try writeBase()
        return said.isEmpty ? [] : ["The repository has changed since phase \(phase.number) was last looked at:"] + said
    }

    private func blankingOfBase() throws -> Blanking {
        let list = try Files.read("\(base)/workbook.json")
        return Blanking(try JSONDecoder().decode([Exercise].self, from: Data(list.utf8)))
    }

    private func catchUp(_ file: String, was: String?, new: String?, _ before: Blanking) throws -> String? {
        let mine = Files.exists(place(file)) ? try Files.read(place(file)) : nil
        guard let new else {
            guard let mine, let was, mine == (try? before.blanked(was, file)) else {
                return mine == nil ? nil : "\(file) is gone; yours was changed, and stays"
            }
            try Files.remove(place(file))
            return "\(file) is gone"
        }
        let blanked = try blanking.blanked(new, file)
        guard let was, let mine else {
            if mine == blanked { return nil }
            guard mine == nil else { return "\(file) is new, but you have one already, which stays" }
            try Files.write(blanked, to: place(file))
            return "\(file) is new"
        }
        // Carried over already, by a command that was interrupted afterwards.
        if was != new, (try? blanking.blanked(mine, file)) == blanked { return nil }
        guard let skeleton = try? before.blanked(mine, file), let then = try? before.blanked(was, file),
            skeleton == then
        else {
            return was == new
                ? nil : "\(file) has changed; you have changed it outside its exercises, so yours stays as it is"
        }
        return try carry(mine, into: blanked, file, before)
    }

    private func carry(_ mine: String, into blanked: String, _ file: String, _ before: Blanking) throws -> String? {
        let bodies = try before.bodies(of: mine, file).filter { blank, body in
            !before.exercises.contains { $0.blank.contains(blank) && Blanking.isStub(body, $0.id) }
        }
        let filled = try blanking.filled(blanked, file, with: bodies)
        let new = "\(sources)/\(Files.place(of: file, in: phase.sources))"
        if filled == mine && new == place(file) { return nil }
        let places = Set(blanking.blanks(in: file).map(\.blank))
        let homeless = bodies.keys.contains { !places.contains($0) }
        let backup = bodies.isEmpty ? "" : "; it was before: \(try backUp([file]))"
        if new != place(file) { try Files.remove(place(file)) }
        try Files.write(filled, to: new)
        if bodies.isEmpty { return "\(file) has changed" }
        return homeless
            ? "\(file) has changed, and what you wrote has no place in it any more\(backup)"
            : "\(file) has changed; what you wrote was carried over\(backup)"
    }

    private func referenceChanged(_ exercise: Exercise, from old: String) throws -> Bool {
        try exercise.blank.contains { blank in
            guard let was = try? Files.read("\(old)/\(Files.place(of: blank.file, in: old))") else { return false }
            let new = SwiftSource(try reference(blank.file))
            let source = SwiftSource(was)
            guard let then = try? source.body(of: blank.path) else { return false }
            return SwiftSource.words(of: source.text(in: then))
                != SwiftSource.words(of: new.text(in: try new.body(of: blank.path)))
        }
    }
}
