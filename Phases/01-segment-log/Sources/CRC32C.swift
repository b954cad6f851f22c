import CSystem

/// CRC-32C (Castagnoli), the checksum of Kafka's record batches (KIP-98).
public enum CRC32C {
    /// The checksum of `bytes`, or of what came before and `bytes` when `initial` is a previous result.
    public static func checksum(_ bytes: Bytes, continuing initial: UInt32 = 0) -> UInt32 {
        unsafe bytes.withUnsafeBytes { unsafe csystem_crc32c(initial, $0.baseAddress, $0.count) }
    }

    /// The same from tables, without the processor's instruction.
    package static func portableChecksum(_ bytes: Bytes, continuing initial: UInt32 = 0) -> UInt32 {
        unsafe bytes.withUnsafeBytes { unsafe csystem_crc32c_portable(initial, $0.baseAddress, $0.count) }
    }

    /// Whether this processor has an instruction for it.
    public static var isHardware: Bool { csystem_crc32c_is_hardware() == 1 }
}
