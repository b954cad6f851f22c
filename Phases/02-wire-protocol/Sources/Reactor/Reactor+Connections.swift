import SegmentLog

/// Frames on the way in, answers on the way out.
extension Reactor {
    // MARK: Reading

    mutating func read(from connection: Connection) {
        guard wantsToRead(connection) else { return updateInterest(of: connection) }
        // A frame that has begun has its memory; whoever begins another waits for room.
        if !memory.hasRoom || memory.hasWaiting, connection.claimedBytes == 0 {
            return waitForMemory(connection)
        }
        receive(from: connection)
    }

    private mutating func receive(from connection: Connection) {
        do {
            switch try connection.receive(&receiveBuffer) {
            case .nothing: break
            case .bytes(let bytes):
                if connection.moved(bytes.count, isWhole: false) { idle.touch(connection, at: time) }
                deliverFrames(in: bytes, isShared: true, of: connection)
            case .part(let count, let frame):
                if connection.moved(count, isWhole: false) { idle.touch(connection, at: time) }
                if let frame { begin(frame, on: connection) }
                changed(connection, isActive: frame != nil)
            case .end:
                connection.hasEndedInput = true
                announceEnd(of: connection)
                endIfDone(connection)
            }
        } catch {
            end(connection)
        }
    }

    /// Whether the socket is to be read from, memory aside.
    private func wantsToRead(_ connection: Connection) -> Bool {
        connection.wantsToDeliver(limits) && connection.unread.count == 0 && !connection.hasEndedInput && !isStopping
    }

    /// Delivers what was held back, for one turn; at least one frame where the connection was let in.
    private mutating func deliverUnread(of connection: Connection, isLetIn: Bool = false) {
        let input = connection.unread
        connection.unread = Bytes()
        deliverFrames(in: input, isShared: false, isLetIn: isLetIn, of: connection)
    }

    /// Delivers the frames in `input` until it is used up, the node pauses the connection, memory is short, or
    /// the turn is over: one receive may hold thousands of requests, and others wait.
    private mutating func deliverFrames(
        in input: consuming Bytes, isShared: Bool, isLetIn: Bool = false, of connection: Connection
    ) {
        let turnEnds = time.advanced(byMicroseconds: Self.turnMicroseconds)
        let limits = limits
        var isTurnOver = false
        var frames = 0
        current = connection
        defer { current = nil }
        do {
            while input.count > 0, !connection.hasEnded {
                let hasMemory = memory.hasRoom || connection.claimedBytes > 0 || isLetIn && frames == 0
                guard connection.wantsToDeliver(limits), hasMemory, !isTurnOver else {
                    // A copy: a slice would keep the whole receive buffer for as long as the pause lasts.
                    connection.unread = isShared ? Bytes(input.array) : input
                    break
                }
                guard let frame = try connection.nextFrame(&input) else { break }
                begin(frame, on: connection)
                // The clock costs as much as a small request: it is looked at after 1, 2, 4, 8, 16, 32, 48, ….
                frames += 1
                if input.count > 0, frames % 16 == 0 || frames & (frames - 1) == 0 {
                    isTurnOver = Self.now() >= turnEnds
                }
            }
            input = Bytes()
            guard !connection.hasEnded else { return }
            current = nil
            changed(connection, isActive: frames > 0)
            if connection.isClientFinished { announceEnd(of: connection) }
            schedule(connection)
            updateInterest(of: connection)
        } catch {
            log(.warn, "connection_closed", ["peer": connection.peerName, "reason": "\(error)"])
            end(connection)
        }
    }

    /// How long one connection may keep the node busy before the others have their turn.
    private static var turnMicroseconds: Int64 { 500 }

    /// What was held back has another turn, or waits for memory; nothing, where the connection is paused.
    mutating func schedule(_ connection: Connection) {
        guard connection.unread.count > 0, connection.wantsToDeliver(limits), !connection.waitsForMemory else { return }
        guard memory.hasRoom || connection.claimedBytes > 0 else { return waitForMemory(connection) }
        guard !connection.isRunnable else { return }
        connection.isRunnable = true
        runnable.append(connection)
    }

    private mutating func begin(_ frame: Bytes, on connection: Connection) {
        // What arrives on a connection of the node's own is an answer: nobody will answer it.
        if !connection.id.isOutgoing { connection.began(frame.count) }
        deliver(.received(connection.id, frame))
    }

