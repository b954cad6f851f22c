import Foundation
import Testing

@testable import WorkbookKit

@Suite("The lexer of Swift")
struct SwiftLexerTests {
    private static func words(_ text: String) -> [String] { SwiftSource.words(of: text) }

    @Test("passes over comments, also nested ones and those that do not end")
    func comments() {
        #expect(Self.words("a // b { \n c") == ["a", "c"])
        #expect(Self.words("a /* b /* { */ c */ d") == ["a", "d"])
        #expect(Self.words("a /* b /* */ c") == ["a"])
        #expect(Self.words("a // \"\n/// `x` {\nb") == ["a", "b"])
    }

    @Test(
        "takes a string for one token, whatever its form",
        arguments: [
            #""plain""#, #""with \" and \\""#, #""braces } and { and // and /*""#, "\"\"\"\n a \" b \"\" { \n \"\"\"",
            ##"#"raw " \( { "#"##, ###"##"raw "# still "##"###, ##"#"interpolated \#(f("}")) }"#"##,
            #""in \(a ? "x\(b { $0 })" : "}") out""#, #""\(f(")"))""#, #""\((1, (2)))""#,
            "\"\"\"\n \\(a[\"}\"]) { \n \"\"\"", "#/a{2} \" /#", "\"\u{1F980} {\"",
            "#\"\"\"#", "##\"\"\" }\"#\"\"##", "#\"\"\"\n \"# { \"\" \n\"\"\"#",
        ])
    func strings(literal: String) {
        #expect(Self.words("a \(literal) b") == ["a", literal, "b"])
    }

    @Test("tells a regex from a division")
    func regexes() {
        #expect(Self.words("let r = /[{]\\/\"/") == ["let", "r", "=", "/[{]\\/\"/"])
        #expect(Self.words("f(/a }/)") == ["f", "(", "/a }/", ")"])
        #expect(Self.words("return /\"/") == ["return", "/\"/"])
        #expect(Self.words("a / b / c") == ["a", "/", "b", "/", "c"])
        #expect(Self.words("(a) /b/ c") == ["(", "a", ")", "/", "b", "/", "c"])
        #expect(Self.words("reduce(1, /)") == ["reduce", "(", "1", ",", "/", ")"])
    }

    @Test("takes a name in backticks for one word")
    func backticks() {
        #expect(Self.words("func `a { b`()") == ["func", "`a { b`", "(", ")"])
    }

    @Test("ends on any bytes, and its tokens ascend")
    func anyBytes() {
        let alphabet = Array("\"#\\(){}/*`\n a".utf8)
        var state: UInt64 = 1
        for _ in 0..<3000 {
            let bytes = (0..<24).map { _ in
                state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
                return alphabet[Int(state >> 33) % alphabet.count]
            }
            var end = 0
            for token in SwiftLexer.tokens(of: bytes) {
                #expect(token.range.lowerBound >= end && token.range.upperBound <= bytes.count && !token.range.isEmpty)
                end = token.range.upperBound
            }
        }
    }
}

@Suite("A Swift file's declarations")
struct SwiftSourceTests {
    private static func body(_ text: String, _ declaration: String, within: [String] = []) throws -> String {
        let source = SwiftSource(text)
        return source.text(in: try source.body(of: DeclarationPath(within: within, declaration: declaration)))
    }

    @Test("are found by their text, whatever white space and comments lie in it")
    func found() throws {
        let text = """
            struct A {
                /// func f() { not this }
                @inlinable func  f(  // a comment {
                    x: Int = { 1 }(), y: [Int: () -> Void] = [:]
                ) throws(E) -> String where T: P { "}" }
            }
            """
        #expect(try Self.body(text, "func f(") == " \"}\" ")
        #expect(try Self.body(text, "func f( x:") == " \"}\" ")
    }

    @Test("must be there once, and have a body")
    func selection() {
        let text = "protocol P { func f()\n var g: Int { get } }\nfunc h() {}\nfunc h(a: Int) {}"
        #expect(throws: SelectionError(text: "func f(", found: 1)) { try Self.body(text, "func f(") }
        #expect(throws: SelectionError(text: "func h(", found: 2)) { try Self.body(text, "func h(") }
        #expect(throws: SelectionError(text: "func i(", found: 0)) { try Self.body(text, "func i(") }
        #expect(throws: SelectionError(text: "", found: 0)) { try Self.body(text, "") }
    }

    @Test("of one name are told apart by what is around them, direct members only")
    func within() throws {
        let text = """
            struct A { struct B { func f() { 1 } }
                func f() { 2 } }
            struct C { func f() { 3 } }
            """
        #expect(try Self.body(text, "func f(", within: ["struct A"]) == " 2 ")
        #expect(try Self.body(text, "func f(", within: ["struct A", "struct B"]) == " 1 ")
        #expect(try Self.body(text, "func f(", within: ["struct C"]) == " 3 ")
    }

    @Test("under #if keep their bodies apart")
    func conditions() throws {
        let text = "#if os(Linux)\nfunc f() { a }\n#else\nfunc g() { b }\n#endif"
        #expect(try Self.body(text, "func f(") == " a ")
        #expect(try Self.body(text, "func g(") == " b ")
    }

    /// The repository's directory.
    static let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().path

    @Test("of this package come back as they were, each body taken out and put in again")
    func identity() throws {
        var files = 0
        var bodies = 0
        for directory in ["Sources", "Phases", "Tests", "Benchmarks"] {
            for file in Files.all(".swift", in: "\(Self.root)/\(directory)") {
                let text = try Files.read("\(Self.root)/\(directory)/\(file)")
                let source = SwiftSource(text)
                files += 1
                let opens = source.tokens.indices.count { source.word($0) == "{" }
                let closes = source.tokens.indices.count { source.word($0) == "}" }
                #expect(opens == closes, "\(file): braces do not match")
                for body in source.bodies {
                    bodies += 1
                    let stub = Blanking.stub("1.1", indentation: "")
                    let blanked = SwiftSource(source.replacing([(body, stub)]))
                    // What was put in is what is found there, and goes out again.
                    let place = body.lowerBound..<(body.lowerBound + stub.utf8.count)
                    let isFound = blanked.bodies.contains(place)
                    let isSame = blanked.replacing([(place, source.text(in: body))]) == text
                    #expect(isFound && isSame, "\(file): line \(source.line(of: body.lowerBound))")
                }
            }
        }
        #expect(files > 100 && bodies > 1000)
    }
}
