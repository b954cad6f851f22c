import Foundation

/// An error of the compiler: where, and what.
struct CompilerError: Hashable {
    /// The file's path as the compiler says it.
    var file: String
    var line: Int
    var message: String

    /// The errors in the output of `swift build`, each once, in order.
    static func all(in output: String) -> [CompilerError] {
        var errors: [CompilerError] = []
        for line in output.split(separator: "\n") {
            guard let mark = line.range(of: ": error: ") else { continue }
            let place = line[..<mark.lowerBound].split(separator: ":")
            guard place.count >= 3, let number = Int(place[place.count - 2]) else { continue }
            let error = CompilerError(
                file: place.dropLast(2).joined(separator: ":"), line: number,
                message: String(line[mark.upperBound...]))
            if !errors.contains(error) { errors.append(error) }
        }
        return errors
    }
}