    /// Gives each connection that has something held back one turn.
    mutating func runTurns() {
        let running = runnable
        runnable = []
        for connection in running {
            time = Self.now()
            connection.isRunnable = false
            guard !connection.hasEnded, !connection.waitsForMemory else { continue }
            deliverUnread(of: connection)
            endIfDone(connection)
        }
    }

    // MARK: Memory

    private mutating func waitForMemory(_ connection: Connection) {
        guard !connection.waitsForMemory else { return }
        connection.waitsForMemory = true
        memory.enqueue(connection.id)
        log(
            .warn, "requests_held_back",
            ["reason": "queued.max.request.bytes (\(limits.maxQueuedRequestBytes)) is reached"])
        changed(connection)
        updateInterest(of: connection)
    }

    /// It is a connection's turn to use memory: for what it has sent already, or for one receive.
    mutating func takeTurn(_ connection: Connection) {
        connection.waitsForMemory = false
        changed(connection, isActive: true)
        if connection.unread.count > 0 {
            deliverUnread(of: connection, isLetIn: true)
        } else if wantsToRead(connection) {
            receive(from: connection)
        }
        updateInterest(of: connection)
    }

    /// A connection's share of the memory may have changed; with `isActive` its idleness begins anew.
    mutating func changed(_ connection: Connection, isActive: Bool = false) {
        // While its frames are being delivered this would be for each of them; one receive holds little.
        guard !connection.hasEnded, connection !== current else { return }
        memory.account(connection)
        if isActive { idle.touch(connection, at: time) }
    }

    // MARK: The end of the input

    /// The client sends nothing more. It may still read: what it asked for is answered, without further waits.
    mutating func announceEnd(of connection: Connection) {
        connection.isClientFinished = true
        // Who waits for memory and has sent nothing needs none: waiting would only keep the descriptor.
        if connection.waitsForMemory, connection.isAtEndOfInput {
            connection.hasEndedInput = true
            endIfDone(connection)
        }
        updateInterest(of: connection)
        if connection.hasInFlight { deliver(.endOfInput(connection.id)) }
    }

    private mutating func endIfDone(_ connection: Connection) {
        let isDone = connection.hasEndedInput && !connection.hasInFlight && connection.unread.count == 0
        if isDone || connection.isClosing, !connection.hasOutput { end(connection) }
    }

    // MARK: Sending

    mutating func markDirty(_ connection: Connection) {
        guard !connection.isDirty else { return }
        connection.isDirty = true
        dirty.append(connection)
    }

    mutating func flushDirty() {
        while let connection = dirty.popLast() {
            connection.isDirty = false
            flush(connection)
        }
    }

    mutating func flush(_ connection: Connection) {
        guard !connection.hasEnded, connection.connectingTo == nil || connection.isClosing else { return }
        let (progress, sent) = connection.send(budget: 4 << 20)
        if sent > 0, connection.moved(sent, isWhole: !connection.hasOutput) {
            idle.touch(connection, at: time)
        }
        switch progress {
        case .done, .more: break
        case .disconnected: return end(connection)
        case .unreadable(let path):
            log(.error, "read_failed", ["file": path, "reason": "the disk failed"])
            return end(connection)
        case .cutShort(let path):
            // The frame cannot be completed, so neither can the connection be used.
            log(.error, "read_failed", ["file": path, "reason": "it has become shorter while it was being sent"])
            return end(connection)
        }
        endIfDone(connection)
        updateInterest(of: connection)
        // What was held back because too much was waiting to be sent has its turn again.
        schedule(connection)
    }

    mutating func updateInterest(of connection: Connection) {
        // What is to be sent is sent before the next wait: only then is it known what to wait for.
        guard !connection.hasEnded, !connection.isDirty else { return }
        var interest: Interest = []
        if wantsToRead(connection) && !connection.waitsForMemory {
            interest.insert(.reading)
        } else if !connection.isClientFinished {
            // While nothing is read, the end of the stream must still be seen, or a client that has gone
            // would keep its descriptor for as long as its requests wait.
            interest.insert(.endOfInput)
        }
        if connection.hasOutput { interest.insert(.writing) }
        guard interest != connection.interest else { return }
        do {
            try poller.change(
                connection.descriptor, token: connection.token, from: connection.interest, to: interest)
            connection.interest = interest
        } catch {
            end(connection)
        }
    }
}
