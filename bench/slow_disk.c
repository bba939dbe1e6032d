/* A disk that takes its time: every fsync and fdatasync takes at least SLOW_DISK_MS (4).
 *
 *     cc -O2 -shared -fPIC -o /tmp/slow_disk.so bench/slow_disk.c -ldl
 *     SLOW_DISK_MS=4 LD_PRELOAD=/tmp/slow_disk.so .venv/bin/python bench/push.py
 *
 * Virtual disks often answer from a cache, in hundredths of a millisecond, and disks that keep what
 * they were told take some. Server, database and bare inserts all see the slower disk.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <stdlib.h>
#include <time.h>

static void rest(struct timespec until)
{
    const char *text = getenv("SLOW_DISK_MS");
    long ns = until.tv_nsec + (long)((text ? atof(text) : 4.0) * 1e6);

    until.tv_sec += ns / 1000000000L;
    until.tv_nsec = ns % 1000000000L;
    while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL) == EINTR) {
    }
}

#define SLOW(name)                                                                                 \
    int name(int fd)                                                                               \
    {                                                                                              \
        int (*real)(int) = (int (*)(int))dlsym(RTLD_NEXT, #name);                                  \
        struct timespec began;                                                                     \
        clock_gettime(CLOCK_MONOTONIC, &began);                                                    \
        int result = real(fd), problem = errno;                                                    \
        rest(began);                                                                               \
        errno = problem;                                                                           \
        return result;                                                                             \
    }

SLOW(fsync)
SLOW(fdatasync)
