#if os(Linux)
    /// Where the frames of a stream end. Only the four bytes of each length are looked at.
    struct FrameCounter {
        private var length: UInt32 = 0
        private var lengthBytes = 0
        /// The bytes that the frame in hand lacks.
        private(set) var missing = 0

        /// Takes `bytes` in. Calls `ended` for each frame that ends in them, with its whole length and the place behind it.
        mutating func take(_ bytes: UnsafeRawBufferPointer, _ ended: (_ byteCount: Int, _ end: Int) -> Void) {
            var position = 0
            while position < bytes.count {
                if lengthBytes == 4 {
                    let taken = min(missing, bytes.count - position)
                    position += taken
                    missing -= taken
                } else if lengthBytes == 0 && bytes.count - position >= 4 {
                    length = unsafe UInt32(bigEndian: bytes.loadUnaligned(fromByteOffset: position, as: UInt32.self))
                    position += 4
                    (lengthBytes, missing) = (4, Int(length))
                } else {
                    length = unsafe length << 8 | UInt32(bytes[position])
                    position += 1
                    lengthBytes += 1
                    missing = lengthBytes == 4 ? Int(length) : 0
                }
                if lengthBytes == 4 && missing == 0 {
                    ended(4 + Int(length), position)
                    (lengthBytes, length) = (0, 0)
                }
            }
        }

        /// Bytes of the frame in hand were taken without being looked at; fewer than are missing.
        mutating func skip(_ count: Int) { missing -= count }
    }
#endif
