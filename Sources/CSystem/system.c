#define _GNU_SOURCE
#include "CSystem.h"

#include <stdlib.h>

#ifdef __GLIBC__
#include <malloc.h>

void csystem_give_back_memory(void) { malloc_trim(0); }
#else
void csystem_give_back_memory(void) {}
#endif

#ifdef __linux__
#include <sys/socket.h>

int csystem_accept_nonblocking(int listener) {
    return accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
}
#endif
