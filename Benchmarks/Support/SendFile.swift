#if canImport(Darwin)
    import Darwin
#else
    import Glibc
#endif
import SegmentLog

/// sendfile(2) of `count` bytes at `position`, at most `chunk` bytes in one call. False where the
/// file has no descriptor, or the other side is gone.
package func sendFile(_ file: any File, from position: Int64, count: Int, chunk: Int, to socket: Int32) -> Bool {
    guard let source = file.descriptor else { return false }
    var sent = 0
    while sent < count {
        let wanted = min(chunk, count - sent)
        #if canImport(Darwin)
            var length = off_t(wanted)
            guard unsafe sendfile(source, socket, off_t(position) + off_t(sent), &length, nil, 0) == 0 else {
                return false
            }
            sent += Int(length)
        #else
            var offset = off_t(position) + off_t(sent)
            let passed = unsafe sendfile(socket, source, &offset, wanted)
            guard passed > 0 else { return false }
            sent += passed
        #endif
    }
    return true
}
