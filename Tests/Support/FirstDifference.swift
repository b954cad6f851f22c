import WireProtocol

/// What was expected up to the first line that differs, marked with ">", and below it what came, marked with "<".
public func firstDifference(between expected: some Message, and actual: some Message) -> String {
    let (expected, actual) = (expected.lines, actual.lines)
    let same = zip(expected, actual).prefix { $0 == $1 }.count
    if same == expected.count && same == actual.count { return "no field differs" }
    let context = expected[..<same].map { "  " + $0 }
    let marked = ["> " + (same < expected.count ? expected[same] : "(the end)")]
    return (context + marked + ["< " + (same < actual.count ? actual[same] : "(the end)")]).joined(separator: "\n")
}
