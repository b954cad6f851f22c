import SegmentLog

/// Connections that the node asks for.
extension Reactor {
    /// Begins to connect. Resolving a name, and finding the address of it that answers ("localhost" is often
    /// two, and a broker listens at one), may take long: that happens on a thread of its own.
    mutating func open(_ id: ConnectionID, _ address: SocketAddress) {
        opening[id] = address
        do {
            try startThread { [mailbox] in
                do throws(SystemError) {
                    mailbox.post(.connecting(id, .success(try Socket.connecting(to: address))))
                } catch {
                    mailbox.post(.connecting(id, .failure(error)))
                }
            }
        } catch {
            mailbox.post(.connecting(id, .failure(error)))
        }
    }

    mutating func takeConnecting(_ id: ConnectionID, _ result: Result<Socket, SystemError>) {
        // The node may have closed it in the meantime.
        guard let address = opening.removeValue(forKey: id) else { return }
        do {
            let connection = Connection(
                id: id, socket: try result.get(), peer: address, maxFrameBytes: limits.maxRequestBytes)
            connection.connectingTo = address
            connection.interest = .writing
            try poller.add(connection.descriptor, token: connection.token, .writing)
            connections.insert(connection)
        } catch {
            deliver(.failedToOpen(id, error))
        }
    }

    /// The socket can be written to: it is connected, or will never be.
    mutating func finishOpening(_ connection: Connection) {
        guard let address = connection.connectingTo else { return }
        let error = connection.connectionError
        connection.connectingTo = nil
        guard error == 0 else {
            _ = connections.remove(connection)
            connection.hasEnded = true
            idle.remove(connection)
            poller.remove(connection.descriptor, connection.interest)
            return deliver(.failedToOpen(connection.id, SystemError("connect to \(address)", error)))
        }
        deliver(.opened(connection.id))
        updateInterest(of: connection)
    }
}
