// An executable's own malloc comes before the C library's for every library that it loads, the
// Swift runtime included. glibc keeps its own under another name, so this one counts and passes on;
// free stays as it is. mallinfo2(3) would not do: it tells what is in use, and misses a block that is
// freed again at once.

#include "CAllocations.h"
#include <stddef.h>

#if defined(__has_feature)
#if __has_feature(thread_sanitizer) || __has_feature(address_sanitizer)
#define HAS_OWN_MALLOC
#endif
#endif

#if defined(__GLIBC__) && !defined(HAS_OWN_MALLOC)

void *__libc_malloc(size_t);
void *__libc_calloc(size_t, size_t);
void *__libc_realloc(void *, size_t);

static __thread int64_t count, bytes;

void *malloc(size_t size) {
    count++, bytes += size;
    return __libc_malloc(size);
}

void *calloc(size_t items, size_t size) {
    count++, bytes += items * size;
    return __libc_calloc(items, size);
}

void *realloc(void *block, size_t size) {
    count++, bytes += size;
    return __libc_realloc(block, size);
}

int64_t callocations_count(void) { return count; }
int64_t callocations_bytes(void) { return bytes; }

#else

int64_t callocations_count(void) { return -1; }
int64_t callocations_bytes(void) { return -1; }

#endif
