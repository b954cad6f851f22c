extension LogDirectory {
    /// A directory whose log is gone, and whose files are to be removed.
    struct Detached {
        var name: String
        /// When it was detached, in milliseconds since 1970.
        var since: Int64
        /// Its files that are still there, once they were listed.
        var files: ArraySlice<String>?
    }

    /// Takes logs out of the directory, durably: on return each is there as a whole or, after a crash
    /// too, not at all, and another log of its name can be begun. A name without a log is passed over.
    ///
    /// Their directories get names as Kafka gives them, `topic-number.id-delete`, and are left to
    /// `removeDetached`. A reader that holds a log's snapshot goes on; the log itself takes no more changes.
    ///
    /// - Parameter time: now, in milliseconds since 1970.
    public func detach(_ names: [String], at time: Int64) throws(LogError) {
        try onStorage { () throws(StorageError) in
            for name in names where known.contains(name) {
                let renamed = Self.detachedName(of: name, nextDetached)
                try storage.rename(name, to: renamed)
                nextDetached += 1
                detached.append(Detached(name: renamed, since: time))
                logs.removeValue(forKey: name)?.wasRemoved()
                known.remove(name)
                // Until its checkpoints are gone as well.
                missing.append(name)
            }
            try storage.synchronizeDirectory()
        }
        try forget(names)
    }

    /// When the directory was detached that is removed next, in milliseconds since 1970: long ago, if
    /// that was in an earlier run. Nil where there is none.
    public var firstDetached: Int64? { detached.first?.since }

    /// Removes files of directories that were detached at `time` or before, in milliseconds since 1970:
    /// now, less `file.delete.delay.ms`.
    ///
    /// A directory that cannot be removed throws once, and is left to the next run.
    ///
    /// - Parameter files: the most to be removed by this call.
    /// - Returns: what was removed to its end; see also `firstDetached`.
    @discardableResult
    public func removeDetached(detachedUpTo time: Int64, atMost files: Int = .max) throws(LogError) -> [String] {
        var removed: [String] = []
        var left = files
        while left > 0, let next = detached.first, next.since <= time {
            do throws(StorageError) {
                guard try removeFiles(of: next, &left) else { break }
            } catch {
                detached.removeFirst()
                throw .storage(error)
            }
            detached.removeFirst()
            removed.append(next.name)
        }
        return removed
    }

    /// Removes at most `left` files of the first detached directory, and then the directory. Returns
    /// whether it is gone.
    private func removeFiles(of first: Detached, _ left: inout Int) throws(StorageError) -> Bool {
        let directory = try storage.directory(first.name)
        var files = if let files = first.files { files } else { try directory.list()[...] }
        while left > 0, let name = files.popFirst() {
            try directory.remove(name)
            left -= 1
        }
        detached[0].files = files
        guard left > 0 else { return false }
        try storage.remove(first.name)
        left -= 1
        return true
    }

    // MARK: Names

    private static let detachedSuffix = "-delete"

    /// File systems take names of 255 bytes: of a longer one the topic loses its end, as in Kafka.
    private static func detachedName(of name: String, _ number: Int) -> String {
        let dash = name.lastIndex(of: "-") ?? name.endIndex
        let tail = "\(name[dash...]).\(number)\(detachedSuffix)"
        return String(name[..<dash].prefix(255 - tail.utf8.count)) + tail
    }

    /// Whether a subdirectory has the name of a log that is being removed, by this or by another Kafka.
    static func isDetached(_ name: String) -> Bool {
        guard name.hasSuffix(detachedSuffix), let dot = name.lastIndex(of: ".") else { return false }
        let id = name[dot...].dropFirst().dropLast(detachedSuffix.count)
        return !id.isEmpty && !id.contains("-") && partition(String(name[..<dot])) != nil
    }

    /// A number that no name in `detached` has.
    static func number(after detached: [Detached]) -> Int {
        let numbers = detached.compactMap { directory -> Int? in
            let id = directory.name.dropLast(detachedSuffix.count).split(separator: ".").last
            return id.flatMap { Int32($0) }.map(Int.init)
        }
        return (numbers.max() ?? -1) + 1
    }
}
