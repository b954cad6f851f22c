import SegmentLog
import TopicsPartitions

extension Entrance {
    /// Reads a JSON text; one that is understood comes back from what it writes.
    func takeJSON(_ bytes: Bytes) {
        guard let value = try? JSON(parsing: bytes) else { return }
        guard let again = try? JSON(parsing: value.encoded), again.text == value.text else {
            fatalError("Fuzz: \(value.text) does not come back")
        }
    }

    /// Gives a JSON node lines; it answers each at most once, with lines of JSON.
    func takeLines(_ bytes: Bytes) {
        do {
            var node = try JSONNode(in: MemoryStorage(), seed: 1)
            var input = bytes
            var lines: [String] = []
            while input.count > 0 {
                node.receive(&input, at: 0)
                lines += try node.answers()
            }
            node.endOfInput(at: 0)
            lines += try node.answers()
            precondition(
                lines.count <= bytes.array.split(separator: UInt8(ascii: "\n")).count, "Fuzz: more answers than lines")
            for line in lines { _ = try JSON(parsing: Bytes(utf8: line)) }
        } catch {
            fatalError("Fuzz: a node in memory does not fail, and says only JSON: \(error)")
        }
    }
}
