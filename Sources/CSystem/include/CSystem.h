// What Swift cannot import from the operating system, and the one instruction it cannot reach.

#ifndef LOGBOOK_CSYSTEM_H
#define LOGBOOK_CSYSTEM_H

#include <stddef.h>
#include <stdint.h>

#ifdef __linux__
#include <sys/epoll.h>
#include <sys/eventfd.h>

/// accept4(2) with SOCK_NONBLOCK and SOCK_CLOEXEC: a connection, or -1 with errno set.
int csystem_accept_nonblocking(int listener);
#endif

/// Gives the heap's free pages back to the system, where the allocator can (glibc's malloc_trim).
void csystem_give_back_memory(void);

/// Continues a CRC-32C (Castagnoli, reflected polynomial 0x82F63B78) over `length` more bytes.
/// `crc` is 0 for the first part, and the result of the previous part after that.
/// Uses the processor's instruction where there is one.
uint32_t csystem_crc32c(uint32_t crc, const void *bytes, size_t length);

/// The same with tables alone: the fallback, and the oracle that the tests compare with.
uint32_t csystem_crc32c_portable(uint32_t crc, const void *bytes, size_t length);

/// 1 where `csystem_crc32c` uses the processor's instruction.
int csystem_crc32c_is_hardware(void);

#endif
