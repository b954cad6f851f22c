#define _GNU_SOURCE
#include "CSystem.h"

#ifdef __linux__
#include <sys/socket.h>

int csystem_accept_nonblocking(int listener) {
    return accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
}
#endif
