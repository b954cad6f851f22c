@testable import LogbookClient
import Testing
import TopicsPartitions

@testable import logbook

@Suite("A format of records")
struct RecordFormatTests {
    private let record = ConsumerRecord(
        topicPartition: TopicPartition("orders", 3), offset: 42, leaderEpoch: 0, timestamp: 1_700_000_000_000,
        key: Bytes(utf8: "key"), value: Bytes([0xFF, 0x00, 0x0A]),
        headers: [
            RecordHeader(key: Bytes(utf8: "a"), value: Bytes(utf8: "1")),
            RecordHeader(key: Bytes(utf8: "b"), value: nil),
        ])

    private func write(_ format: String, _ record: ConsumerRecord) throws -> [UInt8] {
        var output: [UInt8] = []
        try RecordFormat(format).write(record, to: &output)
        return output
    }

    @Test("has a letter for each part, and kcat's for the value; bytes stay as they are")
    func fields() throws {
        #expect(try write("%t %p %o %k %T %K %S %h", record) == Array("orders 3 42 key 1700000000000 3 3 a=1,b=".utf8))
        #expect(try write("%v", record) == [0xFF, 0x00, 0x0A])
        #expect(try write("%s", record) == [0xFF, 0x00, 0x0A])
        var empty = record
        (empty.key, empty.value, empty.headers) = (nil, nil, [])
        #expect(try write("<%k|%v|%h|%K|%S>", empty) == Array("<|||-1|-1>".utf8))
    }

    @Test("has escapes, and percent signs")
    func escapes() throws {
        #expect(
            try write(#"%%\n\t\r\\\x00\xfF%%k"#, record) == [0x25, 10, 9, 13, 0x5C, 0, 0xFF, 0x25] + Array("k".utf8))
        #expect(try write("grün", record) == Array("grün".utf8))
    }

    @Test(
        "is refused where it makes no sense", arguments: ["%", "%z", "a%", #"\"#, #"\q"#, #"\x1"#, #"\xgg"#, #"\x+1"#])
    func wrong(_ format: String) {
        #expect(complaint { try RecordFormat(format) }?.hasPrefix("-f: ") == true)
    }

    @Test("as JSON has base64 for what is no text")
    func json() {
        var output: [UInt8] = []
        RecordShape.json.write(record, to: &output)
        let expected = #"""
            {"topic":"orders","partition":3,"offset":42,"timestamp":1700000000000,"key":"key","keyEncoding":"utf8",\#
            "value":"/wAK","valueEncoding":"base64","headers":[{"key":"a","value":"1","valueEncoding":"utf8"},\#
            {"key":"b","value":null,"valueEncoding":null}]}

            """#
        #expect(String(decoding: output, as: UTF8.self) == expected)
        // RFC 4648, section 10.
        let vectors = [
            ("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foob", "Zm9vYg=="), ("fooba", "Zm9vYmE="),
        ]
        for (text, expected) in vectors { #expect(JSON.base64(Array(text.utf8)) == expected) }
        #expect(JSON.encoded(nil) == (.null, .null))
        #expect(JSON.encoded(Bytes(utf8: "ü")) == (.string("ü"), .string("utf8")))
        #expect(JSON.encoded(Bytes([0xFF])).value == .string("/w=="))
        #expect(JSON.encoded(Bytes([0xFF, 0xFE])).value == .string("//4="))
        #expect(JSON.key("REPLICATION-FACTOR") == "replicationFactor")
    }
}

@Suite("A format of the input")
struct InputFormatTests {
    private func read(_ format: String, _ record: String) throws -> InputFormat.Fields? {
        try InputFormat(format).read(Array(record.utf8)[...])
    }

    private func fields(
        key: String? = nil, value: String? = nil, partition: Int32? = nil, timestamp: Int64? = nil
    ) -> InputFormat.Fields {
        InputFormat.Fields(
            key: key.map { Array($0.utf8)[...] }, value: value.map { Array($0.utf8)[...] }, partition: partition,
            timestamp: timestamp)
    }

    @Test("gives each field what stands before the next text, and the last one the rest")
    func fields() throws {
        #expect(try read("%v", "a:b") == fields(value: "a:b"))
        #expect(try read("%v", "") == fields(value: ""))
        #expect(try read("%k:%v", "a:b:c") == fields(key: "a", value: "b:c"))
        #expect(try read("%k:%v", ":") == fields(key: "", value: ""))
        #expect(try read("%k=>%s", "a=b=>c") == fields(key: "a=b", value: "c"))
        #expect(try read(#"%p %T\t%k,%v"#, "3 17\tk,v") == fields(key: "k", value: "v", partition: 3, timestamp: 17))
        #expect(try read("[%v]", "[a") == fields(value: "a"))
        #expect(try read("%k", "a") == fields(key: "a"))
    }

    @Test("says of other records that they are not of its form")
    func others() throws {
        #expect(try read("%k:%v", "ab") == nil)
        #expect(try read("[%v]", "a") == nil)
        #expect(try read("%p:%v", "x:a") == nil)
        #expect(try read("%p:%v", "-1:a") == nil)
        #expect(try read("%T:%v", ":a") == nil)
    }

    @Test("ends a record with what it has behind the last field, or at the line's end")
    func terminators() throws {
        #expect(try InputFormat("%k:%v").terminator == [10])
        #expect(try InputFormat(#"%v\x00"#).terminator == [0])
        #expect(try InputFormat("%v;;").terminator == Array(";;".utf8))
    }

    @Test("is refused where it cannot be read", arguments: ["", "abc", "%o", "%k%v", "%v %v", "%h:%v", "%s,%v"])
    func wrong(_ format: String) {
        #expect(complaint { try InputFormat(format) }?.hasPrefix("-f") == true)
    }

    @Test("finds the same records however the bytes are cut", arguments: 1...9)
    func splitting(_ size: Int) {
        let bytes = Array("one;;t;wo;;;;three;".utf8)
        var splitter = RecordSplitter(terminator: Array(";;".utf8))
        var records: [String] = []
        for start in stride(from: 0, to: bytes.count, by: size) {
            let found = splitter.split(Array(bytes[start..<min(start + size, bytes.count)]))
            records += found.map { String(decoding: $0, as: UTF8.self) }
        }
        #expect(records == ["one", "t;wo", ""])
        #expect(splitter.last().map { String(decoding: $0, as: UTF8.self) } == "three;")
    }
}

@Suite("A table")
struct TableTests {
    @Test("has its columns under their names, and a dash for what is absent")
    func columns() {
        var table = Table(["TOPIC", "N"])
        table.append(["a-long-name", nil])
        table.append(["ü", "12"])
        #expect(table.lines(isColored: false) == ["TOPIC        N", "a-long-name  -", "ü            12"])
        #expect(table.lines(isColored: true)[0] == "\u{1B}[1mTOPIC        N\u{1B}[0m")
    }
}
