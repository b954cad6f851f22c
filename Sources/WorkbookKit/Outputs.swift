import Foundation

/// The parts of documents that commands write:
///
///     <!-- transcript: COMMAND -->            <!-- table: COMMAND -->
///     (what it prints, as a code block)       (what it prints, as it is)
///     <!-- /transcript -->                    <!-- /table -->
///
/// A port of this machine is written as PORT, so that a transcript is the same each time.
public struct Outputs {
    private let root: String

    /// The documents below `root`.
    public init(_ root: String) { self.root = root }

    /// Parts that are not what their commands print.
    public func problems() throws -> [String] {
        try changes().map { path, old, new in
            let lines = LineDifference(from: old, to: new).rendered.filter { !$0.hasPrefix("  ") }
            return "\(path): a transcript or table is stale; run make transcripts\n"
                + lines.prefix(40).joined(separator: "\n")
        }
    }

    /// Writes what the commands print, and returns the documents that changed.
    public func write() throws -> [String] {
        try changes().map { path, _, new in
            try Files.write(new, to: root + "/" + path)
            return path
        }
    }

    private func changes() throws -> [(path: String, old: String, new: String)] {
        try Markdown.all(in: root).compactMap { document in
            let old = try Files.read(root + "/" + document.path)
            let new = try Self.refreshed(old, document.path) { command in
                try Command(["bash", "-c", command], in: root).runQuietly()
            }
            return new == old ? nil : (document.path, old, new)
        }
    }

    /// The text with each part as `run` says it is.
    static func refreshed(_ text: String, _ path: String, run: (String) throws -> String) throws -> String {
        var lines: [Substring] = []
        var end: String?
        for line in text.split(separator: "\n", omittingEmptySubsequences: false) {
            if let awaited = end {
                guard line == awaited else { continue }
                end = nil
                lines.append(line)
                continue
            }
            lines.append(line)
            for kind in ["transcript", "table"] where line.hasPrefix("<!-- \(kind): ") && line.hasSuffix(" -->") {
                let command = String(line.dropFirst("<!-- \(kind): ".count).dropLast(" -->".count))
                let output = masked(try run(command))
                let body = output.hasSuffix("\n") ? output.dropLast() : output[...]
                lines += kind == "table" ? [body] : ["```", body, "```"]
                end = "<!-- /\(kind) -->"
            }
        }
        if let end { throw WorkbookError("\(path): there is no line \(end)") }
        return lines.joined(separator: "\n")
    }

    private static func masked(_ output: String) -> String {
        output.replacingOccurrences(of: "127\\.0\\.0\\.1:[0-9]+", with: "127.0.0.1:PORT", options: .regularExpression)
    }
}
