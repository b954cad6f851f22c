import LogbookClient

/// What `-f` says: fields of a record, and what stands between them, like kcat's.
struct RecordFormat: Equatable {
    /// A part of a record.
    enum Field: Character, CaseIterable {
        case topic = "t"
        case partition = "p"
        case offset = "o"
        case key = "k"
        case keySize = "K"
        case value = "v"
        case valueSize = "S"
        case headers = "h"
        case timestamp = "T"
    }

    enum Piece: Equatable {
        case literal([UInt8])
        case field(Field)
    }

    static let usage = """
        A format is text with %t topic, %p partition, %o offset, %k key, %v or %s value, %h headers as
        name=value,…, %T timestamp in ms, %K and %S the sizes of key and value in bytes (-1 for null), %% a
        percent sign; \\n, \\t, \\r, \\\\ and \\xHH are escapes.
        """

    private(set) var pieces: [Piece] = []

    init(_ text: String) throws {
        var literal: [UInt8] = []
        var rest = text[...]
        while let character = rest.popFirst() {
            switch character {
            case "%":
                let letter = rest.popFirst()
                if letter == "%" {
                    literal.append(UInt8(ascii: "%"))
                    continue
                }
                // kcat's letter for the value.
                guard let field = letter == "s" ? .value : letter.flatMap(Field.init) else {
                    throw UsageError("-f: there is no field %\(letter.map(String.init) ?? "")\n\n" + Self.usage)
                }
                if !literal.isEmpty { pieces.append(.literal(literal)) }
                literal = []
                pieces.append(.field(field))
            case "\\": literal += try Self.escape(&rest)
            default: literal += Array(character.utf8)
            }
        }
        if !literal.isEmpty { pieces.append(.literal(literal)) }
    }

    private static func escape(_ rest: inout Substring) throws -> [UInt8] {
        switch rest.popFirst() {
        case "n": return [0x0A]
        case "t": return [0x09]
        case "r": return [0x0D]
        case "\\": return [0x5C]
        case "x":
            let digits = rest.prefix(2)
            guard digits.utf8.count == 2, digits.allSatisfy(\.isHexDigit), let byte = UInt8(digits, radix: 16) else {
                throw UsageError("-f: \\x needs two hexadecimal digits")
            }
            rest.removeFirst(2)
            return [byte]
        case let other: throw UsageError("-f: there is no escape \\\(other.map(String.init) ?? "")")
        }
    }

    // MARK: Writing

    /// Appends a record's bytes; keys and values as they are, null as nothing.
    func write(_ record: ConsumerRecord, to output: inout [UInt8]) {
        for piece in pieces {
            switch piece {
            case .literal(let bytes): output += bytes
            case .field(let field): write(field, of: record, to: &output)
            }
        }
    }

    private func write(_ field: Field, of record: ConsumerRecord, to output: inout [UInt8]) {
        switch field {
        case .topic: output += record.topicPartition.topic.utf8
        case .partition: output += "\(record.topicPartition.partition)".utf8
        case .offset: output += "\(record.offset)".utf8
        case .timestamp: output += "\(record.timestamp)".utf8
        case .key: output.append(record.key)
        case .value: output.append(record.value)
        case .keySize: output += "\(record.key?.count ?? -1)".utf8
        case .valueSize: output += "\(record.value?.count ?? -1)".utf8
        case .headers:
            for (index, header) in record.headers.enumerated() {
                if index > 0 { output.append(UInt8(ascii: ",")) }
                output.append(header.key)
                output.append(UInt8(ascii: "="))
                output.append(header.value)
            }
        }
    }
}

extension [UInt8] {
    /// Appends a run of bytes; nothing for null.
    mutating func append(_ bytes: Bytes?) {
        guard let bytes else { return }
        unsafe bytes.withUnsafeBytes { unsafe append(contentsOf: $0) }
    }
}
