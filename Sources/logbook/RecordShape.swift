import LogbookClient
import TopicsPartitions

/// The form of a printed record.
enum RecordShape {
    case format(RecordFormat)
    case wide
    case json

    func write(_ record: ConsumerRecord, to output: inout [UInt8]) {
        switch self {
        case .format(let format): format.write(record, to: &output)
        case .wide: writeWide(record, to: &output)
        case .json: output += "\(json(record).text)\n".utf8
        }
    }

    private func writeWide(_ record: ConsumerRecord, to output: inout [UInt8]) {
        let timestamp = record.timestamp < 0 ? "-" : "\(record.timestamp)"
        let place = "\(record.topicPartition.partition)@\(record.offset)"
        output += "\(record.topicPartition.topic)\t\(place)\t\(timestamp)\t".utf8
        output.append(record.key ?? Bytes(utf8: "-"))
        output.append(UInt8(ascii: "\t"))
        output.append(record.value ?? Bytes(utf8: "-"))
        output.append(UInt8(ascii: "\n"))
    }

    private func json(_ record: ConsumerRecord) -> JSON {
        let (key, keyEncoding) = JSON.encoded(record.key)
        let (value, valueEncoding) = JSON.encoded(record.value)
        let headers = record.headers.map { header in
            let (value, encoding) = JSON.encoded(header.value)
            return JSON.members([
                ("key", .string(header.key.text)), ("value", value), ("valueEncoding", encoding),
            ])
        }
        return JSON.members([
            ("topic", .string(record.topicPartition.topic)),
            ("partition", JSON(record.topicPartition.partition)), ("offset", JSON(record.offset)),
            ("timestamp", JSON(record.timestamp < 0 ? nil : record.timestamp)), ("key", key),
            ("keyEncoding", keyEncoding), ("value", value), ("valueEncoding", valueEncoding),
            ("headers", .array(headers)),
        ])
    }
}
