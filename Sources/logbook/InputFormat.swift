import LogbookClient

/// What `produce -f` says: how a record is read from its bytes.
///
/// A record ends with what the format has behind its last field, and with a line end where it has nothing
/// there. Each field goes on to where the next piece of text begins; the last one takes the rest.
struct InputFormat {
    /// A record's fields, as they were read.
    struct Fields: Equatable {
        var key: ArraySlice<UInt8>?
        var value: ArraySlice<UInt8>?
        var partition: Int32?
        var timestamp: Int64?
    }

    /// What ends a record.
    let terminator: [UInt8]
    private let pieces: [RecordFormat.Piece]

    init(_ text: String) throws {
        var pieces = try RecordFormat(text).pieces
        var fields: [RecordFormat.Field] = []
        var isAfterField = false
        for case .field(let field) in pieces {
            guard [.key, .value, .partition, .timestamp].contains(field) else {
                throw UsageError("-f: %\(field.rawValue) cannot be read from the input; %k, %v, %s, %p and %T can")
            }
            guard !fields.contains(field) else { throw UsageError("-f: %\(field.rawValue) is there twice") }
            fields.append(field)
        }
        for piece in pieces {
            if case .field = piece {
                guard !isAfterField else { throw UsageError("-f: nothing stands between two fields") }
                isAfterField = true
            } else {
                isAfterField = false
            }
        }
        guard !fields.isEmpty else { throw UsageError("-f names no field; %k and %v are two") }
        if case .literal(let last)? = pieces.last {
            terminator = last
            pieces.removeLast()
        } else {
            terminator = [0x0A]
        }
        self.pieces = pieces
    }

    /// The fields of a record, which comes without its end; nil where it is not of this form.
    func read(_ record: ArraySlice<UInt8>) -> Fields? {
        var fields = Fields()
        var rest = record
        for (index, piece) in pieces.enumerated() {
            switch piece {
            case .literal(let text):
                guard rest.starts(with: text) else { return nil }
                rest = rest.dropFirst(text.count)
            case .field(let field):
                var found = rest
                if index + 1 < pieces.count, case .literal(let next) = pieces[index + 1] {
                    guard let end = rest.firstIndex(of: next) else { return nil }
                    found = rest[..<end]
                }
                rest = rest[found.endIndex...]
                guard set(field, found, in: &fields) else { return nil }
            }
        }
        return rest.isEmpty ? fields : nil
    }

    private func set(_ field: RecordFormat.Field, _ bytes: ArraySlice<UInt8>, in fields: inout Fields) -> Bool {
        switch field {
        case .key: fields.key = bytes
        case .value: fields.value = bytes
        case .partition:
            fields.partition = Int32(String(decoding: bytes, as: UTF8.self))
            return (fields.partition ?? -1) >= 0
        case .timestamp:
            fields.timestamp = Int64(String(decoding: bytes, as: UTF8.self))
            return fields.timestamp != nil
        default: return false
        }
        return true
    }
}

extension ArraySlice<UInt8> {
    /// Where `bytes` begin for the first time.
    func firstIndex(of bytes: [UInt8]) -> Int? {
        guard let first = bytes.first else { return startIndex }
        var rest = self
        while let start = rest.firstIndex(of: first) {
            if bytes.count == 1 || self[start...].starts(with: bytes) { return start }
            rest = rest[(start + 1)...]
        }
        return nil
    }
}
