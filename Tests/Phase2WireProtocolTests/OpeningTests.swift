import Foundation
import SegmentLog
import Testing
@testable import WireProtocol

@Suite("Connections that a node asks for")
struct OpeningTests {
    private static let hasIPv6 = (try? Listeners(bindingTo: [SocketAddress(host: "::1", port: 0)])) != nil

    @Test(
        "find the one address of a name at which somebody listens", .enabled(if: hasIPv6),
        arguments: ["127.0.0.1", "::1"])
    func severalAddresses(host: String) throws {
        let listeners = try Listeners(bindingTo: [SocketAddress(host: host, port: 0)])
        // No host at all is this machine, in both families: "localhost" may be no more than one.
        let both = SocketAddress(host: "", port: listeners.addresses[0].port)
        let socket = try Socket.connecting(to: both)
        #expect(socket.connectionError == 0)
        #expect(socket.peerAddress?.host == host)
        // They listen until here: a value ends after its last use.
        #expect(listeners.addresses.count == 1)
    }

    @Test("say why there is nobody")
    func nobody() throws {
        let address = SocketAddress(host: "127.0.0.1", port: 1)
        #expect(throws: SystemError("connect to \(address)", ECONNREFUSED)) { try Socket.connecting(to: address) }
    }

    @Test("announce work once, however often it is announced before the node wakes")
    func announcements() throws {
        let mailbox = try Mailbox()
        for _ in 0..<100 { mailbox.announceWork() }
        #expect(mailbox.take().count == 1)
        mailbox.requestStop()
        mailbox.announceWork()
        #expect(mailbox.take().count == 2)
        mailbox.announceWork()
        #expect(mailbox.take().count == 1)
    }

    #if os(Linux)
        @Test("leave no stack behind when their thread has ended")
        func stacks() throws {
            func size() throws -> Int {
                let text = try String(contentsOfFile: "/proc/self/statm", encoding: .utf8)
                return (text.split(separator: " ").first.flatMap { Int($0) } ?? 0) << 12
            }
            let before = try size()
            for _ in 0..<2_000 {
                let ended = DispatchSemaphore(value: 0)
                try startThread { ended.signal() }
                ended.wait()
            }
            // 2,000 stacks of 8 MiB would be 16 GB of addresses; some threads may be about to end.
            #expect(try size() - before < 4 << 30)
        }
    #endif
}
