// Counts the blocks that a thread takes from the heap, and their bytes.

#ifndef LOGBOOK_CALLOCATIONS_H
#define LOGBOOK_CALLOCATIONS_H

#include <stdint.h>

/// How many times this thread has called malloc, calloc or realloc, from whatever library; -1 where
/// they cannot be counted.
int64_t callocations_count(void);

/// How many bytes these calls have asked for, given back or not; -1 where they cannot be counted.
int64_t callocations_bytes(void);

#endif
