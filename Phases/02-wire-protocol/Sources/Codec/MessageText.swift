import SegmentLog

extension Message {
    /// The message as text, a line for each field by its name, for people and for failing tests:
    ///
    ///     ProduceResponse
    ///       topics: 1
    ///         [0]
    ///           name: "orders"
    ///
    /// Fields that a version does not carry are there with their defaults.
    public var lines: [String] { ["\(Self.self)"] + textLines(of: self, indent: "  ") }
}

/// The lines of what `value` holds.
private func textLines(of value: Any, indent: String) -> [String] {
    Mirror(reflecting: value).children.enumerated().flatMap { index, child in
        line(child.label ?? "[\(index)]", child.value, indent: indent)
    }
}

private func line(_ label: String, _ value: Any, indent: String) -> [String] {
    let mirror = Mirror(reflecting: value)
    if mirror.displayStyle == .optional {
        guard let some = mirror.children.first else { return ["\(indent)\(label): null"] }
        return line(label, some.value, indent: indent)
    }
    let inner = indent + "  "
    if let text = leafText(value) { return ["\(indent)\(label): \(text)"] }
    guard mirror.displayStyle == .collection else {
        return ["\(indent)\(label)"] + textLines(of: value, indent: inner)
    }
    // Numbers and names are many and short: they share a line.
    let leaves = mirror.children.map { leafText($0.value) }
    if leaves.contains(nil) { return ["\(indent)\(label): \(leaves.count)"] + textLines(of: value, indent: inner) }
    return ["\(indent)\(label): [\(leaves.compactMap { $0 }.joined(separator: ", "))]"]
}

/// The text of a value that has no fields of its own; nil for one that has.
private func leafText(_ value: Any) -> String? {
    switch value {
    case let text as String: text.debugDescription
    case let number as any BinaryInteger: "\(number)"
    case let flag as Bool: "\(flag)"
    case let code as ErrorCode: "\(code.name) (\(code.rawValue))"
    case let id as Uuid: "\(id)"
    case let offset as Offset: "\(offset.value)"
    case let bytes as Bytes: text(of: bytes)
    case Records.bytes(let batches) as Records: text(of: batches)
    case Records.file(let range) as Records: "\(range.count) bytes of \(range.file.path) at \(range.position)"
    default: nil
    }
}

/// The first bytes in hexadecimal, and what tells the others apart.
private func text(of bytes: Bytes) -> String {
    let shown = bytes.slice(0..<min(bytes.count, 24)).array.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }
    let rest = shown.count < bytes.count ? " … (CRC-32C \(String(CRC32C.checksum(bytes), radix: 16)))" : ""
    return "\(bytes.count) bytes" + (shown.isEmpty ? "" : ": ") + shown.joined(separator: " ") + rest
}
