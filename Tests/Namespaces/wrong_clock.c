/* SPDX-License-Identifier: Apache-2.0 */
/* wrong_clock.c - a wall clock that is wrong by WRONG_CLOCK seconds, for programs that have this
 * library in LD_PRELOAD. Other clocks are left alone. (libfaketime puts variables of its own into
 * the environment, and then Swift does not find the arguments of the command.) */

#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static long wrong_by(void)
{
    const char *text = getenv("WRONG_CLOCK");
    return text != NULL ? strtol(text, NULL, 10) : 0;
}

int clock_gettime(clockid_t clock, struct timespec *shown)
{
    if (syscall(SYS_clock_gettime, clock, shown) != 0) {
        return -1;
    }
    if (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE) {
        shown->tv_sec += wrong_by();
    }
    return 0;
}

int gettimeofday(struct timeval *restrict shown, void *restrict zone)
{
    struct timespec now;

    (void)zone;
    if (clock_gettime(CLOCK_REALTIME, &now) != 0) {
        return -1;
    }
    shown->tv_sec = now.tv_sec;
    shown->tv_usec = now.tv_nsec / 1000;
    return 0;
}

time_t time(time_t *shown)
{
    struct timespec now;

    if (clock_gettime(CLOCK_REALTIME, &now) != 0) {
        return -1;
    }
    if (shown != NULL) {
        *shown = now.tv_sec;
    }
    return now.tv_sec;
}
